"""What became of messages, and how good the recommendations are, with what is not known said plainly."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from outreach import review
from outreach.sending import send
from recs import bundle, registry
from recs.gate import Decision
from tests.outreach.web.conftest import SignIn
from tests.outreach.worlds import END, MORNING
from warehouse import clock
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio


async def test_before_anything_was_sent_the_page_says_that_nothing_is_known(signed_in: SignIn) -> None:
    vic = await signed_in("vic")
    shown = await vic.reads("/results.json")
    assert shown["sent"] == 0
    assert shown["effect"]["difference"] is None
    said = " ".join(shown["unknown"])
    for part in ("Nothing was sent", "no responses yet", "holdout_share is 0", "No promise of these nights"):
        assert part in said
    page = await vic.sees("/results")
    assert "Too few to say:" in page
    assert "What is not known" in page


async def test_what_was_sent_is_counted_by_night_and_kind(signed_in: SignIn, desk_home: Settings) -> None:
    with clock.at(END):
        review.approve(desk_home, "latest", by="eve")
    with clock.at(MORNING):
        send(desk_home, allow_old=True)
    with clock.at(MORNING + timedelta(days=1)):
        vic = await signed_in("vic")
        shown = await vic.reads("/results.json")
    (night,) = shown["nights"]
    assert night["day"] == "2017-11-30"
    assert [(row["kind"], row["sent"]) for row in night["kinds"]] == [("price_drop", 3)]
    assert [(one["kind"], one["promised_minor"]) for one in shown["promises"]] == [("price_drop", 150)]
    assert "Nights too fresh to compare: 1." in " ".join(shown["unknown"])


async def test_a_home_without_a_bundle_says_so(signed_in: SignIn) -> None:
    vic = await signed_in("vic")
    assert "Nothing recommends yet" in await vic.sees("/quality")
    assert await vic.reads("/quality.json") == {"bundle_id": None, "has_report": False, "quality": None}
    assert "there is no report" in await vic.sees("/quality/report", 404)


def publish(home: Settings, bundle_id: str, day: date, *, report: str | None = None) -> Path:
    folder = bundle.folder_of(home, bundle_id)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"serving": {"for_you": "frequency"}}')
    if report is not None:
        (folder / "quality.html").write_text(report)
    manifest = {"day": day.isoformat(), "data_hash": "0", "metrics": {}}
    with clock.at(datetime(2018, 1, day.day, tzinfo=UTC)):
        registry.register(home, bundle_id, manifest, Decision("counts"))
        registry.publish(home, bundle_id, by="nightly")
    return folder


async def test_the_report_stands_in_a_frame_that_may_do_nothing(
    signed_in: SignIn, desk_home: Settings
) -> None:
    publish(desk_home, "old", date(2018, 1, 1))
    publish(desk_home, "new", date(2018, 1, 2), report="<title>how good</title>")
    vic = await signed_in("vic")
    page = await vic.sees("/quality")
    assert 'sandbox src="/desk/quality/report"' in page
    assert "Too little history to train or judge models" in page
    answer = await vic.http.get("/desk/quality/report")
    assert answer.text == "<title>how good</title>"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    shown = await vic.reads("/quality.json")
    assert (shown["bundle_id"], shown["has_report"]) == ("new", True)
    history = [(one["bundle_id"], one["is_current"]) for one in shown["quality"]["history"]]
    assert history == [("new", True), ("old", False)]


async def test_a_bundle_without_its_report_is_shown_all_the_same(
    signed_in: SignIn, desk_home: Settings
) -> None:
    publish(desk_home, "new", date(2018, 1, 2))
    vic = await signed_in("vic")
    assert "This bundle has no report of its own" in await vic.sees("/quality")


async def test_strangers_do_not_get_the_report(signed_in: SignIn, desk_home: Settings) -> None:
    publish(desk_home, "new", date(2018, 1, 2), report="secret")
    vic = await signed_in("vic")
    await vic.sends("/sign-out")
    answer = await vic.http.get("/desk/quality/report")
    assert answer.status_code == 303
