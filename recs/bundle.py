"""A bundle: everything one night publishes, in a folder whose name says its content.

    bundles/2017-11-30-1f0c…/
        manifest.json                   day, data hash, parameters, tuning, metrics, verdict, file hashes
        quality.json quality.html       how good the models were on the newest fold, for people to look at
        customers.npy products.npy      ids as fixed-width UTF-8, sorted
        catalogue.parquet               product_id, title, category, by column
        sources.npy                     where each customer's lists come from, a place in `SOURCES`
        slates/<slate>.<array>.npy      see `recs.slates`
        models/                         the models that serve a slate, and those they are made of
        shop/                           what lists need besides a model, see `recs.shop`
        affinity/                       what goes with what, see `recs.affinity`

It is written beside and renamed, so a bundle is there whole or not at all. Reading one loads no model.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs.answers import Source
from recs.arrays import mapped
from warehouse.errors import ModelError, NotFoundError
from warehouse.settings import Settings

FORMAT = 2
SLATES = ("for_you", "buy_again", "discover")
ARRAYS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "items": (np.int32, ()),
    "scores": (np.float32, ()),
    "codes": (np.uint8, ()),
    "facts": (np.int32, (2,)),
}
"""The arrays of a slate: type, and shape beyond (customers + 1, depth)."""

SOURCES: tuple[Source, ...] = ("customer", "session", "segment", "market")
"""The steps that lists come from; see `recs.answers.Source`."""

_PARTIAL = ".partial"


@dataclass(frozen=True)
class Bundle:
    """An open bundle. Arrays are mapped, so opening costs little and stays valid if the folder is pruned.

    Attributes:
        bundle_id: its name.
        manifest: what `manifest.json` says.
        customers: (U,) ids as UTF-8 bytes, sorted.
        sources: (U + 1,) uint8 where the lists of each row come from, a place in `SOURCES`.
        sorted_products: (I,) ids as UTF-8 bytes, sorted, by column.
        catalogue: `product_id`, `title`, `category`, by column.
        slates: for each slate its arrays; see `ARRAYS`.
    """

    bundle_id: str
    manifest: dict[str, Any]
    customers: NDArray[np.bytes_]
    sorted_products: NDArray[np.bytes_]
    sources: NDArray[np.uint8]
    catalogue: pl.DataFrame
    slates: dict[str, dict[str, NDArray[Any]]]

    @cached_property
    def day(self) -> date:
        """The day it was made for."""
        return date.fromisoformat(self.manifest["day"])

    @cached_property
    def number(self) -> int:
        """The same as days since 1970-01-01."""
        return (self.day - date(1970, 1, 1)).days

    @cached_property
    def products(self) -> pl.Series:
        """Product ids, by column."""
        return self.catalogue["product_id"]

    @cached_property
    def names(self) -> tuple[list[str], list[str], list[str | None]]:
        """Product ids, titles and categories, by column: lists, of which to take ten values costs nothing."""
        ids, titles, categories = (
            self.catalogue[name].to_list() for name in ("product_id", "title", "category")
        )
        return ids, titles, categories

    @classmethod
    def open(cls, settings: Settings, bundle_id: str) -> "Bundle":
        """Opens a bundle of this home.

        Raises:
            NotFoundError: its folder is missing or incomplete.
        """
        folder, manifest = folder_of(settings, bundle_id), manifest_of(settings, bundle_id)
        try:
            slates = {
                slate: {name: mapped(folder / "slates" / f"{slate}.{name}.npy") for name in ARRAYS}
                for slate in SLATES
            }
            customers, products, sources = (
                mapped(folder / f"{name}.npy") for name in ("customers", "products", "sources")
            )
            catalogue = pl.read_parquet(folder / "catalogue.parquet")
            return cls(bundle_id, manifest, customers, products, sources, catalogue, slates)
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise NotFoundError(
                f"the bundle {bundle_id} cannot be read at {folder} ({error}); "
                "run the night again or roll back to another bundle"
            ) from error

    @cached_property
    def depth(self) -> int:
        """How many products a list holds at most."""
        return int(self.manifest["depth"])

    def source(self, row: int) -> Source:
        """Where the lists of a row come from."""
        return SOURCES[int(self.sources[row])]

    @cached_property
    def living(self) -> NDArray[np.bool_]:
        """(U,) whether a row is still a customer's: those erased repeat the id before them, or have none."""
        repeated = np.append(np.zeros(1, np.bool_), self.customers[1:] == self.customers[:-1])
        found: NDArray[np.bool_] = ~repeated[: len(self.customers)] & (self.customers != b"")
        return found

    def row_of(self, customer_id: str) -> int:
        """The row of a customer; that of nobody, the last, for one the bundle does not know."""
        return place_of(self.customers, customer_id)

    def columns_of(self, product_ids: Sequence[str]) -> NDArray[np.int32]:
        """The columns of products, -1 for one the bundle does not know."""
        found = places_of(self.sorted_products, product_ids)
        return np.where(found < len(self.sorted_products), found, -1).astype(np.int32)


def place_of(ids: NDArray[np.bytes_], sought: str) -> int:
    """The place of an id among sorted ones as UTF-8 bytes; their number where it is not there."""
    return int(places_of(ids, (sought,))[0])


def places_of(ids: NDArray[np.bytes_], sought: Sequence[str]) -> NDArray[np.int64]:
    """The places of ids among sorted ones as UTF-8 bytes; their number for one that is not there."""
    if not len(ids):
        return np.zeros(len(sought), np.int64)
    texts = [text.encode("utf-8", "replace") for text in sought]
    # Longer text would make NumPy copy all ids to a wider type; trailing NULs would be cut off.
    fit = np.array([len(text) <= ids.dtype.itemsize and b"\0" not in text for text in texts], np.bool_)
    keys = np.array([text if fits else b"" for text, fits in zip(texts, fit, strict=True)], ids.dtype)
    at = ids.searchsorted(keys)
    fit &= ids[np.minimum(at, len(ids) - 1)] == keys
    return np.where(fit, at, len(ids))


def folder_of(settings: Settings, bundle_id: str) -> Path:
    """Where a bundle is, or would be."""
    return bundles_folder(settings) / bundle_id


def manifest_of(settings: Settings, bundle_id: str) -> dict[str, Any]:
    """What the manifest of a bundle of this home says.

    Raises:
        NotFoundError: it is missing or cannot be read.
    """
    path = folder_of(settings, bundle_id) / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotFoundError(
            f"the bundle {bundle_id} cannot be read at {path.parent} ({error}); "
            "run the night again or roll back to another bundle"
        ) from error
    return manifest


def bundles_folder(settings: Settings) -> Path:
    """Where the bundles of this home are."""
    return settings.home.absolute() / "bundles"


@contextmanager
def workplace(settings: Settings) -> Iterator[Path]:
    """A new folder beside the bundles to write one into; gone afterwards unless `finish` took it."""
    folder = bundles_folder(settings) / f"{uuid4().hex}{_PARTIAL}"
    for name in ("slates", "models"):
        (folder / name).mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_ids(
    folder: Path, customers: pl.Series, catalogue: pl.DataFrame, sources: NDArray[np.uint8]
) -> None:
    """Writes customers, where their lists come from, products and the catalogue."""
    np.save(folder / "sources.npy", sources, allow_pickle=False)
    np.save(folder / "customers.npy", fixed_width(customers), allow_pickle=False)
    np.save(folder / "products.npy", fixed_width(catalogue["product_id"]), allow_pickle=False)
    catalogue.select("product_id", "title", "category").write_parquet(
        folder / "catalogue.parquet", compression="zstd"
    )


def finish(settings: Settings, folder: Path, manifest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Names a written folder after its content and moves it to its place, in one step.

    A bundle of that name that is already there has the same content and stays, unless it was damaged.

    Returns:
        the bundle's id, and the manifest with the hash of every file.
    """
    files = {str(p.relative_to(folder)): _sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    full = manifest | {"format": FORMAT, "files": files}
    text = json.dumps(full, indent=1, sort_keys=True, ensure_ascii=False)
    bundle_id = f"{manifest['day']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    for path in folder.rglob("*"):
        _sync(path)
    target = folder_of(settings, bundle_id)
    if target.exists() and damaged(target, files):
        shutil.rmtree(target)
    if not target.exists():
        folder.replace(target)
        _sync(target.parent)
    return bundle_id, full


def damaged(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Which of some files of a folder, by name with their hashes, are missing or not what they were."""
    return [
        name for name, was in files.items() if not (folder / name).is_file() or _sha256(folder / name) != was
    ]


def require_models(folder: Path, files: Mapping[str, str]) -> None:
    """Checks the models of a bundle before they are read: a library may abort the process on half a file.

    Args:
        folder: the bundle's.
        files: by name the hash of each of its files, as its manifest tells them.

    Raises:
        ModelError: one is missing or damaged.
    """
    broken = damaged(folder, {name: was for name, was in files.items() if name.startswith("models/")})
    if broken:
        raise ModelError(
            f"{broken[0]} of the bundle {folder.name} is missing or damaged; run the night of its day again, "
            "or roll back to another bundle"
        )


def sweep(settings: Settings, old: Collection[str] = ()) -> list[str]:
    """Removes the folders of `old` bundles, and the unfinished ones that killed runs left.

    Other folders stay, even unregistered ones: they may belong to another database. The caller holds the
    lease. Returns the names of what is gone.
    """
    home = bundles_folder(settings)
    there = sorted(home.iterdir()) if home.is_dir() else []
    gone = [path for path in there if path.name in old or path.name.endswith(_PARTIAL)]
    for path in gone:
        shutil.rmtree(path)
    return [path.name for path in gone]


def fixed_width(ids: pl.Series) -> NDArray[np.bytes_]:
    """Ids as UTF-8 bytes of one width; their order as text is kept."""
    width = max(int(ids.str.len_bytes().max() or 1), 1)  # type: ignore[arg-type]
    return np.array(ids.cast(pl.Binary).to_list(), dtype=f"S{width}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
