"""What a customer has to do with an offer: whether they buy its products or the like, and are due to."""

import polars as pl

from outreach.coupons.offers import Offers
from outreach.coupons.records import KINDS, Records, whole

PAIR = ["customer_id", "offer_id"]
HALF_LIFE = 60.0
"""Days after which a purchase counts half."""


def matches(pairs: pl.DataFrame, known: Records, offered: Offers, span: float) -> pl.DataFrame:
    """`pairs` (`customer_id, offer_id`) with features named `own_…`, `title_…` and so on, and `used_…`."""
    lines = known.lines.with_columns(weight=whole(0.5 ** (pl.col("age") / HALF_LIFE)))
    found = pairs.join(_own(lines, offered, pairs, span), on=PAIR, how="left")
    for kind in KINDS:
        found = found.join(_like(kind, lines, offered.goods, pairs), on=PAIR, how="left")
    found = _earlier_uses(found, known.holdings, offered)
    never = pl.col([name for name in found.columns if name.endswith(("_lines", "_weight", "_offer_lines"))])
    return found.with_columns(never.fill_null(0)).with_columns(
        own_share_of_title=pl.col("own_weight") / (pl.col("title_weight") + 0.1),
        own_share_of_category=pl.col("own_weight") / (pl.col("category_weight") + 0.1),
    )


def _own(lines: pl.DataFrame, offered: Offers, pairs: pl.DataFrame, span: float) -> pl.DataFrame:
    """Purchases of the offer's very products.

    `own_due` is 1 when the usual time between two of them, and three days more, are over: without the three
    days, what was bought on two days running would soon look long overdue.
    """
    goods = offered.goods.select("offer_id", "product_id")
    days = pl.col("purchased_at").dt.date().n_unique()
    return (
        lines.join(goods, on="product_id")
        .join(pairs, on=PAIR, how="semi")
        .group_by(PAIR)
        .agg(
            own_lines=pl.len() / span,
            own_orders=pl.col("order_id").n_unique() / span,
            days=days,
            first=pl.col("age").max(),
            own_recency=pl.col("age").min(),
            own_weight=pl.col("weight").sum(),
            own_30_lines=(pl.col("age") < 30).sum(),
            own_60_lines=(pl.col("age") < 60).sum(),
            own_products=pl.col("product_id").n_unique(),
            own_offer_lines=pl.col("with_offer").sum(),
        )
        .with_columns(
            own_gap=pl.when(pl.col("days") > 1).then(
                (pl.col("first") - pl.col("own_recency")) / (pl.col("days") - 1)
            )
        )
        .with_columns(own_due=pl.col("own_recency") / (pl.col("own_gap") + 3))
        .drop("days", "first")
    )


def _like(kind: str, lines: pl.DataFrame, goods: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Purchases of products of the same kind; `mixed` counts a kind by its share of the offer's products."""
    bought = (
        lines.filter(pl.col(kind).is_not_null())
        .group_by("customer_id", kind)
        .agg(
            lines=pl.len(),
            recency=pl.col("age").min(),
            weight=pl.col("weight").sum(),
            with_offer=pl.col("with_offer").sum(),
        )
    )
    kinds = goods.filter(pl.col(kind).is_not_null()).group_by("offer_id", kind).agg(products=pl.len())
    share = pl.col("products") / pl.col("products").sum().over("offer_id")
    return (
        bought.join(kinds.with_columns(share=share), on=kind)
        .join(pairs, on=PAIR, how="semi")
        .group_by(PAIR)
        .agg(
            pl.col("lines").sum().alias(f"{kind}_lines"),
            pl.col("recency").min().alias(f"{kind}_recency"),
            pl.col("weight").sum().alias(f"{kind}_weight"),
            whole(pl.col("weight") * pl.col("share")).sum().alias(f"{kind}_mixed_weight"),
            pl.col("with_offer").sum().alias(f"{kind}_offer_lines"),
        )
    )


def _earlier_uses(found: pl.DataFrame, holdings: pl.DataFrame, offered: Offers) -> pl.DataFrame:
    """How many earlier offers for the same products, category and brand the customer used."""
    used = holdings.filter(pl.col("used_at").is_not_null()).select("customer_id", earlier="offer_id")
    same = used.join(offered.alike, on="earlier").group_by(PAIR).agg(used_alike=pl.col("overlap").sum())
    found = found.join(same, on=PAIR, how="left").join(offered.kinds, on="offer_id", how="left")
    of_kind = used.join(offered.kinds, left_on="earlier", right_on="offer_id")
    for kind in ("category", "brand"):
        counts = of_kind.group_by("customer_id", kind).agg(pl.len().alias(f"used_{kind}"))
        found = found.join(counts, on=["customer_id", kind], how="left")
    counted = pl.col("used_alike", "used_category", "used_brand").fill_null(0)
    return found.drop("category", "brand").with_columns(counted)
