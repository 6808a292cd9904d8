"""The digest: who is told that a batch waits, of what, and how often."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from outreach import digest as digests
from outreach import review
from outreach.digest import digest
from outreach.models import BatchRow, NoticeRow
from tests.conftest import once
from tests.outreach.worlds import DAY, MORNING, fill, night, shop
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.models import UserRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.settings import Settings

ADDRESSES = {"ann": Role.ADMIN, "eve": Role.APPROVER, "rita": Role.REVIEWER, "vic": Role.VIEWER}


@pytest.fixture
def waiting(any_home: Settings) -> Settings:
    """A batch for Ada and Ben, and an account of each role with an address."""
    return once(any_home, _wait)


def _wait(home: Settings) -> None:
    fill(home, shop("ada", "ben"))
    with clock.at(MORNING):
        night(home)
    for name, role in ADDRESSES.items():
        accounts.add(home, name, role, by="ann", password=None, email=f"{name}@shop.example")


def mails(home: Settings) -> dict[str, dict[str, Any]]:
    """What was handed over, by address."""
    read = [json.loads(file.read_text("utf-8")) for file in (home.outbox_folder / "digest").glob("*")]
    return {mail["to"]: mail for mail in read}


def test_those_who_decide_are_told_how_much_of_what_and_by_when(waiting: Settings) -> None:
    with clock.at(MORNING):
        receipt = digest(waiting, DAY)
    assert receipt.rows_out == {"digests": 3}
    told = mails(waiting)
    assert sorted(told) == ["ann@shop.example", "eve@shop.example", "rita@shop.example"]
    mail = told["eve@shop.example"]
    assert mail["subject"] == "Corner Shop: 2 notices wait for a decision"
    assert "In all: 2 notices to 2 customers, about 1.00 USD." in mail["text"]
    due = min(notice["send_after"] for notice in review.show_batch(waiting)["notices"])
    assert f"Decide before {due:%Y-%m-%d %H:%M} UTC" in mail["text"]
    assert f"{waiting.desk.url}/desk/batches/2017-11-30" in mail["text"]
    assert mail["channel"] == "email"


def test_nothing_of_any_customer_is_in_it(waiting: Settings) -> None:
    with clock.at(MORNING):
        digest(waiting, DAY)
    text = json.dumps(list(mails(waiting).values()))
    shown = review.show_batch(waiting)["notices"]
    assert not [
        word for n in shown for word in (n["customer_id"], n["notice_id"], n["subject"]) if word in text
    ]


def test_each_person_is_told_once_for_a_day(waiting: Settings) -> None:
    assert digest(waiting, DAY).rows_out == {"digests": 3}
    before = mails(waiting)
    accounts.add(waiting, "bob", Role.APPROVER, by="ann", password=None, email="bob@shop.example")
    with clock.at(clock.now() + timedelta(hours=1)):
        assert digest(waiting, DAY).rows_out == {"digests": 1}
    assert {to: mail for to, mail in mails(waiting).items() if to != "bob@shop.example"} == before


def test_what_is_odd_is_in_it(waiting: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    late = MORNING + timedelta(days=3)
    with clock.at(late):
        digest(waiting, DAY)
    text = mails(waiting)["eve@shop.example"]["text"]
    assert "- 2 notices wait for a decision, and their hour to be sent has come" in text


def set_batch(home: Settings, **values: object) -> None:
    with writing(engine_for(home)) as session:
        session.execute(update(BatchRow).values(values))


@pytest.mark.parametrize(
    "settle",
    [
        lambda home: review.reject(home, "latest", by="eve", reason="no"),
        lambda home: set_batch(home, backfill=True),
        lambda home: set_batch(home, day=DAY - timedelta(days=1)),
    ],
    ids=["all decided", "a backfill", "another day"],
)
def test_nobody_is_told_where_nothing_waits(waiting: Settings, settle: Callable[[Settings], object]) -> None:
    settle(waiting)
    receipt = digest(waiting, DAY)
    assert receipt.notes == ["no batch of today waits for a decision, so nobody is told of one"]
    assert mails(waiting) == {}


def test_who_left_or_has_no_address_is_not_told(waiting: Settings) -> None:
    accounts.disable(waiting, "eve", by="ann")
    accounts.add(waiting, "max", Role.APPROVER, by="ann", password=None)
    assert digest(waiting, DAY).rows_out == {"digests": 2}
    assert "eve@shop.example" not in mails(waiting)


@pytest.mark.parametrize(
    "address",
    [
        "eve@shop.example\r\nBcc: everybody@shop.example",
        "eve@shop.example\nSubject: free",
        "eve@shop.example, mallory@evil.example",
        "Eve <eve@shop.example>",
        "eve@shop.example\u2028Bcc:x@y",
        "not an address",
    ],
)
def test_an_address_that_is_more_than_one_is_not_used(waiting: Settings, address: str) -> None:
    with writing(engine_for(waiting)) as session:
        session.execute(update(UserRow).where(UserRow.name == "eve").values(email=address))
    receipt = digest(waiting, DAY)
    assert receipt.warnings == ["the account 'eve' has an address that is none, so it is not told"]
    assert sorted(mails(waiting)) == ["ann@shop.example", "rita@shop.example"]


@pytest.mark.parametrize("name", ["Shop\r\nBcc: everybody@shop.example", "Shop\x00\x1b[31m\u2028X-Odd: 1"])
def test_no_setting_begins_a_header_of_its_own(waiting: Settings, name: str) -> None:
    odd = waiting.outreach.model_copy(update={"shop_name": name})
    digest(waiting.model_copy(update={"outreach": odd}), DAY)
    for mail in mails(waiting).values():
        assert mail["subject"].isprintable()
        assert mail["subject"].startswith("Shop ")


def test_a_name_is_no_path(waiting: Settings) -> None:
    with writing(engine_for(waiting)) as session:
        session.execute(update(UserRow).where(UserRow.name == "eve").values(name="../../eve"))
    digest(waiting, DAY)
    files = [path.relative_to(waiting.outbox_folder) for path in waiting.outbox_folder.rglob("*.json")]
    assert len(files) == 3
    assert {file.parent for file in files} == {Path("digest")}


def test_what_cannot_be_handed_over_is_a_warning_and_the_night_goes_on(
    waiting: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    full = waiting.model_copy(
        update={"send": waiting.send.model_copy(update={"outbox": str(tmp_path / "file")})}
    )
    receipt = digest(full, DAY)
    assert receipt.rows_out == {"digests": 0}
    assert len(receipt.warnings) == 3
    assert "could not be told that a batch waits" in receipt.warnings[0]


def test_money_that_goes_without_a_message_has_no_hour(waiting: Settings) -> None:
    with writing(engine_for(waiting)) as session:
        session.execute(update(NoticeRow).values(send_after=None))
    digest(waiting, DAY)
    assert "Decide before" not in mails(waiting)["eve@shop.example"]["text"]


def test_without_addresses_the_receipt_says_how_to_give_one(any_home: Settings) -> None:
    fill(any_home, shop("ada"))
    with clock.at(MORNING):
        night(any_home)
    assert digests.digest(any_home, DAY).notes == [
        "no account that reviews has an address; `advocate users add --email` gives one"
    ]
