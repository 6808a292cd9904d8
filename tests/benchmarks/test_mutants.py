"""The planted cases notice what is changed about a rule: one change of each class."""

from collections.abc import Sequence

import pytest

from benchmarks.savings.mutants import Night, remembered, sources, swaps, users, verdict
from benchmarks.savings.mutating import Mutant, mutants
from features.simulator import Plan

pytestmark = pytest.mark.slow

CHANGES = {
    "a window one day longer": ("late_delivery", "settings.late_days -> settings.late_days + 1"),
    "a window one day shorter": (
        "failed_experience",
        "settings.incident_days -> settings.incident_days + -1",
    ),
    "minutes": ("orders", "settings.double_payment_minutes -> settings.double_payment_minutes + 1"),
    "a bound": ("late_delivery", "pl.col('late_us') > _A_DAY -> pl.col('late_us') >= _A_DAY"),
    "severity": (
        "failed_experience",
        "pl.col('severity') >= settings.incident_severity -> pl.col('severity') > settings.incident_severity",
    ),
    "the market": ("cheaper_same", "[*THING, 'market', 'currency'] -> [*THING, 'currency']"),
    "the currency": ("settling", "['opportunity_id', 'currency'] -> ['opportunity_id']"),
    "what came back": ("cheaper_same", "pl.col('kept_quantity') > 0 -> pl.col('kept_quantity') >= 0"),
    "the cap of a claim": ("settling", "settings.cap_claim_minor) + 1"),
    "the claims of a person": ("settling", "settings.cap_claims -> settings.cap_claims + 1"),
    "the currency, where one join asks for it": (
        "prices",
        "moments.join(begun, on=['product_id', 'market'])",
    ),
    "whether something is known": (
        "failed_experience",
        "pl.col('resolved_at').is_null() -> pl.col('resolved_at').is_not_null()",
    ),
    "the minimum": ("price_drop", "settings.min_claim_minor) + 1"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    return remembered(Plan(800, 1), tmp_path_factory.mktemp("mutants"))


def changed(module: str, change: str) -> Mutant:
    (name,) = (name for name in sources() if name.endswith(f".{module}"))
    found = [m for m in mutants(name, sources()[name]) if change in m.name and m.nth == 1]
    assert found, f"{module} has nothing left that could be changed like this: {change}"
    return found[0]


@pytest.mark.parametrize("about", CHANGES)
def test_a_change_of_a_rule_is_noticed(kept: Sequence[Night], about: str) -> None:
    mutant = changed(*CHANGES[about])
    order = list(kept[0].claims)
    assert verdict(mutant, kept, users(sources())[mutant.module], order) == "noticed"


def test_the_order_of_kinds_is_noticed_and_nothing_without_a_change(kept: Sequence[Night]) -> None:
    order = list(kept[0].claims)
    assert verdict(None, kept, set(order), order) == "alive"
    name, other = next(swaps(order))
    assert (name, verdict(None, kept, set(), other)) == (
        "precedence: price_guarantee after price_drop",
        "noticed",
    )
