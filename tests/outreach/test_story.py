"""Everything of one customer, and nothing of anybody else."""

from datetime import timedelta

import pytest

from outreach import review
from outreach.belongings import entitlements, purchases
from outreach.promises import goodwill
from outreach.story import Story, story
from tests.outreach.worlds import DAY, END, MORNING, Rows, at, fill, night, shop
from warehouse import clock
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings

NOW = at("2017-12-01 12:00")


def told(home: Settings, customer_id: str = "ada") -> Story:
    return story(home, customer_id, NOW)


def test_a_customer_nobody_heard_of_is_not_there(home: Settings) -> None:
    fill(home, shop("ada"))
    with pytest.raises(NotFoundError, match="'Ada' is not known; ids are case-sensitive"):
        told(home, "Ada")


def test_a_customer_is_known_by_any_record(home: Settings) -> None:
    fill(home, {"customers": [{"customer_id": "ada"}], "incidents": [{"customer_id": "ben"}]})
    assert (told(home).reach.known, told(home, "ben").reach.known) == (True, False)


def bought(*moments: str) -> Rows:
    return [{"order_id": f"o{n}", "customer_id": "ada", "purchased_at": m} for n, m in enumerate(moments)]


def test_purchases_are_told_newest_first_with_what_was_kept(home: Settings) -> None:
    lines = bought("2017-11-01", "2017-11-20")
    lines[1] |= {"quantity": "3"}
    back = [{"order_id": "o1", "returned_at": "2017-11-22", "quantity": "1"}]
    titles = [{"product_id": "milk", "title": "Fresh milk"}]
    fill(home, {"purchases": [*lines, {"order_id": "o9", "customer_id": "ben"}], "returns": back})
    fill(home, {"products": titles})
    found = purchases(Lake.of(home), "ada")
    assert [
        (one["order_id"], str(one["kept_quantity"].normalize()), one["title"]) for one in found.lines
    ] == [
        ("o1", "2", "Fresh milk"),
        ("o0", "1", "Fresh milk"),
    ]
    assert found.total == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 50])
def test_the_pages_of_purchases_together_are_all_lines_once(home: Settings, limit: int) -> None:
    lines = bought("2017-11-01", "2017-11-03", "2017-11-03", "2017-11-03", "2017-10-02", "2017-11-02")
    fill(home, {"purchases": lines})
    lake, pages = Lake.of(home), []
    for first in range(0, 7, limit):
        pages += [one["order_id"] for one in purchases(lake, "ada", first=first, limit=limit).lines]
    assert pages == ["o1", "o2", "o3", "o5", "o0", "o4"]


def rights(
    home: Settings, offers: Rows, held: Rows, uses: Rows | None = None
) -> dict[str, tuple[object, ...]]:
    tables = {"offers": offers, "entitlements": held}
    fill(home, tables | ({"entitlement_uses": uses} if uses is not None else {}))
    found = entitlements(Lake.of(home), "ann", NOW)
    return {one["entitlement_id"]: (one["state"], one["uses_left"], one["left_minor"]) for one in found}


def test_of_a_right_it_is_said_what_is_left(home: Settings) -> None:
    offers = [{"value_minor": 50, "currency": "USD"}]
    held = [
        {"entitlement_id": "half used", "uses_allowed": 3},
        {"entitlement_id": "used up", "uses_allowed": 1},
        {"entitlement_id": "without limit"},
        {"entitlement_id": "lapsed", "expires_at": "2017-12-01 12:00", "uses_allowed": 1},
        {"entitlement_id": "to come", "starts_at": "2017-12-02", "uses_allowed": 1},
        {
            "entitlement_id": "of a value of its own",
            "uses_allowed": 9,
            "value_minor": 1000,
            "currency": "USD",
        },
        {"entitlement_id": "of somebody else", "customer_id": "ben"},
    ]
    uses = [
        {"entitlement_id": "half used", "value": "0.50"},
        {"entitlement_id": "used up", "value": "0.50"},
        {"entitlement_id": "of a value of its own", "value": "2.50"},
    ]
    assert rights(home, offers, held, uses) == {
        "half used": ("valid", 2, 100),
        "of a value of its own": ("valid", 8, 750),
        "without limit": ("valid", None, None),
        "to come": ("to come", 1, 50),
        "used up": ("used up", 0, 0),
        "lapsed": ("lapsed", 1, 50),
    }


def test_what_is_left_is_unknown_where_nobody_said_what_was_used(home: Settings) -> None:
    offers = [{"value_minor": 50, "currency": "USD"}]
    assert rights(home, offers, [{"entitlement_id": "e", "uses_allowed": 2}]) == {"e": ("valid", 2, None)}
    fill(home, {"entitlement_uses": [{"entitlement_id": "e"}]})
    (left,) = entitlements(Lake.of(home), "ann", NOW)
    assert (left["uses_left"], left["left_minor"], left["value_minor"]) == (1, None, 100)


def test_each_night_says_what_it_decided_and_why_newest_first(home: Settings) -> None:
    fill(home, shop("ada"))
    night(home, DAY)
    night(home, DAY - timedelta(days=9))
    found = told(home).nights
    assert [(one["day"], one["outcome"], one["meaning"]) for one in found] == [
        (DAY, "proposed", "money goes back to the customer"),
        (DAY - timedelta(days=9), "silent", "nothing was found to tell this customer"),
    ]


def test_promises_are_told_with_their_balance_and_reference(any_home: Settings) -> None:
    fill(any_home, shop("ada", "ben") | {"customers": [{"customer_id": "ada"}, {"customer_id": "ben"}]})
    with clock.at(END):
        night(any_home)
        review.approve(any_home, "latest", by="eve")
    with clock.at(MORNING):
        goodwill.grant(any_home, "ada", 300, "USD", by="rita", why="wet parcel")
    found = told(any_home)
    assert [(one["kind"], one["amount_minor"]) for one in found.promises] == [
        ("goodwill", 300),
        ("price_drop", 50),
    ]
    assert all(len(one["reference"]) == 14 for one in found.promises)
    (balance,) = found.balances
    assert (balance.customer_id, balance.promised_minor, balance.open_minor) == ("ada", 350, 350)


def test_messages_of_ours_and_of_others_are_told_together(any_home: Settings) -> None:
    contact = {"contact_id": "c1", "customer_id": "ada", "sent_at": "2017-11-29"}
    answer = {"response_id": "r1", "customer_id": "ada", "contact_id": "c1", "kind": "answered"}
    fill(any_home, shop("ada", "ben") | {"contacts": [contact], "responses": [answer]})
    with clock.at(END):
        night(any_home)
    found = told(any_home)
    assert [(one["sender"], one["contact_id"], one["state"]) for one in found.contacts] == [
        ("us", None, "proposed"),
        ("another system", "c1", None),
    ]
    assert [(one["kind"], one["contact_id"]) for one in found.responses] == [("answered", "c1")]
