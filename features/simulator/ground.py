"""The ground plants stand on: numbers instead of ids, and rows of customers, products, prices and lines.

Amounts are whole minor units. Moments are offsets from the end of the first night's day.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from features.money import EXPONENTS
from features.simulator.ids import PLACES
from features.simulator.tables import NIGHT, TILLS

US = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UNSAID = timedelta.min
"""A dispatch or delivery of which the feed says nothing at all."""
Some = dict[str, Any]
"""Columns or arguments, by name."""


@dataclass(frozen=True)
class Line:
    """A line that was bought."""

    order_id: int
    line_id: str
    product_id: int
    customer_id: int


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two whole numbers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


class Ground:
    """Where rows of one set of plants are put."""

    def __init__(self, end: datetime, nights: int) -> None:
        self.end = end
        self.nights = nights
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.groups: Counter[str] = Counter()
        self.quiet: set[int] = set()

    def number(self, space: str) -> int:
        """A new number of a space of ids."""
        return self.numbers(space, 1)[0]

    def numbers(self, space: str, many: int) -> list[int]:
        """New numbers (at most 10) whose ids come in this order."""
        group = self.groups[space]
        self.groups[space] += 1
        return [group * PLACES + place for place in range(many)]

    def next(self, space: str) -> int:
        """The number that `number` gives next."""
        return self.groups[space] * PLACES

    def add(self, table: str, night: int = 0, **row: Any) -> None:
        """Puts a row into a table: offsets become moments, decimals stay."""
        moments = {name: self.end + value for name, value in row.items() if isinstance(value, timedelta)}
        self.rows[table].append({**row, **moments, NIGHT: night})

    def customer(self, *, quiet: bool = False, **columns: Any) -> int:
        """A customer; a quiet one does nothing but what the plant says."""
        number: int = columns.pop("number", None) or self.number("customer")
        if quiet:
            self.quiet.add(number // PLACES)
        self.add("customers", customer_id=number, **Some(market="north") | columns)
        return number

    def product(
        self,
        price: int | Decimal | None = 1000,
        *,
        since: timedelta = -200 * DAY,
        until: timedelta | None = None,
        market: str = "north",
        currency: str = "EUR",
        **columns: Any,
    ) -> int:
        """A product, with a list price unless it has none."""
        number: int = columns.pop("number", None) or self.number("product")
        named = {"title_number": number // PLACES, "brand": "Brightwater", "package_size": None}
        self.add("products", product_id=number, **{**named, **{"available": True}, **columns})
        if price is not None:
            self.price(number, price, since, market=market, currency=currency, ends_at=until)
        return number

    def price(
        self,
        product: int,
        price: int | Decimal,
        at: timedelta,
        *,
        kind: str = "list",
        market: str = "north",
        currency: str = "EUR",
        ends_at: timedelta | None = None,
        night: int = 0,
    ) -> None:
        """A price of a product, from a moment on, in minor units that may have a fraction."""
        where: Some = {"market": market, "currency": currency, "kind": kind}
        self.add(
            "prices",
            night,
            product_id=product,
            price=major_of(price, currency),
            effective_at=at,
            ends_at=ends_at,
            **where,
        )

    def buy(
        self,
        customer: int,
        product: int,
        at: timedelta,
        paid: int = 1000,
        *,
        order: int | None = None,
        line: str = "1",
        quantity: int | Decimal = 1,
        market: str = "north",
        currency: str = "EUR",
        kind: str = "product",
        night: int = 0,
        promised: timedelta | None = None,
        dispatched: timedelta | None = UNSAID,
        delivered: timedelta | None = UNSAID,
        offer: int | None = None,
        returned: int | None = None,
    ) -> Line:
        """A line of a new order, or of a given one; without a word on its way it is one of the tills."""
        said: Some = {"dispatched_at": dispatched, "delivered_at": delivered}
        on_its_way = any(moment != UNSAID for moment in said.values())
        number = self.number("order") if order is None else order
        self.add(
            "purchases" if on_its_way else TILLS,
            night,
            order_id=number,
            line_id=line,
            customer_id=customer,
            product_id=product,
            quantity=Decimal(quantity),
            line_total=major_of(paid, currency),
            currency=currency,
            purchased_at=at,
            kind=kind,
            market=market,
            promised_at=promised,
            returned_quantity=None if returned is None else Decimal(returned),
            offer_id=offer,
            **{n: None if m == UNSAID else m for n, m in said.items() if on_its_way},
        )
        return Line(number, line, product, customer)

    def back(self, line: Line, quantity: int | Decimal, at: timedelta) -> None:
        """Units of a line come back."""
        subject: Some = {"order_id": line.order_id, "line_id": line.line_id}
        self.add("returns", **subject, quantity=Decimal(quantity), returned_at=at)


def of_line(line: Line) -> dict[str, Any]:
    """The subject of a claim for a line."""
    return {name: getattr(line, name) for name in ("customer_id", "order_id", "line_id", "product_id")}


def major_of(minor: int | Decimal, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS[currency])
