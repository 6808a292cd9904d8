"""The customers: who they are, what they agreed to, and what the crowd does besides buying.

Rights of the crowd are for what it does not buy, balances last for long, memberships are in use, and
incidents are resolved on their day: nothing of it is a case.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.simulator.catalogue import DAY_US, HISTORY, NEW, Catalogue
from features.simulator.crowd import Block
from features.simulator.ids import PLACES, Ids
from features.simulator.nights import Nights
from features.simulator.tables import MOMENT, MONEY

MEMBERS = 0.08
MEMBERSHIP, FIRST_COUPON, COUPONS, CARD = 0, 1, 20, 21
"""The crowd's offers, by number after those of the plants."""

OFFERS = CARD + 1
_ZONES = ("Europe/Berlin", "Europe/Madrid", "UTC", "America/New_York", "Europe/London")
_LOOKS, _AGREE = 6.0, 0.8
"""Looks of a customer in the mean, and the share of those who agree to marketing."""

RIGHTS_EACH = 3
"""Numbers of rights that a customer may take."""

_SECOND = 1_000_000


def described(number: NDArray[np.int64], ids: Ids, seed: int, nights: Nights) -> pl.DataFrame:
    """Customers by number: zone, address, since when, and `agrees` to marketing."""
    chance = np.random.default_rng([seed, 3, int(number[0]) if len(number) else 0, len(number)])
    zone, age = chance.integers(0, len(_ZONES), len(number)), chance.integers(400, 2000, len(number))
    frame = pl.DataFrame({"number": number, "timezone": pl.Series(_ZONES).gather(zone), "age": age})
    created = pl.lit(nights.end) - pl.duration(days=pl.col("age"))
    return frame.with_columns(
        customer_id=ids.of("customer", pl.col("number") * PLACES),
        created_at=created.cast(MOMENT),
        agrees=pl.Series(chance.random(len(number)) < _AGREE),
    ).with_columns(email=pl.col("customer_id") + "@example.com")


def consents(people: pl.DataFrame) -> pl.DataFrame:
    """Raw rows: service for all, marketing for those who agree."""
    asked = pl.DataFrame({"purpose": ["service", "marketing", "personalisation"]})
    return people.join(asked, how="cross").select(
        "customer_id",
        "purpose",
        channel=pl.lit("email"),
        recorded_at=pl.col("created_at"),
        granted=(pl.col("purpose") != "marketing") | pl.col("agrees"),
    )


def views(block: Block, catalogue: Catalogue, nights: Nights, ids: Ids) -> pl.DataFrame:
    """What the crowd looked at in the last weeks."""
    chance = block.chance
    owner = np.repeat(block.number, chance.poisson(_LOOKS, len(block.number)))
    product = catalogue.seen[chance.integers(0, len(catalogue.seen), len(owner))] + catalogue.start
    kinds = pl.Series(["view", "view", "view", "cart", "wishlist"])
    frame = pl.DataFrame(
        {"customer": owner, "product": product, "at": _moments(len(owner), 60, nights, chance)}
    )
    return frame.select(
        customer_id=ids.of("customer", pl.col("customer") * PLACES),
        product_id=ids.of("product", pl.col("product") * PLACES),
        viewed_at="at",
        kind=kinds.gather(chance.integers(0, len(kinds), len(owner))),
    )


def offers(start: int, catalogue: Catalogue, ids: Ids) -> dict[str, pl.DataFrame]:
    """Raw rows of the crowd's offers, and of the new products that its coupons are for."""
    number = pl.Series(range(start, start + OFFERS))
    kind = ["subscription", *["coupon"] * COUPONS, "gift_card"]
    value = pl.Series([None, *[150] * COUPONS, None], dtype=pl.Int64)
    fee = pl.Series([499, *[None] * (COUPONS + 1)], dtype=pl.Int64)
    days = pl.Series([30, *[None] * (COUPONS + 1)], dtype=pl.Int64)
    text = {"kind": kind, "name": ["Membership", *["New on the shelf"] * COUPONS, "Gift card"]}
    frame = pl.DataFrame({"number": number, **text, "value": value, "fee": fee, "fee_days": days})
    new = np.arange(NEW, catalogue.products, 20)
    listed = pl.DataFrame(
        {"product": new + catalogue.start, "offer": start + FIRST_COUPON + np.arange(len(new)) % COUPONS}
    )
    return {
        "offers": frame.select(
            "kind",
            "name",
            pl.col("value", "fee").cast(MONEY) / 100,
            "fee_days",
            offer_id=ids.of("offer", pl.col("number") * PLACES),
            currency=pl.lit("EUR"),
            covers=pl.when(pl.col("kind") == "subscription").then(pl.lit("shipping")),
        ).with_columns(pl.col("value", "fee").cast(MONEY)),
        "offer_products": listed.select(
            offer_id=ids.of("offer", pl.col("offer") * PLACES),
            product_id=ids.of("product", pl.col("product") * PLACES),
        ),
    }


def rights(block: Block, offer: int, entitlement: int, nights: Nights, ids: Ids) -> dict[str, pl.DataFrame]:
    """Memberships in use, coupons for new products and gift cards; each customer may take three numbers."""
    chance, many = block.chance, len(block.number)
    end = pl.lit(nights.end)
    parts = []
    for place, (who, which) in enumerate(
        (
            (block.member, np.full(many, MEMBERSHIP)),
            (chance.random(many) < 0.3, FIRST_COUPON + chance.integers(0, COUPONS, many)),
            (chance.random(many) < 0.05, np.full(many, CARD)),
        )
    ):
        rows = {
            "customer": block.number,
            "offer": which + offer,
            "number": entitlement + RIGHTS_EACH * np.arange(many) + place,
        }
        age = chance.integers(20, 200, many)
        parts.append(pl.DataFrame({**rows, "place": np.full(many, place), "age": age}).filter(pl.Series(who)))
    held = pl.concat(parts).with_columns(
        entitlement_id=ids.of("entitlement", pl.col("number") * PLACES),
        customer_id=ids.of("customer", pl.col("customer") * PLACES),
        offer_id=ids.of("offer", pl.col("offer") * PLACES),
        starts_at=(end - pl.duration(days=pl.col("age"))).cast(MOMENT),
    )
    card, coupon = pl.col("place") == 2, pl.col("place") == 1
    lasts = pl.when(card).then(end + timedelta(days=300)).when(coupon).then(end + timedelta(days=20))
    found = held.with_columns(
        expires_at=lasts.cast(MOMENT),
        uses_allowed=pl.when(coupon).then(pl.lit(1, dtype=pl.Int64)),
        value=pl.when(card).then(pl.lit(25)).cast(MONEY),
        currency=pl.when(card).then(pl.lit("EUR")),
    )
    spent = held.filter(card & (pl.col("number") % 2 == 0))
    uses = spent.select(
        "entitlement_id",
        used_at=end - timedelta(days=5),
        value=pl.lit(10).cast(MONEY),
        order_id=pl.lit(None, dtype=pl.String),
    )
    return {"entitlements": found, "entitlement_uses": uses, "usage": _used(held, nights, chance)}


def _used(held: pl.DataFrame, nights: Nights, chance: np.random.Generator) -> pl.DataFrame:
    """Each membership is used in the last 20 days."""
    members = held.filter(pl.col("place") == 0)
    return members.select(
        "customer_id",
        "offer_id",
        product_id=pl.lit(None, dtype=pl.String),
        kind=pl.lit("use"),
        at=_moments(members.height, 20, nights, chance, ahead=False),
        value=pl.lit(None, dtype=MONEY),
    )


def incidents(block: Block, start: int, nights: Nights, ids: Ids) -> pl.DataFrame:
    """Incidents of a few, with an amount and no line, resolved within hours of a morning."""
    chance = block.chance
    who = block.number[chance.random(len(block.number)) < 0.01]
    day = chance.integers(0, HISTORY + nights.many, len(who))
    at = (
        int(nights.end.timestamp()) * _SECOND
        - (HISTORY - day) * DAY_US
        + chance.integers(8, 18, len(who)) * 3600 * _SECOND
    )
    moment = pl.Series(at).cast(MOMENT)
    fields: dict[str, Any] = {"severity": chance.integers(1, 6, len(who)), "occurred_at": moment}
    frame = pl.DataFrame({"customer": who, "number": start + np.arange(len(who)), **fields})
    return frame.with_columns(
        incident_id=ids.of("incident", pl.col("number") * PLACES),
        customer_id=ids.of("customer", pl.col("customer") * PLACES),
        kind=pl.lit("complaint"),
        amount=pl.lit(3).cast(MONEY),
        currency=pl.lit("EUR"),
        resolved_at=pl.col("occurred_at") + timedelta(hours=3),
    )


def _moments(
    many: int, days: int, nights: Nights, chance: np.random.Generator, *, ahead: bool = True
) -> pl.Series:
    """Moments of the last so many days, up to the last night or only to the end of the first one's day."""
    end = int(nights.end.timestamp()) * _SECOND
    span = (days + (nights.many if ahead else 0)) * DAY_US
    return pl.Series(end - days * DAY_US + chance.integers(0, span, many)).cast(MOMENT)
