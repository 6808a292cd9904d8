"""Settings at the desk: who may change which, what is kept of it, and what is in force."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import at
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, ForbiddenError, SettingsError, TamperedError
from warehouse.models import SettingChangeRow
from warehouse.setting_changes import (
    CHANGEABLE,
    Current,
    change,
    check_changes,
    history,
    in_force,
    newest,
    tried,
)
from warehouse.settings import Settings, Source, load_settings

CAP = "outreach.cap_days"
WORDS = "seven quiet harbours"


def put(
    settings: Settings, name: str, value: Any, *, by: str = "maria", seen: int = 99
) -> SettingChangeRow | None:
    return change(settings, name, value, by=by, reason="to see", seen=seen)


def log(settings: Settings) -> list[tuple[Any, ...]]:
    with reading(engine_for(settings)) as session:
        return [(row.number, row.name, row.before, row.value) for row in history(session)]


def test_a_change_is_in_force_until_it_is_taken_back(any_settings: Settings) -> None:
    put(any_settings, CAP, 9)
    assert in_force(any_settings).outreach.cap_days == 9
    assert in_force(any_settings).source_of(CAP) == Source("desk")
    assert in_force(in_force(any_settings)).outreach.cap_days == 9
    put(in_force(any_settings), CAP, None)
    assert in_force(any_settings).outreach.cap_days == 7
    assert in_force(any_settings).source_of(CAP) == Source("default")
    assert log(any_settings) == [(2, CAP, 9, None), (1, CAP, 7, 9)]


def test_what_was_taken_back_leaves_settings_that_had_it_too(any_settings: Settings) -> None:
    put(any_settings, CAP, 9)
    earlier = in_force(any_settings)
    put(any_settings, CAP, None)
    assert in_force(earlier).outreach.cap_days == 7


def test_the_log_says_who_when_and_why_and_names_its_audit_entry(any_settings: Settings) -> None:
    with clock.at(at("2017-12-01 09:00")):
        change(any_settings, CAP, 9, by="maria", reason=" fewer messages ", seen=0)
    with reading(engine_for(any_settings)) as session:
        (row,) = history(session, CAP)
        assert (row.by, row.at, row.reason) == ("maria", at("2017-12-01 09:00"), "fewer messages")
        assert row.audit == audit.verify(session).number == 1
        assert check_changes(session) == 1
        assert list(history(session, "outreach.cap_contacts")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outreach.channels", ["email", "push"]),
        ("outreach.cap_claim_minor", {"USD": 500}),
        ("outreach.late_share", 0.25),
        ("outreach.shop_name", "Läden & Söhne"),
        ("send.delay_minutes", 0),
    ],
)
def test_every_kind_of_value_comes_back_as_it_was(any_settings: Settings, name: str, value: Any) -> None:
    put(any_settings, name, value)
    section, _, field = name.partition(".")
    assert getattr(in_force(any_settings), section).model_dump(mode="json")[field] == value


def test_a_table_replaces_that_of_the_file(settings: Settings) -> None:
    (settings.home / "settings.toml").write_text("[outreach.cap_claim_minor]\nUSD = 1\nEUR = 2\n")
    put(settings, "outreach.cap_claim_minor", {"USD": 500})
    assert in_force(load_settings(home=settings.home)).outreach.cap_claim_minor == {"USD": 500}


def test_the_same_value_again_is_no_change(any_settings: Settings) -> None:
    assert put(any_settings, CAP, 9) is not None
    assert put(any_settings, CAP, 9) is None
    assert put(any_settings, "outreach.cap_contacts", None) is None
    assert len(log(any_settings)) == 1


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (CAP, 0, r"setting outreach\.cap_days: .*greater than or equal to 1"),
        (CAP, "soon", r"setting outreach\.cap_days: "),
        ("outreach.waking_from", 20, "setting outreach: .*waking_from must lie before waking_until"),
        ("outreach.channels", ["pigeon"], r"setting outreach\.channels"),
        ("outreach.min_claim_minor", {"usd": 5}, r"setting outreach\.min_claim_minor\.usd"),
        ("outreach.min_claim_minor", {"USD": 10**30}, r"setting outreach\.min_claim_minor\.USD"),
        ("outreach.late_share", float("nan"), r"setting outreach\.late_share"),
        ("outreach.shop_name", "Shop\nBcc: all", r"setting outreach\.shop_name"),
        ("outreach.contact", "x" * 501, r"setting outreach\.contact"),
        ("outreach.channels", ["email"] * 2000, "longer than 10,000 characters"),
        ("send.delay_minutes", 10**12, r"setting send\.delay_minutes"),
        ("outreach.holdout_salt", "mine", "cannot be changed at the desk"),
        ("send.outbox", "/tmp", "cannot be changed at the desk"),
        ("secret_key", "x" * 32, "cannot be changed at the desk"),
        ("recs.depth", 3, "cannot be changed at the desk"),
        ("outreach.speed", 3, r"no setting 'outreach\.speed'"),
        ("outreach", {"cap_days": 3}, "no setting 'outreach'"),
    ],
)
def test_what_cannot_be_so_is_refused_and_nothing_is_kept(
    settings: Settings, name: str, value: Any, told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        put(settings, name, value)
    with pytest.raises(SettingsError, match=told):
        tried(settings, {name: value})
    assert log(settings) == []
    with reading(engine_for(settings)) as session:
        assert audit.verify(session).number == 0


def test_a_change_has_to_have_a_reason(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"say why outreach\.cap_days"):
        change(settings, CAP, 9, by="maria", reason="  ", seen=0)


def test_two_changes_that_only_go_together_are_made_one_after_the_other(any_settings: Settings) -> None:
    put(any_settings, "outreach.waking_until", 23)
    put(any_settings, "outreach.waking_from", 21)
    outreach = in_force(any_settings).outreach
    assert (outreach.waking_from, outreach.waking_until) == (21, 23)
    with pytest.raises(SettingsError, match="waking_from must lie before"):
        put(any_settings, "outreach.waking_until", None)


def test_whoever_did_not_see_the_newest_change_is_told_of_it(any_settings: Settings) -> None:
    with clock.at(at("2017-12-01 09:00")):
        put(any_settings, CAP, 9, by="ben", seen=0)
    with pytest.raises(
        ConflictError, match=r"ben changed outreach\.cap_days at 2017-12-01 09:00 UTC \(to see\)"
    ):
        put(any_settings, CAP, 10, seen=0)
    put(any_settings, "outreach.cap_contacts", 1, seen=0)
    put(any_settings, CAP, 10, seen=1)
    assert in_force(any_settings).outreach.cap_days == 10


def test_of_two_who_change_the_same_at_once_one_is_told_of_the_other(any_settings: Settings) -> None:
    def attempt(value: int) -> str:
        try:
            put(any_settings, CAP, value, by=f"number {value}", seen=0)
        except ConflictError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(attempt, range(1, 5)))
    assert [text.endswith("look at it, then decide again") or text == "done" for text in told] == [True] * 4
    assert told.count("done") == 1
    ((_, _, _, value),) = log(any_settings)
    assert in_force(any_settings).outreach.cap_days == value


def test_where_there_are_accounts_only_an_admin_changes_settings(any_settings: Settings) -> None:
    accounts.add(any_settings, "ada", Role.ADMIN, by="root", password=WORDS)
    accounts.add(any_settings, "ben", Role.APPROVER, by="ada", password=WORDS)
    for name, told in (("ben", "takes the role admin; yours is approver"), ("eve", "no open account")):
        with pytest.raises(ForbiddenError, match=told):
            put(any_settings, CAP, 9, by=name)
    assert log(any_settings) == []
    put(any_settings, CAP, 9, by="ada")
    assert in_force(any_settings).outreach.cap_days == 9


def test_what_the_environment_fixes_wins_and_cannot_be_changed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, CAP, 9)
    monkeypatch.setenv("ADVOCATE_OUTREACH__CAP_DAYS", "3")
    fixed = load_settings(home=settings.home)
    assert in_force(fixed).outreach.cap_days == 3
    assert in_force(fixed).source_of(CAP) == Source("environment", "ADVOCATE_OUTREACH__CAP_DAYS")
    with pytest.raises(ConflictError, match="fixed by ADVOCATE_OUTREACH__CAP_DAYS"):
        put(fixed, CAP, 10)
    with pytest.raises(ConflictError, match="fixed by ADVOCATE_OUTREACH__CAP_DAYS"):
        tried(fixed, {CAP: 10})
    assert put(fixed, CAP, None) is not None


def test_a_change_that_the_file_came_to_forbid_is_named_and_can_be_taken_back(any_settings: Settings) -> None:
    put(any_settings, "outreach.waking_until", 12)
    put(any_settings, "outreach.ageing_breach_hours", 30)
    changed = any_settings.outreach.model_copy(
        update={"waking_from": 15, "waking_until": 20, "ageing_warning_hours": 40, "ageing_breach_hours": 50}
    )
    later = any_settings.model_copy(update={"outreach": changed})
    with pytest.raises(SettingsError, match=r"waking_from must .*`advocate settings reset`"):
        in_force(later)
    put(later, "outreach.waking_until", None)
    put(later, "outreach.ageing_breach_hours", None)
    assert in_force(later).outreach == changed


def test_what_is_tried_is_not_kept_and_goes_with_what_was_changed(any_settings: Settings) -> None:
    put(any_settings, "outreach.waking_until", 23)
    outreach = tried(any_settings, {"outreach.waking_from": 21, CAP: 3}).outreach
    assert (outreach.waking_from, outreach.waking_until, outreach.cap_days) == (21, 23, 3)
    assert tried(any_settings, {"outreach.waking_until": None}).outreach.waking_until == 20
    assert in_force(any_settings).outreach.waking_from == 9
    assert len(log(any_settings)) == 1


def test_a_process_that_lives_on_sees_changes_without_a_restart(any_settings: Settings) -> None:
    current = Current(any_settings)
    assert current().outreach.cap_days == 7
    put(any_settings, CAP, 9)
    assert current().outreach.cap_days == 9
    assert current() is current()
    put(any_settings, CAP, None)
    assert current().outreach.cap_days == 7


@pytest.mark.parametrize(
    "statement", ["UPDATE setting_changes SET value = '1'", "DELETE FROM setting_changes"]
)
def test_the_log_only_grows(any_settings: Settings, statement: str) -> None:
    put(any_settings, CAP, 9)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine_for(any_settings)) as session:
        session.execute(text(statement))
    assert log(any_settings) == [(1, CAP, 7, 9)]


def test_a_change_that_came_another_way_is_found(settings: Settings) -> None:
    put(settings, CAP, 9)
    forged = SettingChangeRow(
        number=2, name=CAP, value=1, before=9, by="eve", at=at("2017-12-01"), reason="", audit=2
    )
    with writing(engine_for(settings)) as session:
        session.add(forged)
    with reading(engine_for(settings)) as session, pytest.raises(TamperedError, match="entry 2 of the audit"):
        check_changes(session)


def test_salts_secrets_and_places_are_never_changed_at_the_desk() -> None:
    assert {name.partition(".")[0] for name in CHANGEABLE} == {"outreach", "send"}
    assert not [name for name in CHANGEABLE if "salt" in name or "outbox" in name or "key" in name]


def test_the_newest_number_is_what_a_page_hands_on(settings: Settings) -> None:
    with reading(engine_for(settings)) as session:
        assert newest(session) == 0
    put(settings, CAP, 9)
    with reading(engine_for(settings)) as session:
        assert newest(session) == 1


def test_settings_travel_to_other_processes_with_their_sources(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[send]\ndelay_minutes = 1\n")
    sent = load_settings(home=tmp_path, changes={CAP: 9})
    there = pickle.loads(pickle.dumps(sent))
    assert there == sent
    assert there.source_of(CAP) == Source("desk")
    assert there.source_of("send.delay_minutes") == Source("file", str(tmp_path / "settings.toml"))
    assert there.source_of("home") == Source("flag", "--home")
