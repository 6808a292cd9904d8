"""API keys, as people make, list and revoke them."""

import logging
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import at
from warehouse import clock
from warehouse.access.keys import Issued, Scope, issue, keys, revoke
from warehouse.access.ring import KeyRing
from warehouse.database import engine_for, reading
from warehouse.errors import ConflictError, NotFoundError, SettingsError
from warehouse.settings import Settings


def made(settings: Settings, name: str = "shop") -> Issued:
    return issue(settings, name, ["recommend"], "maria")


def test_a_key_is_kept_as_it_was_asked_for(any_settings: Settings) -> None:
    with clock.at(at("2017-12-01")):
        key = issue(
            any_settings, "shop", ["events", "recommend"], "maria", rate=7, expires=at("2018-12-01 12:00")
        )
    (row,) = keys(any_settings)
    assert (row.key_id, row.name, row.requests_per_second) == (key.key_id, "shop", 7)
    assert row.scopes == ["recommend", "events"]
    assert (row.created_at, row.created_by) == (at("2017-12-01"), "maria")
    assert (row.expires_at, row.revoked_at, row.revoked_by) == (at("2018-12-01 12:00"), None, None)


def test_secrets_have_256_bits_and_are_never_the_same(settings: Settings) -> None:
    issued = [made(settings, f"shop-{number}") for number in range(20)]
    assert len({key.secret[-43:] for key in issued}) == len({key.key_id for key in issued}) == 20
    for key in issued:
        assert re.fullmatch(rf"adv_{key.key_id}_[A-Za-z0-9_-]{{43}}", key.secret)


def test_no_secret_is_in_the_database(any_settings: Settings) -> None:
    secret = made(any_settings).secret[-43:]
    with reading(engine_for(any_settings)) as session:
        rows = str(session.execute(text("SELECT * FROM api_keys")).all())
    assert "maria" in rows
    assert secret not in rows
    for file in any_settings.home.glob("advocate.db*"):
        assert secret.encode() not in Path(file).read_bytes()


def test_no_secret_is_in_the_log_or_in_what_is_printed_of_an_object(
    any_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)  # SQLAlchemy then logs every statement with its parameters
    key = made(any_settings)
    with KeyRing(any_settings) as ring:
        found = ring.match(key.secret)
        assert ring.match(key.secret[:-1]) is None
    revoke(any_settings, "shop", "maria")
    with pytest.raises(ConflictError) as refusal:
        made(any_settings, "twice"), made(any_settings, "twice")
    told = caplog.text + repr(key) + repr(found) + str(refusal.value) + str(refusal.value.__cause__)
    assert "INSERT INTO api_keys" in told
    assert key.secret[-43:-1] not in told


def test_two_living_keys_share_no_name(any_settings: Settings) -> None:
    made(any_settings)
    with pytest.raises(ConflictError, match=r"already is a living key 'shop'.*advocate keys revoke shop"):
        made(any_settings)
    assert len(keys(any_settings)) == 1


def test_of_many_who_take_a_name_at_once_one_gets_it(any_settings: Settings) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def take() -> None:
        together.wait(10)
        try:
            outcomes.append(made(any_settings).name)
        except ConflictError:
            outcomes.append("refused")

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["refused"] * 5 + ["shop"]


@pytest.mark.parametrize("by_name", [True, False])
def test_a_key_is_revoked_by_its_name_or_its_id(any_settings: Settings, by_name: bool) -> None:
    key, other = made(any_settings), made(any_settings, "other")
    with clock.at(at("2030-01-01")):
        row = revoke(any_settings, "shop" if by_name else key.key_id, "peter")
    assert (row.key_id, row.revoked_at, row.revoked_by) == (key.key_id, at("2030-01-01"), "peter")
    assert {k.key_id: k.revoked_by for k in keys(any_settings)} == {key.key_id: "peter", other.key_id: None}


def test_revoking_again_keeps_who_was_first_and_when(any_settings: Settings) -> None:
    made(any_settings)
    first = revoke(any_settings, "shop", "peter")
    again = revoke(any_settings, "shop", "maria")
    assert (again.revoked_at, again.revoked_by) == (first.revoked_at, "peter")


def test_the_name_of_a_revoked_key_is_free_and_then_means_the_new_one(any_settings: Settings) -> None:
    made(any_settings)
    old = revoke(any_settings, "shop", "peter")
    new = made(any_settings)
    assert revoke(any_settings, "shop", "maria").key_id == new.key_id
    assert {k.key_id: k.revoked_by for k in keys(any_settings)} == {old.key_id: "peter", new.key_id: "maria"}
    assert revoke(any_settings, "shop", "peter").key_id == new.key_id, "the one revoked last"


def test_keys_are_listed_the_newest_first(any_settings: Settings) -> None:
    for day in ("2017-12-02", "2017-12-03", "2017-12-01"):
        with clock.at(at(day)):
            made(any_settings, f"shop-{day}")
    assert [k.name[-1] for k in keys(any_settings)] == ["3", "2", "1"]


@pytest.mark.parametrize("unknown", ["ghost", "", "a\0b", "\udcff", "x" * 10_000])
def test_revoking_what_is_not_there_says_where_to_look(any_settings: Settings, unknown: str) -> None:
    with pytest.raises(NotFoundError, match="advocate keys list"):
        revoke(any_settings, unknown, "maria")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "the name '' cannot"),
        ({"name": "two words"}, "'two words'"),
        ({"name": "-shop"}, "a letter or digit first"),
        ({"name": "x" * 65}, "up to 64"),
        ({"name": "shop\n"}, "cannot be"),
        ({"scopes": []}, "without a scope.*recommend, events, metrics"),
        ({"scopes": ["recommend", "admin"]}, "no scope 'admin'"),
        ({"rate": 0}, "the rate is 0"),
        ({"rate": 100_001}, "from 1 to 100,000"),
        ({"expires": at("2017-12-01")}, "2017-12-01 00:00"),
        ({"by": ""}, "who does this"),
        ({"by": "m" * 201}, "1 to 200"),
        ({"by": "\udcff"}, "who does this"),
    ],
)
def test_a_key_nobody_could_use_is_not_made(settings: Settings, wrong: dict[str, Any], says: str) -> None:
    asked = {"name": "shop", "scopes": [Scope.EVENTS], "by": "maria"} | wrong
    with clock.at(at("2017-12-01")), pytest.raises(SettingsError, match=says):
        issue(settings, **asked)
    assert keys(settings) == []


def test_who_revokes_must_be_said(settings: Settings) -> None:
    made(settings)
    with pytest.raises(SettingsError, match="who does this"):
        revoke(settings, "shop", "")
    assert [k.revoked_at for k in keys(settings)] == list[datetime | None]([None])
