"""How the desk says amounts, moments and names of things to its reviewers."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from outreach.formats import Reader
from outreach.promises.models import IN_HAND
from outreach.risk import MEANINGS

_READER = Reader("en_US", "UTC")
KINDS = {
    "price_guarantee": "price guarantee",
    "price_drop": "price fell after purchase",
    "double_payment": "paid twice",
    "failed_experience": "failed experience",
    "late_delivery": "late delivery",
    "unclaimed_benefit": "unclaimed benefit",
    "unused_entitlement": "unused coupon or credit",
    "idle_subscription": "idle subscription",
    "watched_price_drop": "watched product got cheaper",
    "back_in_stock_cheaper": "back in stock, cheaper",
    "cheaper_same": "the same for less",
    "recurring_trouble": "recurring trouble",
    "follow_up": "follow-up question",
    "goodwill": "goodwill",
    "word": "our word",
    "call": "a call",
}
OWED = {
    "right": "theirs by right",
    "policy": "ours to pay by policy",
    "advice": "advice: they could save",
    "question": "a question",
}
_STATES = {"in_review": "in review"}


def money(minor: int | None, currency: str | None) -> str:
    """An amount, or a dash where none is known."""
    return "–" if minor is None or not currency else _READER.money(minor, currency)


def sums(by_currency: Mapping[str, int]) -> str:
    """Amounts of several currencies, never added."""
    return " + ".join(money(minor, currency) for currency, minor in sorted(by_currency.items())) or "–"


def when(moment: datetime | None, zone: str = "UTC") -> str:
    """A moment in a zone, to the minute; a dash for none."""
    if moment is None:
        return "–"
    return format_datetime(moment.astimezone(ZoneInfo(zone)), "d MMM y, HH:mm z", locale="en_GB")


def day(value: date | str) -> str:
    """A calendar day."""
    known = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{known:%A}, {known.day} {known:%B %Y}"


def kind(name: str) -> str:
    """A kind of opportunity or promise in a few words."""
    return KINDS.get(name, name.replace("_", " "))


def state(name: str) -> str:
    """A state in words."""
    return _STATES.get(name, name.replace("_", " "))


def risk(name: str) -> str:
    """What is unusual about a notice."""
    return MEANINGS.get(name, name.replace("_", " "))


def number(value: float) -> str:
    """A number with its thousands apart."""
    return f"{value:,}"


def quantity(value: Decimal) -> str:
    """A quantity without the zeros that say nothing."""
    return f"{value.normalize():,f}"


def masked(key: bytes, value: str | None) -> str | None:
    """A stand-in for an id or address: the same for the same one, and telling nothing of it."""
    if value is None:
        return None
    return f"#{hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:10]}"


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money,
    "sums": sums,
    "when": when,
    "day": day,
    "kind": kind,
    "state": state,
    "risk": risk,
    "number": number,
    "quantity": quantity,
    "owed": lambda name: OWED.get(name, name),
    "in_hand": lambda name: name in IN_HAND,
}
"""What templates say things with."""
