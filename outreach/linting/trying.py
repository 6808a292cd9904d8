"""Writes every specimen in a language and looks at what comes out: what no single file shows."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from outreach.formats import Reader
from outreach.linting.findings import Finding
from outreach.linting.notices import problems
from outreach.linting.pages import text_of
from outreach.linting.specimens import CURRENCY, SHOP, Specimen, specimens
from outreach.slots import TOPICS
from outreach.texts import Message, compose, frame_slots, one_line
from outreach.wording import VERSION, template

_OF_THE_TOPIC = ("promotion", "sensitive", "amount")


def tried(language: str, own: Path | None, sensitive_words: tuple[str, ...]) -> Iterator[Finding]:
    """What is wrong with the messages of a language.

    Args:
        language: which one.
        own: the retailer's own templates.
        sensitive_words: beginnings of words that no message may name.
    """
    reader = Reader(language, "UTC").in_language(language)
    for one in (one for some in specimens().values() for one in some):
        purpose = TOPICS[one.topic].purpose
        message = compose(purpose, [one.told], Reader(language, "UTC"), SHOP, own)
        found = [*_wrong(one, message, language, reader, own)]
        found += [
            (p.rule, p.advice) for p in problems(purpose, [one.told], message, SHOP, sensitive_words, own)
        ]
        for rule, advice in found:
            folder = one.topic if rule in _OF_THE_TOPIC else purpose
            yield Finding(f"{language}/{folder}/{VERSION}.txt", 1, rule, advice)


def _wrong(
    one: Specimen, message: Message, language: str, reader: Reader, own: Path | None
) -> Iterator[tuple[str, str]]:
    page = text_of(message.html)
    if f'<html lang="{language}"' not in message.html:
        yield "page", 'the page does not say its language; it begins with <html lang="{{ language }}">'
    title = re.search(r"<title>(.+)</title>", message.html)
    if title is None or html.unescape(title.group(1)) != message.subject:
        yield "page", "the page has no title; put {{ subject }} into <title>"
    if not (SHOP.contact in message.text and SHOP.contact in page):
        yield "person", "there is no way to a person; say {{ contact }} in text and HTML"
    words = template(f"{one.topic}/{VERSION}.why", language, html=False, own=own)
    why = one_line(words, frame_slots(SHOP, reader, {}))
    if not why or why not in message.text or why not in page:
        yield (
            "why",
            "it does not say why somebody gets this; say every reason of {{ reasons }} in text and HTML",
        )
    amount = one.told.amount_minor
    if amount and reader.money(amount, CURRENCY) not in message.text:
        yield "amount", "it does not say the amount; say {{ item.amount }}"
