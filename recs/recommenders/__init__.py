"""The models, by the names that settings, bundles and judgements use."""

from pathlib import Path

from recs.protocol import Recommender
from recs.recommenders.als import Als
from recs.recommenders.frequency import Frequency
from recs.recommenders.item_item import ItemItem
from recs.recommenders.popularity import Popularity
from warehouse.errors import ModelError
from warehouse.settings import Settings

NAMES = (Popularity.name, Frequency.name, ItemItem.name, Als.name)
"""Simplest first: of models judged equal, the first serves."""


def make(name: str, settings: Settings) -> Recommender:
    """A new, unfitted model with the parameters of these settings.

    Raises:
        ModelError: no model has that name.
    """
    recs = settings.recs
    if name == Popularity.name:
        return Popularity()
    if name == Frequency.name:
        return Frequency()
    if name == ItemItem.name:
        return ItemItem(neighbours=recs.neighbours)
    if name == Als.name:
        return Als(factors=recs.als_factors, reg=recs.als_reg, epochs=recs.als_epochs, seed=settings.seed)
    raise ModelError(f"there is no model {name!r}; there are {', '.join(NAMES)}")


def read(name: str, folder: Path) -> Recommender:
    """A fitted model from a bundle's folder.

    Raises:
        ModelError: no model has that name, or its file cannot be read.
    """
    models: dict[str, type[Popularity] | type[Frequency] | type[ItemItem] | type[Als]] = {
        model.name: model for model in (Popularity, Frequency, ItemItem, Als)
    }
    if name not in models:
        raise ModelError(f"there is no model {name!r}; there are {', '.join(NAMES)}")
    return models[name].load(folder)


__all__ = ["NAMES", "Als", "Frequency", "ItemItem", "Popularity", "make", "read"]
