"""How good the bundle is that is served, and those before it: for the page of whoever watches over them."""

import json
from typing import Any

from recs import registry
from recs.bundle import SLATES, folder_of, manifest_of
from recs.models import BundleRow
from warehouse.errors import NotFoundError
from warehouse.settings import Settings

PAGE, DATA = "quality.html", "quality.json"
_NDCG = "ndcg@10"


def overview(settings: Settings) -> dict[str, Any] | None:
    """The quality of the current bundle, and the history of bundles.

    Returns:
        `None` before anything is published, else `bundle_id`, `html` (the bundle's own page, null where its
        folder lacks it) and `data`, JSON values and moments: the bundle's `day`, `previous_id`, when and by
        whom it was published (`at`, `by`), its `verdict`, what the gate gave as `reasons` and `compared`,
        the `window` of the judgement (null where unknown) and its `notes`; `slates`, each with the model
        `serving` it, the table of counts it is compared `against`, how many `customers` judged it, and
        `models`, best first (`model, serves, counts, ndcg, interval, difference, difference_interval,
        recall, coverage`); and `history`, newest first (`bundle_id, day, verdict, reasons, registered_at,
        published_at, is_current, is_previous`, and `ndcg` by slate of what serves it).
    """
    now = registry.current(settings)
    if now is None:
        return None
    row, judged = registry.entry(settings, now.bundle_id), _judgement(settings, now.bundle_id)
    serving = _serving(settings, now.bundle_id)
    data = {
        "day": now.day,
        "previous_id": now.previous_id,
        "at": now.at,
        "by": now.by,
        "verdict": row.verdict,
        "reasons": row.gate.get("reasons", []),
        "compared": row.gate.get("compared", []),
        "window": judged.get("window"),
        "notes": judged.get("notes", []),
        "slates": [_slate(slate, serving.get(slate), row.metrics) for slate in SLATES],
        "history": [_past(settings, one, now) for one in registry.bundles(settings)],
    }
    return {"bundle_id": now.bundle_id, "html": _page(settings, now.bundle_id), "data": data}


def _slate(slate: str, serving: str | None, metrics: dict[str, Any]) -> dict[str, Any]:
    figures = {name: slates[slate] for name, slates in metrics.items() if slate in slates}
    models = [_model(name, found, serves=name == serving) for name, found in figures.items()]
    first: dict[str, Any] = next(iter(figures.values()), {})
    return {
        "slate": slate,
        "serving": serving,
        "against": first.get("difference", {}).get("against"),
        "customers": first.get("customers", 0),
        "models": sorted(models, key=lambda one: -one["ndcg"]),
    }


def _model(name: str, figures: dict[str, Any], *, serves: bool) -> dict[str, Any]:
    difference = figures["difference"]
    counts = name == difference["against"]
    return {
        "model": name,
        "serves": serves,
        "counts": counts,
        "ndcg": figures[_NDCG],
        "interval": figures["intervals"][_NDCG],
        "difference": None if counts else difference[_NDCG],
        "difference_interval": None if counts else difference["interval"],
        "recall": figures["recall@10"],
        "coverage": figures["coverage"],
    }


def _past(settings: Settings, row: BundleRow, now: registry.Current) -> dict[str, Any]:
    serving = _serving(settings, row.bundle_id)
    return {
        "bundle_id": row.bundle_id,
        "day": row.day,
        "verdict": row.verdict,
        "reasons": row.gate.get("reasons", []),
        "registered_at": row.registered_at,
        "published_at": row.published_at,
        "is_current": row.bundle_id == now.bundle_id,
        "is_previous": row.bundle_id == now.previous_id,
        "ndcg": {
            slate: row.metrics.get(model, {}).get(slate, {}).get(_NDCG) for slate, model in serving.items()
        },
    }


def _serving(settings: Settings, bundle_id: str) -> dict[str, str]:
    """By slate the model that serves it; nothing where the bundle's folder is gone."""
    try:
        serving: dict[str, str] = manifest_of(settings, bundle_id)["serving"]
    except NotFoundError:
        return {}
    return serving


def _judgement(settings: Settings, bundle_id: str) -> dict[str, Any]:
    """What the bundle keeps of its judgement; nothing where that is missing."""
    path = folder_of(settings, bundle_id) / DATA
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _page(settings: Settings, bundle_id: str) -> str | None:
    path = folder_of(settings, bundle_id) / PAGE
    return path.read_text(encoding="utf-8") if path.is_file() else None
