"""The words of a message: what is said of each opportunity, inside a frame per purpose.

The words themselves are templates, see `outreach.wording`; what they may say are slots, see `outreach.slots`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from outreach.formats import Reader
from outreach.slots import BACK, IN_HAND, SAVING, TOPICS, Slots, Told, slots_of
from outreach.states import NO_CHANNEL
from outreach.wording import ENGLISH, LAYOUT, VERSION, languages, template
from warehouse.settings import OutreachSettings

_SPACES = re.compile(r"[ \t\n]+")
_LINK = re.compile(r"https://\S+")
_COUNTED = ("protection_days", "habit_days", "watched_days", "cheaper_days")
_SHARES = ("late_share", "late_most")
RULES = (*_COUNTED, *(f"{name}_form" for name in _COUNTED), *_SHARES)
"""What reasons may say of the settings: days with their plural forms, and shares."""


@dataclass(frozen=True)
class Message:
    """What a customer would read. `template` says in what language and from which templates."""

    subject: str
    text: str
    html: str
    template: str


def compose(
    frame: str,
    told: Sequence[Told],
    reader: Reader,
    settings: OutreachSettings,
    own: Path | None = None,
    *,
    note: str = "",
    link: str = "",
) -> Message:
    """Writes the message about one customer's opportunities of one currency.

    It is in the reader's language where there are words in it, else in English.

    Args:
        frame: `service`, `marketing`, or `none` for what nobody is sent.
        told: the opportunities, in the order they are to be told.
        reader: locale and zone for language, money and dates.
        settings: shop name, contact, opt-out, address, and the windows that the reasons mention.
        own: the retailer's own templates, which win over ours.
        note: a reviewer's own sentence, under the greeting.
        link: the customer's own; empty where the message carries none.
    """
    language = reader.language if reader.language in languages(own) else ENGLISH
    words = _Words(language, reader.in_language(language), own)
    items = [slots_of(one, words.reader) for one in told]
    topics = list(dict.fromkeys(str(item["topic"]) for item in items))
    slots = frame_slots(settings, words.reader, _totals(told, items, words.reader), link) | {"note": note}
    alone = len(topics) == 1 and frame != NO_CHANNEL
    subject = words.say(f"{topics[0] if alone else frame}/{VERSION}.subject", slots)
    text, html = (
        words.frame(f"{frame}/{VERSION}.{form}", slots, items, topics, html=form == "html")
        for form in ("txt", "html")
    )
    page = {"subject": subject, "body": Markup(html), "language": language}  # noqa: S704  made by a template
    page["direction"] = words.reader.direction
    whole = template(f"{LAYOUT}/{VERSION}.html", language, html=True, own=own).render(page)
    kinds = sorted({one.kind for one in told})
    return Message(
        subject, text + "\n", whole.strip() + "\n", f"{language}/{VERSION} {frame} {' '.join(kinds)}"
    )


@dataclass(frozen=True)
class _Words:
    """The templates of one message."""

    language: str
    reader: Reader
    own: Path | None

    def say(self, name: str, slots: dict[str, Any], *, html: bool = False) -> str:
        return one_line(template(name, self.language, html=html, own=self.own), slots)

    def frame(
        self, name: str, slots: dict[str, Any], items: Sequence[Any], topics: Sequence[str], *, html: bool
    ) -> str:
        """A frame around what is said of each item, and why."""
        said = [
            {
                "said": Markup(self.say(f"{item['topic']}/{VERSION}.txt", slots | {"item": item}, html=html)),  # noqa: S704
                "reference": item["reference"],
            }
            for item in items
        ]
        reasons = [Markup(self.say(f"{topic}/{VERSION}.why", slots, html=html)) for topic in topics]  # noqa: S704
        made = template(name, self.language, html=html, own=self.own)
        return made.render(slots | {"items": said, "reasons": reasons}).strip()


def one_line(words: Template, slots: dict[str, Any]) -> str:
    """What a template says, without the line breaks it is written with."""
    return _SPACES.sub(" ", words.render(slots)).strip()


def frame_slots(
    settings: OutreachSettings, reader: Reader, totals: dict[str, str | None], link: str = ""
) -> dict[str, Any]:
    """What every template may say, whatever it is about.

    `back`, `in_hand` and `saving` are sums by what they are to the customer; `rules` are settings;
    `choices_url` is the customer's own link.
    """
    rules = {name: str(getattr(settings, name)) for name in _COUNTED}
    rules |= {f"{name}_form": reader.form(getattr(settings, name)) for name in _COUNTED}
    rules |= {name: reader.share(getattr(settings, name)) for name in _SHARES}
    return totals | {
        "shop": settings.shop_name,
        "contact": settings.contact,
        "opt_out": settings.opt_out,
        "opt_out_url": settings.opt_out if _LINK.fullmatch(settings.opt_out) else "",
        "postal_address": settings.postal_address,
        "choices_url": link,
        "rules": rules,
    }


def content_hash(
    *, recipient: str, channel: str, purpose: str, amounts: Sequence[Told], message: Message
) -> str:
    """SHA-256 over everything an approval is about: to whom, how, what for, the amounts and the words."""
    owed = sorted((one.opportunity_id, one.amount_minor, one.currency) for one in amounts)
    content = [recipient, channel, purpose, owed, message.subject, message.text, message.html]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _totals(told: Sequence[Told], items: Sequence[Slots], reader: Reader) -> dict[str, str | None]:
    sums: dict[str, int] = {}
    for one, item in zip(told, items, strict=True):
        money = TOPICS[str(item["topic"])].money
        if money and one.amount_minor and one.currency:
            sums[money] = sums.get(money, 0) + one.amount_minor
    currency = next((one.currency for one in told if one.currency), None)
    return {
        name: reader.money(sums[name], currency) if name in sums and currency else None
        for name in (BACK, IN_HAND, SAVING)
    }
