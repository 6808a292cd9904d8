"""`advocate experiment` tells people which arm does better, and machines the same in JSON."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from recs.experiment import arm_of
from recs.served import Served, ServedLog
from tests.advocate.terminal import advocate, told
from tests.conftest import at
from tests.recs.worlds import fill, purchase
from warehouse.settings import ExperimentSettings, Settings

pytestmark = pytest.mark.slow
NEW = {
    "ADVOCATE_RECS__EXPERIMENT": '{"challenger": "2017-11-01-new", "share": 0.5, "salt": "autumn"}',
    "ADVOCATE_RECS__MIN_JUDGED_CUSTOMERS": "20",
}
SHOWN = at("2017-11-15 12:00")
HALF = ExperimentSettings(challenger="2017-11-01-new", share=0.5, salt="autumn")


@pytest.fixture
def home(settings: Settings) -> Path:
    """Eighty customers were shown bread; all that the challenger served bought it, and none of the others."""
    customers = [f"c{number:02d}" for number in range(80)]
    lines = [purchase("stranger", "milk", "2017-11-30 20:00")]
    with closing(ServedLog(settings)) as log:
        for one in customers:
            arm = arm_of(one, HALF)
            bundle_id = HALF.challenger if arm == "challenger" else "2017-11-14-old"
            shown = ("bread", "jam")
            log.put(Served(SHOWN, "r", one, "recommend", "for_you", "slate", arm, bundle_id, shown))
            lines += [purchase(one, "bread", "2017-11-16")] if arm == "challenger" else []
    fill(settings, day=date(2017, 11, 30), purchases=lines)
    return settings.home


def test_people_are_told_the_figures_of_both_arms_and_what_they_mean(home: Path) -> None:
    done = advocate(home, "experiment", **NEW)
    assert done.returncode == 0, done.stderr
    assert "2017-11-01-new for 50% of the customers" in done.stdout
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith(("cham", "chal"))}
    assert "100.00% (100.00% to 100.00%)" in rows["challenger"]
    assert "50.00% (50.00% to 50.00%)" in rows["challenger"]
    assert rows["champion"].count("0.00% (0.00% to 0.00%)") == 2
    assert "bought something shown  +100.00 (+100.00 to +100.00)" in done.stdout
    assert "The challenger does better." in done.stdout
    assert "WARNING" not in done.stdout


def test_with_json_the_same_is_for_machines(home: Path) -> None:
    found = told(advocate(home, "experiment", "--json", **NEW))
    assert isinstance(found, dict)
    assert (found["challenger"], found["share"], found["verdict"]) == ("2017-11-01-new", 0.5, "challenger")
    assert found["bought"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert found["precision"]["mean"] == 0.5
    assert sum(arm["served"] for arm in found["arms"].values()) == 80


def test_too_little_is_said_plainly(home: Path) -> None:
    done = advocate(home, "experiment", "--days", "3", **NEW)
    assert done.returncode == 0
    assert "No list since 2017-11-29 00:00 counts yet" in done.stdout
    assert "There are too few customers to tell yet." in done.stdout
    assert "WARNING: too few to tell: the champion has 0 customers" in done.stdout


def test_without_an_experiment_it_exits_1_and_says_what_to_set(home: Path) -> None:
    done = advocate(home, "experiment")
    assert (done.returncode, done.stdout) == (1, "")
    assert "recs.experiment.challenger is empty" in done.stderr
