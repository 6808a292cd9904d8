"""What a reviewer should read first: notices with something unusual about them, and what it is.

Pure: it looks at the night's notices and at what earlier nights told, and changes nothing of what is owed.
"""

import polars as pl

NEW_RULE, OUTLIER, DOUBTED, FIRST_CONTACT = "new_rule", "outlier", "doubted", "first_contact"
WEIGHTS = {NEW_RULE: 8, OUTLIER: 4, DOUBTED: 2, FIRST_CONTACT: 1}
"""How much each counts; together they put the riskiest first."""
MEANINGS = {
    NEW_RULE: "no customer was ever told of this kind",
    OUTLIER: "the amount is far above others of its kind",
    DOUBTED: "a rule wants a person to look at it",
    FIRST_CONTACT: "this customer was never written to",
}
OUTLIER_TIMES = 10
"""An amount above this many times the median of its kind, currency and night is an outlier."""
OUTLIER_AT_LEAST = 20
"""Of fewer amounts than this no median is taken."""


def risks(
    proposals: pl.LazyFrame, told: pl.LazyFrame, known_kinds: pl.LazyFrame, contacts: pl.LazyFrame
) -> pl.LazyFrame:
    """What is unusual about each notice.

    Args:
        proposals: `notice_id, customer_id, held`.
        told: `notice_id, kind, currency, amount_minor` of each opportunity of a notice.
        known_kinds: `kind` of what earlier nights told customers of.
        contacts: `customer_id` of those who were written to before.

    Returns:
        `notice_id, risk, risks`: the sum of the weights, and the names, a space around each.
    """
    amount = pl.col("amount_minor")
    of_kind = ["kind", "currency"]
    usual = pl.when(amount.count().over(of_kind) >= OUTLIER_AT_LEAST).then(amount.median().over(of_kind))
    known = known_kinds.select("kind", known=pl.lit(value=True)).unique()
    by_notice = (
        told.join(known, on="kind", how="left")
        .with_columns(far=(amount > OUTLIER_TIMES * usual).fill_null(value=False))
        .group_by("notice_id")
        .agg(**{NEW_RULE: pl.col("known").is_null().any(), OUTLIER: pl.col("far").any()})
    )
    written = contacts.select("customer_id", written=pl.lit(value=True)).unique()
    marked = (
        proposals.select("notice_id", "customer_id", pl.col("held").alias(DOUBTED))
        .join(by_notice, on="notice_id", how="left")
        .join(written, on="customer_id", how="left")
        .with_columns(pl.col("written").is_null().alias(FIRST_CONTACT))
        .with_columns(pl.col(NEW_RULE, OUTLIER).fill_null(value=False))
    )
    return marked.select(
        "notice_id",
        risk=pl.sum_horizontal(pl.col(name).cast(pl.Int64) * weight for name, weight in WEIGHTS.items()),
        risks=pl.concat_str(
            pl.lit(" "), *(pl.when(name).then(pl.lit(f"{name} ")).otherwise(pl.lit("")) for name in WEIGHTS)
        ),
    )
