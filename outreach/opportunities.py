"""What a finder gives back: one row per found way to save or repay one customer money."""

import json
from collections.abc import Mapping
from fractions import Fraction

import dataframely as dy
import polars as pl

from features.columns import polars_schema

OWED = ("right", "policy", "advice")
MONEY = ("right", "policy")
"""What opens a promise when it is approved."""
QUESTION = "question"
"""No money: what `outreach.recovery` asks; never among the opportunities that finders give."""
PURPOSE = {"right": "service", "policy": "service", "advice": "marketing", QUESTION: "service"}
"""Money owed and questions about it are service, without promotion; advice is marketing."""


class Opportunities(dy.Schema):
    """Opportunities of one day, as `advocate export opportunities` writes them.

    `amount_minor` is in minor units of `currency`; only advice of unknown value has none. `evidence` is JSON
    text with everything needed to recompute the amount.
    """

    opportunity_id = dy.String(primary_key=True)
    customer_id = dy.String()
    kind = dy.String()
    owed = dy.String(check={"known": lambda owed: owed.is_in(OWED)})
    product_id = dy.String(nullable=True)
    order_id = dy.String(nullable=True)
    line_id = dy.String(nullable=True)
    entitlement_id = dy.String(nullable=True)
    incident_id = dy.String(nullable=True)
    amount_minor = dy.Int64(nullable=True, min=0)
    currency = dy.String(nullable=True)
    expires_at = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us")
    held = dy.Bool()
    evidence = dy.String()

    @dy.rule()
    def owed_money_has_an_amount(cls) -> pl.Expr:
        return (pl.col("owed") == "advice") | (pl.col("amount_minor").fill_null(0) > 0)

    @dy.rule()
    def an_amount_has_a_currency(cls) -> pl.Expr:
        return pl.col("amount_minor").is_null() | pl.col("currency").is_not_null()


COLUMNS = tuple(Opportunities.column_names())


class Claims(dy.Schema):
    """What finders find, before promises, purses and caps are looked at; see `outreach.settling`.

    `claim_minor` is what the rule says as of the day, as if nothing had been promised; only advice of unknown
    value has none. A claim for a whole order names the order and no line. `least_minor` is the smallest
    amount worth claiming, 1 where null. `facts` is JSON text with everything needed to recompute the claim.
    """

    opportunity_id = dy.String(primary_key=True)
    customer_id = dy.String()
    kind = dy.String()
    owed = dy.String(check={"known": lambda owed: owed.is_in(OWED)})
    product_id = dy.String(nullable=True)
    order_id = dy.String(nullable=True)
    line_id = dy.String(nullable=True)
    entitlement_id = dy.String(nullable=True)
    incident_id = dy.String(nullable=True)
    claim_minor = dy.Int64(nullable=True, min=0)
    least_minor = dy.Int64(nullable=True, min=0)
    currency = dy.String(nullable=True)
    expires_at = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us")
    held = dy.Bool()
    facts = dy.String()


def claims(found: pl.LazyFrame) -> pl.LazyFrame:
    """A finder's rows with exactly the columns of `Claims`; those it does not know are null."""
    return shaped(found, Claims)


def shaped(found: pl.LazyFrame, wanted: type[dy.Schema]) -> pl.LazyFrame:
    """Rows with exactly the columns of a schema; those they do not know are null."""
    known = found.collect_schema().names()
    schema = polars_schema(wanted)
    return found.select(
        pl.col(name).cast(dtype) if name in known else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )


def evidence(columns: Mapping[str, pl.Expr]) -> pl.Expr:
    """JSON text of these values; moments and decimals as exact text, the names in their order."""
    fields = [value.alias(name) for name, value in columns.items()]
    encoded: pl.Expr = pl.struct(fields).struct.json_encode()
    return encoded


def moment_text(moment: pl.Expr) -> pl.Expr:
    """A UTC moment as ISO 8601 text, exact to the microsecond."""
    return moment.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ").str.replace(".000000Z", "Z", literal=True)


def decimal_text(value: pl.Expr) -> pl.Expr:
    """A decimal as its shortest exact text."""
    return value.cast(pl.Decimal(38, 6)).cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


def per_currency(currency: pl.Expr, amounts: Mapping[str, int]) -> pl.Expr:
    """The amount settings name for each row's currency, else their `default`; null where there is neither."""
    named = {code: amount for code, amount in amounts.items() if code != "default"}
    default = pl.lit(amounts.get("default"), dtype=pl.Int64)
    return currency.replace_strict(named, default=default, return_dtype=pl.Int64) if named else default


def exact(share: float) -> Fraction:
    """A share from the settings as the exact fraction its shortest decimal text says."""
    return Fraction(repr(share))


def settings_text(**values: object) -> pl.Expr:
    """The settings a finder used, as JSON text inside the evidence."""
    return pl.lit(json.dumps(values, sort_keys=True, default=str))
