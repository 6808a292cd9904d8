"""The lake: where Parquet lives, on a local folder or at an `s3://` address.

    events/<table>/[month=2017-11/]000003-<hash>.parquet   rows of one import
    superseded/<table>/000003-<hash>.parquet               keys whose older versions import 3 replaced
    commits/000003.json                                    import 3 happened: its files and counts
    erasures/<digest>                                      somebody was erased from all versions
    nights/<day>/<name>.parquet                            what a step derived for a day

A file under `events` counts only when a commit names it, and a commit is one atomic write, so an import
is all or nothing. Rows are never changed, but those of an erased customer go from all versions
(`features.erasing`): a later import holds new versions, and the newest wins when scanned. Rows that no later
import replaced cost nothing extra to scan.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from warehouse.errors import LakeError, NotFoundError
from warehouse.settings import Settings
from warehouse.shelf import ROW_GROUP, Shelf, open_shelf


@dataclass(frozen=True)
class Table:
    """How the lake keeps one table of events.

    Attributes:
        name: the folder's name.
        schema: column names and Polars types; a column an import does not bring stays unknown (null).
        key: the columns that identify a row; the newest version of a key wins. Empty: the whole row.
        at: the column that says when the row happened; partitions and `scan(before=...)` go by it.
        later: columns that are facts with a time of their own, empty for who looks before that time.
        lasts: whether a row stays true until another one says otherwise (a price, a consent), however old
            it is; such a table is not cut into months, and `prune` keeps it.
    """

    name: str
    schema: Mapping[str, Any] = field(hash=False)
    key: tuple[str, ...] = ()
    at: str | None = None
    later: tuple[str, ...] = ()
    lasts: bool = False


@dataclass(frozen=True)
class Part:
    """What one commit holds of one table."""

    files: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int
    superseding: int


@dataclass(frozen=True)
class Commit:
    """One import that happened."""

    number: int
    commit_id: str
    imported_at: datetime
    source: str
    tables: dict[str, Part]


class Lake:
    """Reads and writes the lake at one location."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @classmethod
    def of(cls, settings: Settings) -> "Lake":
        """The lake these settings name."""
        return cls(open_shelf(settings.lake_location))

    @property
    def shelf(self) -> Shelf:
        """Its files, for those who take rows out of all versions; see `warehouse.rewriting`."""
        return self._shelf

    # Events ------------------------------------------------------------------------------------

    def commits(self) -> list[Commit]:
        """Every import that happened, oldest first."""
        return [_read_commit(self._shelf.read(path)) for path in self._shelf.list("commits/")]

    @property
    def version(self) -> str:
        """A name for the present content of the events: imports that add something and erasures change it."""
        done = self.commits()
        newest = done[-1].commit_id if done else "empty"
        erasures = len(self._shelf.list("erasures/"))
        return f"{newest}+{erasures}" if erasures else newest

    def mark_erasure(self, mark: str) -> None:
        """Notes that the events are without those of one more customer; `mark` says who to nobody."""
        self._shelf.replace(f"erasures/{mark}", b"")

    def knows(self, name: str) -> bool:
        """Whether any import brought this table."""
        return any(name in commit.tables for commit in self.commits())

    def scan(
        self,
        table: Table,
        *,
        before: datetime | None = None,
        versions: bool = False,
        known: Sequence[str] = (),
    ) -> pl.LazyFrame:
        """The newest version of every row.

        Args:
            table: what to read; columns no import brought come out null.
            before: only what happened before this moment; later facts in `table.later` come out null.
            versions: every version, with `imported_at`, instead of the newest only.
            known: columns for each of which `<name>_known` says whether the row's import brought it: an empty
                field of a column that was there says something, one of a column that was not says nothing.

        Returns:
            a lazy frame with the columns of `table.schema`, in no particular order of rows.
        """
        parts = [(c, c.tables[table.name]) for c in self.commits() if table.name in c.tables]
        frames = [
            self._scan_part(table, c, part, parts, versions).with_columns(
                pl.lit(name in part.columns).alias(f"{name}_known") for name in known
            )
            for c, part in parts
            if part.files
        ]
        if not frames:
            more = {"imported_at": pl.Datetime("us", "UTC")} if versions else {}
            flags = {f"{name}_known": pl.Boolean() for name in known}
            return pl.LazyFrame(schema={**table.schema, **more, **flags})
        found = pl.concat(frames)
        return found if before is None else as_of(found, table, before)

    def _scan_part(
        self, table: Table, commit: Commit, part: Part, parts: list[tuple[Commit, Part]], versions: bool
    ) -> pl.LazyFrame:
        names = list(table.schema)
        rows = self._shelf.scan(*part.files)
        known = [pl.col(name) for name in names if name in part.columns]
        unknown = [
            pl.lit(None, dtype=table.schema[name]).alias(name) for name in names if name not in part.columns
        ]
        rows = rows.select(*known, *unknown).select(names)
        if versions:
            return rows.with_columns(imported_at=pl.lit(commit.imported_at, dtype=pl.Datetime("us", "UTC")))
        replaced = [c for c, p in parts if c.number > commit.number and p.superseding]
        if replaced:
            keys = self._shelf.scan(*(_superseded_path(table.name, c) for c in replaced))
            rows = rows.join(keys, on=list(table.key), how="anti", nulls_equal=True)
        return rows

    def append(
        self, frames: Mapping[Table, pl.DataFrame], *, imported_at: datetime, source: str
    ) -> Commit | None:
        """Adds rows as one import: all of them, or none. The caller holds the home's lease.

        Rows that are already there, to the letter, are not written again.

        Returns:
            the commit, or `None` when nothing was new.
        """
        done = self.commits()
        fresh = {table: self._fresh(table, frame) for table, frame in frames.items()}
        fresh = {table: (rows, keys) for table, (rows, keys) in fresh.items() if rows.height}
        if not fresh:
            return None
        number = done[-1].number + 1 if done else 1
        commit_id = f"{number:06d}-{_content_hash({t.name: rows for t, (rows, _) in fresh.items()})}"
        self._sweep(done)
        parts = {
            table.name: self._write_part(table, commit_id, rows, keys)
            for table, (rows, keys) in fresh.items()
        }
        commit = Commit(number, commit_id, imported_at, source, parts)
        self._shelf.create(f"commits/{number:06d}.json", _commit_bytes(commit))
        return commit

    def _fresh(self, table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows that are new or changed, in a stable order, and those keys of them that existed."""
        names = [name for name in table.schema if name in frame.columns]
        rows = frame.select(names).cast({name: table.schema[name] for name in names})
        columns = list(table.key) or names
        existing = self.scan(table).select(list(table.schema))
        if not any(table.name in commit.tables for commit in self.commits()):
            return rows.sort(names, nulls_last=True), rows.head(0).select(columns)
        new = rows.lazy().join(existing, on=names, how="anti", nulls_equal=True)
        keys = new.join(existing, on=columns, how="semi", nulls_equal=True).select(columns)
        collected = pl.collect_all([new, keys], engine="streaming")
        return collected[0].sort(names, nulls_last=True), collected[1].sort(columns)

    def _write_part(self, table: Table, commit_id: str, rows: pl.DataFrame, keys: pl.DataFrame) -> Part:
        files: list[str] = []
        if table.at is None or table.lasts:
            pieces = {"": rows}
        else:
            by_month = rows.with_columns(_month=pl.col(table.at).dt.strftime("%Y-%m")).sort(
                "_month", maintain_order=True
            )
            pieces = {
                f"month={month}/": piece
                for (month,), piece in by_month.partition_by(
                    "_month", as_dict=True, include_key=False, maintain_order=True
                ).items()
            }
        for folder, piece in pieces.items():
            path = f"events/{table.name}/{folder}{commit_id}.parquet"
            ordered = piece.sort([table.at, *piece.columns], nulls_last=True) if table.at else piece
            self._shelf.write_frame(path, ordered)
            files.append(path)
        if keys.height:
            self._shelf.write_frame(f"superseded/{table.name}/{commit_id}.parquet", keys)
        return Part(tuple(files), tuple(rows.columns), rows.height, keys.height)

    def _sweep(self, done: list[Commit]) -> None:
        """Removes files that a killed import left behind and no commit names."""
        named = {path for commit in done for part in commit.tables.values() for path in part.files}
        kept = {commit.commit_id for commit in done}
        for path in self._shelf.list("events/", unfinished=True):
            if path not in named:
                self._shelf.delete(path)
        for path in self._shelf.list("superseded/", unfinished=True):
            if path.rsplit("/", 1)[1].removesuffix(".parquet") not in kept:
                self._shelf.delete(path)

    def prune(self, before: date) -> int:
        """Forgets events of whole months before the month of `before`, and nights before `before`.

        Tables without a time of their own (customers, products, …) and those that last (prices, consents, …)
        are kept. The caller holds the lease.

        Returns:
            how many files are gone.
        """
        month = f"month={before:%Y-%m}"
        gone: list[str] = []
        for commit in self.commits():
            tables: dict[str, Part] = {}
            for name, part in commit.tables.items():
                old = [
                    p for p in part.files if p.split("/")[2].startswith("month=") and p.split("/")[2] < month
                ]
                gone += old
                tables[name] = Part(
                    tuple(p for p in part.files if p not in old), part.columns, part.rows, part.superseding
                )
            if tables != commit.tables:
                kept = Commit(commit.number, commit.commit_id, commit.imported_at, commit.source, tables)
                self._shelf.replace(f"commits/{commit.number:06d}.json", _commit_bytes(kept))
        nights = self._shelf.list("nights/", unfinished=True)
        gone += [path for path in nights if path.split("/")[1] < before.isoformat()]
        for path in gone:
            self._shelf.delete(path)
        return len(gone)

    # What steps derive -------------------------------------------------------------------------

    def put(
        self, name: str, day: date, frame: pl.DataFrame | pl.LazyFrame, *, row_group: int = ROW_GROUP
    ) -> str:
        """Keeps one derived frame of a day, replacing what was there in one move; returns its address.

        A lazy frame is streamed. The same frame, in the same order, gives the same bytes. `row_group` is that
        of `Shelf.write_frame`.
        """
        path = _night_path(name, day)
        self._shelf.write_frame(path, frame, row_group=row_group)
        return self._shelf.address(path)

    def get(self, name: str, day: date) -> pl.LazyFrame:
        """One derived frame of a day.

        Raises:
            NotFoundError: the step that makes it has not run for that day.
        """
        path = _night_path(name, day)
        if not self._shelf.exists(path):
            raise NotFoundError(f"there is no {name} for {day}; run `advocate nightly --day {day}` first")
        return self._shelf.scan(path)

    def days(self, name: str) -> list[date]:
        """The days that have one derived frame, the newest first."""
        ending = f"/{name}.parquet"
        paths = (path for path in self._shelf.list("nights/") if path.endswith(ending))
        return sorted((date.fromisoformat(path.split("/")[1]) for path in paths), reverse=True)

    def has(self, name: str, day: date) -> bool:
        """Whether a derived frame of that day is there."""
        return self._shelf.exists(_night_path(name, day))


def as_of(rows: pl.LazyFrame, table: Table, before: datetime) -> pl.LazyFrame:
    """Rows as they looked just before a moment: later events are absent, later facts are empty."""
    moment = pl.lit(before, dtype=pl.Datetime("us", "UTC"))
    if table.at is not None:
        rows = rows.filter(pl.col(table.at) < moment)
    return rows.with_columns(pl.when(pl.col(name) < moment).then(pl.col(name)) for name in table.later)


def _night_path(name: str, day: date) -> str:
    return f"nights/{day.isoformat()}/{name}.parquet"


def _superseded_path(table: str, commit: Commit) -> str:
    return f"superseded/{table}/{commit.commit_id}.parquet"


def _content_hash(frames: Mapping[str, pl.DataFrame]) -> str:
    """A name for content: SHA-256 over the sorted rows as Parquet.

    Arrow bytes will not do: they keep what lies under nulls and in unused buffers, so equal rows that were
    made in different ways would get different names.
    """
    digest = hashlib.sha256()
    for name in sorted(frames):
        digest.update(name.encode())
        content = io.BytesIO()
        frames[name].write_parquet(content, compression="uncompressed", statistics=False)
        digest.update(content.getbuffer())
    return digest.hexdigest()[:12]


def _commit_bytes(commit: Commit) -> bytes:
    body = asdict(commit) | {"imported_at": commit.imported_at.isoformat(), "format": 1}
    return json.dumps(body, indent=1, sort_keys=True).encode()


def _read_commit(raw: bytes) -> Commit:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise LakeError(f"a commit of this lake cannot be read: {error}; restore it from a copy") from error
    if body.get("format") != 1:
        raise LakeError(
            f"this lake has format {body.get('format')!r}, this version reads 1; upgrade advocate"
        )
    tables = {
        name: Part(tuple(p["files"]), tuple(p["columns"]), p["rows"], p["superseding"])
        for name, p in body["tables"].items()
    }
    return Commit(
        body["number"], body["commit_id"], datetime.fromisoformat(body["imported_at"]), body["source"], tables
    )
