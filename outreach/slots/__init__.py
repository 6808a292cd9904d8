"""What a template may say of an opportunity: plain texts made from its evidence, and nothing else.

Each topic has templates of its own: a kind, or one of several things a kind can be about. A topic's slots are
made in the room of its subject: `prices`, `orders`, `rights`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outreach.formats import Reader
from outreach.slots import orders, prices, rights

Slots = dict[str, str | None]
Make = Callable[[Mapping[str, Any], Reader], Slots]

SERVICE, MARKETING = "service", "marketing"
BACK, IN_HAND, SAVING = "back", "in_hand", "saving"
"""What an amount is to the customer: money they get back, money they have with us, money they could save."""


@dataclass(frozen=True)
class Told:
    """One opportunity as a message tells of it.

    Attributes:
        opportunity_id: and kind, amount in minor units, and currency.
        evidence: its JSON text.
        reference: how a customer names the promise to a person; money owed has one.
    """

    opportunity_id: str
    kind: str
    amount_minor: int | None
    currency: str | None
    evidence: str
    reference: str | None = None


@dataclass(frozen=True)
class Topic:
    """Something a message can tell of.

    Attributes:
        kind: of the opportunity.
        purpose: `service` or `marketing`.
        money: what the amount is to the customer; null where the message is about none.
        make: its slots, from evidence.
    """

    kind: str
    purpose: str
    money: str | None
    make: Make


TOPICS: dict[str, Topic] = {
    "price_guarantee": Topic("price_guarantee", SERVICE, BACK, prices.guarantee),
    "price_drop": Topic("price_drop", SERVICE, BACK, prices.drop),
    "double_payment_order": Topic("double_payment", SERVICE, BACK, orders.second_order),
    "double_payment_subscription": Topic("double_payment", SERVICE, BACK, rights.second_fee),
    "failed_experience_reported": Topic("failed_experience", SERVICE, BACK, orders.reported),
    "failed_experience_plays": Topic("failed_experience", SERVICE, BACK, orders.failed_plays),
    "late_delivery": Topic("late_delivery", SERVICE, BACK, orders.late),
    "unclaimed_benefit_shipping": Topic("unclaimed_benefit", SERVICE, BACK, rights.unclaimed),
    "unclaimed_benefit_product": Topic("unclaimed_benefit", SERVICE, BACK, rights.unclaimed),
    "unused_entitlement": Topic("unused_entitlement", MARKETING, SAVING, rights.unused),
    "unused_entitlement_credit": Topic("unused_entitlement", SERVICE, IN_HAND, rights.balance),
    "idle_subscription": Topic("idle_subscription", SERVICE, BACK, rights.idle),
    "watched_price_drop": Topic("watched_price_drop", MARKETING, SAVING, prices.watched),
    "back_in_stock_cheaper": Topic("back_in_stock_cheaper", MARKETING, SAVING, prices.watched),
    "cheaper_same": Topic("cheaper_same", MARKETING, SAVING, prices.cheaper),
    "follow_up": Topic("follow_up", SERVICE, None, orders.follow_up),
}
"""Every topic by the name of its templates. `recurring_trouble` has none: it asks a person to call."""

_CHOICES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "double_payment": orders.double_payment_topic,
    "failed_experience": orders.failed_experience_topic,
    "unclaimed_benefit": rights.unclaimed_topic,
    "unused_entitlement": rights.unused_topic,
}


def topic_of(told: Told) -> str:
    """The name of the topic of an opportunity, from its kind and evidence.

    Raises:
        KeyError: nobody is written to about this kind.
    """
    choose = _CHOICES.get(told.kind)
    topic = told.kind if choose is None else choose(json.loads(told.evidence))
    if topic not in TOPICS:
        raise KeyError(f"there are no words for {told.kind}: nobody is written to about it")
    return topic


def slots_of(told: Told, reader: Reader) -> Slots:
    """The slots of a topic's templates, formatted for the reader; null where the evidence is silent."""
    topic = topic_of(told)
    made = TOPICS[topic].make(json.loads(told.evidence), reader)
    return {"topic": topic, "reference": told.reference} | made
