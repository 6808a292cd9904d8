"""In a run each model is fitted once for each moment it is asked about."""

import numpy as np
import pytest

from recs.fitting import Fits
from recs.world import load
from tests.recs.worlds import DAY
from warehouse.errors import ModelError
from warehouse.settings import Settings


def test_a_model_is_fitted_once_for_each_end_of_history(shop: Settings) -> None:
    history, fits = load(shop, DAY).history, Fits(shop)
    now = fits.get("frequency", history)
    assert fits.get("frequency", history) is now
    earlier = fits.get("frequency", history.before(history.end - 28))
    assert earlier is not now
    assert fits.get("frequency", history.before(history.end - 28)) is earlier
    assert not np.array_equal(earlier.recommend(0, 5)[1], now.recommend(0, 5)[1])


def test_models_are_made_with_the_parameters_that_were_found(shop: Settings) -> None:
    history = load(shop, DAY).history
    fits = Fits(shop, {"item_item": {"neighbours": 3}})
    assert fits.get("item_item", history).parameters["neighbours"] == 3
    assert Fits(shop).get("item_item", history).parameters["neighbours"] == shop.recs.neighbours


def test_a_model_or_parameter_that_does_not_exist_is_named(shop: Settings) -> None:
    history = load(shop, DAY).history
    with pytest.raises(ModelError, match="no model 'ghost'"):
        Fits(shop).get("ghost", history)
    with pytest.raises(ModelError, match="ghosts"):
        Fits(shop, {"als": {"ghosts": 1}}).get("als", history)
