"""What the pipeline calls of this room: publish a day's recommendations, or only judge the models."""

from datetime import date
from pathlib import Path
from typing import Any

from recs import bundle, registry, report, slates
from recs.evaluation import Judgement, judge
from recs.recommenders import make
from recs.world import World, load
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings


def recommend(settings: Settings, day: date) -> Receipt:
    """Judges the models on the past, fills the slates of every customer and publishes them as a bundle.

    A bundle for a day before that of the current one (a backfill) is kept, but not served. Doing the same
    day again over the same data makes the same bundle.

    Raises:
        NotFoundError: the features of that day are not there.
        ModelError: a model could not be trained.
    """
    with hold(settings, "recs"), recording(settings, "recommend", day) as receipt:
        bundle.sweep(settings)
        world = load(settings, day)
        judgement = judge(settings, world)
        with bundle.workplace(settings) as folder:
            receipt.rows_out = _fill(settings, world, judgement, folder)
            bundle_id, manifest = bundle.finish(settings, folder, _manifest(settings, world, judgement))
        registry.register(settings, bundle_id, manifest)
        if not registry.publish(settings, bundle_id, by="nightly"):
            receipt.notes.append(f"{bundle_id} is kept but not served: the current bundle is of a later day")
        old = registry.old(settings)
        bundle.sweep(settings, old)
        registry.forget(settings, old)
        receipt.rows_in = {"customers": world.nobody, "products": world.catalogue.height}
        receipt.artifacts["bundle"] = str(bundle.folder_of(settings, bundle_id))
        receipt.numbers |= {"bundle_id": bundle_id} | _numbers(judgement)
        receipt.notes += judgement.notes
        return receipt


def evaluate(settings: Settings, day: date, out: Path | None = None) -> Receipt:
    """Judges every model for every slate on the fold that ends with `day`; publishes nothing.

    Args:
        settings: the home and its `recs` section.
        day: the day whose features were built.
        out: a folder for the page of plots; none is written without it.
    """
    with recording(settings, "evaluate", day) as receipt:
        judgement = judge(settings, load(settings, day))
        receipt.numbers |= _numbers(judgement)
        receipt.notes += judgement.notes
        if out:
            receipt.artifacts["page"] = str(report.write(judgement, out))
        return receipt


def _fill(settings: Settings, world: World, judgement: Judgement, folder: Path) -> dict[str, int]:
    """Fits the models that serve a slate on everything, and writes slates, models and ids."""
    bundle.write_ids(folder, world.interactions.customers, world.catalogue)
    world.shop.save(folder)
    rows = {}
    for name in sorted(set(judgement.serving.values())):
        model = make(name, settings).fit(world.history)
        model.save(folder / "models")
        for slate in bundle.SLATES:
            if judgement.serving[slate] == name:
                rows[slate] = slates.build(world, model, slate, settings.recs.depth, folder / "slates")
    return rows


def _manifest(settings: Settings, world: World, judgement: Judgement) -> dict[str, Any]:
    """All that makes the bundle what it is; nothing of the clock."""
    return {
        "day": world.day.isoformat(),
        "data_hash": world.data_hash,
        "customers": world.nobody,
        "products": world.catalogue.height,
        "depth": settings.recs.depth,
        "parameters": settings.recs.model_dump(mode="json", exclude={"keep_bundles"})
        | {"half_life_days": settings.features.half_life_days, "seed": settings.seed},
        "serving": judgement.serving,
        "verdict": judgement.verdict,
        "metrics": judgement.metrics,
        "notes": judgement.notes,
    }


def _numbers(judgement: Judgement) -> dict[str, Any]:
    return {"verdict": judgement.verdict, "serving": judgement.serving, "metrics": judgement.metrics}
