"""An experiment is told by what customers bought of what they were shown, and only where there are enough."""

from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from recs import comparison
from recs.answers import Arm
from recs.arms import Outcome
from recs.comparison import compare
from recs.experiment import arm_of
from recs.served import Served, ServedLog
from tests.conftest import at
from tests.recs.worlds import fill, purchase
from warehouse.errors import SettingsError
from warehouse.settings import ExperimentSettings, Settings

DAY = date(2017, 11, 30)
SHOWN = at("2017-11-15 12:00")
HALF = ExperimentSettings(challenger="new", share=0.5, salt="autumn")


@pytest.fixture
def home(settings: Settings) -> Settings:
    """A home with an experiment, content with thirty customers per arm."""
    changed = {"experiment": HALF, "min_judged_customers": 30}
    return settings.model_copy(update={"recs": settings.recs.model_copy(update=changed)})


def people(arm: Arm, number: int) -> list[str]:
    """The first customers of an arm, by name."""
    return [name for n in range(4 * number + 40) if arm_of(name := f"c{n:04d}", HALF) == arm][:number]


def a_list(customer: str | None, ids: Iterable[str] = ("bread", "jam"), **more: Any) -> Served:
    """A list shown on the 15th at noon by the arm that the customer is in."""
    arm = arm_of(customer or "", HALF)
    served = Served(
        SHOWN, "r", customer, "recommend", "for_you", "slate", arm, "new" if arm == "challenger" else "old",
        tuple(ids),
    )  # fmt: skip
    return served._replace(**more)


def keep(settings: Settings, *lists: Served) -> None:
    with closing(ServedLog(settings)) as log:
        for one in lists:
            log.put(one)
    assert log.written == len(lists)


def buy(settings: Settings, *bought: tuple[str, str, str]) -> None:
    """Purchases of customer, product and moment, and a stranger's on the last day, so that all is known."""
    lines = [*bought, ("stranger", "milk", "2017-11-30 20:00")]
    fill(settings, purchases=[purchase(*line) for line in lines])


def figures(outcome: Outcome) -> tuple[int, float, float]:
    return outcome.customers, outcome.bought.mean, outcome.precision.mean


def one_customer(settings: Settings, lists: list[Served], *bought: tuple[str, str, str]) -> Outcome:
    """How the champion's arm went, with these lists and purchases."""
    keep(settings, *lists)
    buy(settings, *bought)
    return compare(settings, DAY, 28).arms["champion"]


(ANN,) = people("champion", 1)


# A visible answer ---------------------------------------------------------------------------------


def test_the_arm_that_sells_more_of_what_it_shows_does_better_by_what_can_be_counted(home: Settings) -> None:
    champion, challenger = people("champion", 60), people("challenger", 60)
    keep(home, *(a_list(one) for one in champion + challenger))
    buyers = champion[:15] + challenger[:45]
    buy(home, *((one, "bread", "2017-11-16 09:00") for one in buyers))
    found = compare(home, DAY, 28)
    assert figures(found.arms["champion"]) == (60, pytest.approx(1 / 4), pytest.approx(1 / 8))
    assert figures(found.arms["challenger"]) == (60, pytest.approx(3 / 4), pytest.approx(3 / 8))
    assert found.bought is not None
    assert found.precision is not None
    assert found.bought.mean == pytest.approx(1 / 2)
    # Two shares of 60, each with a standard error of 0.056: 1.96 times 0.079 to both sides.
    assert found.bought.low == pytest.approx(1 / 2 - 0.155, abs=0.03)
    assert found.bought.high == pytest.approx(1 / 2 + 0.155, abs=0.03)
    assert found.precision.mean == pytest.approx(1 / 4)
    assert (found.verdict, found.warnings) == ("challenger", [])
    assert found == compare(home, DAY, 28)


@pytest.mark.parametrize("at_once", [1, 50, 119])
def test_a_few_customers_at_a_time_give_the_same_answer_as_all_together(
    home: Settings, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    champion, challenger = people("champion", 60), people("challenger", 60)
    keep(home, *(a_list(one) for one in champion + challenger))
    buy(home, *((one, "bread", "2017-11-16") for one in champion[:15] + challenger[:45]))
    together = compare(home, DAY, 28)
    monkeypatch.setattr(comparison, "LISTS_AT_ONCE", at_once)
    assert compare(home, DAY, 28) == together


@pytest.mark.parametrize(("less", "verdict"), [(45, "champion"), (16, "no difference")])
def test_the_verdict_follows_the_interval(home: Settings, less: int, verdict: str) -> None:
    champion, challenger = people("champion", 60), people("challenger", 60)
    keep(home, *(a_list(one) for one in champion + challenger))
    buyers = champion[:less] + challenger[:15]
    buy(home, *((one, "bread", "2017-11-16 09:00") for one in buyers))
    assert compare(home, DAY, 28).verdict == verdict


# What counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        ("2017-11-14 10:00", False),
        ("2017-11-15 12:00:00", False),
        ("2017-11-15 12:00:01", True),
        ("2017-11-22 12:00:00", True),
        ("2017-11-22 12:00:01", False),
    ],
)
def test_a_purchase_counts_only_after_the_list_was_shown_and_within_seven_days(
    home: Settings, moment: str, counts: bool
) -> None:
    found = one_customer(home, [a_list(ANN)], (ANN, "bread", moment))
    assert figures(found) == (1, float(counts), counts / 2)


def test_what_was_not_shown_or_was_bought_by_another_does_not_count(home: Settings) -> None:
    ben = people("champion", 2)[1]
    lists = [a_list(ANN), a_list(ben, ["tea"])]
    found = one_customer(home, lists, (ANN, "tea", "2017-11-16"), (ben, "bread", "2017-11-16"))
    assert figures(found) == (2, 0, 0)


def test_a_product_shown_and_bought_often_counts_once(home: Settings) -> None:
    lists = [a_list(ANN, when, at=SHOWN + timedelta(hours=n)) for n, when in enumerate(["ab", "ac", "a"])]
    found = one_customer(home, lists, (ANN, "a", "2017-11-16"), (ANN, "a", "2017-11-17"))
    assert (found.served, found.lists) == (1, 3)
    assert figures(found) == (1, 1, pytest.approx(1 / 3))


def test_a_customer_weighs_as_much_as_any_other_however_much_they_were_shown(home: Settings) -> None:
    ann, ben = people("champion", 2)
    lists = [a_list(ann, ["a"]), *(a_list(ben, f"{n}bcdefg") for n in range(9))]
    assert figures(one_customer(home, lists, (ann, "a", "2017-11-16"))) == (2, 0.5, 0.5)


def test_a_customer_who_was_shown_nothing_counts_as_one_who_bought_nothing(home: Settings) -> None:
    ann, ben = people("champion", 2)
    lists = [a_list(ann, ["a"]), a_list(ben, [])]
    assert figures(one_customer(home, lists, (ann, "a", "2017-11-16"))) == (2, 0.5, 0.5)


def test_only_recommendations_for_a_known_customer_count(home: Settings) -> None:
    others = [a_list(ANN, call=call) for call in ("score", "similar", "basket")]
    found = one_customer(home, [a_list(None), *others, a_list(ANN, ["tea"])], (ANN, "bread", "2017-11-16"))
    assert (found.lists, *figures(found)) == (1, 1, 0, 0)


def test_a_list_counts_once_its_seven_days_are_over(home: Settings) -> None:
    early, late = a_list(ANN, ["a"]), a_list(ANN, ["b"], at=at("2017-11-24 12:00"))
    found = one_customer(home, [early, late], (ANN, "b", "2017-11-25"))
    assert (found.served, found.lists, *figures(found)) == (1, 2, 1, 0, 0)


def test_only_the_days_asked_for_are_looked_at(home: Settings) -> None:
    keep(home, a_list(ANN), a_list(ANN, at=at("2017-11-16")))
    buy(home)
    assert [compare(home, DAY, days).arms["champion"].lists for days in (14, 15, 16)] == [0, 1, 2]
    assert compare(home, date(2017, 11, 15), 28).arms["champion"].lists == 1


def test_lists_from_before_the_present_split_do_not_count(home: Settings) -> None:
    """Before the experiment everybody got the champion's lists."""
    champion, challenger = people("champion", 1)[0], people("challenger", 1)[0]
    changed = at("2017-11-12 12:00")
    keep(
        home,
        a_list(champion, ["a"], at=at("2017-11-10 12:00")),
        a_list(challenger, ["a"], at=changed, arm="champion", bundle_id="old"),
        a_list(champion, ["b"]),
        a_list(challenger, ["b"]),
    )
    buy(home, (champion, "a", "2017-11-11"), (challenger, "b", "2017-11-16"))
    found = compare(home, DAY, 28)
    assert found.since == changed
    assert [figures(found.arms[arm]) for arm in ("champion", "challenger")] == [(1, 0, 0), (1, 1, 1)]


@pytest.mark.parametrize(
    "otherwise", [{"bundle_id": "another"}, {"arm": "champion"}, {"bundle_id": "another", "arm": "champion"}]
)
def test_another_challenger_or_split_begins_a_new_comparison(
    home: Settings, otherwise: dict[str, Any]
) -> None:
    keep(home, a_list(people("challenger", 1)[0], **otherwise))
    buy(home)
    found = compare(home, DAY, 28)
    assert (found.since, found.arms["challenger"].lists) == (SHOWN, 0)


def test_once_the_challenger_has_become_the_champion_there_is_nothing_to_compare(home: Settings) -> None:
    keep(home, a_list(ANN), a_list(ANN, at=SHOWN + timedelta(days=1), bundle_id="new"))
    buy(home)
    assert compare(home, DAY, 28).arms["champion"].lists == 0


# What makes a comparison worthless ----------------------------------------------------------------


def test_too_few_customers_are_said_plainly_and_no_difference_is_told(home: Settings) -> None:
    keep(home, *(a_list(one) for one in people("champion", 40) + people("challenger", 20)))
    buy(home, *((one, "bread", "2017-11-16") for one in people("champion", 40)))
    found = compare(home, DAY, 28)
    assert (found.verdict, found.bought, found.precision) == ("too few", None, None)
    (warning,) = found.warnings
    assert "the challenger has 20 customers" in warning
    assert "30 are enough" in warning


def test_too_few_purchases_are_said_plainly(home: Settings) -> None:
    everyone = people("champion", 40) + people("challenger", 40)
    keep(home, *(a_list(one) for one in everyone))
    buy(home, *((one, "bread", "2017-11-16") for one in everyone[:18]))
    found = compare(home, DAY, 28)
    assert (found.verdict, found.bought) == ("too few", None)
    assert "about 9 of the champion's customers" in found.warnings[0]


def test_nothing_served_and_nothing_bought_is_too_few(home: Settings) -> None:
    found = compare(home, DAY, 28)
    assert (found.verdict, found.until, found.arms["champion"].customers) == ("too few", None, 0)
    assert found.as_json()["arms"]["champion"]["bought"] is None


def test_an_arm_that_loses_customers_is_found_out_and_nothing_is_concluded(home: Settings) -> None:
    champion, challenger = people("champion", 150), people("challenger", 80)
    keep(home, *(a_list(one) for one in champion + challenger))
    buy(home, *((one, "bread", "2017-11-16") for one in champion))
    found = compare(home, DAY, 28)
    assert found.verdict == "uneven"
    (warning,) = found.warnings
    assert "the challenger served 80 of 230 customers, 50% was to be expected" in warning


def test_arms_that_differ_by_chance_are_let_be(home: Settings) -> None:
    """With 115 ± 7.6 expected, 95 is 2.6 standard deviations off: a chance of 0.8 %."""
    keep(home, *(a_list(one) for one in people("champion", 135) + people("challenger", 95)))
    buy(home, *((one, "bread", "2017-11-16") for one in people("champion", 135)))
    assert compare(home, DAY, 28).verdict == "champion"


def test_without_an_experiment_it_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"recs\.experiment\.challenger is empty"):
        compare(settings, DAY, 28)


def test_json_holds_plain_numbers(home: Settings) -> None:
    keep(home, a_list(ANN))
    buy(home, (ANN, "bread", "2017-11-16"))
    told = compare(home, DAY, 28).as_json()
    assert told["arms"]["champion"]["bought"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert isinstance(told["since"], datetime)
