"""Writes every specimen in a language and looks at what comes out: what no single file shows."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from outreach.formats import Reader
from outreach.linting.findings import Finding
from outreach.linting.notices import problems
from outreach.linting.pages import text_of
from outreach.linting.specimens import CURRENCY, LINK, OTHER_SHOP, SHOP, Specimen, specimens
from outreach.slots import MARKETING, TOPICS, slots_of
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
    for one in (one for some in specimens().values() for one in some):
        purpose = TOPICS[one.topic].purpose
        for shop, link in ((SHOP, LINK), (OTHER_SHOP, "")) if purpose == MARKETING else ((SHOP, LINK),):
            message = compose(purpose, [one.told], Reader(language, "UTC"), shop, own, link=link)
            found = [*_wrong(one, message, language, own)]
            wrong = problems(purpose, [one.told], message, shop, sensitive_words, own, link=link)
            found += [(p.rule, p.advice) for p in wrong]
            for rule, advice in found:
                folder = one.topic if rule in _OF_THE_TOPIC else purpose
                yield Finding(f"{language}/{folder}/{VERSION}.txt", 1, rule, advice)


def _wrong(one: Specimen, message: Message, language: str, own: Path | None) -> Iterator[tuple[str, str]]:
    page = text_of(message.html)
    if f'<html lang="{language}"' not in message.html:
        yield "page", 'the page does not say its language; it begins with <html lang="{{ language }}">'
    title = re.search(r"<title>(.+)</title>", message.html)
    if title is None or html.unescape(title.group(1)) != message.subject:
        yield "page", "the page has no title; put {{ subject }} into <title>"
    if not (SHOP.contact in message.text and SHOP.contact in page):
        yield "person", "there is no way to a person; say {{ contact }} in text and HTML"
    reader = Reader(language, "UTC").in_language(language)
    slots = frame_slots(SHOP, reader, {}) | {"item": slots_of(one.told, reader)}
    what, why = (
        one_line(template(f"{one.topic}/{VERSION}.{form}", language, html=False, own=own), slots)
        for form in ("txt", "why")
    )
    if not why or why not in message.text or why not in page:
        yield (
            "why",
            "it does not say why somebody gets this; say every reason of {{ reasons }} in text and HTML",
        )
    amount = one.told.amount_minor
    if amount and reader.money(amount, CURRENCY) not in what:
        yield "amount", "it does not say the amount; say {{ item.amount }}"
