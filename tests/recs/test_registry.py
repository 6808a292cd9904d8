"""Publishing and rolling back are one row; both databases agree."""

from datetime import date
from typing import Any

import pytest

from recs import registry
from recs.bundle import folder_of
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings


def entered(settings: Settings, bundle_id: str, day: str = "2017-11-30") -> str:
    manifest: dict[str, Any] = {"day": day, "data_hash": "0" * 64, "metrics": {}, "verdict": "judged"}
    folder_of(settings, bundle_id).mkdir(parents=True)
    registry.register(settings, bundle_id, manifest)
    return bundle_id


def now(settings: Settings) -> tuple[str, str | None]:
    found = registry.current(settings)
    assert found is not None
    return found.bundle_id, found.previous_id


def test_publishing_remembers_what_was_before(any_settings: Settings) -> None:
    for name in ("a", "b", "b", "c"):
        if not folder_of(any_settings, name).exists():
            entered(any_settings, name)
        assert registry.publish(any_settings, name, by="ann")
    assert now(any_settings) == ("c", "b")
    assert {row.bundle_id: row.published_at is not None for row in registry.bundles(any_settings)} == {
        "a": True, "b": True, "c": True,
    }  # fmt: skip


def test_rolling_back_serves_the_one_before_and_back_again(any_settings: Settings) -> None:
    for name in ("a", "b"):
        registry.publish(any_settings, entered(any_settings, name), by="ann")
    assert registry.roll_back(any_settings, by="ben").bundle_id == "a"
    assert now(any_settings) == ("a", "b")
    registry.roll_back(any_settings, by="ben")
    assert now(any_settings) == ("b", "a")


def test_any_bundle_can_be_named(settings: Settings) -> None:
    for name, day in (("a", "2017-11-01"), ("b", "2017-11-02"), ("c", "2017-11-03")):
        registry.publish(settings, entered(settings, name, day), by="ann")
    found = registry.roll_back(settings, "a", by="ben")
    assert (found.bundle_id, found.previous_id, found.day, found.by) == ("a", "c", date(2017, 11, 1), "ben")


def test_an_older_day_does_not_replace_a_later_one(settings: Settings) -> None:
    registry.publish(settings, entered(settings, "new"), by="nightly")
    assert not registry.publish(settings, entered(settings, "old", "2017-11-29"), by="nightly")
    assert now(settings) == ("new", None)
    assert registry.of_day(settings, date(2017, 11, 29)) == "old"


def test_errors_say_what_to_do(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="nothing is published yet; run"):
        registry.roll_back(settings, by="ann")
    with pytest.raises(NotFoundError, match="no bundle ghost"):
        registry.publish(settings, "ghost", by="ann")
    registry.publish(settings, entered(settings, "a"), by="ann")
    with pytest.raises(NotFoundError, match="no bundle before a"):
        registry.roll_back(settings, by="ann")
    entered(settings, "lost")
    folder_of(settings, "lost").rmdir()
    with pytest.raises(ConflictError, match="choose another"):
        registry.roll_back(settings, "lost", by="ann")
    with pytest.raises(NotFoundError, match="no bundle for 2016-01-01"):
        registry.of_day(settings, date(2016, 1, 1))
