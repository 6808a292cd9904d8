"""What finders and policy may look at: the lake as of a day, and the frozen inputs of the run."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import polars as pl

from features import choices
from features.contract import CONTRACTS
from features.events import seen, with_kept_quantity
from features.sensitive import is_sensitive
from outreach.inputs import Inputs, freeze
from outreach.spells import spells
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings

AS_SEEN = (
    *("prices", "offers", "offer_products", "entitlements", "entitlement_uses", "consents"),
    *("products", "views", "usage", "incidents", "availability"),
)
"""Tables that finders see as the lake has them."""


@dataclass(frozen=True)
class World:
    """Tables as they looked at the end of a day, so that no finder has to ask for that; every frame is lazy.

    Attributes:
        lines: lines of products ever bought, with `kept_quantity`, and `dispatched_at_known` and
            `delivered_at_known`: whether the feed said anything of it.
        charges: lines of every kind, products, shipping and fees, in the same way.
        known: names of the tables that any import brought; an empty table that is known says something.
        buyers: `customer_id` of everybody who ever bought anything.
        prices: prices of both kinds that were in force at some time before the day's end.
        items: `product_id` and `item`, the title a text may name; null where it must not be named, because
            the product is sensitive or has no title.
        products: the table of the feed contract.
        inputs: contacts, responses and promises as earlier nights left them.
        choices: what customers chose, for all their accounts; `consents` has its part of it among its rows.
        The others are the tables of the feed contract of the same name.
    """

    lines: pl.LazyFrame
    charges: pl.LazyFrame
    known: frozenset[str]
    buyers: pl.LazyFrame
    items: pl.LazyFrame
    products: pl.LazyFrame
    prices: pl.LazyFrame
    offers: pl.LazyFrame
    offer_products: pl.LazyFrame
    entitlements: pl.LazyFrame
    entitlement_uses: pl.LazyFrame
    customers: pl.LazyFrame
    consents: pl.LazyFrame
    views: pl.LazyFrame
    usage: pl.LazyFrame
    incidents: pl.LazyFrame
    availability: pl.LazyFrame
    inputs: Inputs
    choices: pl.LazyFrame = field(default_factory=lambda: pl.LazyFrame(schema=choices.SCHEMA))

    @cached_property
    def list_prices(self) -> pl.LazyFrame:
        """Spells of list prices; put into order once, for every finder that asks."""
        return spells(self.prices, "list").collect(engine="streaming").lazy()

    @cached_property
    def promotions(self) -> pl.LazyFrame:
        """Spells of promotions, in the same way."""
        return spells(self.prices, "promotion").collect(engine="streaming").lazy()


def world_of(settings: Settings, day: date) -> World:
    """The world of a day; freezes the inputs of the run if this is its first look."""
    lake = Lake.of(settings)
    hidden = is_sensitive(settings.features.sensitive_words)
    as_seen = {name: seen(lake, name, day) for name in AS_SEEN}
    chosen = choices.of_day(settings, lake, day)
    as_seen["consents"] = choices.agreed(as_seen["consents"], chosen)
    unborn = pl.col("created_at") >= clock.end_of(day)
    purchases = seen(lake, "purchases", day, known=("dispatched_at", "delivered_at"))
    charges = with_kept_quantity(purchases, seen(lake, "returns", day))
    return World(
        lines=charges.filter(pl.col("kind") == "product"),
        charges=charges,
        known=frozenset(name for name in CONTRACTS if lake.knows(name)),
        buyers=seen(lake, "purchases", day).select("customer_id").unique(),
        customers=seen(lake, "customers", day).filter(~unborn.fill_null(value=False)),
        items=as_seen["products"].select("product_id", item=pl.when(~hidden).then("title")),
        inputs=freeze(settings, lake, day),
        choices=chosen,
        **as_seen,
    )
