"""A shop of twenty bakers and twenty cat people, for a storefront's questions."""

from datetime import timedelta
from typing import Any

from features.live import Event
from tests.conftest import at
from tests.recs.worlds import DAY, purchase
from warehouse import clock

NOW = clock.end_of(DAY) + timedelta(hours=9)

KINDS = {"bread": "BAKERY", "butter": "DAIRY", "milk": "DAIRY", "jam": "SPREADS", "litter": "CATS"}
KINDS |= {"treats": "CATS", "toys": "CATS", "test": "PREGNANCY", "diapers": "BABIES", "salt": "SPICES"}
CHEAP = {"bread": "2.00", "butter": "3.00", "milk": "1.00", "jam": "4.00"}


def bakers_and_cats() -> dict[str, list[dict[str, Any]]]:
    """Twenty bakers of the north and twenty cat people of the south; salt is sold in the south only."""
    lines = []
    for number in range(40):
        baker = number % 2 == 0
        goods = ("bread", "butter", "jam") if baker else ("litter", "treats", "toys")
        for week in range(8):
            day = DAY - timedelta(days=7 * week + number % 5)
            order = f"{number}-{week}"
            basket = ["milk", *goods[: 2 + (number + week) % 2]]
            basket += ["salt"] if not baker and week % 2 else []
            basket += ["test", "diapers"] if number in (2, 6, 10, 14) and week % 4 == 0 else []
            lines += [
                purchase(
                    f"c{number:02d}", product, f"{day} 10:00", order_id=order, line_id=str(n),
                    market="north" if baker else "south",
                )
                for n, product in enumerate(basket)
            ]  # fmt: skip
    prices = [
        {"product_id": product, "market": "north", "currency": "EUR", "kind": "list", "price": price}
        | {"effective_at": at("2017-10-01")}
        for product, price in CHEAP.items()
    ]
    return {
        "purchases": lines,
        "products": [
            {
                "product_id": p,
                "title": p.title(),
                "category": c,
                "available": True,
                "sensitive": c == "PREGNANCY",
            }
            for p, c in KINDS.items()
        ],
        "prices": prices,
        "availability": [
            {"product_id": "salt", "market": "north", "available": False, "effective_at": at("2017-10-01")}
        ],
        "customers": [{"customer_id": "private"}],
        "consents": [
            {"customer_id": "c04", "channel": "email", "purpose": "personalisation", "granted": False}
            | {"recorded_at": at("2017-10-01")}
        ],
    }


def ids(answer: Any) -> list[str]:
    return [item.product_id for item in answer]


def did(customer: str, product: str, kind: str = "view", minutes: int = 1) -> Event:
    return Event(customer, product, kind, NOW - timedelta(minutes=minutes))
