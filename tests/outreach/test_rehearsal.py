"""The dry run: what a night would have decided with other settings, and that nothing comes of it."""

import contextvars
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from advocate.database import upgrade
from outreach import rehearsal, review
from outreach.computing import opportunities_of
from outreach.rehearsal import Rehearsal, last_night, rehearse
from outreach.world import world_of
from tests.conftest import once
from tests.outreach.worlds import DAY, EVERYTHING, fill, frame, night, shop
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError, SettingsError
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt
from warehouse.setting_changes import change
from warehouse.settings import OutreachSettings, Settings, load_settings


@pytest.fixture
def town(any_home: Settings) -> Settings:
    """Ann and Bob, each owed fifty cents, after their night."""
    return once(any_home, _night_of_two)


def _night_of_two(home: Settings) -> None:
    fill(home, shop("ann", "bob"))
    night(home)


def tried(settings: Settings, **changes: Any) -> Rehearsal:
    return rehearse(settings, {f"outreach.{name}": value for name, value in changes.items()}, DAY)


def everything_kept(settings: Settings) -> dict[str, str]:
    """A digest of every file of the home, and of every table."""
    kept = {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(Path(settings.lake_location).rglob("*"))
        if file.is_file()
    }
    tables = MetaData()
    tables.reflect(engine_for(settings))
    with reading(engine_for(settings)) as session:
        return kept | {
            table.name: str(sorted(map(str, session.execute(select(table)))))
            for table in tables.sorted_tables
        }


def test_a_change_that_makes_claims_smaller_says_whom_it_silences(town: Settings) -> None:
    found = tried(town, min_claim_minor={"default": 60})
    assert found.changes == {"outreach.min_claim_minor": ({"default": 10}, {"default": 60})}
    assert found.difference.customers == {
        "all": 2, "before": 2, "after": 0, "newly": 0, "no_longer": 2, "otherwise": 0, "same": 0
    }  # fmt: skip
    assert found.difference.proposals == [
        {
            "channel": "file", "kind": "price_drop", "currency": "USD",
            "notices_before": 2, "notices_after": 0, "minor_before": 100, "minor_after": 0,
        }
    ]  # fmt: skip
    assert found.difference.money == [
        {"owed": "policy", "currency": "USD", "minor_before": 100, "minor_after": 0}
    ]
    assert found.difference.reasons == [
        {"outcome": "proposed", "reason": "money_owed", "customers_before": 2, "customers_after": 0},
        {"outcome": "silent", "reason": "nothing_found", "customers_before": 0, "customers_after": 2},
    ]
    assert found.notes == []


def test_the_sample_says_what_each_customer_would_hear_before_and_after(town: Settings) -> None:
    found = tried(town, min_claim_minor={"default": 60}).difference
    assert sorted(row["customer_id"] for row in found.sample) == ["ann", "bob"]
    first = found.sample[0]
    assert first["difference"] == "no_longer"
    assert (first["before"]["reason"], first["before"]["value_minor"]) == ("money_owed", 50)
    assert (first["after"]["reason"], first["after"]["value_minor"]) == ("nothing_found", None)
    assert first["before"]["send_after"] == "2017-12-01T09:00:00+00:00"
    few = rehearse(town, {"outreach.min_claim_minor": {"default": 60}}, DAY, sample=1).difference
    assert few.sample == found.sample[:1]


def test_a_change_of_policy_finds_the_same_and_decides_otherwise(
    town: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[Settings] = []

    def counting(world: Any, settings: Settings, day: Any, receipt: Receipt) -> Any:
        sides.append(settings)
        return opportunities_of(world, settings, day, receipt)

    monkeypatch.setattr(rehearsal, "opportunities_of", counting)
    found = tried(town, channels=["email"])
    assert len(sides) == 1
    assert [row["reason"] for row in found.difference.reasons] == ["money_owed", "no_consent"]
    assert (found.difference.customers["before"], found.difference.customers["after"]) == (2, 0)
    tried(town, protection_days=31)
    assert len(sides) == 3


def test_another_moment_is_another_message(town: Settings) -> None:
    found = tried(town, waking_from=11)
    assert found.difference.customers["otherwise"] == 2
    assert [row["after"]["send_after"] for row in found.difference.sample] == [
        "2017-12-01T11:00:00+00:00"
    ] * 2
    assert found.notes == []


def test_several_changes_are_tried_together(town: Settings) -> None:
    found = tried(town, min_claim_minor={"default": 60}, channels=["email"])
    assert sorted(found.changes) == ["outreach.channels", "outreach.min_claim_minor"]
    assert found.difference.customers["no_longer"] == 2


def test_a_change_that_changes_nothing_says_so(town: Settings) -> None:
    found = tried(town, goodwill_limit_minor={"default": 1})
    assert not found.difference
    assert found.difference.customers["same"] == 2
    assert found.notes == ["nothing that was decided in the night of 2017-11-30 would differ"]


def test_nothing_is_written_whatever_is_tried(town: Settings) -> None:
    before = everything_kept(town)
    tried(town, protection_days=1, channels=["email"], min_coupon_uses=2)
    assert everything_kept(town) == before


def test_it_runs_beside_a_night_and_a_review(town: Settings) -> None:
    review.approve(town, DAY.isoformat(), by="maria")
    with hold(town, "features", "recs", "outreach", "ledger", "send"):
        found = contextvars.Context().run(tried, town, protection_days=1)
    assert found.difference.customers["no_longer"] == 2


def test_what_is_in_force_is_what_it_is_compared_with(town: Settings) -> None:
    change(town, "outreach.min_claim_minor", {"default": 60}, by="maria", reason="less", seen=0)
    found = tried(town, min_claim_minor={"default": 40})
    assert found.changes["outreach.min_claim_minor"] == ({"default": 60}, {"default": 40})
    assert found.difference.customers["newly"] == 2
    assert len(found.notes) == 1
    assert found.notes[0].startswith("of 2 customers the night of 2017-11-30 itself decided otherwise")
    back = tried(town, min_claim_minor=None)
    assert back.changes["outreach.min_claim_minor"] == ({"default": 60}, {"default": 10})


def test_data_that_came_since_is_no_difference_of_the_settings(town: Settings) -> None:
    # Cem's purchase comes late; both sides see it, and the night did not.
    late = frame("purchases", [{"order_id": "order of cem", "customer_id": "cem"}])
    consents = frame("consents", [{"customer_id": "cem", "purpose": "service"}])
    fill(town, {"purchases": late.to_dicts(), "consents": consents.to_dicts()})
    found = tried(town, goodwill_limit_minor={"default": 1})
    assert found.difference.customers["before"] == found.difference.customers["after"] == 3
    assert len(found.notes) == 2


def test_what_cannot_be_set_cannot_be_tried(town: Settings) -> None:
    with pytest.raises(SettingsError, match=r"setting outreach\.protection_days"):
        tried(town, protection_days=0)
    with pytest.raises(SettingsError, match="cannot be changed at the desk"):
        tried(town, holdout_salt="mine")


def test_only_a_night_that_has_run_can_be_tried(town: Settings, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "another")
    upgrade(settings)
    with pytest.raises(NotFoundError, match="no decisions for 2017-12-01"):
        rehearse(town, {"outreach.cap_days": 3}, DAY + timedelta(days=1))
    before = everything_kept(settings)
    with pytest.raises(NotFoundError, match="no night has run"):
        rehearse(settings, {"outreach.cap_days": 3})
    Lake.of(settings).put("decisions", DAY, Lake.of(town).get("decisions", DAY))
    kept = everything_kept(settings)
    with pytest.raises(NotFoundError, match="lacks inputs"):
        rehearse(settings, {"outreach.cap_days": 3}, DAY)
    assert everything_kept(settings) == kept != before


def test_the_last_night_is_meant_where_no_day_is_named(town: Settings) -> None:
    assert last_night(town) == DAY
    assert rehearse(town, {"outreach.cap_days": 3}).day == DAY


def test_the_result_is_plain_json(town: Settings) -> None:
    found = tried(town, waking_from=11).as_json()
    assert json.loads(json.dumps(found)) == found
    assert found["changes"] == {"outreach.waking_from": {"before": 9, "after": 11}}


def test_settings_that_need_no_finding_are_read_by_no_finder(home: Settings) -> None:
    fill(home, shop("ann"))
    read: set[str] = set()

    class Watched(OutreachSettings):
        def __getattribute__(self, name: str) -> Any:
            if name in OutreachSettings.model_fields:
                read.add(f"outreach.{name}")
            return super().__getattribute__(name)

    watched = home.model_copy(update={"outreach": Watched(**EVERYTHING.model_dump())})
    read.clear()  # of what its validators looked at
    opportunities_of(world_of(home, DAY), watched, DAY, Receipt("test"))
    known = {f"outreach.{name}" for name in OutreachSettings.model_fields}
    assert read & rehearsal._FOUND_WITHOUT == set()
    assert known - read - rehearsal._FOUND_WITHOUT == {"outreach.holdout_salt"}
