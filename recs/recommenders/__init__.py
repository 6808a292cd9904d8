"""The models, by the names that settings, bundles and judgements use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recs.protocol import Recommender
from recs.recommenders.als import Als
from recs.recommenders.base import PopularBase
from recs.recommenders.bpr import Bpr
from recs.recommenders.content import Content
from recs.recommenders.ease import Ease
from recs.recommenders.frequency import Frequency
from recs.recommenders.ials import IAls
from recs.recommenders.item_item import Bm25, ItemItem
from recs.recommenders.popularity import Popularity
from recs.recommenders.replenishment import Replenishment
from recs.recommenders.segment import Segment
from recs.recommenders.sessions import Sessions
from warehouse.errors import ModelError
from warehouse.settings import Settings

_MODELS: dict[str, type[PopularBase]] = {
    model.name: model
    for model in (
        Popularity,
        Segment,
        Frequency,
        Replenishment,
        Content,
        Sessions,
        ItemItem,
        Bm25,
        Bpr,
        Als,
        IAls,
        Ease,
    )
}

NAMES = tuple(_MODELS)
"""Simplest first: of models judged equal, the first serves."""

SPACES: dict[str, dict[str, tuple[Any, ...]]] = {
    Segment.name: {"half_life_days": (14, 28, 60, 120), "worth": (30.0, 100.0, 300.0)},
    Replenishment.name: {
        "half_life_days": (60, 120, 240),
        "product": (10.0, 30.0, 100.0),
        "pace": (0.5, 1.0, 2.0),
        "pair": (0.5, 1.0, 3.0),
    },
    Content.name: {"neighbours": (15, 30, 60), "price": (0.0, 0.3, 0.6)},
    Sessions.name: {"neighbours": (20, 50, 100), "recent_days": (7, 14, 28)},
    ItemItem.name: {"neighbours": (20, 50, 100, 200)},
    Bm25.name: {
        "neighbours": (20, 50, 100, 200),
        "saturation": (0.3, 1.0, 5.0),
        "length": (0.0, 0.05, 0.1, 0.2),
    },
    Bpr.name: {
        "factors": (16, 32, 64),
        "rate": (0.005, 0.01, 0.02),
        "reg": (0.01, 0.05),
        "epochs": (5, 10, 20),
    },
    Als.name: {"factors": (64, 128), "reg": (10.0, 20.0, 30.0, 50.0), "epochs": (5, 10)},
    IAls.name: {
        "factors": (32, 64, 128),
        "alpha": (0.05, 0.1, 0.2, 0.4),
        "reg": (0.005, 0.01, 0.02, 0.04),
        "scaling": (0.3, 0.5, 0.7),
    },
    Ease.name: {"reg": (50.0, 100.0, 200.0, 400.0, 800.0)},
}
"""For each model with parameters worth searching, the values to try, from less to more."""


def make(name: str, settings: Settings, parameters: Mapping[str, Any] | None = None) -> Recommender:
    """A new, unfitted model.

    Args:
        name: one of `NAMES`.
        settings: the seed, and parameters of some models.
        parameters: keyword arguments of the model, which go before those of the settings and its own.

    Raises:
        ModelError: no model has that name, or it has no such parameter.
    """
    given = _of_settings(name, settings) | dict(parameters or {})
    try:
        return _model(name)(**given)
    except TypeError as error:
        raise ModelError(f"the model {name} cannot be made from {given}: {error}") from error


def read(name: str, folder: Path) -> Recommender:
    """A fitted model from a bundle's folder.

    Raises:
        ModelError: no model has that name, or its file cannot be read.
    """
    if name == "ranker":
        from recs.ranker import Ranker  # it is made of these models, and imports them

        return Ranker.load(folder)
    return _model(name).load(folder)


def _model(name: str) -> type[PopularBase]:
    if name not in _MODELS:
        raise ModelError(f"there is no model {name!r}; there are {', '.join(NAMES)}")
    return _MODELS[name]


def _of_settings(name: str, settings: Settings) -> dict[str, Any]:
    recs = settings.recs
    if name == ItemItem.name:
        return {"neighbours": recs.neighbours}
    if name == Als.name:
        return {
            "factors": recs.als_factors,
            "reg": recs.als_reg,
            "epochs": recs.als_epochs,
            "seed": settings.seed,
        }
    return {"seed": settings.seed} if name in (IAls.name, Bpr.name) else {}


__all__ = [
    "NAMES",
    "SPACES",
    "Als",
    "Bm25",
    "Bpr",
    "Content",
    "Ease",
    "Frequency",
    "IAls",
    "ItemItem",
    "Popularity",
    "Replenishment",
    "Segment",
    "Sessions",
    "make",
    "read",
]
