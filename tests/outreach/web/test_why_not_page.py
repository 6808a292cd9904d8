"""Reasons are counted for everybody; whose they are only reviewers see."""

import re

import pytest

from tests.conftest import once
from tests.outreach.web.conftest import SignIn
from tests.outreach.worlds import DAY, fill, night
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def with_silent(desk_home: Settings) -> Settings:
    """Dora bought tea, of which no price fell; the night is run again."""
    return once(desk_home, _buy_tea)


def _buy_tea(home: Settings) -> None:
    fill(home, {"purchases": [{"order_id": "d", "customer_id": "dora", "product_id": "tea"}]})
    night(home)


async def test_the_newest_night_is_counted_by_reason(signed_in: SignIn, with_silent: Settings) -> None:
    vic = await signed_in("vic")
    told = await vic.reads("/why-not")
    assert told["day"] == DAY.isoformat()
    counted = [(one["outcome"], one["reason"], one["customers"]) for one in told["reasons"]]
    assert counted == [("silent", "nothing_found", 1), ("proposed", "money_owed", 3)]
    page = await vic.sees("/why-not")
    assert "nothing was found to tell this customer" in page
    assert "Customers who are not contacted, by reason" in page
    assert "nothing found 1" in page  # the chart in words
    assert "One customer, by id" not in page


async def test_viewers_see_stand_ins_and_reviewers_ids(signed_in: SignIn, with_silent: Settings) -> None:
    vic, rita = await signed_in("vic"), await signed_in("rita")
    path = "/why-not/customers?reason=money_owed"
    ids = {one["customer_id"] for one in (await rita.reads(path))["customers"]}
    assert ids == {"ada", "ben", "cleo"}
    assert 'href="/desk/customers/ada"' in await rita.sees(path)
    hidden = await vic.reads(path)
    assert len({one["customer_id"] for one in hidden["customers"]}) == 3
    assert all(one["customer_id"].startswith("#") for one in hidden["customers"])
    page = await vic.sees(path)
    assert not ids & set(re.findall(r"\w+", page))  # a form's token may well have "ada" in it
    assert "/desk/customers/" not in page


async def test_one_customer_is_explained_to_reviewers_only(signed_in: SignIn, with_silent: Settings) -> None:
    rita, vic = await signed_in("rita"), await signed_in("vic")
    page = await rita.sees("/why-not/customer?customer_id=ada")
    for said in (
        "What each rule said",
        "the customer complained about a message",
        "price fell after purchase",
    ):
        assert said in page
    assert "no rule was asked" in await rita.sees("/why-not/customer?customer_id=dora")
    assert (await rita.reads("/why-not/customer?customer_id=ada"))["reason"] == "money_owed"
    await rita.sees("/why-not/customer?customer_id=nobody", 404)
    await vic.sees("/why-not/customer?customer_id=ada", 403)


async def test_what_does_not_exist_is_said_to_be_missing(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    for path in ("/why-not?day=2017-11-01", "/why-not/customers?reason=mood", "/why-not/customers?way=x"):
        assert "there" in await rita.sees(path, 404)
    await rita.sees("/why-not?day=tomorrow", 422)


async def test_who_is_owed_without_a_message_is_listed_and_masked(
    signed_in: SignIn, desk_home: Settings
) -> None:
    paid_twice = [
        {"order_id": f"twice {n}", "line_id": "1", "customer_id": "zoe", "product_id": "tea", "quantity": "2",
         "line_total_minor": 900, "purchased_at": f"2017-11-20 12:0{n}"} for n in range(2)
    ]  # fmt: skip
    fill(desk_home, {"purchases": paid_twice})
    night(desk_home)
    rita, vic = await signed_in("rita"), await signed_in("vic")
    (debt,) = (await vic.reads("/why-not"))["owed"]
    assert (debt["way"], debt["reason"], debt["customers"]) == ("unsaid", "no_consent", 1)
    assert debt["currency"] == "USD"
    (listed,) = (await rita.reads("/why-not/customers?way=unsaid"))["customers"]
    assert (listed["customer_id"], listed["amount_minor"]) == ("zoe", debt["amount_minor"])
    assert "zoe" not in await vic.sees("/why-not/customers?way=unsaid")
