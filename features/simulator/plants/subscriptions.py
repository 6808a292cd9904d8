"""Plants of subscriptions: paid twice (`double_payment`), and paid without use (`idle_subscription`)."""

from datetime import timedelta
from typing import Any

from features.simulator.ground import DAY, HOUR, US, Some
from features.simulator.stage import Amounts, Stage

FEE = 999
THIS = -1
"""The offer of the plant itself."""


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _twice(stage)
    _twice_looks(stage)
    _idle_times(stage)
    _idle_uses(stage)
    _idle_looks(stage)


def _offer(stage: Stage, **columns: Any) -> int:
    plain: Some = {
        "kind": "subscription",
        "name": "Membership",
        "fee": FEE,
        "fee_days": 30,
        "currency": "EUR",
    }
    return stage.offer(**{**plain, **columns})


def _pair(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    first: timedelta = -100 * DAY,
    second: timedelta = -20 * DAY,
    ends: tuple[timedelta | None, timedelta | None] = (None, None),
    offers: tuple[int, int] | None = None,
    customers: tuple[int, int] | None = None,
    reverse: bool = False,
    **offer: Any,
) -> int:
    """Two entitlements that are in use, so that none is idle; the later one's subject is expected."""
    one = _offer(stage, **offer) if offers is None else 0
    which = offers or (one, one)
    who = customers or (stage.customer(quiet=True),) * 2
    ids = stage.numbers("entitlement", 2)
    ids = ids[::-1] if reverse else ids
    for place, at in enumerate((first, second)):
        stage.entitle(who[place], which[place], at, ends[place], number=ids[place])
        stage.add(
            "usage", customer_id=who[place], offer_id=which[place], kind="use", at=-2 * HOUR - place * US
        )
    stage.expect(
        "double_payment", amounts, f"subscription, {case}", misses, customer_id=who[1], entitlement_id=ids[1]
    )
    return ids[1]


def _twice(stage: Stage) -> None:
    _pair(stage, "two at once", FEE)
    _pair(stage, "last fee in the window's first moment", FEE, second=-30 * DAY, fee_days=40)
    _pair(stage, "begun at the same moment: the larger id is the later", FEE, first=-20 * DAY)
    _pair(stage, "the first ended a moment after the fee", FEE, ends=(-20 * DAY + US, None))
    cut: Some = {"second": -40 * DAY, "fee_days": 30}
    _pair(stage, "ended a moment after its second fee", FEE, ends=(None, -10 * DAY + US), **cut)
    _pair(stage, "the second fee in the day's last moment", FEE, second=-30 * DAY - US)
    _pair(stage, "a second fee at the end of the day", {1: FEE, 2: FEE}, second=-29 * DAY, fee_days=29)


def _twice_looks(stage: Stage) -> None:
    late = "the last fee in the last 30 days"
    _pair(stage, "last fee before the window", None, late, second=-30 * DAY - US, fee_days=40)
    valid = "an earlier one valid at the fee"
    _pair(stage, "the first ended at the fee", None, valid, ends=(-20 * DAY, None))
    cut: Some = {"second": -40 * DAY, "fee_days": 30}
    _pair(stage, "ended at its second fee", None, late, ends=(None, -10 * DAY), **cut)
    short: Some = {"second": -10 * DAY, "fee_days": 10}
    _pair(stage, "ended as it began", None, "begun before its end", ends=(None, -10 * DAY), **short)
    two = _offer(stage), _offer(stage)
    _pair(stage, "two offers", None, "one offer", offers=two)
    both = stage.customer(quiet=True), stage.customer(quiet=True)
    _pair(stage, "two customers", None, "one customer", customers=both)
    _pair(stage, "a benefit with a fee", None, "of kind subscription", kind="benefit", covers="shipping")
    _pair(stage, "no fee", None, "with a fee", fee=None)
    _pair(stage, "no days of a fee", None, "with fee days", fee_days=None)
    swapped = "the later by its beginning, with the smaller id"
    _pair(stage, swapped, FEE, reverse=True)
    _three(stage)
    _leaves(stage)
    _daily(stage)
    _changed(stage, "the fee rose", {1: FEE, 2: 201}, {1: 2 * FEE, 2: 402}, fee=FEE + 201)
    dollars: Some = {"held": (2, 3), "currency": {1: "EUR", 2: "USD", 3: "USD"}}
    every = dict.fromkeys((1, 2, 3), FEE)
    twice = dict.fromkeys((1, 2, 3), 2 * FEE)
    _changed(stage, "the fee became one in another currency", every, twice, dollars, currency="USD")


def _daily(stage: Stage) -> None:
    """Every night another fee was paid twice, and one more period went unused."""
    customer, offer = stage.customer(quiet=True), _offer(stage, fee_days=1, fee=20)
    ids = stage.numbers("entitlement", 2)
    for number, at in zip(ids, (-5 * DAY - 2 * HOUR, -5 * DAY - HOUR), strict=True):
        stage.entitle(customer, offer, at, number=number)
    first, second = (Some(customer_id=customer, entitlement_id=number) for number in ids)
    nights = range(1, stage.nights + 1)
    stage.expect("double_payment", dict.fromkeys(nights, 20), "subscription, of a day", **second)
    stage.expect("idle_subscription", {n: 100 if n == 1 else 20 for n in nights}, "of a day", **first)
    stage.expect("idle_subscription", {1: 80}, "of a day, twice", "less what was paid twice", **second)


def _changed(
    stage: Stage,
    case: str,
    later: Amounts,
    first: Amounts,
    how: Some | None = None,
    **offer: Any,
) -> None:
    """Two at once, unused for two periods; the offer is another from the second night on."""
    customer, ids = stage.customer(quiet=True), stage.numbers("entitlement", 2)
    number = _offer(stage)
    _offer(stage, number=number, night=2, **offer)
    for entitlement, at in zip(ids, (-80 * DAY, -70 * DAY), strict=True):
        stage.entitle(customer, number, at, number=entitlement)
    one, two = (Some(customer_id=customer, entitlement_id=entitlement) for entitlement in ids)
    how = how or {}
    stage.expect("double_payment", later, f"subscription, {case}", "deeper", **how, **two)
    stage.expect("idle_subscription", first, case, "deeper", **how, **one)
    stage.expect("idle_subscription", later, case, "deeper", **how, **two)


def _leaves(stage: Stage) -> None:
    """The fee paid twice leaves the window the next night: it is not counted as idle for that."""
    customer, offer, ids = (
        stage.customer(quiet=True),
        _offer(stage, fee_days=35, fee=1),
        stage.numbers("entitlement", 2),
    )
    case = "a fee that leaves the window"
    for number, at in zip(ids, (-120 * DAY, -100 * DAY), strict=True):
        stage.entitle(customer, offer, at, number=number)
    first, second = (Some(customer_id=customer, entitlement_id=number) for number in ids)
    stage.expect(
        "double_payment", {1: 1}, f"subscription, {case}", "the last fee in the last 30 days", **second
    )
    stage.expect("idle_subscription", 3, case, **first)
    stage.expect("idle_subscription", {1: 1}, case, "less what was promised for the same fee", **second)


def _three(stage: Stage) -> None:
    """The third is paid again beside either of the others: once."""
    customer, offer = stage.customer(quiet=True), _offer(stage)
    ids = stage.numbers("entitlement", 3)
    for number, at in zip(ids, (-100 * DAY, -80 * DAY, -20 * DAY), strict=True):
        stage.entitle(customer, offer, at, number=number)
    stage.add("usage", customer_id=customer, offer_id=offer, kind="use", at=-2 * HOUR)
    for number, which in zip(ids[1:], ("second", "third"), strict=True):
        whose: Some = {"customer_id": customer, "entitlement_id": number}
        stage.expect("double_payment", FEE, f"subscription, the {which} of three", **whose)


def _idle(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    starts: timedelta = -60 * DAY,
    ends: timedelta | None = None,
    uses: Some | None = None,
    used_at: timedelta | None = None,
    products: tuple[int, ...] = (),
    **offer: Any,
) -> int:
    """An entitlement that is perhaps used: `uses` says how, `used_at` when it was itself; gives its offer."""
    number, customer = _offer(stage, **offer), stage.customer(quiet=True)
    entitlement = stage.entitle(customer, number, starts, ends)
    for product in products:
        stage.add("offer_products", offer_id=number, product_id=product)
    if uses:
        uses = uses | ({"offer_id": number} if uses.get("offer_id") == THIS else {})
        stage.add("usage", **Some(customer_id=customer, kind="use") | uses)
    if used_at is not None:
        stage.use(entitlement, used_at)
    stage.expect("idle_subscription", amounts, case, misses, customer_id=customer, entitlement_id=entitlement)
    return number


def _idle_times(stage: Stage) -> None:
    few = "two full periods without use"
    _idle(stage, "exactly two periods", 2 * FEE)
    _idle(stage, "a moment less than two periods", {2: 2 * FEE}, few, starts=-60 * DAY + US)
    _idle(stage, "one period", None, few, starts=-50 * DAY)
    _idle(stage, "three periods", 3 * FEE, starts=-95 * DAY)
    _idle(stage, "the third period ends a day later", {1: 2 * FEE, 2: FEE}, starts=-89 * DAY)
    _idle(stage, "valid until the end of the day", 2 * FEE, ends=0 * DAY)
    _idle(stage, "ended in the day's last moment", None, "valid at the end", ends=-US)
    _idle(stage, "a short period", 5 * FEE, starts=-35 * DAY - HOUR, fee_days=7)


def _idle_uses(stage: Stage) -> None:
    few, some = "two full periods without use", stage.product(None)
    used: Some = {"at": -50 * DAY}
    for case, how in (("the offer", {"offer_id": THIS}), ("a product", {"product_id": some})):
        three: Some = {"starts": -90 * DAY}
        _idle(stage, f"{case} was used in the first of two", None, few, uses=used | how)
        _idle(stage, f"{case} was used in the first of three", 2 * FEE, uses=how | {"at": -80 * DAY}, **three)
        _idle(stage, f"{case} was used as the second began", None, few, uses=how | {"at": -60 * DAY}, **three)
        last = how | {"at": -60 * DAY - US}
        _idle(stage, f"{case} was used in the first's last moment", 2 * FEE, uses=last, **three)
        _idle(stage, f"{case} was used at the end of the day", 2 * FEE, uses=how | {"at": 0 * DAY})
        _idle(stage, f"{case} was used in the day's last moment", None, few, uses=how | {"at": -US})
    _idle(stage, "a use of the right itself", None, few, used_at=-50 * DAY)
    _again(stage, few)
    _idle(
        stage, "a product it is for was used", None, few, products=(some,), uses=used | {"product_id": some}
    )
    other = stage.product(None)
    _idle(stage, "another product was used", 2 * FEE, products=(some,), uses=used | {"product_id": other})


def _idle_looks(stage: Stage) -> None:
    _idle(stage, "a benefit with a fee", None, "of kind subscription", kind="benefit", covers="shipping")
    _idle(stage, "no fee", None, "with a fee", fee=None)
    _idle(stage, "no days of a fee", None, "with fee days", fee_days=None)
    offer = _idle(stage, "used by somebody else", 2 * FEE)
    other = stage.customer(quiet=True)
    stage.add("usage", customer_id=other, offer_id=offer, kind="use", at=-50 * DAY)


def _again(stage: Stage, few: str) -> None:
    """Used long ago and lately, in the same way or in two: the last use counts."""
    some, old, late = stage.product(None), -90 * DAY, -4 * DAY
    three: Some = {"starts": -95 * DAY}
    for case, how in (("the offer", {"offer_id": THIS}), ("a product", {"product_id": some})):
        number = _idle(
            stage, f"{case} was used at first and lately", None, few, uses=how | {"at": late}, **three
        )
        customer = stage.rows["entitlements"][-1]["customer_id"]
        used = {"offer_id": number} if "offer_id" in how else how
        stage.add("usage", customer_id=customer, kind="use", at=old, **used)
    _idle(stage, "the right was used at first and lately", None, few, used_at=late, **three)
    stage.use(stage.rows["entitlements"][-1]["entitlement_id"], old)
    both = _idle(stage, "the right was used lately, the offer at first", None, few, used_at=late, **three)
    stage.add(
        "usage",
        customer_id=stage.rows["entitlements"][-1]["customer_id"],
        offer_id=both,
        kind="use",
        at=old,
    )
    listed: Some = {"products": (some,), "uses": {"product_id": some, "at": late}, **three}
    _idle(stage, "a product it is for was used at first and lately", None, few, **listed)
    customer = stage.rows["entitlements"][-1]["customer_id"]
    stage.add("usage", customer_id=customer, product_id=some, kind="use", at=old)
    _idle(stage, "used long before it began", 2 * FEE, uses={"offer_id": THIS, "at": -200 * DAY})
    foreign: Some = {"offer_id": _offer(stage), "at": late}
    _idle(stage, "another offer was used", 2 * FEE, uses=foreign)
    elsewhere, mine = stage.product(None), stage.product(None)
    stage.add("offer_products", offer_id=_offer(stage), product_id=elsewhere)
    other: Some = {"products": (mine,), "uses": {"product_id": elsewhere, "at": late}}
    _idle(stage, "a product that another offer is for was used", 2 * FEE, **other)
