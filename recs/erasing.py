"""Erases one customer from bundles and from the log of served lists.

A bundle knows customers by row. The row of an erased one becomes that of nobody, the last: their lists, their
factors, what they bought. Its id becomes that of the row before it (nothing where it is the first), so ids
stay sorted and the row is never found. What others see does not change. Figures that were learned from all
customers together stay: they say nothing of one.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs import archive
from recs.arrays import mapped, read_npz, write_npz
from recs.bundle import SLATES, Bundle, bundles_folder, place_of, sweep
from recs.export import chunk
from recs.shop import HABITS
from warehouse.rewriting import but, drop, parquet, sweep_folder
from warehouse.settings import Settings
from warehouse.shelf import open_shelf

ROWS = (
    *("sources", "impersonal", "available_groups", "price_home"),
    *("customer_factors", "market", "home", "customers"),
)
"""Arrays with a row per customer, the last for nobody, by the names of their files or in an `.npz`."""

CELLS = ("bags", "habits", "bought", "viewed", "title", "category", "department", "brand")
"""Sparse rows per customer: beside `<name>_indptr` the arrays that hold their cells."""

_OF_CELLS = ("data", "indices", "values", *HABITS)
_IDS, _MANIFEST, _PARTIAL = "customers.npy", "manifest.json", ".erasing.partial"

Arrays = Mapping[str, NDArray[Any]]


def erase_bundles(settings: Settings, customer_id: str) -> int:
    """Makes the customer nobody in all bundles; returns how many had them. The caller holds the lease."""
    sweep(settings)
    return sum(_erase(folder, customer_id) for folder in _folders(settings))


def erase_served(settings: Settings, customer_id: str) -> int:
    """Takes the lists that they were shown out of the log; returns how many."""
    folder = archive.folder_of(settings)
    sweep_folder(folder)
    shelf = open_shelf(str(folder))
    return sum(drop(shelf, path, but("customer_id", customer_id)) for path in parquet(shelf))


def held(settings: Settings, customer_id: str) -> dict[str, Any]:
    """What bundles and the log hold of a customer.

    Returns:
        `slates`: rows as `advocate export recommendations` writes them, by bundle; `served`: the log's rows.
    """
    slates = {}
    for folder in _folders(settings):
        bundle = Bundle.open(settings, folder.name)
        row = bundle.row_of(customer_id)
        if row < len(bundle.customers):
            slates[folder.name] = chunk(bundle, row, row + 1).to_dicts()
    shelf = open_shelf(str(archive.folder_of(settings)))
    shown = [
        shelf.scan(path).filter(pl.col("customer_id") == customer_id).collect() for path in parquet(shelf)
    ]
    rows = pl.concat([pl.DataFrame(schema=archive.SCHEMA), *shown], how="diagonal_relaxed").sort("at")
    return {"slates": slates, "served": rows.to_dicts()}


def _folders(settings: Settings) -> list[Path]:
    return sorted(path.parent for path in bundles_folder(settings).glob(f"*/{_MANIFEST}"))


def _erase(folder: Path, customer_id: str) -> bool:
    """Killed at any point, this leaves the id in its place, and can be done again."""
    for left in folder.rglob(f"*{_PARTIAL}"):
        left.unlink()
    ids = mapped(folder / _IDS)
    row = place_of(ids, customer_id)
    if row == len(ids):
        return False
    made = [*_lists(folder, row), *_arrays(folder, row, len(ids) + 1)]
    with _part(folder / _IDS).open("wb") as part:
        np.save(part, _without(ids, row), allow_pickle=False)
    _retell(folder, [*made, folder / _IDS])
    for path in (*made, folder / _MANIFEST, folder / _IDS):
        with _part(path).open("rb") as written:
            os.fsync(written.fileno())
        _part(path).replace(path)
    return True


def _without(ids: NDArray[np.bytes_], row: int) -> NDArray[np.bytes_]:
    """The ids in which one, and those that repeat it, repeats the one before it."""
    found: NDArray[np.bytes_] = np.array(ids)
    found[found == ids[row]] = found[row - 1] if row else b""
    return found


def _lists(folder: Path, row: int) -> Iterator[Path]:
    """The arrays of slates, each beside its file, with nobody's lists in the row."""
    for path in sorted((folder / "slates").glob("*.npy")):
        if path.name.partition(".")[0] in SLATES:
            shutil.copyfile(path, _part(path))
            array = np.load(_part(path), mmap_mode="r+", allow_pickle=False)
            array[row] = array[-1]
            array.flush()
            yield path


def _arrays(folder: Path, row: int, rows: int) -> Iterator[Path]:
    """Models and what else is known per customer, each beside its file, with nobody in the row."""
    for path in sorted(folder.rglob("*.npz")):
        arrays = read_npz(path)
        if changed := _blank(arrays, row, rows):
            write_npz(_part(path), arrays | changed)
            yield path
    for place in (folder, folder / "shop"):
        files = {path.stem: path for path in sorted(place.glob("*.npy")) if path.name != _IDS}
        for name, array in _blank({name: mapped(file) for name, file in files.items()}, row, rows).items():
            with _part(files[name]).open("wb") as part:
                np.save(part, array, allow_pickle=False)
            yield files[name]


def _blank(arrays: Arrays, row: int, rows: int) -> dict[str, NDArray[Any]]:
    """Those of some arrays that change when a row becomes nobody's."""
    changed: dict[str, NDArray[Any]] = {}
    for name in ROWS:
        if name in arrays and arrays[name].shape[:1] == (rows,):
            changed[name] = np.array(arrays[name])
            changed[name][row] = changed[name][-1]
    for name in CELLS:
        if f"{name}_indptr" in arrays and len(arrays[f"{name}_indptr"]) == rows + 1:
            changed |= _emptied(arrays, name, row)
    if "buyers" in arrays and "scale" in arrays:  # EASE of few customers weighs them against each other
        at = np.flatnonzero(arrays["buyers"] == row)
        changed["weights"] = np.array(arrays["weights"])
        if len(at):
            changed["weights"][at] = changed["weights"][:, at] = 0
    return changed


def _emptied(arrays: Arrays, name: str, row: int) -> dict[str, NDArray[Any]]:
    """The arrays of sparse rows, one of which is empty."""
    begin = np.array(arrays[f"{name}_indptr"])
    first, last = int(begin[row]), int(begin[row + 1])
    begin[row + 1 :] -= last - first
    cells = (f"{name}_{part}" for part in _OF_CELLS)
    cut = {one: np.delete(arrays[one], slice(first, last), axis=0) for one in cells if one in arrays}
    return {f"{name}_indptr": begin} | cut


def _retell(folder: Path, changed: list[Path]) -> None:
    """Writes a manifest, beside the present one, with the hashes of the changed files."""
    path = folder / _MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for one in changed:
        with _part(one).open("rb") as file:
            manifest["files"][str(one.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    _part(path).write_text(text, encoding="utf-8")


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}{_PARTIAL}")
