"""Under which name a night's results are kept: once a batch is in review, a rerun writes beside them.

What people review must not change under them. A rerun of a reviewed day therefore keeps its results as
`<name>_rerun`, from which `prepare_batch` reports what would differ; exports go on showing what was reviewed.
"""

from datetime import date

import polars as pl
from sqlalchemy import select

from outreach.models import BatchRow
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings

BY_CUSTOMER = ("decisions", "outreach_rules")
"""Results sorted by customer, of which the desk asks for one customer's rows night by night."""
LOOKED_UP = 32_768
"""Rows of these that are read together; with so few, statistics leave all but one or two groups unread."""


def is_reviewed(settings: Settings, day: date) -> bool:
    """Whether people have begun to decide about the batch of a day."""
    with reading(engine_for(settings)) as session:
        state = session.scalar(select(BatchRow.state).where(BatchRow.day == day))
    return state is not None and state != "draft"


def keep(settings: Settings, day: date, name: str, frame: pl.DataFrame) -> str:
    """Keeps a result of a night; returns its address."""
    chosen = f"{name}_rerun" if is_reviewed(settings, day) else name
    more = {"row_group": LOOKED_UP} if name in BY_CUSTOMER else {}
    return Lake.of(settings).put(chosen, day, frame, **more)


def newest(settings: Settings, day: date, name: str) -> pl.LazyFrame:
    """The newest result of a night, also one of a rerun that changed nothing in the batch.

    Raises:
        NotFoundError: the step that makes it has not run for that day.
    """
    lake = Lake.of(settings)
    rerun = f"{name}_rerun"
    return lake.get(rerun if is_reviewed(settings, day) and lake.has(rerun, day) else name, day)
