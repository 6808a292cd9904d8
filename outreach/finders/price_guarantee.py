"""`price_guarantee` (right): the list price fell between the order and its dispatch, or the day's end.

The rule stands in `docs/savings/README.md`. What `price_drop` gives for later days builds on it.
"""

from datetime import date, timedelta

import polars as pl

from outreach.finders.prices import lowest_between, usual_price, worth_of_drop
from outreach.ids import content_ids
from outreach.opportunities import claims, decimal_text, evidence, moment_text, settings_text
from outreach.spells import SAME, falling
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "price_guarantee"
LINE = ["order_id", "line_id"]
CLAIMED = (
    *(*LINE, "customer_id", *SAME, "quantity", "kept_quantity", "line_total_minor"),
    *(
        "purchased_at",
        "dispatched_at",
        "listed_price",
        "listed_price_from",
        "lowest",
        "lowest_from",
        "claim_minor",
    ),
)
"""What is said of a line whose price fell."""


def examined(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The lines that the guarantee covers, whether or not anything of them was returned."""
    since = clock.end_of(day) - timedelta(days=settings.guarantee_days)
    on_its_way = pl.col("dispatched_at").is_null() | (pl.col("dispatched_at") >= since)
    return world.lines.filter(pl.col("dispatched_at_known"), on_its_way)


def fallen(lines: pl.LazyFrame, world: World, settings: OutreachSettings) -> pl.LazyFrame:
    """Lines with something kept whose list price fell below that at the purchase, and what that is worth.

    Args:
        lines: with `covered_from` and `covered_until`: a price that began in between counts.
        world: says the list prices.
        settings: say which prices look like mistakes.

    Returns:
        `CLAIMED`, `usual` and `outlier`.
    """
    # Most lines are ruled out by one join: nothing lower ever followed the price they were bought at.
    fell = falling(world.list_prices).select(
        *SAME, "until", "next_from", listed_price="price", listed_price_from="effective_at"
    )
    bought = (pl.col("listed_price_from") <= pl.col("purchased_at")) & (
        pl.col("until").is_null() | (pl.col("purchased_at") < pl.col("until"))
    )
    kept = (
        lines.filter(pl.col("kept_quantity") > 0)
        .join(fell, on=SAME)
        .filter(bought, pl.col("next_from") < pl.col("covered_until"))
        .drop("until", "next_from")
    )
    lower = lowest_between(kept, world.list_prices, LINE, "covered_from", "covered_until")
    worth = worth_of_drop(lower.filter(pl.col("lowest") < pl.col("listed_price"))).select(*CLAIMED)
    # Asked for twice from here on; Polars would find these few lines among all of them each time.
    found = worth.collect(engine="streaming").lazy()
    return usual_price(found, world.list_prices, "lowest", "lowest_from", settings)


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each line what its units' price drop is worth."""
    end = pl.lit(clock.end_of(day), dtype=pl.Datetime("us", "UTC"))
    covered = examined(world, settings, day).with_columns(
        covered_from=pl.col("purchased_at") + pl.duration(microseconds=1),
        covered_until=pl.coalesce("dispatched_at", end),
    )
    named = fallen(covered, world, settings).join(world.items, on="product_id", how="left")
    used = settings_text(
        day=day, guarantee_days=settings.guarantee_days, outlier_share=settings.outlier_share
    )
    return claims(
        named.with_columns(
            opportunity_id=content_ids(KIND, *LINE),
            kind=pl.lit(KIND),
            owed=pl.lit("right"),
            held=pl.col("outlier"),
            facts=evidence(
                drop_facts() | {"dispatched_at": moment_text(pl.col("dispatched_at")), "settings": used}
            ),
        )
    )


def drop_facts() -> dict[str, pl.Expr]:
    """What a price drop on a line rests on."""
    return {
        "rule": pl.lit("half_up((line_total - lowest * quantity) * kept / quantity)"),
        "item": pl.col("item"),
        "market": pl.col("market"),
        "currency": pl.col("currency"),
        "line_total_minor": pl.col("line_total_minor"),
        "quantity": decimal_text(pl.col("quantity")),
        "kept_quantity": decimal_text(pl.col("kept_quantity")),
        "purchased_at": moment_text(pl.col("purchased_at")),
        "list_price_at_purchase": decimal_text(pl.col("listed_price")),
        "list_price_at_purchase_from": moment_text(pl.col("listed_price_from")),
        "lowest_list_price": decimal_text(pl.col("lowest")),
        "lowest_list_price_from": moment_text(pl.col("lowest_from")),
        "usual_list_price_millionths": pl.col("usual"),
        "looks_like_a_mistake": pl.col("outlier"),
    }
