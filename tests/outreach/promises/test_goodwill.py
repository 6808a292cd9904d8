"""Representatives: credits within their limits, and words that are promises too."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from outreach.promises import desk, goodwill
from tests.outreach.promises.shops import HOUR, NOON, amounts, events, known
from tests.outreach.worlds import fill
from warehouse import clock
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings


@pytest.fixture
def shop(any_home: Settings) -> Settings:
    limits = {"goodwill_limit_minor": {"default": 2500, "JPY": 100}, "goodwill_year_minor": {"default": 4000}}
    return known(any_home.model_copy(update={"outreach": any_home.outreach.model_copy(update=limits)}), "ann")


def grant(home: Settings, amount: int, currency: str = "USD", why: str = "sorry") -> str:
    return goodwill.grant(home, "ann", amount, currency, by="rep", why=why).promise_id


def test_a_credit_is_a_promise_and_the_same_one_twice_on_a_day_is_one(shop: Settings) -> None:
    with clock.at(NOON):
        one = grant(shop, 2500)
    with clock.at(NOON + HOUR):
        assert grant(shop, 2500) == one
    assert amounts(shop) == (2500, 0, 2500, 0)
    assert events(shop, one) == [("open", "rep", "sorry")]


def test_a_credit_above_the_limit_is_refused_with_what_to_do(shop: Settings) -> None:
    with pytest.raises(
        ConflictError, match=r"25\.01 USD is above the limit of 25\.00 USD.*goodwill_limit_minor"
    ):
        grant(shop, 2501)
    with pytest.raises(ConflictError, match="101 JPY is above the limit of 100 JPY"):
        grant(shop, 101, "JPY")
    with pytest.raises(NotFoundError, match="customer 'bob' is not known"):
        goodwill.grant(shop, "bob", 100, "USD", by="rep", why="sorry")
    none = shop.outreach.model_copy(update={"goodwill_limit_minor": {"USD": 1}})
    with pytest.raises(ConflictError, match="no limit for EUR"):
        grant(shop.model_copy(update={"outreach": none}), 1, "EUR")


def test_a_credit_in_a_currency_that_is_none_of_theirs_is_refused(shop: Settings) -> None:
    lines = {"bob": "EUR", "ann": "USD"}
    fill(shop, {"purchases": [{"order_id": f"order of {one}", "customer_id": one, "currency": currency}
                              for one, currency in lines.items()]})  # fmt: skip
    with pytest.raises(ConflictError, match=r"nothing was bought in EUR here.*in USD.*name EUR in outreach"):
        grant(shop, 100, "EUR")
    grant(shop, 100, "USD")
    grant(shop, 100, "JPY")  # the limits name it
    known(shop, "cid")
    with pytest.raises(ConflictError, match="in EUR or USD"):
        goodwill.grant(shop, "cid", 100, "GBP", by="rep", why="sorry")
    assert goodwill.grant(shop, "cid", 100, "EUR", by="rep", why="sorry").is_open


def test_a_customer_gets_no_more_in_a_year_than_its_limit(shop: Settings) -> None:
    with clock.at(NOON):
        first = grant(shop, 2000)
        grant(shop, 2000, why="again")
        grant(shop, 2000, "EUR")
        with pytest.raises(ConflictError, match=r"granted 40\.00 USD within 365 days.*limit of 40\.00"):
            grant(shop, 1, why="more")
        desk.pay(shop, first, reference="bank 1", by="fin", amount_minor=500)
        desk.void(shop, first, by="rep", why="agreed on less")
        grant(shop, 1500, why="more")  # what was taken back may be granted again, what was paid not
        with pytest.raises(ConflictError, match=r"granted 40\.00 USD"):
            grant(shop, 1, why="yet more")
    with clock.at(NOON + timedelta(days=365, seconds=-1)), pytest.raises(ConflictError, match="365 days"):
        grant(shop, 1, why="a year later")
    with clock.at(NOON + timedelta(days=365)):
        grant(shop, 2500, why="a year later")


def test_credits_granted_at_once_stay_within_the_limit(shop: Settings) -> None:
    def one(number: int) -> bool:
        try:
            grant(shop, 1500, why=str(number))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [False, False, True, True]


def test_a_word_is_a_promise_without_money(shop: Settings) -> None:
    given = [
        goodwill.give_word(shop, "ann", "we write when the file is there", NOON, by="rep", why="")
        for _ in range(2)
    ]
    assert given[0] == given[1]
    assert (given[0].state, given[0].currency, given[0].open_minor, given[0].due_at) == (
        "open",
        None,
        None,
        NOON,
    )
