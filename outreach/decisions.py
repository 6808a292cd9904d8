"""Decisions: for every customer one outcome with one reason, and what goes into each message."""

from dataclasses import dataclass
from datetime import date, timedelta

import dataframely as dy
import polars as pl

from features.choices import chosen_channel
from features.columns import polars_schema
from outreach.choices.themes import with_unwanted
from outreach.finders import FOR_CALLS
from outreach.ids import content_ids
from outreach.opportunities import PURPOSE
from outreach.policy import FOLLOW_UP, HOLDOUT, OTHER_ACCOUNT, REASONS, holdout, judged
from outreach.standing import best_way, everybody, objections, reach, recent_contacts
from outreach.waking import send_after
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

BUNDLE = ["customer_id", "currency", "purpose", "held"]


class Decisions(dy.Schema):
    """One row per customer. Count, value and currency are those of the message the reason is about."""

    customer_id = dy.String(primary_key=True)
    outcome = dy.String(check={"known": lambda text: text.is_in(["proposed", "held_out", "silent"])})
    reason = dy.String(check={"known": lambda text: text.is_in(list(REASONS))})
    channel = dy.String(nullable=True)
    notice_id = dy.String(nullable=True)
    send_after = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us")
    opportunities = dy.Int64(min=0)
    value_minor = dy.Int64(nullable=True, min=0)
    currency = dy.String(nullable=True)

    @dy.rule()
    def proposed_means_a_notice(cls) -> pl.Expr:
        return (pl.col("outcome") == "proposed") == pl.col("notice_id").is_not_null()


@dataclass(frozen=True)
class Decided:
    """What a night decided.

    Attributes:
        decisions: one row per customer, sorted by `customer_id`.
        proposals: one row per notice: whom, where, when, with address, zone and locale.
        members: `notice_id, opportunity_id`: what each notice tells of.
        verdicts: one row per customer and bundle: what each rule said.
    """

    decisions: pl.DataFrame
    proposals: pl.DataFrame
    members: pl.DataFrame
    verdicts: pl.DataFrame


def decide(
    opportunities: pl.LazyFrame, chances: pl.LazyFrame, world: World, settings: OutreachSettings, day: date
) -> Decided:
    """Decides for every customer, from the opportunities of a day and where customers stand.

    What asks for a call makes no message: those it concerns are decided about as if it had not been found.

    Args:
        opportunities: of the day.
        chances: `entitlement_id, probability` that a coupon is used, null or no row where unknown.
        world: customers, consents, contacts and what was told before.
        settings: rules and limits.
        day: the day.
    """
    people = everybody(world.customers, world.buyers, opportunities).with_columns(
        timezone=pl.coalesce("timezone", pl.lit(settings.default_timezone or None, dtype=pl.String)),
        locale=pl.coalesce("locale", pl.lit(settings.default_locale)),
    )
    people = _with_opening(chosen_channel(people, world.choices), settings, day)
    told = opportunities.filter(~pl.col("kind").is_in(FOR_CALLS))
    marked = _with_purpose(told, world).pipe(_lapsing, people).pipe(with_unwanted, world.choices)
    chosen = _limited(marked, chances, settings).collect()
    bundles = _bundles(chosen.lazy())
    standing = _standing(bundles, people, world, settings, day)
    ranked = holdout(judged(standing, settings).collect(engine="streaming"), settings).pipe(_ranked)
    final = _outcomes(ranked, day)
    decisions = final.select(list(polars_schema(Decisions))).sort("customer_id")
    proposals = final.filter(pl.col("outcome") == "proposed").sort("notice_id")
    members = (
        chosen.filter(~pl.col("told"), pl.col("listed"))
        .join(proposals.select(*BUNDLE, "notice_id"), on=BUNDLE, nulls_equal=True)
        .select("notice_id", "opportunity_id")
        .sort("notice_id", "opportunity_id")
    )
    verdicts = ranked.select(
        *BUNDLE,
        "opportunities",
        "fresh",
        "lapsing",
        "unwanted",
        "value_minor",
        "contacts",
        pl.col("^rule_.*$"),
        "holdout",
        "blocked_by",
    ).sort(BUNDLE)
    return Decided(Decisions.validate(decisions), proposals, members, verdicts)


def _with_opening(people: pl.LazyFrame, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """People with `send_after`: when they wake after the day; null where their zone is unknown."""
    zones = people.select(pl.col("timezone").unique().drop_nulls()).collect()["timezone"].to_list()
    return people.with_columns(send_after=send_after(clock.end_of(day), pl.col("timezone"), zones, settings))


def _with_purpose(opportunities: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Opportunities with their purpose, and `told` where advice was given before."""
    before = world.inputs.told.with_columns(known=pl.lit(value=True))
    told = (pl.col("owed") == "advice") & pl.col("known").fill_null(value=False)
    return opportunities.join(before, on="opportunity_id", how="left").with_columns(
        told=told, purpose=pl.col("owed").replace_strict(PURPOSE, return_dtype=pl.String)
    )


def _lapsing(opportunities: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """Adds `lapses`: new advice that would be worthless by the time its message may go."""
    late = (pl.col("owed") == "advice") & ~pl.col("told") & (pl.col("expires_at") <= pl.col("send_after"))
    openings = people.select("customer_id", "send_after")
    return (
        opportunities.join(openings, on="customer_id", how="left")
        .with_columns(lapses=late.fill_null(value=False))
        .drop("send_after")
    )


def _limited(opportunities: pl.LazyFrame, chances: pl.LazyFrame, settings: OutreachSettings) -> pl.LazyFrame:
    """Adds `listed`: all money owed, and of new advice that lasts the best few, one per product.

    Never what the customer does not want to hear of.

    The best are those of the largest expected saving: the amount times the probability that the coupon is
    used; where no probability is known, all of the amount. Of equals, and of coupons without an amount, the
    likelier one comes first.
    """
    expected = pl.col("amount_minor") * pl.col("probability").fill_null(1)
    by_worth = (
        opportunities.join(chances, on="entitlement_id", how="left")
        .with_columns(expected_minor=expected)
        .sort(
            "expected_minor",
            "probability",
            "expires_at",
            "opportunity_id",
            descending=[True, True, False, False],
            nulls_last=True,
        )
    )
    new = pl.col("purpose") == "marketing", ~pl.col("told"), ~pl.col("lapses"), ~pl.col("unwanted")
    per_product = (
        by_worth.filter(*new)
        .unique([*BUNDLE, "product_id"], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over(BUNDLE) < settings.advice_items)
        .select("opportunity_id", best=pl.lit(value=True))
    )
    service = pl.col("purpose") == "service"
    return opportunities.join(per_product, on="opportunity_id", how="left").with_columns(
        listed=(service & ~pl.col("unwanted")) | pl.col("best").fill_null(value=False)
    )


def _bundles(chosen: pl.LazyFrame) -> pl.LazyFrame:
    """What could go into one message: a customer's opportunities of one currency, purpose and held-ness."""
    counted = ~pl.col("told") & pl.col("listed")
    any_left = counted.any()
    amounts = pl.col("amount_minor")
    value = pl.when(any_left).then(amounts.filter(counted).sum()).otherwise(amounts.sum())
    has_value = pl.when(any_left).then(amounts.filter(counted).count()).otherwise(amounts.count()) > 0
    return chosen.group_by(BUNDLE).agg(
        opportunities=pl.when(any_left).then(counted.sum()).otherwise(pl.len()).cast(pl.Int64),
        fresh=counted.sum().cast(pl.Int64),
        lapsing=pl.col("lapses").sum().cast(pl.Int64),
        unwanted=(pl.col("unwanted") & ~pl.col("told")).sum().cast(pl.Int64),
        value_minor=pl.when(has_value).then(value),
    )


def _standing(
    bundles: pl.LazyFrame, people: pl.LazyFrame, world: World, settings: OutreachSettings, day: date
) -> pl.LazyFrame:
    """One row per customer and bundle (one without a bundle where nothing was found), with all the facts."""
    concerned = people.join(bundles.select("customer_id").unique(), on="customer_id", how="semi")
    ways = best_way(reach(concerned, world.consents, world.inputs.responses, settings))
    since = clock.end_of(day) - timedelta(days=settings.cap_days)
    return (
        people.join(bundles, on="customer_id", how="left")
        .join(objections(people, world.inputs.responses), on="person", how="left")
        .join(recent_contacts(people, world.inputs.contacts, since), on="person", how="left")
        .join(ways, on=["customer_id", "purpose"], how="left")
        .with_columns(
            pl.col("complained", "unsubscribed", "minor").fill_null(value=False),
            pl.col("contacts", "opportunities").fill_null(0),
        )
    )


def _ranked(bundles: pl.DataFrame) -> pl.DataFrame:
    """Sorted so that the first row of a person is what that person should hear, with `chosen` on it.

    Free before blocked; advice of the holdout last of the free; what needs no person before what does;
    service before marketing.
    """
    free = pl.col("blocked_by").is_null()
    return (
        bundles.with_columns(_marketing=pl.col("purpose") == "marketing")
        .sort(~free, "holdout", "held", "_marketing", "currency", "customer_id", nulls_last=True)
        .with_columns(chosen=free & (pl.int_range(pl.len()).over("person") == 0))
    )


def _outcomes(ranked: pl.DataFrame, day: date) -> pl.DataFrame:
    """One row per customer with outcome, reason and, where proposed, the notice's id and moment."""
    rows = ranked.sort(~pl.col("chosen"), maintain_order=True).unique(
        "customer_id", keep="first", maintain_order=True
    )
    proposed = pl.col("chosen") & ~pl.col("holdout")
    held_out = pl.col("chosen") & pl.col("holdout")
    notices = rows.filter(proposed).select("customer_id", notice_id=_notice_id(day))
    outcome = pl.when(proposed).then(pl.lit("proposed")).when(held_out).then(pl.lit("held_out"))
    return rows.join(notices, on="customer_id", how="left").with_columns(
        outcome=outcome.otherwise(pl.lit("silent")),
        reason=_reason(proposed, held_out),
        channel=pl.when("chosen").then("channel"),
        send_after=pl.when(proposed).then("send_after"),
    )


def _notice_id(day: date) -> pl.Expr:
    fields = (pl.lit(day.isoformat()), "customer_id", "currency", "purpose", pl.col("held").cast(pl.String))
    return content_ids("notice", *fields)


def _reason(proposed: pl.Expr, held_out: pl.Expr) -> pl.Expr:
    return (
        pl.when(proposed & pl.col("held"))
        .then(pl.lit("held"))
        .when(proposed & pl.col("_marketing"))
        .then(pl.lit("could_save"))
        .when(proposed & pl.col("currency").is_null())  # what is owed has a currency, a question has none
        .then(pl.lit(FOLLOW_UP))
        .when(proposed)
        .then(pl.lit("money_owed"))
        .when(held_out)
        .then(pl.lit(HOLDOUT))
        .otherwise(pl.coalesce("blocked_by", pl.lit(OTHER_ACCOUNT)))
    )
