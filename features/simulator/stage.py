"""The stage: where plants put their customers, products and events, and what each night must make of them.

A stage holds one set of all plants, with numbers instead of ids; `features.simulator.sets` makes as many sets
of it as there are. Amounts are whole minor units. Moments are offsets from the end of the first night's day.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
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

OWED = {
    **dict.fromkeys(("price_guarantee", "double_payment", "failed_experience"), "right"),
    **dict.fromkeys(("price_drop", "late_delivery", "unclaimed_benefit", "idle_subscription"), "policy"),
    **dict.fromkeys(("unused_entitlement", "watched_price_drop", "back_in_stock_cheaper"), "advice"),
    **dict.fromkeys(("cheaper_same", "recurring_trouble"), "advice"),
}
"""The kinds, and what is owed by each."""

Amounts = int | None | Mapping[int, int | None]
"""What is to be found: an amount, nothing, or an amount by night (`None`: found without an amount)."""


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


class Stage:
    """One set of plants."""

    def __init__(self, end: datetime, nights: int) -> None:
        self.end = end
        self.nights = nights
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.truth: list[dict[str, Any]] = []
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
        self.add("customers", customer_id=number, **{"market": "north"} | columns)
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
    ) -> None:
        """A price of a product, from a moment on, in minor units that may have a fraction."""
        where = {"market": market, "currency": currency, "kind": kind}
        self.add(
            "prices",
            product_id=product,
            price=_major(price, currency),
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
        said = {"dispatched_at": dispatched, "delivered_at": delivered}
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
            line_total=_major(paid, currency),
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
        subject = {"order_id": line.order_id, "line_id": line.line_id}
        self.add("returns", **subject, quantity=Decimal(quantity), returned_at=at)

    def offer(self, *, value: int | None = None, fee: int | None = None, **columns: Any) -> int:
        """An offer; its value and fee in minor units."""
        number, currency = self.number("offer"), columns.get("currency") or "EUR"
        money = {"value": value, "fee": fee}
        decimals = {name: None if minor is None else _major(minor, currency) for name, minor in money.items()}
        self.add("offers", offer_id=number, **{"name": "An offer", **columns, **decimals})
        return number

    def entitle(
        self,
        customer: int,
        offer: int,
        starts: timedelta,
        ends: timedelta | None = None,
        *,
        uses: int | None = None,
        value: int | None = None,
        currency: str = "EUR",
        number: int | None = None,
    ) -> int:
        """A right of a customer to an offer; its value in minor units."""
        entitlement = self.number("entitlement") if number is None else number
        money = {} if value is None else {"value": _major(value, currency), "currency": currency}
        span = {"starts_at": starts, "expires_at": ends, "uses_allowed": uses}
        self.add("entitlements", entitlement_id=entitlement, customer_id=customer, offer_id=offer, **span, **money)
        return entitlement

    def use(self, entitlement: int, at: timedelta, value: int | None = None, order: int | None = None) -> None:
        """A use of a right, perhaps for an order, perhaps with a value."""
        worth = None if value is None else _major(value, "EUR")
        self.add("entitlement_uses", entitlement_id=entitlement, used_at=at, value=worth, order_id=order)

    def incident(
        self,
        number: int,
        customer: int,
        severity: int,
        at: timedelta,
        *,
        amount: int | None = None,
        currency: str | None = None,
        night: int = 0,
        **columns: Any,
    ) -> None:
        """An incident; its own amount in minor units."""
        worth = None if amount is None else _major(amount, currency or "EUR")
        subject = {"incident_id": number, "customer_id": customer, "kind": "complaint", "severity": severity}
        self.add("incidents", night, **subject, occurred_at=at, amount=worth, currency=currency, **columns)

    def expect(
        self,
        kind: str,
        amounts: Amounts,
        case: str,
        misses: str | None = None,
        *,
        currency: str | Mapping[int, str] = "EUR",
        owed: str | None = None,
        held: bool | Collection[int] = False,
        **subject: Any,
    ) -> None:
        """Says what each night must find, provided what the nights before found and did not hold was promised.

        One amount is found on the first night only where it becomes a promise, and every night where it is
        advice, or held (by night, where it waits on some nights only).
        """
        owed, every = owed or OWED[kind], range(1, self.nights + 1)
        waits = (every if held else ()) if isinstance(held, bool) else held
        money = dict.fromkeys(every, currency) if isinstance(currency, str) else currency
        if isinstance(amounts, int):
            amounts = dict.fromkeys(every if owed == "advice" or held else (1,), amounts)
        found = amounts or {}
        for night in every:
            amount, expected = found.get(night), night in found
            self.truth.append(
                {
                    **{NIGHT: night, "kind": kind, "owed": owed, "case": f"{kind}: {case}"},
                    **{"expected": expected, "held": expected and night in waits, "amount_minor": amount},
                    "currency": None if amount is None else money[night],
                    "misses": None if expected else misses or "not on this night",
                    **subject,
                }
            )


def of_line(line: Line) -> dict[str, Any]:
    """The subject of a claim for a line."""
    return {name: getattr(line, name) for name in ("customer_id", "order_id", "line_id", "product_id")}


def _major(minor: int | Decimal, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS[currency])
