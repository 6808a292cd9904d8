"""What a retailer lets be shown, and where: rules that hold every night, and rules of a single request.

A rule never lets through what another one bars: where several hold, a product must pass all of them, and the
factors on its score multiply within the limits of one. Pins are places, not permissions: a pinned product
stands there only where it may be shown at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.settings import RuleSettings

Rules = RuleSettings
"""`[recs.rules]` of the settings and the rules of a request are one and the same; `settings.toml` explains
them."""

LOWEST, HIGHEST = 0.5, 2.0
"""What all factors on the score of a product can come to."""


@dataclass(frozen=True)
class Pinned:
    """Products to put at places: `columns` int32 (P,) and `places` int64 (P,) from 0, ascending."""

    columns: NDArray[np.int32]
    places: NDArray[np.int64]


def allowed(rules: Sequence[Rules], catalogue: pl.DataFrame) -> NDArray[np.bool_]:
    """Which products pass the rules on ids and categories, (I,).

    Args:
        rules: all that hold.
        catalogue: `product_id` and `category`, by column; a product without a category is in none.
    """
    category, product = pl.col("category"), pl.col("product_id")
    passes = product.is_not_null()
    for rule in rules:
        if rule.categories:
            passes &= category.is_in(rule.categories).fill_null(value=False)
        passes &= ~category.is_in(rule.deny).fill_null(value=False) & ~product.is_in(rule.exclude)
    return catalogue.select(passes).to_series().to_numpy()


def unmatched(rules: Rules, catalogue: pl.DataFrame) -> dict[str, list[str]]:
    """By setting the categories and products it names that are not in the catalogue, sorted."""
    categories, products = set(catalogue["category"].drop_nulls()), set(catalogue["product_id"])
    named = {
        "categories": (rules.categories, categories),
        "deny": (rules.deny, categories),
        "category_boosts": (rules.category_boosts, categories),
        "exclude": (rules.exclude, products),
        "pins": (rules.pins, products),
        "boosts": (rules.boosts, products),
    }
    missing = {setting: sorted(set(names) - known) for setting, (names, known) in named.items()}
    return {setting: names for setting, names in missing.items() if names}


def asks_for_prices(rules: Sequence[Rules]) -> bool:
    """Whether any rule needs to know what products cost."""
    return any(rule.min_price_minor or rule.max_price_minor for rule in rules)


def affordable(rules: Sequence[Rules], price: NDArray[np.float64], currency: str) -> NDArray[np.bool_]:
    """Which products cost what the rules ask, (I,).

    Args:
        rules: all that hold.
        price: (I,) minor units for one unit, NaN where unknown; such a product passes only where no range is
            asked in this currency.
        currency: of the prices.
    """
    passes = np.ones(len(price), np.bool_)
    for rule in rules:
        lowest, highest = _of(rule.min_price_minor, currency), _of(rule.max_price_minor, currency)
        if lowest is not None:
            passes &= price >= lowest
        if highest is not None:
            passes &= price <= highest
    return passes


def factors(rules: Sequence[Rules], catalogue: pl.DataFrame) -> NDArray[np.float32] | None:
    """The factor on the score of each product, (I,); `None` where no rule has any."""
    if not any(rule.boosts or rule.category_boosts for rule in rules):
        return None
    found = np.ones(catalogue.height)
    for rule in rules:
        for name, boosts in (("product_id", rule.boosts), ("category", rule.category_boosts)):
            if boosts:
                factor = catalogue[name].replace_strict(boosts, default=1.0, return_dtype=pl.Float64)
                found *= factor.to_numpy()
    return np.clip(found, LOWEST, HIGHEST).astype(np.float32)


def pinned(rules: Sequence[Rules], catalogue: pl.DataFrame) -> Pinned:
    """The products to put at places; of two for one place, that of the last rule."""
    places: dict[int, str] = {}
    for rule in rules:
        again = set(rule.pins)
        kept = {place: product for place, product in places.items() if product not in again}
        places = kept | {place: product for product, place in rule.pins.items()}
    ordered = sorted(places)
    ids = pl.Series([places[place] for place in ordered], dtype=pl.String)
    column = catalogue["product_id"].search_sorted(ids, side="left").to_numpy()
    column = np.minimum(column, max(catalogue.height - 1, 0))
    known = (catalogue["product_id"].gather(column) == ids).to_numpy() if catalogue.height else column < 0
    at = np.array(ordered, np.int64)[known] - 1
    return Pinned(column[known].astype(np.int32), at)


def _of(by_currency: dict[str, int], currency: str) -> int | None:
    return by_currency.get(currency, by_currency.get("default"))
