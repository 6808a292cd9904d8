"""Lists of promises read a page, sums are made in SQL, and both say what reading everything says."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from outreach.promises import desk
from outreach.promises.accounts import OPEN, Standing, balances, listed
from outreach.promises.ageing import aged
from outreach.promises.browsing import AGES, Wanted, page, total_of
from outreach.promises.ledger import Promise, open_promises
from outreach.promises.overview import Group, Remembered, balances_of, groups
from tests.outreach.promises.shops import HOUR, NOON, promised
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import SettingsError
from warehouse.settings import Settings

LATER = NOON + 60 * HOUR
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def shop(any_home: Settings) -> Settings:
    """Ann's old 5.00, Bob's younger 2.50 of which 1.00 is paid, Cid's paid 0.09 EUR, and a word to Dot."""
    promised(any_home)
    bob = promised(any_home, "bob", 250, at=NOON + 20 * HOUR)
    cid = promised(any_home, "cid", 9, "EUR", at=NOON + 58 * HOUR)
    promised(any_home, "dot", None, at=NOON + 59 * HOUR, due=LATER + 30 * HOUR, said="we call")
    with clock.at(LATER):
        desk.pay(any_home, bob, reference="b", amount_minor=100, by="eve")
        desk.pay(any_home, cid, reference="c", by="eve")
    return any_home


def listing(home: Settings, wanted: Wanted, sort: str = "urgent", first: int = 0) -> list[str]:
    with reading(engine_for(home)) as session:
        rows = page(session, home.outreach, LATER, wanted, sort=sort, first=first, limit=2)
    return [row.customer_id for row in rows]


def counted(home: Settings) -> list[Group]:
    with reading(engine_for(home)) as session:
        return groups(session, home.outreach, LATER)


@pytest.mark.parametrize(
    ("wanted", "customers"),
    [
        (Wanted(), ["ann", "bob"]),
        (Wanted(age="breach"), ["ann"]),
        (Wanted(age="warning"), ["bob"]),
        (Wanted(age="fresh"), ["dot"]),
        (Wanted(state="kept"), ["cid"]),
        (Wanted(state="all", customer_id="cid"), ["cid"]),
        (Wanted(kind="word"), []),
        (Wanted(state="voided"), []),
    ],
)
def test_a_list_has_what_was_asked_for_the_most_urgent_first(
    shop: Settings, wanted: Wanted, customers: list[str]
) -> None:
    assert listing(shop, wanted) == customers
    with reading(engine_for(shop)) as session:
        total, _ = total_of(groups(session, shop.outreach, LATER, wanted.conditions()), wanted)
    assert total == len(customers) + (1 if wanted == Wanted() else 0)


@pytest.mark.parametrize(
    ("sort", "customers"),
    [("urgent", ["dot"]), ("newest", ["ann"]), ("largest", ["dot"]), ("customer", ["dot"])],
)
def test_pages_follow_one_another_in_every_order(shop: Settings, sort: str, customers: list[str]) -> None:
    assert listing(shop, Wanted(), sort, first=2) == customers


def test_a_promise_is_found_by_the_beginning_of_its_id(shop: Settings) -> None:
    with reading(engine_for(shop)) as session:
        cid = next(one for one in listed(session) if one.customer_id == "cid")
    assert listing(shop, Wanted(state="all", beginning=cid.promise_id[:13])) == ["cid"]
    assert listing(shop, Wanted(state="all", beginning="%")) == []


def test_what_cannot_be_asked_for_is_said(shop: Settings) -> None:
    with pytest.raises(SettingsError, match="there is no state 'lost'"):
        Wanted(state="lost")
    with pytest.raises(SettingsError, match="there is no age 'old'"):
        Wanted(age="old")
    with pytest.raises(SettingsError, match="there is no order 'random'"):
        listing(shop, Wanted(), "random")


def test_the_equation_holds_and_says_what_the_accounts_say(shop: Settings) -> None:
    usd, eur = balances_of(counted(shop))[::-1]
    assert (usd.promised_minor, usd.paid_minor, usd.open_minor, usd.voided_minor) == (750, 100, 650, 0)
    assert (eur.promised_minor, eur.paid_minor, eur.open_minor, eur.voided_minor) == (9, 9, 0, 0)
    assert usd.holds
    assert eur.holds
    with reading(engine_for(shop)) as session:
        assert sum(one.open_minor for one in balances(session)) == 650


def test_every_promise_counts_once_whatever_was_posted_of_it(shop: Settings) -> None:
    found = counted(shop)
    assert sum(one.promises for one in found) == 4
    assert {one.state: one.promises for one in found if one.currency == "EUR"} == {"kept": 1}


def ages_read(home: Settings, standings: list[Standing], hours: int) -> dict[str, int]:
    rows = aged(standings, home.outreach, NOON + hours * HOUR)
    return {age: count for age in AGES if (count := sum(row.age == age for row in rows))}


@pytest.mark.parametrize("hours", [0, 23, 24, 25, 30, 47, 48, 49, 60, 72, 73, 100, 121])
@pytest.mark.parametrize("kind", ["goodwill", "unused_entitlement"])
@pytest.mark.parametrize("due", [None, NOON - HOUR, NOON, NOON + 25 * HOUR, NOON + 73 * HOUR - INSTANT])
def test_sql_says_the_same_ages_as_the_rule(home: Settings, hours: int, kind: str, due: object) -> None:
    promise = Promise(("one",), "ann", kind, "a credit", "test", "USD", 500, due)  # type: ignore[arg-type]
    with writing(engine_for(home)) as session:
        open_promises(session, [promise], by="eve", at=NOON)
        found = groups(session, home.outreach, NOON + hours * HOUR)
        read = ages_read(home, listed(session, states=OPEN), hours)
    assert {one.age: one.promises for one in found} == read


def test_sums_are_made_once_until_something_is_written(shop: Settings) -> None:
    remembered, asked = Remembered(), []
    engine = engine_for(shop)

    def heard(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append("GROUP BY" in statement)

    event.listen(engine, "before_cursor_execute", heard)
    try:
        for _ in range(2):
            with reading(engine) as session:
                first = remembered.groups(session, shop.outreach, LATER)
        assert asked.count(True) == 1
        promised(shop, "eli", 1)
        with reading(engine) as session:
            second = remembered.groups(session, shop.outreach, LATER)
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert sum(one.promises for one in second) == sum(one.promises for one in first) + 1
