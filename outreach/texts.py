"""The words of a message: versioned templates per kind inside a frame per purpose.

Templates live in `outreach/templates/<kind or purpose>/v1.*`. They run in Jinja2's sandbox, an unknown slot
is an error, HTML escapes every slot, and no slot can hold a line break, so that a product's title cannot
pretend to be a line of the message. A wording that changes gets a new version beside the old one.
"""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from outreach.formats import Reader
from outreach.slots import Told, outline_of, slots_of
from outreach.standing import PURPOSES
from outreach.states import NO_CHANNEL
from warehouse.settings import OutreachSettings

VERSION = "v1"


@dataclass(frozen=True)
class Message:
    """What a customer would read. `template` names the templates and versions it was made from."""

    subject: str
    text: str
    html: str
    template: str


def frame_of(channel: str, purpose: str, told: Sequence[Told]) -> str:
    """Which templates frame a notice: those of its purpose, but for questions and what nobody is sent."""
    if channel == NO_CHANNEL:
        return NO_CHANNEL
    return "follow_up" if all(one.kind == "follow_up" for one in told) else purpose


def compose(frame: str, told: Sequence[Told], reader: Reader, settings: OutreachSettings) -> Message:
    """Writes the message about one customer's opportunities of one currency.

    Args:
        frame: what `frame_of` says: `service`, `marketing`, `follow_up` or `none`.
        told: the opportunities, in the order they are to be told.
        reader: locale and zone for money and dates.
        settings: shop name, contact and the windows that the reasons mention.
    """
    kinds = sorted({one.kind for one in told})
    used = (frame, *kinds) if frame in PURPOSES else (frame,)
    slots = {
        "shop": settings.shop_name,
        "contact": settings.contact,
        "total": _total(told, reader),
        "items": [outline_of(one, reader) if frame == NO_CHANNEL else slots_of(one, reader) for one in told],
        "kinds": kinds,
        "purpose": frame,
        "price_drop_days": str(settings.protection_days),
        "habit_days": str(settings.habit_days),
        "watched_days": str(settings.watched_days),
        "credit_days": str(settings.credit_days),
    }
    return Message(
        subject=_template(f"{frame}/{VERSION}.subject").render(slots).strip(),
        text=_template(f"{frame}/{VERSION}.txt").render(slots).strip() + "\n",
        html=_template(f"{frame}/{VERSION}.html").render(slots).strip() + "\n",
        template=" ".join(f"{name}/{VERSION}" for name in used),
    )


def content_hash(
    *, recipient: str, channel: str, purpose: str, amounts: Sequence[Told], message: Message
) -> str:
    """SHA-256 over everything an approval is about: to whom, how, what for, the amounts and the words."""
    owed = sorted((one.opportunity_id, one.amount_minor, one.currency) for one in amounts)
    content = [recipient, channel, purpose, owed, message.subject, message.text, message.html]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _total(told: Sequence[Told], reader: Reader) -> str | None:
    known = [(one.amount_minor, one.currency) for one in told if one.amount_minor and one.currency]
    if not known:
        return None
    return reader.money(sum(amount for amount, _ in known), known[0][1])


@cache
def _template(name: str) -> Template:
    return _environment(html=name.endswith(".html")).get_template(name)


@cache
def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("outreach"),
        autoescape=html,
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _one_line(value: Any) -> Any:
    """A slot's value without control, line-break and direction-changing characters."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Cs") else letter for letter in value
    )
