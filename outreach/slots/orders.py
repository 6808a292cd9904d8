"""Slots of what is about orders: the same order twice, what went wrong, what came late, and how it ended."""

from collections.abc import Mapping
from typing import Any

from outreach.formats import Reader
from outreach.references import shortened
from outreach.slots.values import day, money, owed, title

Slots = dict[str, str | None]


def double_payment_topic(evidence: Mapping[str, Any]) -> str:
    """Whether an order or the fee of a subscription was paid twice."""
    return f"double_payment_{'subscription' if 'fee_due_at' in evidence else 'order'}"


def failed_experience_topic(evidence: Mapping[str, Any]) -> str:
    """Whether an incident is on record or plays failed."""
    return f"failed_experience_{'plays' if evidence['failures'] else 'reported'}"


def second_order(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of an order that repeats another one."""
    return owed(evidence, reader) | {
        "order": title(evidence["order_id"]),
        "earlier_order": title(evidence["other_order_id"]),
        "bought_on": reader.date(evidence["ordered_at"]),
    }


def reported(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of an incident on record."""
    return owed(evidence, reader) | {
        "item": title(evidence["item"]),
        "happened_on": reader.date(evidence["occurred_at"]),
    }


def failed_plays(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of plays that failed: those of an incident, and how many."""
    return reported(evidence, reader) | {
        "failures": reader.number(str(evidence["failures"])),
        "failures_form": reader.form(evidence["failures"]),
    }


def late(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of `late_delivery`: `arrived_on` is null while it is on its way."""
    return owed(evidence, reader) | {
        "item": title(evidence["item"]),
        "bought_on": reader.date(evidence["purchased_at"]),
        "promised_on": reader.date(evidence["promised_at"]),
        "arrived_on": day(evidence, "delivered_at", reader),
        "paid": money(evidence, "line_total_minor", reader),
    }


def follow_up(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of the question after a remedy: what was paid, when, and the reference of that promise."""
    return {
        "amount": money(evidence, "amount_minor", reader),
        "paid_on": reader.date(evidence["paid_at"]),
        "reference": shortened(evidence["promise_id"]),
    }
