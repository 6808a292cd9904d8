"""Publishing and rolling back are one row; both databases agree."""

from datetime import date
from typing import Any

import pytest

from recs import registry
from recs.bundle import folder_of
from recs.gate import Decision
from recs.models import REFUSED
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import ExperimentSettings, Settings

JUDGED = Decision("judged")


def entered(settings: Settings, bundle_id: str, day: str = "2017-11-30", decision: Decision = JUDGED) -> str:
    manifest: dict[str, Any] = {"day": day, "data_hash": "0" * 64, "metrics": {}, "verdict": "judged"}
    folder_of(settings, bundle_id).mkdir(parents=True, exist_ok=True)
    registry.register(settings, bundle_id, manifest, decision)
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


def test_a_refused_bundle_can_be_promoted_whatever_its_day_and_it_is_kept_who_did(
    any_settings: Settings,
) -> None:
    registry.publish(any_settings, entered(any_settings, "good"), by="nightly")
    entered(any_settings, "bad", "2017-11-01", Decision(REFUSED, ["worse than counting"]))
    found = registry.promote(any_settings, "bad", by="ann")
    assert (found.bundle_id, found.previous_id, found.by) == ("bad", "good", "ann")
    assert registry.entry(any_settings, "bad").gate["reasons"] == ["worse than counting"]


def test_the_newest_decision_counts_until_the_bundle_is_served(any_settings: Settings) -> None:
    entered(any_settings, "a", decision=Decision(REFUSED, ["why"]))
    entered(any_settings, "a", decision=JUDGED)
    assert registry.entry(any_settings, "a").verdict == "judged"
    registry.publish(any_settings, "a", by="nightly")
    entered(any_settings, "a", decision=Decision("counts"))
    assert registry.entry(any_settings, "a").verdict == "judged"


def test_the_bundle_of_a_refused_day_is_the_one_that_goes_on_being_served(settings: Settings) -> None:
    registry.publish(settings, entered(settings, "first", "2017-11-01"), by="nightly")
    registry.publish(settings, entered(settings, "second", "2017-11-02"), by="nightly")
    registry.roll_back(settings, by="ann")
    entered(settings, "refused", "2017-11-03", Decision(REFUSED, ["why"]))
    assert registry.of_day(settings, date(2017, 11, 3)) == "first"
    assert registry.of_day(settings, date(2017, 11, 2)) == "second"
    entered(settings, "passed", "2017-11-03")
    assert registry.of_day(settings, date(2017, 11, 3)) == "passed"


def test_a_refused_bundle_with_nothing_before_it_is_of_no_day(settings: Settings) -> None:
    entered(settings, "refused", decision=Decision(REFUSED, ["why"]))
    assert registry.standing(settings, date(2017, 11, 30)) is None
    with pytest.raises(NotFoundError, match="no bundle for 2017-11-30"):
        registry.of_day(settings, date(2017, 11, 30))


def test_a_challenger_is_kept_however_old_it_is(settings: Settings) -> None:
    for day in range(1, 6):
        registry.publish(settings, entered(settings, f"b{day}", f"2017-11-0{day}"), by="nightly")
    assert registry.old(few(settings)) == ["b3", "b2", "b1"]
    assert registry.old(few(settings, challenger="b1")) == ["b3", "b2"]
    assert registry.old(few(settings, challenger="b5")) == ["b3", "b2", "b1"]


def few(settings: Settings, challenger: str = "") -> Settings:
    """The same home, which keeps two bundles and perhaps a challenger."""
    experiment = ExperimentSettings(challenger=challenger)
    changed = settings.recs.model_copy(update={"keep_bundles": 2, "experiment": experiment})
    return settings.model_copy(update={"recs": changed})


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
    with pytest.raises(ConflictError, match="choose another"):
        registry.promote(settings, "lost", by="ann")
    with pytest.raises(NotFoundError, match="no bundle ghost"):
        registry.entry(settings, "ghost")
    with pytest.raises(NotFoundError, match="no bundle for 2016-01-01"):
        registry.of_day(settings, date(2016, 1, 1))
