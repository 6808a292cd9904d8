"""Parameters are searched for in the past alone, within a time, and the same ones every time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from recs import tuning
from recs.costs import Size, expected
from recs.notebook import Notebook
from recs.tuning import (
    Trial,
    Tuning,
    Watch,
    affordable,
    by_turns,
    chosen,
    finalists,
    fold_of,
    known,
    promising,
    search,
    trials_of,
)
from recs.world import load, number_of
from tests.recs.worlds import DAY, fill, purchase
from warehouse.settings import Settings

SPACES = {"item_item": {"neighbours": (1, 3, 50)}, "als": {"factors": (2, 4), "reg": (1.0, 30.0)}}


@pytest.fixture(autouse=True)
def _small_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SPACES", SPACES)


def trial(model: str, **parameters: Any) -> Trial:
    return Trial(model, parameters, f"{model} {parameters}", 1)


OWN, WARM, HOT, COLD = trial("als"), trial("als", reg=3), trial("als", reg=9), trial("als", reg=1)


def scores(**by_trial: float) -> dict[str, float]:
    named = {"own": OWN, "warm": WARM, "hot": HOT, "cold": COLD}
    return {named[name].name: score for name, score in by_trial.items()}


def quick() -> Watch:
    return Watch(60)


class Killed(BaseException):
    pass


def counted(monkeypatch: pytest.MonkeyPatch, kill_after: int = 10**6) -> list[str]:
    """Notes every trial that is made, and is killed after some."""
    made: list[str] = []
    measure = tuning.measure

    def noted(*arguments: Any) -> dict[str, float]:
        if len(made) == kill_after:
            raise Killed
        made.append(arguments[0].name)
        return measure(*arguments)

    monkeypatch.setattr(tuning, "measure", noted)
    return made


def test_what_is_better_on_both_folds_is_chosen() -> None:
    first, second = scores(own=0.1, warm=0.2, hot=0.3, cold=0.05), scores(own=0.1, warm=0.3, hot=0.15)
    planned, finals = [OWN, WARM, HOT, COLD], [OWN, HOT, WARM]
    assert finalists(planned, first) == finals
    found = chosen("2017-11-30", (planned, first), (finals, second))
    assert found.models == {"als": {"reg": 3}}
    assert found.found == {"als": {"slate": "discover", "trials": 4, "own": [0.1, 0.1], "chosen": [0.2, 0.3]}}
    assert (found.planned, found.finished) == (7, 7)


def test_what_is_better_on_one_fold_only_is_luck() -> None:
    first, second = scores(own=0.1, hot=0.9), scores(own=0.1, hot=0.1)
    found = chosen("2017-11-30", ([OWN, HOT], first), ([OWN, HOT], second))
    assert found.models == {}
    assert found.found["als"]["chosen"] == [0.1, 0.1]


def test_nothing_is_tried_again_where_nothing_was_better() -> None:
    assert finalists([OWN, COLD], scores(own=0.1, cold=0.1)) == []


def test_a_model_whose_finals_there_was_no_time_for_keeps_its_own_parameters() -> None:
    first = scores(own=0.1, hot=0.9)
    found = chosen("2017-11-30", ([OWN, HOT], first), ([OWN, HOT], scores(own=0.1)))
    assert (found.models, found.planned, found.finished) == ({}, 4, 3)


def test_only_the_best_few_are_tried_again() -> None:
    many = [trial("als", reg=number) for number in range(1, 9)]
    first = {t.name: t.parameters["reg"] / 10 for t in many} | scores(own=0.0)
    assert [t.parameters.get("reg") for t in finalists([OWN, *many], first)] == [None, 8, 7, 6]


def planned(settings: Settings) -> list[list[Trial]]:
    size = Size.of(load(settings, DAY).history)
    return [trials_of(settings, model, space, size) for model, space in SPACES.items()]


def test_a_model_is_tried_with_its_own_parameters_first_and_never_twice_with_any(shop: Settings) -> None:
    item_item, als = planned(shop)
    assert item_item[0].parameters == als[0].parameters == {}
    assert {t.parameters.get("neighbours") for t in item_item} == {None, 1, 3}  # 50 is its own
    assert len({t.name for t in als}) == len(als) == 4


def test_the_order_of_trials_depends_on_the_seed_alone(shop: Settings) -> None:
    assert planned(shop) == planned(shop)
    orders = {tuple(t.name.split("seed")[0] for t in planned(seeded(shop, seed))[1]) for seed in range(8)}
    assert len(orders) > 1


def seeded(settings: Settings, seed: int) -> Settings:
    return settings.model_copy(update={"seed": seed})


def test_models_take_turns_and_no_more_time_than_there_is() -> None:
    long, short = replace(OWN, seconds=5), replace(trial("ease"), seconds=2)
    assert list(by_turns([[OWN, WARM], [], [short]])) == [OWN, short, WARM]
    assert affordable([short, long, short, OWN], 5) == [short, short, OWN]
    assert affordable([short], 1) == []


def test_only_the_most_promising_models_of_a_slate_are_tried_with_other_parameters() -> None:
    owns = [trial(name) for name in ("als", "ease", "bm25", "bpr", "ials", "replenishment")]
    found = dict(zip((t.name for t in owns), (0.3, 0.5, 0.4, 0.1, 0.2, 0.0), strict=True))
    assert [t.model for t in promising(owns, found)] == ["ease", "bm25", "als", "ials", "replenishment"]


def test_larger_models_and_larger_shops_are_expected_to_take_longer() -> None:
    small, large = Size(100, 50, 2000, 1000, 10_000), Size(1000, 500, 20_000, 10_000, 100_000)
    for model in SPACES | {"replenishment": {}}:
        values = {"neighbours": 50, "factors": 64, "epochs": 10, "reg": 1.0}
        assert expected(model, values, large) > expected(model, values, small) > 0
    assert expected("als", {"factors": 128, "epochs": 10}, large) > expected(
        "als", {"factors": 64, "epochs": 10}, large
    )


def test_a_watch_expects_the_next_trial_to_be_as_slow_as_those_before() -> None:
    moments = iter([0.0, 0.0, 0.0, 4.0, 4.0, 4.0, 8.0, 8.0])
    watch = Watch(10, lambda: next(moments))
    assert watch.allows(OWN)
    assert watch.time(OWN, lambda: 0.5) == 0.5  # a second was expected, it took four
    assert watch.allows(OWN)
    watch.time(OWN, lambda: 0.5)
    assert not watch.allows(OWN)


def test_a_search_finds_the_same_every_time_and_keeps_it(shop: Settings) -> None:
    world = load(shop, DAY)
    found = search(shop, world, quick())
    assert found.planned == found.finished >= 7
    assert set(found.found) == {"als", "item_item"}
    assert known(shop, world) == found
    elsewhere = shop.model_copy(update={"home": shop.home})
    assert search(elsewhere, world, quick()) == found


def test_what_a_killed_search_had_finished_is_not_tried_again(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = load(shop, DAY)
    with monkeypatch.context() as patched:
        before = counted(patched, kill_after=3)
        with pytest.raises(Killed):
            search(shop, world, quick())
    assert len(before) == 3
    assert known(shop, world) is None
    after = counted(monkeypatch)
    found = search(shop, world, quick())
    assert len(after) == found.planned - 3
    assert search(shop, world, quick()) == found
    assert len(after) == found.planned - 3


def test_a_shorter_search_keeps_what_a_longer_one_found(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = load(shop, DAY)
    assert search(shop, world, Watch(0.3)).planned < search(shop, world, quick()).planned
    found, tried_again = known(shop, world), counted(monkeypatch)
    assert search(shop, world, Watch(0.3)) == found == known(shop, world)
    assert tried_again == []


def test_a_search_without_time_stops_and_says_so(shop: Settings) -> None:
    def late() -> Callable[[], float]:
        moments = iter(range(0, 10**6, 5))
        return lambda: float(next(moments))

    found = search(shop, load(shop, DAY), Watch(60, late()))
    assert 0 < found.finished < found.planned
    assert found.models == {}


def test_what_the_judge_asks_about_changes_no_score(shop: Settings) -> None:
    before = search(shop, load(shop, DAY), quick())
    first_judged = DAY - timedelta(days=shop.recs.judge_days - 1)
    fill(
        shop,
        purchases=[
            purchase(f"c{n:02d}", "try00", f"{first_judged} 00:00", order_id=f"x{n}") for n in range(40)
        ],
    )
    after = search(shop, load(shop, DAY), quick())
    assert replace(after, key=before.key) == before


def test_the_folds_end_before_the_judges_and_one_after_the_other(shop: Settings) -> None:
    history, days = load(shop, DAY).history, shop.recs.judge_days
    ends = [fold_of(shop, history, number).history.end for number in (1, 2)]
    assert ends == [number_of(DAY) + 1 - 2 * days, number_of(DAY) + 1 - 3 * days]


def test_a_day_never_uses_what_was_found_with_later_purchases(shop: Settings) -> None:
    for day, planned in ((date(2017, 11, 1), 1), (date(2017, 11, 20), 2)):
        Notebook(shop).keep(
            day, Tuning(day.isoformat(), planned=planned, judge_days=shop.recs.judge_days).as_json(), "key"
        )
    world = load(shop, DAY)
    days = {DAY: 2, date(2017, 11, 20): 2, date(2017, 11, 19): 1, date(2017, 10, 31): None}
    for day, planned in days.items():
        found = known(shop, replace(world, day=day))
        assert (found.planned if found else None) == planned


def test_a_judge_who_asks_about_more_days_uses_nothing_that_was_found_on_them(shop: Settings) -> None:
    found = search(shop, load(shop, DAY), quick())
    assert known(shop, load(shop, DAY)) == found
    longer = shop.recs.model_copy(update={"judge_days": shop.recs.judge_days + 7})
    assert known(shop.model_copy(update={"recs": longer}), load(shop, DAY)) is None


def test_too_few_customers_are_no_ground_for_a_choice(shop: Settings) -> None:
    strict = shop.model_copy(update={"recs": shop.recs.model_copy(update={"min_judged_customers": 41})})
    world = load(strict, DAY)
    found = search(strict, world, quick())
    assert (found.models, found.planned) == ({}, 0)
    assert known(strict, world) is None


def test_a_large_shop_is_tuned_on_a_sample_of_its_customers(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "SAMPLE", 12)
    history = load(shop, DAY).history
    past = fold_of(shop, history, 1)
    assert past.history.lines["row"].n_unique() == 12
    assert past.history.interactions.counts.shape == history.interactions.counts.shape
    assert set(past.customers("for_you")) <= set(past.history.lines["row"])


def test_a_finished_search_leaves_no_trials_of_others_behind(shop: Settings) -> None:
    search(shop, load(shop, DAY), quick())
    fill(shop, purchases=[purchase("c00", "tea", "2017-07-29", order_id="new")])
    search(shop, load(shop, DAY), quick())
    assert len(list((shop.home / "tuning").glob("trials-*.json"))) == 1
