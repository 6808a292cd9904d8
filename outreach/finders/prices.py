"""Prices in force, and what a lower list price is worth on a line: what finders that rest on prices share."""

from datetime import date, timedelta

import polars as pl

from features.money import MICRO, half_up, micros, minor_per_major
from outreach.opportunities import exact
from outreach.spells import SAME, stated
from warehouse import clock
from warehouse.settings import OutreachSettings

_LARGEST = 1e38  # Int128 ends at 1.7e38; a line beyond it is not claimed rather than claimed wrongly
_YEAR = timedelta(days=365)


def in_force(rows: pl.LazyFrame, prices: pl.LazyFrame, moment: str, name: str) -> pl.LazyFrame:
    """Rows with the price in force at a moment of theirs, as `name` and `<name>_from`; null where none is.

    Args:
        rows: with `SAME` and the moment.
        prices: spells.
        moment: the column of the moment.
        name: what to call the price.
    """
    said = prices.rename({"price": name, "until": "_until"}).with_columns(
        pl.col("effective_at").alias(f"{name}_from")
    )
    beside = rows.sort(moment).join_asof(
        said,
        left_on=moment,
        right_on="effective_at",
        by=SAME,
        strategy="backward",
        check_sortedness=False,  # both sides are sorted; Polars cannot see it within groups
    )
    holds = (pl.col(name) > 0) & (pl.col("_until").is_null() | (pl.col("_until") > pl.col(moment)))
    return beside.with_columns(
        pl.when(holds).then(column).alias(column) for column in (name, f"{name}_from")
    ).drop("_until", "effective_at", strict=False)


def now_in_force(prices: pl.LazyFrame, day: date) -> pl.LazyFrame:
    """Spells that go on in the day's last moment: `SAME, price, price_from, ends_at`."""
    goes_on = pl.col("until").is_null() | (pl.col("until") >= clock.end_of(day))
    return stated(prices.filter(goes_on)).select(*SAME, "price", price_from="effective_at", ends_at="until")


def lowest_between(
    rows: pl.LazyFrame, prices: pl.LazyFrame, key: list[str], since: str, until: str
) -> pl.LazyFrame:
    """Rows with the lowest price that began between two moments of theirs, and when: only those with one.

    Args:
        rows: with `SAME`, the key and both moments.
        prices: spells.
        key: columns that name a row.
        since: the column of the first moment; a price that begins then counts.
        until: the column of the moment before which it must begin.

    Returns:
        the rows with `lowest` and `lowest_from`; of equal prices the earliest.
    """
    begun = stated(prices).select(*SAME, lowest_from="effective_at", lowest="price")
    moments = rows.select(*key, *SAME, _since=since, _until=until)
    within = (pl.col("lowest_from") >= pl.col("_since")) & (pl.col("lowest_from") < pl.col("_until"))
    best = (
        moments.join(begun, on=SAME)
        .filter(within)
        .group_by(key)
        .agg(
            lowest=pl.col("lowest").min(),
            lowest_from=pl.col("lowest_from").filter(pl.col("lowest") == pl.col("lowest").min()).min(),
        )
    )
    return rows.join(best, on=key)


def worth_of_drop(fell: pl.LazyFrame) -> pl.LazyFrame:
    """`claim_minor`: (line total − lowest × quantity) × kept ÷ quantity, rounded once, half up; above 0."""
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


def paid_for_kept() -> pl.Expr:
    """What was paid for what was kept of a line, in minor units, half up (Int64)."""
    kept, quantity = micros(pl.col("kept_quantity")), micros(pl.col("quantity"))
    return half_up(pl.col("line_total_minor").cast(pl.Int128) * kept, quantity).cast(pl.Int64)


def share_of_kept(share: pl.Expr, of: pl.Expr) -> pl.Expr:
    """The share `share / of` of what was paid for what was kept of a line, rounded once, half up (Int64).

    Both are whole numbers; null where the numbers of a line do not stay within 128 bits.
    """
    wide = pl.Int128
    kept, quantity = micros(pl.col("kept_quantity")), micros(pl.col("quantity"))
    paid = pl.col("line_total_minor").cast(wide)
    exact_share = half_up(paid * kept * share.cast(wide), quantity * of.cast(wide))
    rough = [pl.col(name).cast(pl.Float64) for name in ("kept_quantity", "quantity")]
    largest = pl.col("line_total_minor") * rough[0] * share + rough[1] * of
    return pl.when(2 * largest * MICRO < _LARGEST).then(exact_share.cast(pl.Int64, strict=False))


def usual_price(
    rows: pl.LazyFrame, prices: pl.LazyFrame, price: str, since: str, settings: OutreachSettings
) -> pl.LazyFrame:
    """Rows with `usual`, in millionths: the lower median of list prices of the year before a price began.

    `outlier` says whether the price lies so far below it that it looks like a mistake.

    Args:
        rows: with `SAME`, the key, the price and the moment it began.
        prices: spells.
        key: columns that name a row.
        price: the column of the price that makes the claim.
        since: the column of the moment it began.
        settings: say how far below is a mistake.

    Returns:
        the rows; `usual` is null where no list price began in that year, and then nothing is an outlier.
    """
    begun = stated(prices).select(*SAME, _began="effective_at", _price=micros(pl.col("price")).cast(pl.Int64))
    before = (pl.col("_began") < pl.col(since)) & (pl.col("_began") >= pl.col(since) - _YEAR)
    # Several rows share a product and a price: the median is asked for once for each.
    asked = rows.select(*SAME, since).unique()
    median = (
        asked.join(begun, on=SAME)
        .filter(before)
        .group_by(*SAME, since)
        .agg(usual=pl.col("_price").sort().get((pl.len() - 1) // 2))
    )
    share = exact(settings.outlier_share)
    usual = pl.col("usual").cast(pl.Int128)
    far = micros(pl.col(price)) * share.denominator < usual * share.numerator
    return rows.join(median, on=[*SAME, since], how="left").with_columns(outlier=far.fill_null(value=False))
