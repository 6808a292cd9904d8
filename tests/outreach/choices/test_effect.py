"""What customers chose holds in the next night, and at once where messages are sent."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from features.choices import SCHEMA
from outreach import review
from outreach.channels import Delivery
from outreach.choices import Links, choose, read_link
from outreach.choices.choosing import SWITCHES
from outreach.decisions import Decided, decide
from outreach.explain import explain
from outreach.promises.accounts import listed
from outreach.review import show_batch
from outreach.sending import send
from tests.outreach.test_decisions import advised, owed_and_advised
from tests.outreach.test_sending import approved
from tests.outreach.worlds import (
    DAY,
    END,
    EVERYTHING,
    MORNING,
    Rows,
    all_found,
    consenting,
    fill,
    night,
    shop,
    world,
)
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.receipts import Receipt
from warehouse.settings import DeskSettings, Settings

BEFORE = END - timedelta(hours=5)
EARLY = END + timedelta(hours=8)
PUBLIC = DeskSettings(url="https://shop.example")


def decided(tables: dict[str, Rows], choices: dict[str, str]) -> Decided:
    """What a night decides about Ann, who chose this."""
    rows = [(n, "ann", what, value, BEFORE) for n, (what, value) in enumerate(choices.items())]
    own = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    here = replace(world(tables), choices=own)
    chances = pl.LazyFrame(schema={"entitlement_id": pl.String, "probability": pl.Float64})
    return decide(all_found(here).lazy(), chances, here, EVERYTHING, DAY)


def verdict(tables: dict[str, Rows], choices: dict[str, str]) -> tuple[str, str, int]:
    row = decided(tables, choices).decisions.filter(customer_id="ann").row(0, named=True)
    return row["outcome"], row["reason"], row["opportunities"]


def test_nobody_hears_of_a_topic_they_do_not_want() -> None:
    assert verdict(shop("ann"), {}) == ("proposed", "money_owed", 1)
    assert verdict(shop("ann"), {"topic.fallen_prices": "on"})[0] == "proposed"
    assert verdict(shop("ann"), {"topic.cheaper": "off"})[0] == "proposed"
    assert verdict(shop("ann"), {"topic.fallen_prices": "off"})[:2] == ("silent", "topic_unwanted")
    assert verdict(advised("ann"), {"topic.rights": "off"})[:2] == ("silent", "topic_unwanted")


def test_other_topics_are_told_all_the_same() -> None:
    assert verdict(owed_and_advised("ann"), {"topic.fallen_prices": "off"})[:2] == ("proposed", "could_save")
    assert verdict(owed_and_advised("ann"), {"topic.rights": "off"})[:2] == ("proposed", "money_owed")


@cache
def told_without_choices() -> set[str]:
    """What Ann could be told of: money owed, or the advice beside it."""
    worlds = (owed_and_advised("ann"), advised("ann"))
    return {one for tables in worlds for one in decided(tables, {}).members["opportunity_id"]}


@checked(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(SWITCHES), st.sampled_from(["on", "off"])))
def test_no_choice_makes_a_message_that_would_not_be_there_without(choices: dict[str, str]) -> None:
    assert set(decided(owed_and_advised("ann"), choices).members["opportunity_id"]) <= told_without_choices()


def in_home(home: Settings, choices: dict[str, str], **more: Any) -> dict[str, Any]:
    """What the night says of Ann, who chose this before the day ended."""
    fill(home, shop("ann", "bob") | more)
    choose(home, "ann", choices, "1", BEFORE)
    with clock.at(END):
        night(home)
    return explain(home, "ann", DAY)


def test_money_of_an_unwanted_topic_is_promised_without_a_message(any_home: Settings) -> None:
    told = in_home(any_home, {"topic.fallen_prices": "off"})
    assert (told["outcome"], told["reason"], told["notice"]) == ("silent", "topic_unwanted", None)
    assert [right["amount_minor"] for right in told["rights"]] == [50]
    with clock.at(EARLY):
        review.approve(any_home, "latest", by="eve")
    with reading(engine_for(any_home)) as session:
        assert {(p.customer_id, p.open_minor) for p in listed(session)} == {("ann", 50), ("bob", 50)}
    assert send_at_morning(any_home).rows_out["notices"] == 1


def test_who_wants_no_messages_is_paid_all_the_same(home: Settings) -> None:
    told = in_home(home, {"messages": "off"})
    assert (told["outcome"], told["reason"]) == ("silent", "no_consent")
    assert [right["amount_minor"] for right in told["rights"]] == [50]


def test_the_chosen_channel_is_taken_where_there_is_consent(home: Settings) -> None:
    both = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"channels": ("file", "push")})})
    more = consenting("ann", "bob") + consenting("ann", channel="push")
    assert in_home(both, {"channel": "push"}, consents=more)["channel"] == "push"


def test_a_channel_without_consent_is_not_taken_because_it_was_chosen(home: Settings) -> None:
    both = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"channels": ("file", "push")})})
    assert in_home(both, {"channel": "push"})["channel"] == "file"


def test_a_choice_made_after_the_day_is_for_the_next_night(home: Settings) -> None:
    fill(home, shop("ann"))
    choose(home, "ann", {"messages": "off"}, "1", END)
    with clock.at(END + timedelta(hours=1)):
        night(home)
    assert explain(home, "ann", DAY)["outcome"] == "proposed"


def send_at_morning(home: Settings) -> Receipt:
    with clock.at(MORNING):
        return send(home)


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"messages": "off"}, "no_consent"),
        ({"topic.fallen_prices": "off"}, "topic_unwanted"),
        ({"marketing": "off"}, None),
        ({"topic.cheaper": "off"}, None),
        ({"messages": "on", "personalisation": "off", "channel": "any"}, None),
    ],
)
def test_a_choice_after_approval_counts_before_anything_goes(
    any_home: Settings, choices: dict[str, str], reason: str | None
) -> None:
    approved(any_home, "ann")
    choose(any_home, "ann", choices, "1", MORNING - timedelta(minutes=1))
    receipt = send_at_morning(any_home)
    assert receipt.rejected == ({f"notices: {reason}": 1} if reason else {})
    assert receipt.rows_out["notices"] == (0 if reason else 1)
    with reading(engine_for(any_home)) as session:
        assert [promise.open_minor for promise in listed(session)] == [50]


def with_links(home: Settings) -> Settings:
    return home.model_copy(update={"desk": PUBLIC})


def test_a_message_carries_the_customers_own_link_and_a_rerun_the_same(home: Settings) -> None:
    here = with_links(home)
    fill(here, shop("ann") | {"customers": [{"customer_id": "ann", "locale": "de_DE"}]})
    texts = []
    for moment in (END, END + timedelta(hours=3)):
        with clock.at(moment):
            night(here)
        [notice] = show_batch(here)["notices"]
        texts.append(notice["text"])
    assert texts[0] == texts[1]
    assert notice["state"] == "proposed"
    link = Links(here).of("ann", DAY)
    assert f"auf welchem Weg: {link.address}\n" in notice["text"]
    assert read_link(here, link.address.rpartition("/")[2], END) == link


def test_without_a_public_address_no_message_carries_a_link(home: Settings) -> None:
    fill(home, shop("ann"))
    with clock.at(END):
        night(home)
    [notice] = show_batch(home)["notices"]
    assert "yours/" not in notice["text"]
    assert not (home.home / "secret.key").exists()


@pytest.mark.parametrize("purpose", ["marketing", "service"])
def test_mail_programs_may_end_advice_with_one_click(home: Settings, purpose: str) -> None:
    mail = EVERYTHING.model_copy(update={"channels": ("email",)})
    here = with_links(home).model_copy(update={"outreach": mail})
    people = [{"customer_id": "ann", "email": "ann@example.org"}]
    tables = advised("ann") if purpose == "marketing" else shop("ann")
    if purpose == "marketing":
        del tables["prices"]
    fill(here, tables | {"customers": people, "consents": consenting("ann", channel="email")})
    with clock.at(END):
        night(here)
    with clock.at(EARLY):
        review.approve(here, "latest", by="eve")
    send_at_morning(here)
    [sent] = [json.loads(path.read_text()) for path in here.outbox_folder.rglob("*.json")]
    one_click = Links(here).of("ann", DAY).one_click
    assert (sent["purpose"], sent["unsubscribe_url"]) == (
        purpose,
        one_click if purpose == "marketing" else "",
    )


def test_the_fields_of_one_click_are_those_of_the_rfc() -> None:
    mail = Delivery(
        "n", "b", "a@example.org", "email", "marketing", "s", "t", "h", "https://shop.example/yours/x/stop"
    )
    assert mail.headers == {
        "List-Unsubscribe": "<https://shop.example/yours/x/stop>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert replace(mail, unsubscribe_url="").headers == {}
