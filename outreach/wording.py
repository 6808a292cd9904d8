"""Where the words are: a folder per language, the retailer's own before ours.

`outreach/templates/<language>/<topic or frame>/v1.*`, and files of the same names in `<home>/templates/`,
which win. They run in Jinja2's sandbox, an unknown slot is an error, HTML escapes every slot, and no slot can
hold a line break or turn text around, so that a title cannot pretend to be a line of the message.
"""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from outreach.standing import PURPOSES
from outreach.states import NO_CHANNEL

VERSION = "v1"
OURS = Path(__file__).parent / "templates"
ENGLISH = "en"
LAYOUT = "layout"
FRAMES = (*PURPOSES, NO_CHANNEL)
"""Frames: of each purpose, and of what is owed to those who cannot be told, which only reviewers read."""
_ISOLATE, _END_OF_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


@cache
def languages(own: Path | None = None) -> frozenset[str]:
    """The languages there are words in."""
    return frozenset(
        folder.name
        for root in (own, OURS)
        if root is not None and root.is_dir()
        for folder in root.iterdir()
        if folder.is_dir() and folder.name != LAYOUT
    )


@cache
def template(name: str, language: str, *, html: bool, own: Path | None = None) -> Template:
    """The template of a name like `price_drop/v1.txt` in a language.

    Args:
        name: relative to the folder of the language; `layout/v1.html` is the same for all.
        language: one of `languages`.
        html: whether slots are escaped.
        own: the retailer's own folder.
    """
    return _environment(language, html=html, own=own).get_template(name)


@cache
def _environment(language: str, *, html: bool, own: Path | None) -> ImmutableSandboxedEnvironment:
    roots = [root for root in (own, OURS) if root is not None]
    folders = [folder for root in roots for folder in (root / language, root)]
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folders),
        autoescape=html,
        undefined=StrictUndefined,
        finalize=cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["strong"] = _strong if html else cleaned
    return environment


def cleaned(value: Any) -> Any:
    """A slot's value on one line, without characters that act instead of being seen.

    Text that runs from right to left is isolated, so that what stands around it stays where it is.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    kept = "".join(_visible(letter) for letter in value)
    return f"{_ISOLATE}{kept}{_END_OF_ISOLATE}" if any(map(_runs_left, kept)) else kept


def _visible(letter: str) -> str:
    category = unicodedata.category(letter)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs") and letter not in _JOINERS else letter


def _runs_left(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL")


def _strong(value: Any) -> Markup:
    return Markup("<strong>{}</strong>").format(cleaned(value))
