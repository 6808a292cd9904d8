"""Words that must not be in a text: promotion in a language, and beginnings of sensitive words."""

import re
from functools import cache
from pathlib import Path

from outreach.wording import OURS

WORDS = "promotion.words"
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", flags=re.DOTALL)
_TAG = re.compile(r"<[^>]*>", flags=re.DOTALL)
NEVER = re.compile(r"(?!)")


@cache
def promotion(language: str, own: Path | None = None) -> re.Pattern[str]:
    """What finds words of promotion in a text of a language; the retailer's list adds to ours."""
    files = [root / language / WORDS for root in (OURS, own) if root is not None]
    lines = [
        line.strip() for file in files if file.is_file() for line in file.read_text("utf-8").splitlines()
    ]
    phrases = [_phrase(line) for line in lines if line and not line.startswith("#")]
    return re.compile(rf"(?i)\b(?:{'|'.join(phrases)})\b") if phrases else NEVER


@cache
def sensitive(words: tuple[str, ...]) -> re.Pattern[str]:
    """What finds words that begin like one of these."""
    return re.compile(rf"(?i)\b(?:{'|'.join(map(re.escape, words))})\w*") if words else NEVER


def said(source: str, *, html: bool) -> str:
    """A template's own words: code, and tags in HTML, are blanks; every line stays where it is."""
    plain = _CODE.sub(_blank, source)
    return _TAG.sub(_blank, plain) if html else plain


def line_of(text: str, place: int) -> int:
    """The number of the line that a place in a text is on, from 1."""
    return text.count("\n", 0, place) + 1


def _phrase(line: str) -> str:
    parts = (re.escape(word).replace(r"\*", r"\w*") for word in line.split())
    return r"\s+".join(parts)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())
