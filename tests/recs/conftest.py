"""A shop of forty customers over a year, in a home of its own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recs.steps import recommend
from tests.conftest import copy_of
from tests.recs.worlds import DAY, fill, purchase
from warehouse.settings import Settings

FEW = {"depth": 5, "min_judged_customers": 10, "als_factors": 4, "tune_seconds": 0}


@pytest.fixture
def small(settings: Settings) -> Settings:
    """The test's home, with slates of five, a judge that is content with ten customers, and no tuning."""
    return settings.model_copy(update={"recs": settings.recs.model_copy(update=FEW)})


def lines() -> list[dict[str, Any]]:
    """Forty customers: each buys milk weekly, their own two products monthly, a new one now and then."""
    found = []
    for number in range(40):
        customer = f"c{number:02d}"
        kind = number % 4
        for week in range(20):
            day = DAY - timedelta(days=7 * week + number % 7)
            found.append(purchase(customer, "milk", f"{day} 10:00"))
            if week % 4 == number % 4:
                found.append(purchase(customer, f"habit{kind}", f"{day} 10:05"))
                found.append(purchase(customer, f"habit{kind + 4}", f"{day} 10:05"))
            if week % 3 == 0:
                found.append(
                    purchase(customer, f"try{(number * 7 + week // 3 * 5) % 12:02d}", f"{day} 11:00")
                )
    return found


@pytest.fixture(scope="session")
def filled(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What `shop` is a copy of."""
    made = copy_of(migrated, tmp_path_factory.mktemp("filled") / "home")
    home = made.model_copy(update={"recs": made.recs.model_copy(update=FEW)})
    fill(
        home,
        purchases=lines(),
        products=[{"product_id": "milk", "title": "Whole milk", "category": "dairy", "available": True}],
        customers=[{"customer_id": "newcomer"}],
    )
    return home


@pytest.fixture(scope="session")
def after_a_night(filled: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What `served` is a copy of."""
    home = copy_of(filled, tmp_path_factory.mktemp("served") / "home")
    recommend(home, DAY)
    return home


@pytest.fixture
def shop(filled: Settings, tmp_path: Path) -> Settings:
    """A home as `small`, with `lines`, a product table, and a customer who never bought."""
    return copy_of(filled, tmp_path / "home")


@pytest.fixture
def served(after_a_night: Settings, tmp_path: Path) -> Settings:
    """`shop` with the bundle of `DAY`."""
    return copy_of(after_a_night, tmp_path / "home")
