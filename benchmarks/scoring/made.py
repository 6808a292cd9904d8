"""A home with two bundles of an invented retailer, as large as asked for.

    python -m benchmarks.scoring.made HOME [--customers 1000000] [--products 100000]
                                              [--factors random|learned] [--visitors ials|ease]

The first bundle is published. The second has the same customers and products, but other titles, other lists
and other factors, so that an answer made from both shows. They are written by the product's own writers, so
its commands work on HOME. What is already there in the same shape is kept. Random factors, all of about one
length, are those that a search can cut short least; learned ones are iALS' on the first customers. Baskets
are answered from the same factors, or from as many weights of chance as `ease` has at most.
"""

import argparse
import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advocate.database import upgrade
from benchmarks.scoring import tastes
from benchmarks.scoring.cells import Cells
from benchmarks.scoring.lists import Listing
from benchmarks.scoring.retailer import BLOCK, DAY, Habits, Retailer
from recs import affinity, bundle, registry
from recs.gate import Decision
from recs.ranking import Popular
from recs.recommenders import IAls
from recs.threads import Last
from recs.topk import ItemIndex
from warehouse.settings import Settings, load_settings

MARK = " (new)"
"""What titles of the second bundle end with."""

_STAMP = "made.json"


@dataclass(frozen=True)
class Size:
    """What is asked for."""

    customers: int
    products: int
    length: int
    factors: str
    visitors: str = "ials"
    deep: int = 50
    seed: int = 0


def made(settings: Settings, size: Size) -> tuple[str, str]:
    """The ids of the two bundles of a home; makes them where they are not there."""
    stamp, wanted = settings.home / _STAMP, asdict(size) | {"made_by": _sources()}
    if stamp.exists():
        there = json.loads(stamp.read_text(encoding="utf-8"))
        one, two = there.pop("bundles")
        if there == wanted and all(bundle.folder_of(settings, b).is_dir() for b in (one, two)):
            registry.promote(settings, one, by="benchmark")
            return one, two
    upgrade(settings)
    one = _entered(settings, *_first(settings, size))
    two = _entered(settings, *_second(settings, bundle.folder_of(settings, one), size))
    registry.promote(settings, one, by="benchmark")
    stamp.write_text(json.dumps(wanted | {"bundles": [one, two]}), encoding="utf-8")
    return one, two


def there(settings: Settings) -> tuple[str, str]:
    """The ids of the two bundles of a home that was made, the published one first.

    Raises:
        SystemExit: it was not.
    """
    stamp = settings.home / _STAMP
    if not stamp.exists():
        raise SystemExit(f"{settings.home} was not made; run `python -m benchmarks.scoring.made` on it first")
    one, two = json.loads(stamp.read_text(encoding="utf-8"))["bundles"]
    return one, two


def _entered(settings: Settings, bundle_id: str, manifest: dict[str, Any]) -> str:
    registry.register(settings, bundle_id, manifest, Decision("judged"))
    return bundle_id


def _first(settings: Settings, size: Size) -> tuple[str, dict[str, Any]]:
    shop = Retailer.of(size.customers, size.products, size.seed)
    model = tastes.model(size.factors, size.products, size.length, size.seed)
    model.product_factors = tastes.product_factors(shop, model, size.factors)
    model.customer_factors = np.zeros((size.customers + 1, size.length), np.float32)
    sensitive = shop.category % 50 == 49
    listing = Listing(ItemIndex.of(model.product_factors), sensitive, size.deep)
    with bundle.workplace(settings) as folder:
        sources = np.append(np.zeros(size.customers, np.uint8), np.uint8(bundle.SOURCES.index("market")))
        bundle.write_ids(folder, shop.customer_ids(), shop.catalogue, sources)
        cells, out = Cells(), _slates(folder, size)
        for start, bought in shop.blocks():
            rows = slice(start, start + bought.shape[0])
            chance = shop.chance(start // BLOCK)
            habits = Habits.of(bought.nnz, chance)
            model.customer_factors[rows] = tastes.folded(model, bought)
            _write(out, rows, listing.slates(model.customer_factors[rows], bought, habits))
            cells.add(shop, bought, habits, chance)
            _tell(f"{rows.stop:,} of {size.customers:,} customers")
        kept = cells.shop(shop, sensitive, size.deep)
        _write(out, slice(size.customers, None), listing.popular(kept.buyers))
        kept.save(folder)
        _save_models(folder, model, kept.buyers, size.visitors)
        return bundle.finish(settings, folder, _manifest(size))


def _second(settings: Settings, first: Path, size: Size) -> tuple[str, dict[str, Any]]:
    """A bundle that shares what it can with the first: its `for_you` is the other's `discover`."""
    swapped = {"for_you": "discover", "discover": "for_you", "buy_again": "buy_again"}
    manifest = json.loads((first / "manifest.json").read_text(encoding="utf-8"))
    with bundle.workplace(settings) as folder:
        (folder / "shop").mkdir()
        for path in [*first.glob("*.npy"), *first.glob("shop/*")]:
            os.link(path, folder / path.relative_to(first))
        for path in first.glob("slates/*"):
            slate, rest = path.name.split(".", 1)
            os.link(path, folder / "slates" / f"{swapped[slate]}.{rest}")
        titles = pl.read_parquet(first / "catalogue.parquet").with_columns(pl.col("title") + MARK)
        titles.write_parquet(folder / "catalogue.parquet", compression="zstd")
        model = IAls.load(first / "models")
        model.product_factors = np.roll(model.product_factors, 1, axis=0)
        _save_models(folder, model, np.load(first / "shop" / "buyers.npy"), size.visitors)
        told = {name: said for name, said in manifest.items() if name not in {"files", "format"}}
        return bundle.finish(settings, folder, told | {"data_hash": "second"})


def _slates(folder: Path, size: Size) -> dict[tuple[str, str], NDArray[Any]]:
    return {
        (slate, name): np.lib.format.open_memmap(
            folder / "slates" / f"{slate}.{name}.npy",
            mode="w+",
            dtype=dtype,
            shape=(size.customers + 1, size.deep, *more),
        )
        for slate in bundle.SLATES
        for name, (dtype, more) in bundle.ARRAYS.items()
    }


def _write(
    out: dict[tuple[str, str], NDArray[Any]], rows: slice, found: dict[str, dict[str, NDArray[Any]]]
) -> None:
    for (slate, name), array in out.items():
        array[rows] = found[slate][name]


def _save_models(folder: Path, model: IAls, buyers: NDArray[np.int64], visitors: str) -> None:
    """Writes what answers on the spot: the model that serves every slate, and what goes with what."""
    model.columns = np.arange(len(buyers), dtype=np.int32)
    model.popular, model.last = Popular.of((buyers / max(buyers.max(), 1)).astype(np.float32)), Last()
    model.customers = len(model.customer_factors)
    model.save(folder / "models")
    affinity.write(folder, tastes.visitors(model, buyers, visitors), tastes.similar(model.product_factors))


def _manifest(size: Size) -> dict[str, Any]:
    return {
        "day": DAY.isoformat(),
        "data_hash": "first",
        "customers": size.customers,
        "products": size.products,
        "depth": size.deep,
        "parameters": {"half_life_days": 60, "seed": size.seed},
        "models": {},
        "tuning": {},
        "serving": dict.fromkeys(bundle.SLATES, IAls.name),
        "verdict": "judged",
        "metrics": {},
        "notes": [f"made by benchmarks.scoring.made: {json.dumps(asdict(size))}"],
    }


def _sources() -> str:
    """A hash of what makes a bundle here: another version makes it anew."""
    files = [
        Path(__file__).with_name(f"{name}.py") for name in ("made", "cells", "lists", "retailer", "tastes")
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Makes the home and prints what is in it."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("home", type=Path)
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--products", type=int, default=100_000)
    options.add_argument("--length", type=int, default=64, help="numbers in a product's factors")
    options.add_argument("--factors", choices=["random", "learned"], default="random")
    options.add_argument("--visitors", choices=["ials", "ease"], default="ials")
    chosen = options.parse_args()
    size = Size(chosen.customers, chosen.products, chosen.length, chosen.factors, chosen.visitors)
    one, two = made(load_settings(home=chosen.home), size)
    print(json.dumps({"published": one, "other": two}))


if __name__ == "__main__":
    main()
