"""Slots of what is about prices: a line's price that fell, a product looked at, the same thing for less."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from outreach.formats import Reader
from outreach.slots.values import day, last_day, money, owed, title

Slots = dict[str, str | None]


def drop(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of `price_drop`: `single` and `returned` are `yes` or null."""
    currency = evidence["currency"]
    bought, kept = Decimal(evidence["quantity"]), Decimal(evidence["kept_quantity"])
    return owed(evidence, reader) | {
        "item": title(evidence["item"]),
        "single": "yes" if bought == 1 else None,
        "units": reader.number(evidence["kept_quantity"]),
        "bought_units": reader.number(evidence["quantity"]),
        "returned": "yes" if kept < bought else None,
        "bought_on": reader.date(evidence["purchased_at"]),
        "paid": reader.money(evidence["line_total_minor"], currency),
        "price_then": reader.price(evidence["list_price_at_purchase"], currency),
        "price_low": reader.price(evidence["lowest_list_price"], currency),
        "fell_on": reader.date(evidence["lowest_list_price_from"]),
    }


def guarantee(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of `price_guarantee`: those of `price_drop`, and when it was sent."""
    return drop(evidence, reader) | {"sent_on": day(evidence, "dispatched_at", reader)}


def watched(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of `watched_price_drop` and `back_in_stock_cheaper`: `looked` is `view`, `cart` or `wishlist`."""
    currency = evidence["currency"]
    return {
        "item": title(evidence["item"]),
        "looked": evidence["look"],
        "looked_on": reader.date(evidence["looked_at"]),
        "price_then": reader.price(evidence["price_then"], currency),
        "price_now": reader.price(evidence["price_now"], currency),
        "price_until": last_day(evidence, "price_now_until", reader),
        "amount": money(evidence, "amount_minor", reader),
    }


def cheaper(evidence: Mapping[str, Any], reader: Reader) -> Slots:
    """Slots of `cheaper_same`, prices for one package; `alike` (`yes` or null): only the price differs."""
    currency = evidence["currency"]
    names = ("item", "package_size"), ("other_item", "other_package_size")
    own, other = (tuple(evidence[name] for name in pair) for pair in names)
    return {
        "item": title(evidence["item"]),
        "size": title(evidence["package_size"]),
        "other": title(evidence["other_item"]),
        "other_size": title(evidence["other_package_size"]),
        "alike": "yes" if own == other else None,
        "price": reader.price(evidence["price"], currency),
        "other_price": reader.price(evidence["other_price"], currency),
        "amount": money(evidence, "amount_minor", reader),
    }
