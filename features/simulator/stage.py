"""The stage: the ground, with offers, rights and incidents, and what each night must make of it all.

A stage holds one set of all plants; `features.simulator.sets` makes as many sets of it as there are.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from features.simulator.ground import Ground, Some, major_of
from features.simulator.tables import NIGHT

OWED = {
    **dict.fromkeys(("price_guarantee", "double_payment", "failed_experience"), "right"),
    **dict.fromkeys(("price_drop", "late_delivery", "unclaimed_benefit", "idle_subscription"), "policy"),
    **dict.fromkeys(("unused_entitlement", "watched_price_drop", "back_in_stock_cheaper"), "advice"),
    **dict.fromkeys(("cheaper_same", "recurring_trouble"), "advice"),
}
"""The kinds, and what is owed by each."""

Amounts = int | None | Mapping[int, int | None]
"""What is to be found: an amount, nothing, or an amount by night (`None`: found without an amount)."""


class Stage(Ground):
    """One set of plants."""

    def __init__(self, end: datetime, nights: int) -> None:
        super().__init__(end, nights)
        self.truth: list[dict[str, Any]] = []

    def offer(
        self,
        *,
        value: int | None = None,
        fee: int | None = None,
        number: int | None = None,
        night: int = 0,
        **columns: Any,
    ) -> int:
        """An offer, or what one night's feed says of a given one; its value and fee in minor units."""
        number = self.number("offer") if number is None else number
        currency = columns.get("currency") or "EUR"
        money = {"value": value, "fee": fee}
        decimals = {
            name: None if minor is None else major_of(minor, currency) for name, minor in money.items()
        }
        self.add("offers", night, offer_id=number, **{"name": "An offer", **columns, **decimals})
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
        night: int = 0,
    ) -> int:
        """A right of a customer to an offer; its value in minor units."""
        entitlement = self.number("entitlement") if number is None else number
        money: Some = {} if value is None else {"value": major_of(value, currency), "currency": currency}
        span: Some = {"starts_at": starts, "expires_at": ends, "uses_allowed": uses}
        whose: Some = {"entitlement_id": entitlement, "customer_id": customer, "offer_id": offer}
        self.add("entitlements", night, **whose, **span, **money)
        return entitlement

    def use(
        self, entitlement: int, at: timedelta, value: int | None = None, order: int | None = None
    ) -> None:
        """A use of a right, perhaps for an order, perhaps with a value."""
        worth = None if value is None else major_of(value, "EUR")
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
        worth = None if amount is None else major_of(amount, currency or "EUR")
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
        """Says what each night must find, where nights before promised all they found and did not hold.

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
