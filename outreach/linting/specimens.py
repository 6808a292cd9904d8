"""Specimens: made-up evidence for every topic, that templates are tried on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from outreach.formats import Reader
from outreach.slots import Slots, Told, slots_of
from outreach.wording import OURS
from warehouse.settings import OutreachSettings

CURRENCY = "USD"
REFERENCE = "3F9A-61C2-0B7D"
SHOP = OutreachSettings(
    shop_name="Corner Shop",
    contact="Call us, any day",
    opt_out="https://shop.example/no-more",
    postal_address="Corner Shop, High Street, Springfield",
)

OTHER_SHOP = SHOP.model_copy(update={"opt_out": "Answer STOP"})
"""One whose opt-out is no address."""

LINK = "https://shop.example/yours/a-sale-70"
"""A customer's own link; what it spells is no words of the message."""


@dataclass(frozen=True)
class Specimen:
    """One made-up opportunity of a topic."""

    topic: str
    told: Told

    @property
    def slots(self) -> Slots:
        """Its slots, for an American."""
        return slots_of(self.told, Reader("en_US", "UTC"))


@cache
def specimens() -> Mapping[str, list[Specimen]]:
    """The specimens of each topic."""
    found: dict[str, list[Specimen]] = {}
    for row in json.loads((OURS / "specimens.json").read_text("utf-8")):
        found.setdefault(row["topic"], []).append(Specimen(row["topic"], _told(row)))
    return found


def _told(row: Mapping[str, Any]) -> Told:
    amount = row["amount_minor"]
    evidence = {"currency": CURRENCY, "amount_minor": amount} | row["evidence"]
    return Told(
        f"specimen of {row['topic']}",
        row["kind"],
        amount,
        CURRENCY,
        json.dumps(evidence),
        reference=REFERENCE,
    )
