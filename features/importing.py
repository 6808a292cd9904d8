"""Brings a delivery into the lake: through the wall, all or nothing, and the same content only once."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from features.contract import CONTRACTS
from features.feeds import Delivery
from features.refusing import Rest, explained, without_erased
from features.wall import Admitted, admit
from warehouse import clock
from warehouse.errors import FeedError
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

ERASED = "erased"
"""The reason for which rows of erased customers are counted; they are not kept in quarantine."""
_REFERENCES = {"customer_id": "customers", "product_id": "products"}


def bring_in(settings: Settings, delivery: Delivery) -> Receipt:
    """Imports a delivery; a refused row goes to quarantine, with its reasons, and never stops the run.

    Raises:
        FeedError: a table lacks a column or cannot be read, or nothing of it all could be taken. The lake is
            as it was; refused rows are in quarantine all the same.
    """
    with hold(settings, "features"), recording(settings, "import") as receipt:
        take_in(settings, delivery, receipt)
        return receipt


def take_in(
    settings: Settings, delivery: Delivery, receipt: Receipt, *, may_be_refused: bool = False
) -> None:
    """Does what `bring_in` does, for a step with a receipt of its own; the caller holds the lease.

    Args:
        settings: the home.
        delivery: what to import.
        receipt: is filled in.
        may_be_refused: whether it is no error when nothing of it all could be taken.

    Raises:
        FeedError: as `bring_in`.
    """
    lake = Lake.of(settings)
    receipt.notes += delivery.notes
    rest = without_erased(settings, delivery)
    admitted = {name: _admit(settings, name, raw) for name, raw in rest.delivery.tables.items()}
    _quarantine(settings, rest, admitted, receipt)
    frames = {name: result.rows for name, result in admitted.items() if result.rows.height}
    receipt.rows_in |= {name: one.rows_in + rest.dropped.get(name, 0) for name, one in admitted.items()}
    receipt.numbers["copies"] = {n: result.copies for n, result in admitted.items() if result.copies}
    if frames or not (may_be_refused or rest.dropped):
        _refuse_empty(lake, admitted, receipt)
    created = _create_referred(lake, frames)
    commit = lake.append(
        {CONTRACTS[name].table: frame for name, frame in frames.items()},
        imported_at=clock.now(),
        source=delivery.source,
    )
    receipt.numbers["created from references"] = created
    if commit is not None:
        receipt.rows_out |= {name: part.rows for name, part in commit.tables.items()}
        receipt.artifacts["import"] = commit.commit_id
    elif frames:
        receipt.notes.append("everything in this feed was there already; nothing has changed")


def has_purchases(lake: Lake) -> bool:
    """Whether any import brought purchases; the first one must."""
    return any("purchases" in commit.tables for commit in lake.commits())


def _admit(settings: Settings, name: str, raw: pl.LazyFrame) -> Admitted:
    with explained(name):
        return admit(name, raw, now=clock.now(), zone=settings.feed.timezone)


def _refuse_empty(lake: Lake, admitted: Mapping[str, Admitted], receipt: Receipt) -> None:
    taken = {name for name, result in admitted.items() if result.rows.height}
    if taken and ("purchases" in taken or has_purchases(lake)):
        return
    why = ", ".join(f"{count} × {reason}" for reason, count in list(receipt.rejected.items())[:5])
    if kept := receipt.artifacts.get("quarantine"):
        why += f" (the refused rows are in {kept})"
    what = "a first import needs purchases" if taken else "nothing could be imported"
    raise FeedError(f"{what}: {why or 'the tables hold no rows of it'}; the lake is unchanged")


def _quarantine(settings: Settings, rest: Rest, admitted: Mapping[str, Admitted], receipt: Receipt) -> None:
    """Keeps the refused rows, once per content, under `<home>/quarantine`; counts them in the receipt."""
    rows = {name: result.quarantined for name, result in admitted.items() if result.quarantined.height}
    reasons = {
        f"{name}: {reason}": count
        for name, result in admitted.items()
        for reason, count in result.reasons.items()
    }
    reasons |= {f"{name}: {ERASED}": count for name, count in rest.dropped.items()}
    for name, lazy in rest.delivery.refused.items():
        own = lazy.with_columns(reasons=pl.concat_list("reason")).drop("reason").collect()
        if own.height:
            counts = own["reasons"].list.first().value_counts(sort=True)
            reasons |= {f"{name}: {reason}": count for reason, count in counts.iter_rows()}
            own = own.with_columns(pl.exclude("reasons").cast(pl.String))
            rows[name] = pl.concat([rows[name], own], how="diagonal") if name in rows else own
    receipt.rejected |= dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))
    if rows:
        receipt.artifacts["quarantine"] = str(quarantine(settings.home.absolute() / "quarantine", rows))


def quarantine(root: Path, rows: Mapping[str, pl.DataFrame]) -> Path:
    """Keeps refused rows by table in a folder below `root`, once per content; returns that folder.

    The caller holds the lease of whoever writes below `root`.
    """
    digest = hashlib.sha256()
    root.mkdir(parents=True, exist_ok=True)
    partial = root / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for name in sorted(rows):
        rows[name].write_parquet(partial / f"{name}.parquet")
        digest.update(name.encode() + (partial / f"{name}.parquet").read_bytes())
    folder = root / digest.hexdigest()[:12]
    if folder.exists():
        shutil.rmtree(partial)
    else:
        partial.rename(folder)
    return folder


def _create_referred(lake: Lake, frames: dict[str, pl.DataFrame]) -> dict[str, int]:
    """Adds customers and products that rows refer to and nobody has described yet."""
    created = {}
    for column, owner in _REFERENCES.items():
        referred = [
            f.lazy().select(column) for name, f in frames.items() if name != owner and column in f.columns
        ]
        if not referred:
            continue
        known = [lake.scan(CONTRACTS[owner].table).select(column)]
        known += [frames[owner].lazy().select(column)] if owner in frames else []
        missing = (
            pl.concat(referred)
            .drop_nulls()
            .unique()
            .join(pl.concat(known), on=column, how="anti")
            .sort(column)
            .collect()
        )
        if missing.height:
            created[owner] = missing.height
            rows = missing.with_columns(available=pl.lit(True)) if owner == "products" else missing
            frames[owner] = pl.concat([frames[owner], rows], how="diagonal") if owner in frames else rows
    return created
