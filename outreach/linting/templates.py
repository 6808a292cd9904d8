"""Looks at folders of templates: is everything there, does it say only what it may, does it say it to all."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from outreach.linting.findings import Finding
from outreach.linting.pages import wrong_html
from outreach.linting.slots import names_of, wrong_code
from outreach.linting.specimens import specimens
from outreach.linting.trying import tried
from outreach.linting.words import WORDS, line_of, promotion, said, sensitive
from outreach.slots import SERVICE, TOPICS
from outreach.wording import FRAMES, LAYOUT, OURS, VERSION, languages

ENDINGS = {
    **dict.fromkeys(TOPICS, ("subject", "txt", "why")),
    **dict.fromkeys(FRAMES, ("subject", "txt", "html")),
}
"""The files of each folder of a language."""


def check(folder: Path | None = None, sensitive_words: tuple[str, ...] = ()) -> list[Finding]:
    """Everything that is wrong with a folder of templates, in the order of files and lines.

    Args:
        folder: the retailer's own templates; by default ours. A file that is not in it is ours.
        sensitive_words: beginnings of words that no template may hold.
    """
    root = folder or OURS
    own = None if root == OURS else root
    found = [finding for file in _files(root) for finding in _read(file, root, own, sensitive_words)]
    found += _missing(own)
    if not found:  # what cannot be read cannot be tried
        found += [
            wrong for language in sorted(languages(own)) for wrong in tried(language, own, sensitive_words)
        ]
    return sorted(set(found))


def _files(root: Path) -> list[Path]:
    return sorted(file for file in root.rglob("*") if file.is_file() and file.name != "specimens.json")


def _read(file: Path, root: Path, own: Path | None, sensitive_words: tuple[str, ...]) -> Iterator[Finding]:
    """What the source of one file shows."""
    name = file.relative_to(root).as_posix()
    if file.name == WORDS:
        return
    if (place := _place(name)) is None:
        yield Finding(
            name, 0, "name", "no text has this name, so nobody would read it; rename it or take it out"
        )
        return
    try:
        source = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        yield Finding(name, 1, "encoding", f"this is not UTF-8 (byte {error.start}); save it as UTF-8")
        return
    language, folder, ending = place
    frame = folder in FRAMES and ending != "subject"
    yield from wrong_code(source, names_of(folder, ending, specimens()), name, loops=frame)
    if ending == "html":
        yield from wrong_html(source, name)
    elif folder in TOPICS and ending != "subject":
        yield from _markup(source, name)
    if language:
        text = said(source, html=ending == "html")
        yield from _words(text, name, promotion(language, own), sensitive_words)


def _place(name: str) -> tuple[str, str, str] | None:
    """Language (empty: the layout of all), folder and ending of a file; `None` where it is none of these."""
    parts = name.split("/")
    if len(parts) not in (2, 3):
        return None
    language, folder, base = ["", *parts][-3:]
    version, _, ending = base.partition(".")
    known = ENDINGS.get(folder, ()) if language else ("html",) if folder == LAYOUT else ()
    return (language, folder, ending) if version == VERSION and ending in known else None


def _words(
    text: str, file: str, promoting: re.Pattern[str], sensitive_words: tuple[str, ...]
) -> Iterator[Finding]:
    folder = file.split("/")[1]
    rules = {"sensitive": (sensitive(sensitive_words), "names something sensitive; say it without that word")}
    if (TOPICS[folder].purpose if folder in TOPICS else folder) == SERVICE:
        advice = "promotes; a message about money owed sells nothing: say it without that word"
        rules["promotion"] = (promoting, advice)
    for rule, (pattern, advice) in rules.items():
        for match in pattern.finditer(text):
            yield Finding(file, line_of(text, match.start()), rule, f"{match.group()!r} {advice}")
    for place, letter in enumerate(text):
        if unicodedata.category(letter) in ("Nd", "Sc"):
            advice = f"{letter!r} is written out; numbers and amounts come from slots, or are words"
            yield Finding(file, line_of(text, place), "number", advice)


def _markup(source: str, file: str) -> Iterator[Finding]:
    text = said(source, html=False)
    for match in re.finditer(r"[<>&]", text):
        advice = f"{match.group()!r} is markup, and these words also go into HTML; write plain text"
        yield Finding(file, line_of(text, match.start()), "markup", advice)


def _missing(own: Path | None) -> Iterator[Finding]:
    """Languages with holes: every one has all topics and frames, and a list of promotion words."""
    for language in sorted(languages(own)):
        names = [f"{folder}/{VERSION}.{ending}" for folder, endings in ENDINGS.items() for ending in endings]
        for name in [*names, WORDS]:
            roots = [root for root in (own, OURS) if root is not None]
            if not any((root / language / name).is_file() for root in roots):
                advice = f"{language!r} lacks this file; write it, or take the language out"
                yield Finding(f"{language}/{name}", 0, "missing", advice)
