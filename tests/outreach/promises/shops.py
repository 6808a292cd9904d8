"""Promises for tests, made without a night."""

from datetime import UTC, datetime, timedelta

from outreach.promises import accounts, ledger
from outreach.promises.accounts import Standing
from outreach.promises.goodwill import open_by_hand
from outreach.promises.ledger import Promise
from outreach.promises.story import story
from tests.outreach.worlds import fill
from warehouse.database import engine_for, reading, writing
from warehouse.settings import Settings

NOON = datetime(2017, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def known(home: Settings, *customers: str) -> Settings:
    """A home that knows these customers."""
    fill(home, {"customers": [{"customer_id": customer} for customer in customers]})
    return home


def promised(
    home: Settings,
    customer: str = "ann",
    amount: int | None = 500,
    currency: str = "USD",
    *,
    at: datetime = NOON,
    due: datetime | None = None,
    said: str = "a credit",
) -> str:
    """Opens a promise; returns its id."""
    money = None if amount is None else currency
    promise = Promise(
        (customer, str(amount), currency, said), customer, "goodwill", said, "test", money, amount, due
    )
    with writing(engine_for(home)) as session:
        open_by_hand(session, promise, "eve", at)
    return promise.promise_id


def standing(home: Settings, promise_id: str) -> Standing:
    """A promise as it stands."""
    with reading(engine_for(home)) as session:
        return ledger.one(session, promise_id)


def amounts(home: Settings, customer: str = "ann") -> tuple[int, int, int, int]:
    """Promised, paid, open and voided of a customer with one currency."""
    with reading(engine_for(home)) as session:
        (found,) = accounts.balances(session, customer)
    return found.promised_minor, found.paid_minor, found.open_minor, found.voided_minor


def events(home: Settings, promise_id: str) -> list[tuple[str, str, str]]:
    """The states a promise went through, by whom and why."""
    return [(one["state"], one["by"], one["why"]) for one in story(home, promise_id, NOON).events]
