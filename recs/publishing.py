"""Makes the bundle of a night: fits what serves, fills the slates, and writes all that belongs to them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recs import affinity, bundle, report, slates
from recs.evaluation import COUNTS, Judgement
from recs.fitting import Fits
from recs.recommenders.neighbours import NeighbourModel
from recs.shop import Shop
from recs.similar import Similar
from recs.tuning import Tuning
from recs.visitors import Visitors, learn
from recs.world import World
from warehouse.settings import Settings

_NOT_MADE_WITH = {"keep_bundles", "tune_seconds", "served_days", "experiment"}
"""Settings that do not change what a bundle is."""


@dataclass(frozen=True)
class Work:
    """What the bundle of a night is made from."""

    settings: Settings
    world: World
    tuning: Tuning
    fits: Fits
    judgement: Judgement

    def counted(self) -> "Work":
        """The same, served by tables of counts."""
        return replace(self, judgement=replace(self.judgement, serving=COUNTS, verdict="counts"))


@dataclass(frozen=True)
class Made:
    """A written bundle: its id, its manifest, and how many recommendations each slate holds."""

    bundle_id: str
    manifest: dict[str, Any]
    rows: dict[str, int]


def make(work: Work) -> Made:
    """Writes the bundle; the same work makes the same one.

    Raises:
        ModelError: a model could not be fitted.
    """
    with bundle.workplace(work.settings) as folder:
        rows = _fill(work, folder)
        report.write(work.judgement, folder)
        bundle_id, manifest = bundle.finish(work.settings, folder, _manifest(work))
    return Made(bundle_id, manifest, rows)


def _fill(work: Work, folder: Path) -> dict[str, int]:
    """Fits the models that serve a slate on everything, and writes slates, models and ids."""
    world, serving = work.world, work.judgement.serving
    bundle.write_ids(folder, world.interactions.customers, world.catalogue, _sources(world.shop))
    world.shop.save(folder)
    rows: dict[str, int] = {}
    for name in sorted(set(serving.values())):
        model = work.fits.get(name, world.history)
        model.save(folder / "models")
        served = [slate for slate in bundle.SLATES if serving[slate] == name]
        rows |= slates.build(world, model, served, work.settings.recs.depth, folder / "slates")
    affinity.write(folder, *_affinities(work))
    return rows


def _sources(shop: Shop) -> NDArray[np.uint8]:
    """Where the lists of each row come from, (U + 1,) places in `bundle.SOURCES`."""
    own = ~shop.impersonal & ((np.diff(shop.bought.indptr) > 0) | (np.diff(shop.viewed.indptr) > 0))
    segment = shop.impersonal & (shop.local.home >= 0)
    step = np.select(
        [own, segment],
        [bundle.SOURCES.index(s) for s in ("customer", "segment")],
        bundle.SOURCES.index("market"),
    )
    return step.astype(np.uint8)


def _affinities(work: Work) -> tuple[Visitors, Similar]:
    """What goes with what, for visitors and beside single products."""
    history, kind = work.world.history, work.settings.recs.visitors
    visitors = learn(kind, work.fits.get(kind, history), history)
    bought, described = (work.fits.get(name, history) for name in ("item_item", "content"))
    assert isinstance(bought, NeighbourModel)
    assert isinstance(described, NeighbourModel)
    return visitors, Similar.of(history, bought, described)


def _manifest(work: Work) -> dict[str, Any]:
    """All that makes the bundle what it is; nothing of the clock, nor of what was served before it."""
    settings, world, judgement = work.settings, work.world, work.judgement
    return {
        "day": world.day.isoformat(),
        "data_hash": world.data_hash,
        "customers": world.nobody,
        "products": world.catalogue.height,
        "depth": settings.recs.depth,
        "parameters": settings.recs.model_dump(mode="json", exclude=_NOT_MADE_WITH)
        | {"half_life_days": settings.features.half_life_days, "seed": settings.seed},
        "models": work.fits.made_with,
        "tuning": work.tuning.as_json(),
        "serving": judgement.serving,
        "verdict": judgement.verdict,
        "metrics": judgement.metrics,
        "notes": judgement.notes,
    }
