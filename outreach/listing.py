"""Lists of a batch's notices: filtered, in an order, a page at a time, quick at a hundred thousand rows.

Only the narrow table of notices is read, never their words.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from outreach.models import BatchRow, NoticeRow
from outreach.states import TRANSITIONS
from warehouse.errors import NotFoundError, SettingsError
from warehouse.ids import content_id

PAGE = 50
"""Notices on a page."""
SAMPLED = 20
"""Notices in a random sample."""
_RISKIEST = (NoticeRow.risk.desc(), NoticeRow.amount_minor.desc().nulls_last(), NoticeRow.notice_id.desc())
SORTS: dict[str, tuple[Any, ...]] = {
    "risk": _RISKIEST,
    "largest": (func.coalesce(NoticeRow.amount_minor, -1).desc(), NoticeRow.notice_id),
    "smallest": (func.coalesce(NoticeRow.amount_minor, -1), NoticeRow.notice_id),
    "customer": (NoticeRow.customer_id, NoticeRow.notice_id),
    "soonest": (NoticeRow.send_after.is_(None), NoticeRow.send_after, NoticeRow.notice_id),
}
"""In what order a list can be; the riskiest first by default."""
READ_AT_ONCE = 10_000
"""Notices, where all are read."""
PLAIN: dict[str, type[pl.DataType]] = {
    "notice_id": pl.String,
    "customer_id": pl.String,
    "channel": pl.String,
    "purpose": pl.String,
    "kinds": pl.String,
    "amount_minor": pl.Int64,
    "currency": pl.String,
    "market": pl.String,
    "subject": pl.String,
    "risks": pl.String,
    "state": pl.String,
    "version": pl.Int64,
}
"""What a list says of each notice."""


@dataclass(frozen=True)
class Filter:
    """Which notices of a batch are meant; an empty one means all.

    Attributes:
        state: of the notice.
        kind: of an opportunity it tells of.
        channel: it goes on.
        purpose: `service` or `marketing`.
        market: its prices are of.
        currency: of its amount.
        risk: something unusual about it; `any` for anything.
        least_minor: its amount is at least this, in minor units.
        most_minor: its amount is at most this.
        text: stands in its customer's id, subject, orders or products, in any case; with an @ it
            is the address.
        subject: stands in its subject: what people may look for who do not see whose it is.
    """

    state: str = ""
    kind: str = ""
    channel: str = ""
    purpose: str = ""
    market: str = ""
    currency: str = ""
    risk: str = ""
    least_minor: int | None = None
    most_minor: int | None = None
    text: str = ""
    subject: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a notice has to meet."""
        row = NoticeRow
        same = ("channel", "purpose", "market", "currency")
        found: list[ColumnElement[bool]] = [
            getattr(row, name) == value for name in same if (value := getattr(self, name))
        ]
        if self.kind:
            found.append(row.kinds.contains(f" {self.kind} ", autoescape=True))
        if self.risk == "any":
            found.append(row.risk > 0)
        elif self.risk:
            found.append(row.risks.contains(f" {self.risk} ", autoescape=True))
        if self.least_minor is not None:
            found.append(row.amount_minor >= self.least_minor)
        if self.most_minor is not None:
            found.append(row.amount_minor <= self.most_minor)
        if "@" in self.text:
            found.append(row.recipient == self.text.strip())
        elif words := " ".join(self.text.casefold().split()):
            found.append(row.haystack.contains(words, autoescape=True))
        if self.subject:
            found.append(row.subject.icontains(" ".join(self.subject.split()), autoescape=True))
        return found

    def given(self) -> dict[str, Any]:
        """What was asked for, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in ("", None)}


EVERYTHING = Filter()


@dataclass(frozen=True)
class Page:
    """Some notices of a list, and how much there is in all.

    Attributes:
        notices: rows of the table `notices` as names and values.
        total: how many match.
        sums: their amounts in minor units, by currency.
        states: how many of them are in which state.
        first: the place of the first one here, from 0.
    """

    notices: list[dict[str, Any]]
    total: int
    sums: dict[str, int]
    states: dict[str, int]
    first: int


def page(
    session: Session, batch: BatchRow, asked: Filter, *, sort: str = "risk", first: int = 0, limit: int = PAGE
) -> Page:
    """A page of the notices that match.

    Raises:
        KeyError: there is no such order; see `SORTS`.
    """
    ids = select(NoticeRow.notice_id).where(*_of(batch, asked)).order_by(*SORTS[sort])
    found = session.scalars(ids.offset(first).limit(limit)).all()
    return _page(session, batch, asked, found, first)


def sample(session: Session, batch: BatchRow, asked: Filter, *, seed: str) -> Page:
    """Some of the notices that match, drawn at random; the same for the same seed.

    Ids are hashes, so that those that follow a random one are as good as drawn one by one.
    """
    ids = select(NoticeRow.notice_id).where(*_of(batch, asked)).order_by(NoticeRow.notice_id).limit(SAMPLED)
    start = content_id("sample", batch.batch_id, seed)
    after = session.scalars(ids.where(NoticeRow.notice_id >= start)).all()
    more = session.scalars(ids.where(NoticeRow.notice_id < start)).all() if len(after) < SAMPLED else []
    return _page(session, batch, asked, [*after, *more][:SAMPLED], 0)


def every(session: Session, batch: BatchRow, asked: Filter, *, sort: str = "risk") -> Iterator[pl.DataFrame]:
    """All notices that match in an order, some thousand at a time, with the columns of `PLAIN`.

    There is at least one frame.

    Raises:
        SettingsError: there is no such order; see `SORTS`.
    """
    if sort not in SORTS:
        raise SettingsError(f"there is no order {sort!r}; there are {', '.join(SORTS)}")
    columns = [getattr(NoticeRow, name) for name in PLAIN]
    query = select(*columns).where(*_of(batch, asked)).order_by(*SORTS[sort])
    found = False
    for some in session.execute(query.execution_options(yield_per=READ_AT_ONCE)).partitions():
        found = True
        yield pl.DataFrame([tuple(row) for row in some], schema=PLAIN, orient="row")
    if not found:
        yield pl.DataFrame(schema=PLAIN)


def _page(session: Session, batch: BatchRow, asked: Filter, notice_ids: Sequence[str], first: int) -> Page:
    amount = func.sum(NoticeRow.amount_minor).cast(BigInteger)
    columns = (NoticeRow.state, NoticeRow.currency)
    sums: dict[str, int] = {}
    states: dict[str, int] = {}
    counted = select(*columns, func.count(), amount).where(*_of(batch, asked)).group_by(*columns)
    for state, currency, count, minor in session.execute(counted.order_by(*columns)):
        states[state] = states.get(state, 0) + count
        if currency is not None:
            sums[currency] = sums.get(currency, 0) + (minor or 0)
    rows = _rows(session, notice_ids)
    return Page(rows, sum(states.values()), dict(sorted(sums.items())), states, first)


def choices(batch: BatchRow) -> dict[str, dict[str, int]]:
    """What can be filtered for in a batch and never changes, with how many notices each has."""
    found: dict[str, dict[str, int]] = json.loads(batch.facets)
    return found


def facets(notices: pl.DataFrame) -> str:
    """What can be filtered for in new notices and never changes, with counts, as JSON to keep.

    Args:
        notices: `channel, purpose, market, currency, kinds, risks`.
    """
    columns = {name: pl.col(name) for name in ("channel", "purpose", "market", "currency")}
    for name in ("kinds", "risks"):
        columns[name.removesuffix("s")] = pl.col(name).str.strip_chars().str.split(" ")
    found = {}
    for name, column in columns.items():
        values = notices.select(value=column)
        values = values.explode("value") if name in ("kind", "risk") else values
        counted = values.filter(pl.col("value").is_not_null(), pl.col("value") != "")
        found[name] = dict(counted.group_by("value").len().sort("value").iter_rows())
    return json.dumps(found, ensure_ascii=False)


def neighbour(session: Session, asked: Filter, notice_id: str, *, after: bool) -> tuple[date, str | None]:
    """The day of a notice, and the one after it, or before it, in the list of the riskiest; `None` for none.

    Raises:
        NotFoundError: there is no such notice.
    """
    notice = session.get(NoticeRow, notice_id)
    batch = session.get(BatchRow, notice.batch_id) if notice else None
    if notice is None or batch is None:
        raise NotFoundError(f"there is no notice {notice_id!r}; its batch may have been made anew")
    key = (NoticeRow.risk, func.coalesce(NoticeRow.amount_minor, -1), NoticeRow.notice_id)
    mine = (notice.risk, -1 if notice.amount_minor is None else notice.amount_minor, notice.notice_id)
    order = [part.desc() for part in key] if after else list(key)
    ids = select(NoticeRow.notice_id).where(*_of(batch, asked), _beyond(key, mine, below=after))
    return batch.day, session.scalar(ids.order_by(*order).limit(1))


def _beyond(key: tuple[Any, ...], mine: tuple[Any, ...], *, below: bool) -> ColumnElement[bool]:
    """Whether a row's key lies below, or above, another one."""
    found = []
    for place in range(len(key)):
        strict = key[place] < mine[place] if below else key[place] > mine[place]
        found.append(and_(*(key[i] == mine[i] for i in range(place)), strict))
    return or_(*found)


def _of(batch: BatchRow, asked: Filter) -> list[ColumnElement[bool]]:
    states = [asked.state] if asked.state else list(TRANSITIONS)  # what the index begins with
    return [NoticeRow.state.in_(states), NoticeRow.batch_id == batch.batch_id, *asked.conditions()]


def _rows(session: Session, notice_ids: Sequence[str]) -> list[dict[str, Any]]:
    """These notices in their order."""
    query = select(*NoticeRow.__table__.columns).where(NoticeRow.notice_id.in_(notice_ids))
    found = {row["notice_id"]: dict(row) for row in session.execute(query).mappings()}
    return [{str(name): value for name, value in found[one].items()} for one in notice_ids]
