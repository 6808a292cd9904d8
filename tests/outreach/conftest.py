"""Homes in which nothing is held for luck and everybody lives in UTC."""

import pytest

from tests.outreach.worlds import EVERYTHING
from warehouse.settings import Settings


@pytest.fixture
def home(settings: Settings) -> Settings:
    """A new home on SQLite."""
    return settings.model_copy(update={"outreach": EVERYTHING})


@pytest.fixture
def any_home(any_settings: Settings) -> Settings:
    """A new home, once on SQLite and once on PostgreSQL."""
    return any_settings.model_copy(update={"outreach": EVERYTHING})
