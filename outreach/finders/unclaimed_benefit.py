"""`unclaimed_benefit` (policy): paid for what an entitlement in hand would have covered.

The rule stands in `docs/savings/README.md`, and `docs/savings/unclaimed_benefit.md` explains it to people.
"""

from datetime import date, timedelta

import polars as pl

from outreach.finders.prices import paid_for_kept
from outreach.finders.rights import ADVISED, OWN_MONEY, held, uses_left
from outreach.ids import content_ids
from outreach.opportunities import claims, decimal_text, evidence, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "unclaimed_benefit"
LINE = ["order_id", "line_id"]
USE = ["entitlement_id", "order_id"]
"""An entitlement is used once per order."""


def claimed(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The lines of the last days that an entitlement in hand would have covered, each with that one.

    The use that a claim of an earlier night took stays taken: such orders come first, and those that are not
    claimed any more count as uses.
    """
    promised = _promised(world)
    would = _once_per_order(_coverable(world, settings, day), promised)
    earlier = promised.select(USE).unique().with_columns(_before=pl.lit(value=True))
    both = would.join(earlier, on=USE, how="full", coalesce=True)
    gone = pl.col("line_id").is_null().sum().over("entitlement_id").cast(pl.Int64)
    marked = both.with_columns(pl.col("_before").fill_null(value=False), claims_before=gone)
    ordered = marked.filter(pl.col("line_id").is_not_null()).sort(
        "entitlement_id", ~pl.col("_before"), "purchased_at", "order_id"
    )
    nth = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("entitlement_id")
    left = uses_left() - pl.col("claims_before")
    return ordered.with_columns(nth=nth).filter((pl.col("nth") <= left).fill_null(value=True))


def uses_taken(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """`entitlement_id, claims`: the uses that claims take, tonight's and those promised before."""
    tonight = claimed(world, settings, day).select(USE)
    return (
        pl.concat([tonight, _promised(world).select(USE)])
        .unique()
        .group_by("entitlement_id")
        .agg(claims=pl.len().cast(pl.Int64))
    )


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each line what the entitlement would have covered of it."""
    named = claimed(world, settings, day).join(world.items, on="product_id", how="left")
    return claims(
        named.with_columns(
            opportunity_id=content_ids(KIND, *LINE),
            kind=pl.lit(KIND),
            owed=pl.lit("policy"),
            held=pl.lit(value=False),
            facts=_facts(settings, day),
        ).drop("expires_at")  # it is the entitlement's, and what was paid does not lapse
    )


def _coverable(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Lines of the last days with each entitlement that would have covered something of them."""
    lines = _lines(world, settings, day)
    rights = _rights(world)
    ships = pl.col("line_kind") == "shipping"
    shipping = lines.filter(ships).join(rights.filter(pl.col("covers") == "shipping"), on="customer_id")
    both = pl.concat([shipping, _products(lines.filter(~ships), rights, world)], how="diagonal")
    valid = (pl.col("starts_at") <= pl.col("purchased_at")) & (
        pl.col("expires_at").is_null() | (pl.col("purchased_at") < pl.col("expires_at"))
    )
    no_value = pl.col("offer_value").is_null() & pl.col("own_value").is_null()
    worth = (
        pl.when(pl.col("use_currency") == pl.col("currency"))
        .then(pl.min_horizontal("use_minor", "paid_minor"))
        .when(no_value & ships)
        .then("paid_minor")
    )
    used = world.entitlement_uses.select(USE)
    return (
        both.filter(valid)
        .with_columns(claim_minor=worth)
        .filter(pl.col("claim_minor") > 0)
        .join(used, on=USE, how="anti")
    )


def _lines(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Lines of products and shipping of the last days, without an offer and with something paid and kept.

    None where no feed ever said what was used.
    """
    end = clock.end_of(day)
    since = end - timedelta(days=settings.unclaimed_days)
    known = pl.lit("entitlement_uses" in world.known)
    return (
        world.charges.filter(
            known,
            pl.col("purchased_at") >= since,
            pl.col("kind").is_in(["product", "shipping"]),
            pl.col("offer_id").is_null(),
        )
        .select(
            *LINE,
            *("customer_id", "product_id", "currency", "purchased_at"),
            *("line_total_minor", "quantity", "kept_quantity"),
            line_kind="kind",
            paid_minor=paid_for_kept(),
        )
        .filter(pl.col("paid_minor") > 0)
    )


def _rights(world: World) -> pl.LazyFrame:
    """Entitlements with uses left that save something on a product or on shipping.

    Where a use does not say its order, nothing is known of any order: such an entitlement gives no claim.
    """
    covers = pl.col("covers") == "shipping"
    saves = (covers & ~pl.col("kind").is_in(OWN_MONEY)).fill_null(value=False) | (
        ~covers.fill_null(value=False) & pl.col("kind").is_in(ADVISED) & pl.col("use_minor").is_not_null()
    )
    unclear = world.entitlement_uses.filter(pl.col("order_id").is_null())
    left = (uses_left() > 0).fill_null(value=True)
    return held(world).filter(saves, left).join(unclear, on="entitlement_id", how="anti").drop("kind")


def _products(lines: pl.LazyFrame, rights: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Lines of products beside the entitlements for that product, and those for any."""
    rights = rights.filter(pl.col("covers").is_null() | (pl.col("covers") == "product"))
    meant = world.offer_products.join(rights.select("offer_id").unique(), on="offer_id", how="semi")
    named = lines.join(meant, on="product_id").join(rights, on=["customer_id", "offer_id"])
    anything = rights.join(world.offer_products, on="offer_id", how="anti")
    return pl.concat([named, lines.join(anything, on="customer_id")], how="diagonal")


def _once_per_order(coverable: pl.LazyFrame, promised: pl.LazyFrame) -> pl.LazyFrame:
    """Each line with the entitlement that covers most of it, and each entitlement once per order.

    A use that was promised for a line of an order is not had by another of its lines, even if that came back.
    """
    most = -pl.col("claim_minor")
    its = pl.col("_line").is_null() | (pl.col("_line") == pl.col("line_id"))
    named = promised.rename({"line_id": "_line"})
    free = coverable.join(named, on=USE, how="left").filter(its).drop("_line")
    per_line = free.sort(*LINE, most, "entitlement_id").unique(LINE, keep="first", maintain_order=True)
    return per_line.sort(*USE, most, "line_id").unique(USE, keep="first", maintain_order=True)


def _promised(world: World) -> pl.LazyFrame:
    """`USE, line_id` of claims promised before, but for those whose use was recorded since."""
    earlier = world.inputs.promised.filter(pl.col("kind") == KIND).select(*USE, "line_id").unique()
    return earlier.join(world.entitlement_uses, on=USE, how="anti")


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    may_name = (pl.col("line_kind") == "shipping") | pl.col("item").is_not_null()
    return evidence(
        {
            "rule": pl.lit(
                "min(value of one use, half_up(line_total * kept / quantity)); all shipping where no value"
            ),
            "item": pl.when(pl.col("line_kind") == "product").then("item"),
            "offer": pl.when(may_name).then("name"),
            "line_kind": pl.col("line_kind"),
            "currency": pl.col("currency"),
            "line_total_minor": pl.col("line_total_minor"),
            "quantity": decimal_text(pl.col("quantity")),
            "kept_quantity": decimal_text(pl.col("kept_quantity")),
            "paid_for_kept_minor": pl.col("paid_minor"),
            "purchased_at": moment_text(pl.col("purchased_at")),
            "offer_id": pl.col("offer_id"),
            "starts_at": moment_text(pl.col("starts_at")),
            "expires_at": moment_text(pl.col("expires_at")),
            "uses": pl.col("uses"),
            "uses_allowed": pl.col("uses_allowed"),
            "uses_of_earlier_claims": pl.col("claims_before"),
            "use_of_the_entitlement": pl.col("nth"),
            "offer_value_minor": pl.col("offer_value"),
            "entitlement_value_minor": pl.col("own_value"),
            "use_value_minor": pl.col("use_minor"),
            "value_from": pl.col("value_from"),
            "settings": settings_text(day=day, unclaimed_days=settings.unclaimed_days),
        }
    )
