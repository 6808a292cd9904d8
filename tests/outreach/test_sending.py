import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from outreach import review
from outreach.channels import FileChannel
from outreach.choosing import Which
from outreach.models import NoticeRow, WordsRow
from outreach.sending import send
from tests.conftest import once
from tests.outreach.test_review import balance, states
from tests.outreach.worlds import DAY, END, EVERYTHING, MORNING, consenting, fill, night, shop
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, PausedError
from warehouse.receipts import Receipt
from warehouse.settings import Settings
from warehouse.switches import PAUSE, turn

EARLY = END + timedelta(hours=8)


def approved(home: Settings, *customers: str, **tables: Any) -> Settings:
    """A home whose one batch was approved at eight in the morning."""

    def live(home: Settings) -> None:
        fill(home, shop(*customers) | tables)
        with clock.at(END):
            night(home)
        with clock.at(EARLY):
            review.approve(home, "latest", by="eve")

    return once(home, live, *customers, repr(tables))


def files(home: Settings) -> list[Path]:
    return sorted(path for path in home.outbox_folder.rglob("*") if path.is_file())


def send_at(moment: datetime, home: Settings, **flags: Any) -> Receipt:
    with clock.at(moment):
        return send(home, **flags)


def test_what_was_approved_is_handed_over_once(any_home: Settings) -> None:
    home = approved(any_home, "ann", "bob")
    receipt = send_at(MORNING, home)
    assert receipt.rows_out["notices"] == 2
    assert states(home) == {"ann": "sent", "bob": "sent"}
    again = send_at(MORNING, home)
    assert (again.rows_in["notices"], again.rows_out["notices"]) == (0, 0)
    assert len(files(home)) == 2
    content = json.loads(files(home)[0].read_text())
    assert content["to"] in ("ann", "bob")
    assert "You get $0.50 back." in content["text"]
    history = review.history(home, files(home)[0].stem)
    assert [event["to_state"] for event in history] == ["approved", "handed", "sent"]


def test_nothing_leaves_without_approval(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(END):
        night(any_home)
        review.hold(any_home, "latest", by="eve", reason="odd", which=Which([next(iter(ids_of(any_home)))]))
    assert send_at(MORNING, any_home).rows_in["notices"] == 0
    assert files(any_home) == []


def ids_of(home: Settings) -> list[str]:
    return [notice["notice_id"] for notice in review.show_batch(home)["notices"]]


@pytest.mark.parametrize(
    ("moment", "change", "reason"),
    [
        pytest.param(EARLY + timedelta(minutes=14), {}, "delay", id="undo is still possible"),
        pytest.param(EARLY + timedelta(minutes=16), {}, "not_yet", id="before waking hours"),
        pytest.param(END.replace(hour=20), {}, "asleep", id="after waking hours"),
        pytest.param(END + timedelta(days=3, hours=10), {}, "old_night", id="older than three days"),
        pytest.param(
            MORNING,
            {"consents": [c | {"granted": False, "recorded_at": "2017-12-01"} for c in consenting("ann")]},
            "no_consent",
            id="consent withdrawn",
        ),
        pytest.param(
            MORNING,
            {
                "responses": [
                    {"response_id": "1", "customer_id": "ann", "kind": "complained", "at": "2017-12-01"}
                ]
            },
            "complained",
            id="complained",
        ),
        pytest.param(
            MORNING,
            {
                "contacts": [
                    {"contact_id": str(n), "customer_id": "ann", "sent_at": "2017-12-01 09:00"}
                    for n in range(2)
                ]
            },
            "frequency_cap",
            id="heard from others meanwhile",
        ),
    ],
)
def test_an_approved_notice_is_checked_again_before_it_goes(
    home: Settings, moment: datetime, change: dict[str, Any], reason: str
) -> None:
    approved(home, "ann")
    if change:
        fill(home, change)
    receipt = send_at(moment, home)
    assert receipt.rejected == {f"notices: {reason}": 1}
    assert files(home) == []
    assert states(home) == {"ann": "approved"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"responses": [{"response_id": "1", "customer_id": "ann", "kind": "unsubscribed"}]}, "unsubscribed"),
        ({"customers": [{"customer_id": "ann", "minor": True}]}, "minor"),
    ],
)
def test_advice_is_checked_for_what_forbids_only_advice(
    home: Settings, change: dict[str, Any], reason: str
) -> None:
    approved(home, "ann", **ADVICE)
    fill(home, change)
    assert send_at(MORNING, home).rejected == {f"notices: {reason}": 1}


ADVICE: dict[str, Any] = {
    "purchases": [{"order_id": str(n), "purchased_at": f"2017-11-{20 + n}"} for n in range(2)],
    "prices": [],
    "offers": [{"value_minor": 50, "currency": "USD"}],
    "offer_products": [{}],
    "entitlements": [{"entitlement_id": "e", "expires_at": "2017-12-01 12:00"}],
}


def test_advice_goes_until_it_lapses_and_then_expires(any_home: Settings) -> None:
    home = approved(any_home, "ann", **ADVICE)
    receipt = send_at(END.replace(hour=12), home)
    assert receipt.rejected == {"notices: expired": 1}
    assert states(home) == {"ann": "expired"}
    assert files(home) == []


def test_an_address_that_changed_since_approval_is_not_written_to(home: Settings) -> None:
    email = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"channels": ("email",)})})
    old, new = ({"customer_id": "ann", "email": f"{name}@example.org"} for name in ("old", "new"))
    approved(email, "ann", customers=[old], consents=consenting("ann", channel="email"))
    fill(email, {"customers": [new]})
    assert send_at(MORNING, email).rejected == {"notices: content_changed": 1}


@pytest.mark.parametrize("column", ["text", "html", "subject", "recipient"])
def test_words_that_changed_since_approval_do_not_go(any_home: Settings, column: str) -> None:
    home = approved(any_home, "ann")
    table = WordsRow if column in ("text", "html") else NoticeRow
    with writing(engine_for(home)) as session:
        session.execute(update(table).values({column: "something else"}))
    assert send_at(MORNING, home).rejected == {"notices: content_changed": 1}
    assert files(home) == []


def test_a_rejected_notice_does_not_go_even_after_approval(any_home: Settings) -> None:
    home = approved(any_home, "ann", "bob")
    review.reject(home, "latest", by="eve", reason="oops", which=Which(ids_of(home)[:1]))
    assert send_at(MORNING, home).rows_out["notices"] == 1
    assert sorted(states(home).values()) == ["rejected", "sent"]


def test_after_an_approval_was_taken_back_nothing_goes(any_home: Settings) -> None:
    home = approved(any_home, "ann", "bob")
    with clock.at(EARLY):
        review.reject(home, "latest", by="eve", reason="wrong prices")
    assert send_at(MORNING, home).rows_in["notices"] == 0
    assert files(home) == []
    assert balance(home, "ann") == balance(home, "bob") == (50, 0, 0, 50)


def test_what_was_handed_over_cannot_be_taken_back(any_home: Settings) -> None:
    home = approved(any_home, "ann")
    send_at(MORNING, home)
    with pytest.raises(ConflictError, match="nothing that is proposed or held or approved, only 1 sent"):
        review.reject(home, "latest", by="eve", reason="too late")
    assert balance(home, "ann") == (50, 0, 50, 0)


def test_while_paused_nothing_is_sent(any_home: Settings) -> None:
    home = approved(any_home, "ann")
    with writing(engine_for(home)) as session:
        turn(session, PAUSE, on=True, by="eve", at=MORNING)
    with pytest.raises(PausedError, match="paused by eve"):
        send_at(MORNING, home)
    assert files(home) == []


def test_a_pause_during_sending_stops_before_the_next_notice(
    any_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = approved(any_home, "ann", "bob", "cid")
    deliver = FileChannel.deliver

    def deliver_and_pause(self: FileChannel, delivery: Any) -> None:
        deliver(self, delivery)
        with writing(engine_for(home)) as session:
            turn(session, PAUSE, on=True, by="eve", at=MORNING)

    monkeypatch.setattr(FileChannel, "deliver", deliver_and_pause)
    receipt = send_at(MORNING, home)
    assert receipt.rows_out["notices"] == 1
    assert "the rest was not sent" in receipt.warnings[0]
    assert len(files(home)) == 1


def test_old_nights_go_only_when_asked_for(home: Settings) -> None:
    approved(home, "ann")
    late = END + timedelta(days=5, hours=10)
    assert send_at(late, home).rejected == {"notices: old_night": 1}
    assert send_at(late, home, allow_old=True).rows_out["notices"] == 1


def test_only_the_named_batch_is_sent(home: Settings) -> None:
    approved(home, "ann")
    fill(home, {"prices": [{"price": "1.00", "effective_at": "2017-12-01"}]})
    with clock.at(END + timedelta(days=1)):
        night(home, DAY + timedelta(days=1))
        review.approve(home, "latest", by="eve")
    assert send_at(MORNING + timedelta(days=1), home, batch=DAY.isoformat()).rows_in["notices"] == 1
    assert states(home) == {"ann": "approved"}
    assert states(home, DAY.isoformat()) == {"ann": "sent"}


def test_two_accounts_of_a_person_do_not_slip_under_the_cap_in_one_run(home: Settings) -> None:
    once = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"cap_contacts": 1})})
    approved(once, "ann")
    fill(once, {"prices": [{"price": "1.00", "effective_at": "2017-12-01"}]})
    both_days = once.model_copy(update={"outreach": EVERYTHING})
    with clock.at(END + timedelta(days=1)):
        night(both_days, DAY + timedelta(days=1))
        review.approve(both_days, "latest", by="eve")
    receipt = send_at(MORNING + timedelta(days=1), once)
    assert (receipt.rows_out["notices"], receipt.rejected) == (1, {"notices: frequency_cap": 1})


def test_a_batch_has_something_unsent_from_an_approval_until_nothing_is_left(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(END):
        night(any_home)
    assert not unsent(any_home)
    with clock.at(EARLY):
        ann, bob = review.show_batch(any_home, "latest")["notices"]
        review.approve(any_home, "latest", by="eve", which=Which([ann["notice_id"]]))
        assert unsent(any_home)
        send(any_home)
        assert unsent(any_home)  # it waits until it is certain that the approval stays
    assert send_at(MORNING, any_home).rows_out["notices"] == 1
    assert not unsent(any_home)
    with clock.at(MORNING):
        review.approve(any_home, "latest", by="eve", which=Which([bob["notice_id"]]))
    assert send_at(MORNING + timedelta(hours=1), any_home).rows_out["notices"] == 1
    assert not unsent(any_home)


def test_an_approval_while_sending_ends_is_not_forgotten(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(END):
        night(any_home)
    ann, bob = (one["notice_id"] for one in review.show_batch(any_home, "latest")["notices"])
    with clock.at(EARLY):
        review.approve(any_home, "latest", by="eve", which=Which([ann]))
    with ThreadPoolExecutor() as pool:
        with writing(engine_for(any_home)) as session:
            batch = review.find_batch(session, "latest", lock=True)
            sending = pool.submit(send_at, MORNING, any_home)
            review.approve_in(session, any_home, batch, None, "eve", MORNING, "", Which([bob]))
            time.sleep(1)
            assert not sending.done()
        sending.result()
    assert unsent(any_home)
    send_at(MORNING + timedelta(hours=1), any_home)
    assert set(states(any_home).values()) == {"sent"}


def test_what_is_too_old_is_left_where_it_is_until_somebody_asks_for_it(any_home: Settings) -> None:
    approved(any_home, "ann")
    late = MORNING + timedelta(days=9)
    assert send_at(late, any_home).rejected == {"notices: old_night": 1}
    assert not unsent(any_home)
    assert send_at(late, any_home).rows_in["notices"] == 0
    assert send_at(late, any_home, batch="latest").rejected == {"notices: old_night": 1}
    assert send_at(late, any_home, allow_old=True).rows_out["notices"] == 1
    assert states(any_home) == {"ann": "sent"}


def test_what_a_run_left_handed_is_asked_about_however_old_it_is(any_home: Settings) -> None:
    approved(any_home, "ann")
    with writing(engine_for(any_home)) as session:
        session.execute(update(NoticeRow).values(state="handed", handed_at=MORNING))
    late = MORNING + timedelta(days=9)
    assert send_at(late, any_home).rejected == {"notices: old_night": 1}
    assert set(states(any_home).values()) == {"approved"}


def unsent(home: Settings) -> bool:
    with reading(engine_for(home)) as session:
        return review.find_batch(session, "latest").unsent
