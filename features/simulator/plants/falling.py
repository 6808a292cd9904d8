"""A price that falls after a purchase: what guarantee and drop plants have in common."""

from datetime import timedelta
from decimal import Decimal

from features.simulator.ground import DAY, UNSAID, Line, Some, of_line
from features.simulator.stage import Amounts, Stage

BOUGHT = -20 * DAY
FELL = -15 * DAY
SENT = -10 * DAY


def fallen(
    stage: Stage,
    kind: str,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    bought: timedelta = BOUGHT,
    fell: timedelta | None = FELL,
    first: int | Decimal = 1000,
    to: int | Decimal = 800,
    base: Some | None = None,
    price: Some | None = None,
    line: Some | None = None,
    back: tuple[int, timedelta] | None = None,
    held: bool = False,
    currency: str = "EUR",
    also: dict[str, Amounts] | None = None,
) -> Line:
    """Somebody buys at `first`, and the price falls to `to`.

    Args:
        stage: where.
        kind: the kind that the case is about; lines of `price_drop` are the tills' unless `line` says more.
        case: what is special.
        amounts: what is to be found.
        misses: which condition it misses.
        bought: when.
        fell: when the price fell; `None`: it did not.
        first: the list price before.
        to: the list price after.
        base: more about the product and its first price.
        price: more about the lower price.
        line: more about the line.
        back: how many units came back, and when.
        held: whether it waits for a person.
        currency: of everything, unless said otherwise.
        also: what other kinds must make of the same line.
    """
    sent: Some = {"dispatched": SENT} if kind == "price_guarantee" else {"dispatched": UNSAID}
    product = stage.product(first, **{"currency": currency, **(base or {})})
    if fell is not None:
        stage.price(product, to, fell, **{"currency": currency, **(price or {})})
    paid: Some = {"paid": 1000, "currency": currency}
    made = stage.buy(stage.customer(), product, bought, **{**sent, **paid, **(line or {})})
    if back:
        stage.back(made, *back)
    for which, what in {kind: amounts, **(also or {})}.items():
        reason = misses if which == kind else f"it is a case of {kind}"
        stage.expect(
            which, what, case, reason, held=held and which == kind, currency=currency, **of_line(made)
        )
    return made
