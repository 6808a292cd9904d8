"""The feed contract: every table a retailer may bring, as the lake keeps it.

`docs/reference/data-contract.md` is generated from these classes. Money is in minor units (`…_minor`),
moments are UTC, ids are text. A column that ends in no default and may be null may also be absent from a
feed; absent means unknown.
"""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from features.columns import (
    amount,
    choice,
    currency,
    decimal,
    flag,
    identifier,
    moment,
    polars_schema,
    whole,
    words,
    zone,
)
from warehouse.lake import Table

CHANNELS = ("email", "sms", "push", "call", "file")
PURPOSES = ("service", "marketing", "personalisation")
_PART = r"[^\s@\p{Cc},;<>\"]+"


class Purchases(dy.Schema):
    """Lines that customers bought."""

    order_id = identifier(key=True)
    line_id = identifier(key=True)
    customer_id = identifier()
    product_id = identifier()
    quantity = decimal(nullable=False, min_exclusive=0)
    line_total_minor = amount("line_total", per_unit="unit_price", nullable=False)
    currency = currency()
    purchased_at = moment()
    kind = choice("product", "shipping", "fee", default="product")
    market = identifier(default="default")
    promised_at = moment(nullable=True, observed=False)
    dispatched_at = moment(nullable=True)
    delivered_at = moment(nullable=True)
    returned_quantity = decimal(min=0)
    offer_id = identifier(nullable=True)

    @dy.rule()
    def returned_no_more_than_bought(cls) -> pl.Expr:
        return pl.col("returned_quantity") <= pl.col("quantity")


class Returns(dy.Schema):
    """Units that came back."""

    order_id = identifier(key=True)
    line_id = identifier(key=True)
    returned_at = moment(key=True)
    quantity = decimal(nullable=False, min_exclusive=0)


class Customers(dy.Schema):
    """Accounts, and how their people can be reached."""

    customer_id = identifier(key=True)
    email = dy.String(  # one address: what could be a list of them, or a name beside one, is none
        nullable=True, max_length=320, regex=rf"^{_PART}@{_PART}$", metadata={"kind": "text"}
    )
    phone = dy.String(nullable=True, max_length=40, regex=r"^\+?[0-9 ()./-]{3,}$", metadata={"kind": "text"})
    country = words()
    timezone = zone()
    locale = dy.String(  # of a length that RFC 5646, 4.4.1, asks everybody to read
        nullable=True,
        max_length=35,
        regex=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$",
        metadata={"kind": "text"},
    )
    market = identifier(nullable=True)
    preferred_channel = choice("email", "sms", "push", "call", nullable=True)
    person_id = identifier(nullable=True)
    representative = words()
    minor = flag()
    created_at = moment(nullable=True)


class Products(dy.Schema):
    """What the shop sells."""

    product_id = identifier(key=True)
    title = words()
    category = words()
    department = words()
    brand = words()
    package_size = words()
    available = flag(nullable=False, default=True)
    available_from = moment(nullable=True, observed=False)
    sensitive = flag()
    consumable = flag()
    url = words()
    image_url = words()


class Availability(dy.Schema):
    """When a product could be had in a market, from a moment on."""

    product_id = identifier(key=True)
    market = identifier(key=True)
    effective_at = moment(key=True, observed=False)
    available = flag(nullable=False)


class Prices(dy.Schema):
    """The price of one unit, from a moment on."""

    product_id = identifier(key=True)
    market = identifier(key=True, default="default")
    currency = currency(key=True)
    kind = choice("list", "promotion", key=True, default="list")
    effective_at = moment(key=True, observed=False)
    price = decimal(nullable=False, min=0)
    ends_at = moment(nullable=True, observed=False)

    @dy.rule()
    def ends_after_it_starts(cls) -> pl.Expr:
        return pl.col("ends_at") > pl.col("effective_at")


class Views(dy.Schema):
    """What customers looked at."""

    customer_id = identifier()
    product_id = identifier()
    viewed_at = moment()
    kind = choice("view", "cart", "wishlist")


class Usage(dy.Schema):
    """What customers did with what they have."""

    customer_id = identifier()
    product_id = identifier(nullable=True)
    offer_id = identifier(nullable=True)
    kind = identifier()
    at = moment()
    value = decimal()


class Offers(dy.Schema):
    """Coupons, credits and the like, as the shop made them."""

    offer_id = identifier(key=True)
    kind = choice("coupon", "credit", "gift_card", "benefit", "subscription", "warranty")
    name = words(nullable=False)
    value_minor = amount("value")
    fee_minor = amount("fee")
    fee_days = whole(min=1)
    currency = currency(nullable=True)
    covers = choice("product", "shipping", nullable=True)


class OfferProducts(dy.Schema):
    """Which products an offer is for; an offer without rows is for any product."""

    offer_id = identifier(key=True)
    product_id = identifier(key=True)


class Entitlements(dy.Schema):
    """A customer's right to an offer; `expires_at` is the first moment at which it is no longer valid."""

    entitlement_id = identifier(key=True)
    customer_id = identifier()
    offer_id = identifier()
    starts_at = moment(observed=False)
    expires_at = moment(nullable=True, observed=False)
    uses_allowed = whole(min=0)
    value_minor = amount("value")
    currency = currency(nullable=True)

    @dy.rule()
    def expires_after_it_starts(cls) -> pl.Expr:
        return pl.col("expires_at") >= pl.col("starts_at")


class EntitlementUses(dy.Schema):
    """When a right was used, and for how much."""

    entitlement_id = identifier(key=True)
    used_at = moment(key=True)
    value = decimal(min=0)
    order_id = identifier(nullable=True)


class Incidents(dy.Schema):
    """Experiences that fell short."""

    incident_id = identifier(key=True)
    customer_id = identifier()
    kind = identifier()
    severity = whole(nullable=False, min=1, max=5)
    occurred_at = moment()
    order_id = identifier(nullable=True)
    line_id = identifier(nullable=True)
    amount_minor = amount("amount")
    currency = currency(nullable=True)
    resolved_at = moment(nullable=True)


class Consents(dy.Schema):
    """What customers agreed to; the latest word wins."""

    customer_id = identifier(key=True)
    channel = choice(*CHANNELS, key=True)
    purpose = choice(*PURPOSES, key=True)
    recorded_at = moment(key=True)
    granted = flag(nullable=False)


class Contacts(dy.Schema):
    """Messages that other systems sent, so that caps are true."""

    contact_id = identifier(key=True)
    customer_id = identifier()
    channel = choice(*CHANNELS)
    purpose = choice(*PURPOSES)
    sent_at = moment()


class Responses(dy.Schema):
    """What came back to a message."""

    response_id = identifier(key=True)
    customer_id = identifier()
    notice_id = identifier(nullable=True)
    contact_id = identifier(nullable=True)
    kind = choice("bounced", "complained", "redeemed", "bought", "answered", "unsubscribed")
    at = moment()
    value = decimal()


@dataclass(frozen=True)
class Contract:
    """One table of the feed contract and how the lake keeps it."""

    schema: type[dy.Schema]
    table: Table


def _contract(
    name: str,
    schema: type[dy.Schema],
    at: str | None = None,
    later: tuple[str, ...] = (),
    *,
    lasts: bool = False,
) -> Contract:
    return Contract(schema, Table(name, polars_schema(schema), tuple(schema.primary_key()), at, later, lasts))


CONTRACTS: dict[str, Contract] = {
    contract.table.name: contract
    for contract in (
        _contract("purchases", Purchases, "purchased_at", ("dispatched_at", "delivered_at")),
        _contract("returns", Returns, "returned_at"),
        _contract("customers", Customers),
        _contract("products", Products),
        _contract("availability", Availability, "effective_at", lasts=True),
        _contract("prices", Prices, "effective_at", lasts=True),
        _contract("views", Views, "viewed_at"),
        _contract("usage", Usage, "at"),
        _contract("offers", Offers),
        _contract("offer_products", OfferProducts),
        _contract("entitlements", Entitlements, "starts_at", lasts=True),
        _contract("entitlement_uses", EntitlementUses, "used_at", lasts=True),
        _contract("incidents", Incidents, "occurred_at", ("resolved_at",)),
        _contract("consents", Consents, "recorded_at", lasts=True),
        _contract("contacts", Contacts, "sent_at"),
        _contract("responses", Responses, "at", lasts=True),
    )
}
