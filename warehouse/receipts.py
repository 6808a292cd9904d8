"""Receipts: what each step did, so that a night can be understood afterwards."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.models import ReceiptRow
from warehouse.settings import Settings


@dataclass
class Receipt:
    """What one step did.

    Attributes:
        step: the step's name, like `features`.
        day: the day it ran for; `None` for what belongs to no day, like an import.
        rows_in: rows read, by table.
        rows_out: rows written, by table.
        rejected: rows not taken, by table and reason, like `{"purchases: quantity|min": 12}`.
        artifacts: where the results are or what they are called.
        numbers: figures worth seeing, JSON values only.
        notes: sentences a person should read.
        warnings: sentences a person must read; the run goes on.
        seconds: how long it took.
    """

    step: str
    day: date | None = None
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The receipt as plain JSON values, for XCom, `--json` and the database; JSON has no NaN: null."""
        text = json.dumps(asdict(self), default=str)
        plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
        return plain


@contextmanager
def recording(settings: Settings, step: str, day: date | None = None) -> Iterator[Receipt]:
    """Yields a receipt to fill in; keeps it in the database, with its seconds, when the block succeeds."""
    receipt = Receipt(step, day)
    started = time.perf_counter()
    yield receipt
    receipt.seconds = round(time.perf_counter() - started, 3)
    with writing(engine_for(settings)) as session:
        session.add(ReceiptRow(step=step, day=day, at=clock.now(), body=receipt.as_json()))


def latest(settings: Settings, step: str, day: date) -> dict[str, Any] | None:
    """The newest receipt of a step for a day, as JSON values, or `None`."""
    query = (
        select(ReceiptRow.body)
        .where(ReceiptRow.step == step, ReceiptRow.day == day)
        .order_by(ReceiptRow.receipt_id.desc())
        .limit(1)
    )
    with reading(engine_for(settings)) as session:
        return session.scalar(query)
