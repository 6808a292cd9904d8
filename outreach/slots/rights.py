"""Slots of what is about rights: coupons, credits, benefits and subscriptions."""

from collections.abc import Mapping
from typing import Any

from outreach.formats import Reader
from outreach.slots.values import day, last_day, money, owed, title

Slots = dict[str, str | None]
MONEY_IN_HAND = ("credit", "gift_card")


def unused_topic(evidence: Mapping[str, Any]) -> str:
    """Whether it is money in hand, or something that saves some."""
    kind = evidence.get("offer_kind")
    return "unused_entitlement_credit" if kind in MONEY_IN_HAND else "unused_entitlement"


def unclaimed_topic(evidence: Mapping[str, Any]) -> str:
    """Whether delivery or a product would have been covered."""
    return f"unclaimed_benefit_{evidence['line_kind']}"


def second_fee(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of a subscription that is paid twice."""
    return owed(evidence, reader) | {
        "offer": title(evidence["offer"]),
        "fee": money(evidence, "fee_minor", reader),
        "fee_on": reader.date(evidence["fee_due_at"]),
    }


def unclaimed(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of something paid that a right in hand would have covered."""
    return owed(evidence, reader) | {
        "item": title(evidence["item"]),
        "offer": title(evidence["offer"]),
        "bought_on": reader.date(evidence["purchased_at"]),
        "paid": money(evidence, "line_total_minor", reader),
    }


def unused(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of a coupon or benefit for something bought regularly."""
    return {
        "item": title(evidence["item"]),
        "offer": title(evidence["offer"]),
        "amount": money(evidence, "amount_minor", reader),
        "expires_on": last_day(evidence, "expires_at", reader),
    }


def balance(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of a balance that lapses: `gift_card` is `yes` or null."""
    return {
        "offer": title(evidence["offer"]),
        "gift_card": "yes" if evidence["offer_kind"] == "gift_card" else None,
        "amount": money(evidence, "amount_minor", reader),
        "expires_on": last_day(evidence, "expires_at", reader),
    }


def idle(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of a subscription that was paid and not used."""
    return owed(evidence, reader) | {
        "offer": title(evidence["offer"]),
        "last_use_on": day(evidence, "last_use", reader),
        "unused_from": reader.date(evidence["unused_from"]),
        "unused_until": reader.last_date(evidence["unused_until"]),
        "fee": money(evidence, "fee_minor", reader),
        "periods": reader.number(str(evidence["unused_periods"])),
        "periods_form": reader.form(evidence["unused_periods"]),
    }
