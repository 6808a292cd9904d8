"""What a template may say of an opportunity: plain texts made from its evidence, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outreach.finders.rights import OWN_MONEY
from outreach.formats import Reader

Slots = dict[str, str | None]


@dataclass(frozen=True)
class Told:
    """One opportunity as a message tells of it; `evidence` is its JSON text."""

    opportunity_id: str
    kind: str
    amount_minor: int | None
    currency: str | None
    evidence: str


def slots_of(told: Told, reader: Reader) -> Slots:
    """The slots of a kind's template, formatted for the reader; null where the evidence is silent."""
    return {"kind": told.kind} | SLOTS[told.kind](json.loads(told.evidence), reader)


def _price_drop(evidence: dict[str, Any], reader: Reader) -> Slots:
    currency = evidence["currency"]
    bought, kept = evidence["quantity"], evidence["kept_quantity"]
    promised = evidence["already_promised_minor"]
    return {
        "item": evidence["item"],
        "units": reader.number(kept),
        "bought_units": reader.number(bought),
        "returned": "yes" if Decimal(kept) < Decimal(bought) else None,
        "bought_on": reader.date(evidence["purchased_at"]),
        "paid": reader.money(evidence["line_total_minor"], currency),
        "price_then": reader.price(evidence["list_price_at_purchase"], currency),
        "price_low": reader.price(evidence["lowest_list_price"], currency),
        "fell_on": reader.date(evidence["lowest_list_price_from"]),
        "promised": reader.money(promised, currency) if promised else None,
        "amount": reader.money(evidence["amount_minor"], currency),
    }


def _price_guarantee(evidence: dict[str, Any], reader: Reader) -> Slots:
    dispatched = evidence["dispatched_at"]
    return _price_drop(evidence, reader) | {"sent_on": reader.date(dispatched) if dispatched else None}


def _paid_back(evidence: dict[str, Any], reader: Reader) -> Slots:
    """What every message about money owed says: how much, and what was promised of it before."""
    currency, promised = evidence["currency"], evidence["already_promised_minor"]
    return {
        "item": evidence["item"],
        "promised": reader.money(promised, currency) if promised else None,
        "amount": reader.money(evidence["amount_minor"], currency),
    }


def _double_payment(evidence: dict[str, Any], reader: Reader) -> Slots:
    due, ordered = evidence.get("fee_due_at"), evidence.get("ordered_at")
    return _paid_back(evidence, reader) | {
        "offer": evidence.get("offer"),
        "paid": reader.money(evidence["claim_minor"], evidence["currency"]),
        "due_on": reader.date(due) if due else None,
        "ordered_on": reader.date(ordered) if ordered else None,
    }


def _failed_experience(evidence: dict[str, Any], reader: Reader) -> Slots:
    own, line = evidence["incident_amount_minor"], evidence["line_total_minor"]
    paid = line if own is None else own
    return _paid_back(evidence, reader) | {
        "happened_on": reader.date(evidence["occurred_at"]),
        "paid": reader.money(paid, evidence["currency"]),
    }


def _late_delivery(evidence: dict[str, Any], reader: Reader) -> Slots:
    delivered = evidence["delivered_at"]
    return _paid_back(evidence, reader) | {
        "bought_on": reader.date(evidence["purchased_at"]),
        "promised_for": reader.date(evidence["promised_at"]),
        "delivered_on": reader.date(delivered) if delivered else None,
    }


def _idle_subscription(evidence: dict[str, Any], reader: Reader) -> Slots:
    return _paid_back(evidence, reader) | {
        "offer": evidence["offer"],
        "fee": reader.money(evidence["fee_minor"], evidence["currency"]),
        "idle_from": reader.date(evidence["unused_from"]),
        "idle_to": reader.last_date(evidence["unused_until"]),
    }


def _unclaimed_benefit(evidence: dict[str, Any], reader: Reader) -> Slots:
    return _paid_back(evidence, reader) | {
        "offer": evidence["offer"],
        "shipping": "yes" if evidence["line_kind"] == "shipping" else None,
        "bought_on": reader.date(evidence["purchased_at"]),
        "paid": reader.money(evidence["paid_for_kept_minor"], evidence["currency"]),
    }


def _look(evidence: dict[str, Any], reader: Reader) -> Slots:
    currency, amount = evidence["currency"], evidence["amount_minor"]
    return {
        "item": evidence["item"],
        "looked_on": reader.date(evidence["looked_at"]),
        "price_then": reader.price(evidence["price_then"], currency),
        "price_now": reader.price(evidence["price_now"], currency),
        "amount": reader.money(amount, currency) if amount else None,
    }


def _cheaper_same(evidence: dict[str, Any], reader: Reader) -> Slots:
    currency = evidence["currency"]
    settings = json.loads(evidence["settings"])
    return {
        "item": evidence["item"],
        "other_item": evidence["other_item"],
        "size": evidence["package_size"],
        "other_size": evidence["other_package_size"],
        "price": reader.price(evidence["price"], currency),
        "other_price": reader.price(evidence["other_price"], currency),
        "orders": str(evidence["orders"]),
        "days": str(settings["cheaper_days"]),
        "amount": reader.money(evidence["amount_minor"], currency),
    }


def _unused_entitlement(evidence: dict[str, Any], reader: Reader) -> Slots:
    amount, until = evidence["amount_minor"], evidence["expires_at"]
    own = evidence.get("offer_kind") in OWN_MONEY
    return {
        "own_money": "yes" if own else None,
        "item": evidence["item"],
        "offer": evidence["offer"],
        "amount": reader.money(amount, evidence["currency"]) if amount else None,
        "expires_on": reader.last_date(until) if until else None,
    }


def _follow_up(evidence: dict[str, Any], reader: Reader) -> Slots:
    return {
        "amount": reader.money(evidence["amount_minor"], evidence["currency"]),
        "paid_on": reader.date(evidence["paid_at"]),
    }


def outline_of(told: Told, reader: Reader) -> Slots:
    """The slots of a notice that nobody is sent: kind and amount, whatever the kind."""
    known = told.amount_minor is not None and told.currency is not None
    amount = reader.money(told.amount_minor or 0, told.currency or "") if known else None
    return {"kind": told.kind, "amount": amount}


SLOTS: dict[str, Callable[[dict[str, Any], Reader], Slots]] = {
    "price_guarantee": _price_guarantee,
    "price_drop": _price_drop,
    "double_payment": _double_payment,
    "failed_experience": _failed_experience,
    "late_delivery": _late_delivery,
    "unclaimed_benefit": _unclaimed_benefit,
    "unused_entitlement": _unused_entitlement,
    "idle_subscription": _idle_subscription,
    "watched_price_drop": _look,
    "back_in_stock_cheaper": _look,
    "cheaper_same": _cheaper_same,
    "follow_up": _follow_up,
}
