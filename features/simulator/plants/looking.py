"""A product somebody looked at: what plants of `watched_price_drop` and `back_in_stock_cheaper` share."""

from datetime import timedelta
from decimal import Decimal

from features.simulator.ground import DAY, Some
from features.simulator.stage import Amounts, Stage

LOOKED = -10 * DAY
FELL = -5 * DAY
GONE = -20 * DAY
BACK = -2 * DAY


def looked(
    stage: Stage,
    kind: str,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    at: timedelta = LOOKED,
    how: str = "view",
    to: int | Decimal | None = 800,
    fell: timedelta = FELL,
    gone: timedelta | None = None,
    back: timedelta | None = None,
    where: str = "north",
    product: Some | None = None,
    price: Some | None = None,
    customer: Some | None = None,
    held: bool = False,
    currency: str = "EUR",
) -> tuple[int, int]:
    """Somebody looks at a product of 10.00, and its price falls; gives customer and product.

    Args:
        stage: where.
        kind: the kind that the case is about.
        case: what is special.
        amounts: what is to be found.
        misses: which condition it misses.
        at: when they looked.
        how: view, cart or wishlist.
        to: the later list price; `None`: there is none.
        fell: when it began.
        gone: when the product went out of stock.
        back: when it came back.
        where: the market of its stock.
        product: more about the product and its first price.
        price: more about the later price.
        customer: more about the customer.
        held: whether it waits for a person.
        currency: of the prices.
    """
    who, what = (
        stage.customer(quiet=True, **(customer or {})),
        stage.product(currency=currency, **(product or {})),
    )
    stage.add("views", customer_id=who, product_id=what, viewed_at=at, kind=how)
    if to is not None:
        stage.price(what, to, fell, **Some(currency=currency) | (price or {}))
    for moment, available in ((gone, False), (back, True)):
        if moment is not None:
            stock(stage, what, moment, available=available, market=where)
    whose: Some = {"customer_id": who, "product_id": what}
    stage.expect(kind, amounts, case, misses, held=held, currency=currency, **whose)
    return who, what


def stock(
    stage: Stage, product: int, at: timedelta, *, available: bool, market: str = "north", night: int = 0
) -> None:
    """A product comes or goes in a market."""
    stage.add("availability", night, product_id=product, market=market, effective_at=at, available=available)
