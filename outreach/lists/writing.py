"""Writes a batch's notices as a list for people: CSV and XLSX for spreadsheets, Parquet for programs.

Only the narrow table is read, some thousand rows at a time. `decision` and `reason` are empty: whoever fills
them in brings the list back (`outreach.lists.deciding`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.money import EXPONENTS
from outreach.cells import guarded
from outreach.listing import EVERYTHING, Filter, every
from outreach.models import BatchRow, NoticeRow
from outreach.review import find_batch
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading, writing
from warehouse.errors import SettingsError
from warehouse.settings import Settings

COLUMNS = (
    *("notice_id", "customer_id", "channel", "purpose", "kinds", "amount", "currency", "market", "subject"),
    *("risks", "state", "version", "decision", "reason"),
)
ROWS_OF_A_SHEET = 1_048_575
"""Of XLSX, below the header."""
LETTERS_OF_A_CELL = 32_767
_WIDTHS = {"notice_id": 38, "customer_id": 18, "subject": 60, "reason": 40}
Mask = Callable[[str], str]


@dataclass(frozen=True)
class Written:
    """A list that was written: the night it is of, and its rows."""

    day: date
    rows: int


def write_list(
    settings: Settings,
    batch: str,
    file: IO[bytes],
    ending: str,
    *,
    by: str,
    asked: Filter = EVERYTHING,
    sort: str = "risk",
    mask: Mask | None = None,
) -> Written:
    """Writes the notices of a batch that match, and notes in the audit log that it did.

    Columns: `notice_id, customer_id, channel, purpose, kinds, amount` (decimal)`, currency, market, subject,
    risks, state, version, decision, reason`. Texts of CSV and XLSX are guarded (`outreach.cells`); CSV
    is UTF-8 with a mark at its beginning, so that spreadsheets read it as such.

    Args:
        settings: the home's settings.
        batch: a batch id, a day, or `latest`.
        file: open for writing.
        ending: one of `ENDINGS`.
        by: who asks for it.
        asked: which notices.
        sort: their order, one of `outreach.listing.SORTS`.
        mask: gives stand-ins for ids of customers.

    Raises:
        NotFoundError: there is no such batch.
        ForbiddenError: there are accounts, and `by` has none, or is a viewer and nothing masks ids.
        SettingsError: the ending or the order is none, or an XLSX cannot hold so much.
    """
    if ending not in ENDINGS:
        raise SettingsError(f"{ending!r} is no kind of list; there are {', '.join(ENDINGS)}")
    with reading(engine_for(settings)) as session:
        _refuse(session, by, mask)
        found = find_batch(session, batch)
        worth = _worth(session, found)
        frames = (_for_people(frame, worth, mask) for frame in every(session, found, asked, sort=sort))
        rows = ENDINGS[ending](frames, file)
    told = {"rows": rows, "format": ending, "filter": _without_search(asked), "masked": mask is not None}
    with writing(engine_for(settings)) as session:
        _refuse(session, by, mask)
        audit.record(session, "batch.export", by=by, at=clock.now(), subject=found.batch_id, details=told)
    return Written(found.day, rows)


def _refuse(session: Session, by: str, mask: Mask | None) -> None:
    user = accounts.acting(session, by, Role.VIEWER, "export a batch")
    if user is not None and mask is None:
        require(user.role, Role.REVIEWER, "export a batch with the ids of customers")


def _without_search(asked: Filter) -> Mapping[str, Any]:
    """What was asked for; what was searched may be a customer's address, so only that something was."""
    given = asked.given()
    return given | {"text": "searched"} if "text" in given else given


def _worth(session: Session, batch: BatchRow) -> dict[str, Decimal]:
    """One minor unit of each currency of the batch."""
    query = select(NoticeRow.currency).where(NoticeRow.batch_id == batch.batch_id).distinct()
    codes = {code for code in session.scalars(query) if code is not None}
    return {code: Decimal(1).scaleb(-EXPONENTS[code]) for code in sorted(codes)}


def _for_people(frame: pl.DataFrame, worth: Mapping[str, Decimal], mask: Mask | None) -> pl.DataFrame:
    """The columns of the list."""
    if mask is not None:
        shown = [mask(one) for one in frame["customer_id"]]
        frame = frame.with_columns(pl.Series("customer_id", shown, dtype=pl.String))
    places = max((EXPONENTS[code] for code in worth), default=2)
    unit = pl.col("currency").replace_strict(worth, default=None, return_dtype=pl.Decimal(38, places))
    words = (pl.col(name).str.strip_chars().str.replace_all(" ", ", ") for name in ("kinds", "risks"))
    return frame.with_columns(
        *words,
        amount=pl.col("amount_minor").cast(pl.Decimal(38, 0)) * unit,
        decision=pl.lit(""),
        reason=pl.lit(""),
    ).select(COLUMNS)


def _csv(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> int:
    rows = 0
    for place, frame in enumerate(frames):
        # 400.00 and 400.000 are far apart where a point parts thousands: each has its currency's own places.
        shown = _guarded(frame).with_columns(amount=_own_places(frame))
        shown.write_csv(file, include_bom=place == 0, include_header=place == 0, line_terminator="\r\n")
        rows += frame.height
    return rows


def _own_places(frame: pl.DataFrame) -> pl.Expr:
    """The amounts as texts of digits, with as many places as their currencies have."""
    places = {code: EXPONENTS[code] for code in frame["currency"].drop_nulls().unique()}
    exponent = pl.col("currency").replace_strict(places, default=None, return_dtype=pl.Int64)
    said = [
        pl.when(exponent == some).then(pl.col("amount").cast(pl.Decimal(38, some)).cast(pl.String))
        for some in sorted(set(places.values()))
    ]
    return pl.coalesce(*said, pl.lit(None, dtype=pl.String))


def _parquet(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> int:
    whole = pl.concat(frames)
    whole.write_parquet(file)
    return whole.height


def _xlsx(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> int:
    """A row at a time, and what is written is no longer in memory."""
    import xlsxwriter  # few who decide about notices write workbooks

    kept_plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    rows = 0
    with xlsxwriter.Workbook(file, {"constant_memory": True, **kept_plain}) as book:
        sheet = book.add_worksheet("notices")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        for place, name in enumerate(COLUMNS):
            sheet.set_column(place, place, _WIDTHS.get(name, 14))
            sheet.write_string(0, place, name, bold)
        for frame in frames:
            if rows + frame.height > ROWS_OF_A_SHEET:
                raise SettingsError(f"more than {ROWS_OF_A_SHEET:,} notices do not fit an XLSX; take CSV")
            for row in _guarded(frame).iter_rows():
                rows += 1
                _write_row(sheet, rows, row)
    return rows


def _write_row(sheet: Any, place: int, row: Iterable[Any]) -> None:
    for column, value in enumerate(row):
        if isinstance(value, str):
            if len(value) > LETTERS_OF_A_CELL:
                raise SettingsError(
                    f"the {COLUMNS[column]} of row {place + 1:,} is too long for an XLSX; take CSV"
                )
            if value:
                sheet.write_string(place, column, value)
        elif value is not None:
            sheet.write_number(place, column, value)


def _guarded(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(guarded(pl.col(pl.String)))


Writer = Callable[[Iterator[pl.DataFrame], IO[bytes]], int]
ENDINGS: dict[str, Writer] = {"csv": _csv, "xlsx": _xlsx, "parquet": _parquet}
"""What a list can be written as."""
