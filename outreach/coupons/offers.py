"""What is known of an offer before it is given out: its products, and how offers like it were used."""

from dataclasses import dataclass

import polars as pl

from outreach.coupons.records import Records, whole

PRIOR_USES = 2.0
"""Uses that every ratio of used to expected starts from, so that a few do not decide."""


@dataclass(frozen=True)
class Offers:
    """Offers that begin at one moment.

    Attributes:
        described: one row per offer, features named `offer_…`.
        goods: `offer_id, product_id` with the products' titles, categories, departments and brands.
        alike: `offer_id, earlier, overlap`: earlier offers for some of the same products, and the shared part
            of both offers' products, above 0 to 1.
        kinds: `offer_id, category, brand` of most of an offer's products, for these and earlier offers.
    """

    described: pl.DataFrame
    goods: pl.DataFrame
    alike: pl.DataFrame
    kinds: pl.DataFrame


def offers(known: Records, begin: pl.DataFrame, span: float) -> Offers:
    """Describes offers from what was known just before they began.

    Args:
        known: what was known just before.
        begin: `offer_id` of the offers, one row each.
        span: days of purchases that are known of.
    """
    goods = _goods(known, begin)
    earlier = _goods(known, known.holdings.select("offer_id").unique())
    alike = _alike(goods, earlier)
    kinds = _kinds(pl.concat([goods, earlier]).unique())
    described = (
        begin.join(_range(goods), on="offer_id", how="left")
        .join(_sales(goods, known.lines, span), on="offer_id", how="left")
        .join(_use_of_alike(alike, _uses(known.holdings), kinds, begin), on="offer_id", how="left")
    )
    return Offers(described, goods, alike, kinds)


def _goods(known: Records, wanted: pl.DataFrame) -> pl.DataFrame:
    listed = known.offer_products.join(wanted, on="offer_id", how="semi")
    return listed.join(known.products, on="product_id", how="left")


def _range(goods: pl.DataFrame) -> pl.DataFrame:
    return goods.group_by("offer_id").agg(
        offer_products=pl.len(),
        offer_titles=pl.col("title").n_unique(),
        offer_categories=pl.col("category").n_unique(),
        offer_brands=pl.col("brand").n_unique(),
    )


def _sales(goods: pl.DataFrame, lines: pl.DataFrame, span: float) -> pl.DataFrame:
    """How well the offers' products sell, and how often with an offer."""
    people = max(lines["customer_id"].n_unique(), 1)
    sold = lines.group_by("product_id").agg(
        lines=pl.len(), buyers=pl.col("customer_id").n_unique(), with_offer=pl.col("with_offer").sum()
    )
    return (
        goods.join(sold, on="product_id")
        .group_by("offer_id")
        .agg(
            offer_lines_a_day=pl.col("lines").sum() / span,
            offer_most_buyers=pl.col("buyers").max() / people,
            offer_with_offer=pl.col("with_offer").sum() / pl.col("lines").sum(),
            offer_products_sold=pl.len(),
        )
    )


def _alike(goods: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    before = earlier.select("product_id", earlier="offer_id")
    shared = (
        goods.select("offer_id", "product_id")
        .join(before, on="product_id")
        .group_by("offer_id", "earlier")
        .agg(shared=pl.len())
        .join(goods.group_by("offer_id").agg(now=pl.len()), on="offer_id")
        .join(before.group_by("earlier").agg(then=pl.len()), on="earlier")
    )
    either = pl.col("now") + pl.col("then") - pl.col("shared")
    return shared.select("offer_id", "earlier", overlap=whole(pl.col("shared") / either))


def _kinds(goods: pl.DataFrame) -> pl.DataFrame:
    """The category and brand of most of an offer's products; of equals the first by name."""
    most = [pl.col(name).drop_nulls().mode().sort().first() for name in ("category", "brand")]
    return goods.group_by("offer_id").agg(most)


def _uses(holdings: pl.DataFrame) -> pl.DataFrame:
    """Per earlier offer how often it was used, and would have been were its campaign's offers all alike."""
    used = pl.col("used_at").is_not_null()
    share = (used.sum().over("campaign") + 0.5) / pl.len().over("campaign")
    return (
        holdings.with_columns(expected=whole(share))
        .group_by("offer_id")
        .agg(uses=used.sum(), expected=pl.col("expected").sum())
    )


def _use_of_alike(
    alike: pl.DataFrame, uses: pl.DataFrame, kinds: pl.DataFrame, begin: pl.DataFrame
) -> pl.DataFrame:
    """Uses of earlier offers for the same products, category or brand, against what their campaigns had."""
    weighted = [whole(pl.col(name) * pl.col("overlap")) for name in ("uses", "expected")]
    same = (
        alike.join(uses, left_on="earlier", right_on="offer_id")
        .with_columns(weighted)
        .group_by("offer_id")
        .agg(
            offer_alike_used=_ratio(),
            offer_most_alike=pl.col("overlap").max(),
        )
    )
    found = begin.join(kinds, on="offer_id", how="left").join(same, on="offer_id", how="left")
    kind_uses = uses.join(kinds, on="offer_id")
    for kind in ("category", "brand"):
        of_kind = kind_uses.group_by(kind).agg(_ratio().alias(f"offer_{kind}_used"))
        found = found.join(of_kind, on=kind, how="left")
    return found.drop("category", "brand")


def _ratio() -> pl.Expr:
    return (pl.col("uses").sum() + PRIOR_USES) / (pl.col("expected").sum() + PRIOR_USES)
