"""Claims become opportunities: what the customer would really get after what they had or get already.

What was promised before is subtracted, what is found for one line is never more than what was paid for it,
and policy is capped. The rules stand in `docs/savings/README.md` under "For all".
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from outreach.finders.prices import paid_for_kept
from outreach.opportunities import Opportunities, evidence, per_currency, shaped
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

SAME_MONEY = {"price_guarantee": "price", "price_drop": "price"}
"""Kinds about the same money of a line: together they come to the larger of the two."""

_YEAR = timedelta(days=365)
_PURSE = ["order_id", "line_id", "currency"]


def settle(
    found: pl.LazyFrame, kinds: Sequence[str], world: World, settings: OutreachSettings, day: date
) -> pl.LazyFrame:
    """The opportunities of a day.

    Args:
        found: the claims of all finders, the columns of `outreach.opportunities.Claims`.
        kinds: all kinds in their order of precedence.
        world: charges, customers and what was promised before.
        settings: caps.
        day: the day.
    """
    order = {kind: place for place, kind in enumerate(kinds)}
    rows = found.with_columns(
        place=pl.col("kind").replace_strict(order, return_dtype=pl.Int64),
        money=pl.coalesce(pl.col("kind").replace_strict(SAME_MONEY, default=None), "kind"),
    )
    rows = _less_promised(rows, world.inputs.promised)
    rows = _from_purses(rows, world)
    rows = _within_caps(rows, settings)
    least = pl.coalesce("least_minor", pl.lit(1))
    worth = rows.filter(pl.col("amount_minor").is_null() | (pl.col("amount_minor") >= least))
    return shaped(_few_enough(worth, world, settings, day).with_columns(evidence=_evidence()), Opportunities)


def _less_promised(rows: pl.LazyFrame, promised: pl.LazyFrame) -> pl.LazyFrame:
    """Adds `promised_minor` for the same opportunity in its currency; another currency's holds it."""
    same = promised.select("opportunity_id", "currency", "promised_minor")
    others = promised.group_by("opportunity_id").agg(_currencies=pl.len().cast(pl.Int64))
    mine = pl.col("promised_minor")
    return (
        rows.join(same, on=["opportunity_id", "currency"], how="left")
        .join(others, on="opportunity_id", how="left")
        .with_columns(
            promised_minor=mine.fill_null(0),
            promised_elsewhere=pl.col("_currencies").fill_null(0) > mine.is_not_null().cast(pl.Int64),
        )
        .with_columns(held=pl.col("held") | pl.col("promised_elsewhere"))
        .drop("_currencies")
    )


def _from_purses(rows: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Adds `amount_minor`, `left_minor` of the purse, and `beside_minor`, given beside of the same money."""
    owed = rows.filter(pl.col("owed") != "advice", pl.col("order_id").is_not_null())
    purses = _purses(owed, world)
    portions = _portions(owed, purses)
    taken = (
        _taken(portions)
        .group_by("opportunity_id")
        .agg(pl.col("left_minor", "beside_minor", "portion_minor").sum())
    )
    whole = pl.col("line_id").is_null()
    before = pl.max_horizontal("promised_minor", pl.col("beside_minor").fill_null(0))
    open_ = (pl.col("claim_minor") - before).clip(lower_bound=0)
    own = pl.when(whole).then("promised_minor").otherwise(0)  # a promise for an order is in no line's purse
    return (
        rows.join(taken, on="opportunity_id", how="left")
        .with_columns((pl.col(name) - own).clip(lower_bound=0) for name in ("left_minor", "portion_minor"))
        .with_columns(amount_minor=pl.coalesce("portion_minor", open_))
    )


def _purses(owed: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """What was paid for what was kept of each line, less what was promised of it before.

    `price_minor` is what of it was promised by the kinds that share money. A promise for a whole order
    leaves nothing of its lines.
    """
    orders = owed.select("order_id").unique()
    lines = world.charges.join(orders, on="order_id", how="semi").select(*_PURSE, paid_minor=paid_for_kept())
    before = world.inputs.promised.join(orders, on="order_id", how="semi").with_columns(
        _price=pl.when(pl.col("kind").is_in(list(SAME_MONEY))).then("promised_minor").otherwise(0)
    )
    by_line = (
        before.filter(pl.col("line_id").is_not_null())
        .group_by(_PURSE)
        .agg(_gone=pl.col("promised_minor").sum(), price_minor=pl.col("_price").sum())
    )
    whole = before.filter(pl.col("line_id").is_null()).select("order_id", "currency").unique()
    return (
        lines.join(by_line, on=_PURSE, how="left")
        .join(whole.with_columns(_whole=pl.lit(value=True)), on=["order_id", "currency"], how="left")
        .select(
            *_PURSE,
            pl.col("price_minor").fill_null(0),
            before_minor=(pl.col("paid_minor") - pl.col("_gone").fill_null(0)).clip(lower_bound=0),
            whole=pl.col("_whole").fill_null(value=False),
        )
    )


def _portions(owed: pl.LazyFrame, purses: pl.LazyFrame) -> pl.LazyFrame:
    """What each claim wants of each purse: a claim for an order wants all of each of its lines."""
    names = ["opportunity_id", "place", "money", "promised_minor"]
    lines = owed.filter(pl.col("line_id").is_not_null()).select(*names, *_PURSE, "claim_minor")
    orders = owed.filter(pl.col("line_id").is_null()).select(*names, "order_id", "currency")
    single = lines.join(purses, on=_PURSE).with_columns(
        purse_minor=pl.when("whole").then(0).otherwise("before_minor")
    )
    every = orders.join(purses, on=["order_id", "currency"]).with_columns(
        claim_minor=pl.col("before_minor"),
        purse_minor=pl.col("before_minor"),
        promised_minor=pl.lit(0, dtype=pl.Int64),
    )
    columns = [*names, *_PURSE, "claim_minor", "purse_minor", "price_minor"]
    both = pl.concat([single.select(columns), every.select(columns)])
    return both.with_columns(shares=pl.col("money") == "price")


def _taken(portions: pl.LazyFrame) -> pl.LazyFrame:
    """What each portion gets: kinds take from a purse in their order, at most what is left."""
    ordered = portions.sort(*_PURSE, "place", "opportunity_id")
    shares = pl.col("shares")
    larger = pl.when(shares).then("claim_minor").cum_max().shift(1).forward_fill().over(_PURSE)
    beside = pl.when(shares).then(pl.max_horizontal("price_minor", larger.fill_null(0))).otherwise(0)
    before = pl.max_horizontal(beside, "promised_minor")
    wanted = ordered.with_columns(beside_minor=beside.cast(pl.Int64)).with_columns(
        want=(pl.col("claim_minor") - before).clip(lower_bound=0)
    )
    left = (pl.col("purse_minor") - (pl.col("want").cum_sum().over(_PURSE) - pl.col("want"))).clip(
        lower_bound=0
    )
    return wanted.with_columns(left_minor=left).with_columns(
        portion_minor=pl.min_horizontal("want", "left_minor")
    )


def _within_caps(rows: pl.LazyFrame, settings: OutreachSettings) -> pl.LazyFrame:
    """Policy promises at most the cap for one claim; a currency without a cap waits for a person."""
    policy = pl.col("owed") == "policy"
    cap = pl.when(policy).then(per_currency(pl.col("currency"), settings.cap_claim_minor))
    capped = rows.with_columns(cap_minor=cap, held=pl.col("held") | (policy & cap.is_null()))
    room = (pl.col("cap_minor") - pl.col("promised_minor")).clip(lower_bound=0)
    return capped.with_columns(amount_minor=pl.min_horizontal("amount_minor", room))


def _few_enough(rows: pl.LazyFrame, world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Without the new claims by policy that are more than one person may have in a year."""
    since = clock.end_of(day) - _YEAR
    people = world.customers.select("customer_id", _person="person_id")
    earlier = (
        _of_people(world.inputs.promised, people)
        .filter(pl.col("owed") == "policy", pl.col("first_at") >= since)
        .group_by("person")
        .agg(_had=pl.col("opportunity_id").n_unique().cast(pl.Int64))
    )
    new = (pl.col("owed") == "policy") & (pl.col("promised_minor") == 0)
    ranked = (
        _of_people(rows, people)
        .join(earlier, on="person", how="left")
        .sort("person", "place", "amount_minor", "opportunity_id", descending=[False, False, True, False])
        .with_columns(_nth=new.cum_sum().over("person").cast(pl.Int64) + pl.col("_had").fill_null(0))
    )
    return ranked.filter(~new | (pl.col("_nth") <= settings.cap_claims))


def _of_people(rows: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with `person`: the accounts of one person count as one."""
    return rows.join(people, on="customer_id", how="left").with_columns(
        person=pl.coalesce("_person", "customer_id")
    )


def _evidence() -> pl.Expr:
    """The finder's facts, and how its claim became the amount.

    amount = min(claim - max(already promised, given beside), left of the purse, cap - already promised)
    """
    sums = evidence(
        {
            "claim_minor": pl.col("claim_minor"),
            "already_promised_minor": pl.col("promised_minor"),
            "promised_in_another_currency": pl.col("promised_elsewhere"),
            "given_beside_minor": pl.col("beside_minor"),
            "left_of_what_was_paid_minor": pl.col("left_minor"),
            "cap_minor": pl.col("cap_minor"),
            "amount_minor": pl.col("amount_minor"),
        }
    )
    return pl.concat_str(pl.col("facts").str.strip_suffix("}"), pl.lit(","), sums.str.strip_prefix("{"))
