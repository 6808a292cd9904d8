"""`price_drop` (policy): the list price fell within the protection window after the purchase.

Rule: for each line of a product bought within the last `protection_days` before the end of the day, for the
units not returned by then: what was paid less the lowest list price in force for the same product, market and
currency between the purchase and the end of the day, where that price is below the list price in force at
the purchase. Without a list price at the purchase nothing is claimed. A list price of 0 is taken
for a missing one. `docs/savings/price_drop.md` explains it to people.
"""

from datetime import date, datetime, timedelta
from functools import partial

import polars as pl

from features.money import MICRO, half_up, micros, minor_per_major
from outreach.ids import content_ids
from outreach.opportunities import (
    decimal_text,
    evidence,
    exact,
    moment_text,
    per_currency,
    settings_text,
    shaped,
)
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "price_drop"
SAME = ["product_id", "market", "currency"]
_LARGEST = 1e38  # Int128 ends at 1.7e38; a line beyond it is not claimed rather than claimed wrongly


def examined(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The lines of the protection window, whether or not anything of them was returned."""
    end = clock.end_of(day)
    start = end - timedelta(days=settings.protection_days)
    return world.lines.filter(pl.col("purchased_at") >= start, pl.col("purchased_at") < end)


def claimed(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The lines of the window that would be claimed if nothing had been promised before."""
    return _above_minimum(_claims(world, settings, day), settings, pl.col("claim_minor"))


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each line what its units' price drop is worth, less what was promised."""
    claims = _less_promised(_claims(world, settings, day), world.inputs.promised)
    claims = _above_minimum(claims, settings, pl.col("amount_minor"))
    named = claims.join(world.items, on="product_id", how="left")
    return shaped(
        named.with_columns(
            kind=pl.lit(KIND),
            owed=pl.lit("policy"),
            held=pl.col("minimum").is_null() | pl.col("promised_elsewhere"),
            evidence=_evidence(settings, day),
        )
    )


def _claims(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Lines whose price fell, with `opportunity_id` and what the drop is worth."""
    end = clock.end_of(day)
    lines = examined(world, settings, day).filter(pl.col("kept_quantity") > 0)
    listed = _list_prices(world.prices, end)
    fell = _with_prices(lines, listed, end - timedelta(days=settings.protection_days))
    return _worth(fell).with_columns(opportunity_id=content_ids(KIND, "order_id", "line_id"))


def _list_prices(prices: pl.LazyFrame, end: datetime) -> pl.LazyFrame:
    """List prices with the lowest of this and all later ones before `end`, and since when that one held.

    Walking back from the end, a price is the lowest so far exactly at rows where it equals the running
    minimum; the next such row holds the minimum's moment. A price of 0 stays, because it ends the one
    before it and nothing lies below it, but it is never the lowest.
    """
    listed = (
        prices.filter(pl.col("kind") == "list", pl.col("effective_at") < end)
        .select(*SAME, "effective_at", "ends_at", "price")
        .sort("effective_at", *SAME)
    )
    stated = pl.when(pl.col("price") > 0).then("price")
    lowest = listed.with_columns(lowest=stated.cum_min(reverse=True).backward_fill().over(SAME))
    since = pl.when(pl.col("price") == pl.col("lowest")).then("effective_at")
    return lowest.with_columns(lowest_from=since.backward_fill().over(SAME))


def _with_prices(lines: pl.LazyFrame, listed: pl.LazyFrame, start: datetime) -> pl.LazyFrame:
    """Lines whose list price fell after the purchase, with the price then and the lowest since."""
    changed = listed.filter(pl.col("effective_at") > start).select(SAME).unique()
    moving = lines.join(changed, on=SAME, how="semi").sort("purchased_at", "order_id", "line_id")
    then = listed.select(
        *SAME, "effective_at", listed_from="effective_at", listed_until="ends_at", listed_price="price"
    )
    later = listed.select(*SAME, "effective_at", "lowest", "lowest_from")
    beside = partial(
        pl.LazyFrame.join_asof,
        left_on="purchased_at",
        right_on="effective_at",
        by=SAME,
        check_sortedness=False,  # both sides are sorted; Polars cannot see it within groups
    )
    priced = beside(moving, then, strategy="backward")
    priced = beside(priced, later, strategy="forward", allow_exact_matches=False)
    in_force = pl.col("listed_until").is_null() | (pl.col("listed_until") > pl.col("purchased_at"))
    return priced.filter(in_force, pl.col("lowest") < pl.col("listed_price"))


def _worth(fell: pl.LazyFrame) -> pl.LazyFrame:
    """`claim_minor`: (line total − lowest price × quantity) × kept ÷ quantity, rounded once, half up."""
    wide = pl.Int128
    total = pl.col("line_total_minor").cast(wide)
    quantity, kept, lowest = (micros(pl.col(name)) for name in ("quantity", "kept_quantity", "lowest"))
    scale = pl.lit(MICRO * MICRO, dtype=wide)
    at_lowest = lowest * minor_per_major(pl.col("currency")).cast(wide) * quantity
    claim = half_up(kept * (total * scale - at_lowest), quantity * scale)
    return (
        fell.filter(_fits())
        .with_columns(claim_minor=claim)
        .filter(pl.col("claim_minor") > 0)
        .with_columns(pl.col("claim_minor").cast(pl.Int64))
    )


def _fits() -> pl.Expr:
    """Whether the numbers of a line stay within 128 bits, estimated generously in floats."""
    quantity, kept, lowest = (pl.col(c).cast(pl.Float64) for c in ("quantity", "kept_quantity", "lowest"))
    paid = pl.col("line_total_minor").cast(pl.Float64)
    at_lowest = lowest * quantity * minor_per_major(pl.col("currency"))
    largest = pl.max_horizontal(paid, at_lowest, pl.lit(1.0)) * pl.max_horizontal(kept, quantity)
    return 4 * largest * MICRO**3 < _LARGEST


def _less_promised(claims: pl.LazyFrame, promised: pl.LazyFrame) -> pl.LazyFrame:
    """`amount_minor`: the claim less what earlier nights promised for the same line in its currency.

    `promised_elsewhere`: whether they promised something in another currency too.
    """
    same = pl.col("promised_minor")
    before = promised.select("opportunity_id", "currency", "promised_minor")
    currencies = promised.group_by("opportunity_id").agg(currencies=pl.len().cast(pl.Int64))
    return (
        claims.join(before, on=["opportunity_id", "currency"], how="left")
        .join(currencies, on="opportunity_id", how="left")
        .with_columns(
            promised_minor=same.fill_null(0),
            promised_elsewhere=pl.col("currencies").fill_null(0) > same.is_not_null().cast(pl.Int64),
            amount_minor=pl.col("claim_minor") - same.fill_null(0),
        )
    )


def _above_minimum(claims: pl.LazyFrame, settings: OutreachSettings, amount: pl.Expr) -> pl.LazyFrame:
    """Claims of an amount worth a message; those in a currency without a minimum stay, to be held."""
    share = exact(settings.min_claim_share)
    wide, total = amount.cast(pl.Int128), pl.col("line_total_minor").cast(pl.Int128)
    return claims.with_columns(minimum=per_currency(pl.col("currency"), settings.min_claim_minor)).filter(
        amount > 0,
        amount >= pl.col("minimum").fill_null(0),
        wide * share.denominator >= total * share.numerator,
    )


def _evidence(settings: OutreachSettings, day: date) -> pl.Expr:
    used = settings_text(
        day=day,
        protection_days=settings.protection_days,
        min_claim_minor=settings.min_claim_minor,
        min_claim_share=settings.min_claim_share,
    )
    return evidence(
        {
            "rule": pl.lit("half_up((line_total - lowest * quantity) * kept / quantity) - already_promised"),
            "item": pl.col("item"),
            "market": pl.col("market"),
            "currency": pl.col("currency"),
            "line_total_minor": pl.col("line_total_minor"),
            "quantity": decimal_text(pl.col("quantity")),
            "kept_quantity": decimal_text(pl.col("kept_quantity")),
            "purchased_at": moment_text(pl.col("purchased_at")),
            "list_price_at_purchase": decimal_text(pl.col("listed_price")),
            "list_price_at_purchase_from": moment_text(pl.col("listed_from")),
            "lowest_list_price": decimal_text(pl.col("lowest")),
            "lowest_list_price_from": moment_text(pl.col("lowest_from")),
            "claim_minor": pl.col("claim_minor"),
            "already_promised_minor": pl.col("promised_minor"),
            "promised_in_another_currency": pl.col("promised_elsewhere"),
            "amount_minor": pl.col("amount_minor"),
            "settings": used,
        }
    )
