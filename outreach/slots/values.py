"""Values that slots of several subjects share."""

from collections.abc import Mapping
from typing import Any

from outreach.formats import Reader

LONGEST = 120
"""Letters of a title that a message shows; longer ones end in an ellipsis."""


def title(text: str | None) -> str | None:
    """A title as a message shows it; null where there is none that may be named."""
    words = " ".join((text or "").split())
    if not words:
        return None
    return words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"


def money(evidence: Mapping[str, Any], name: str, reader: Reader) -> str | None:
    """An amount in minor units of the evidence's currency; null where there is none, or it is 0."""
    minor = evidence[name]
    return reader.money(minor, evidence["currency"]) if minor else None


def day(evidence: Mapping[str, Any], name: str, reader: Reader) -> str | None:
    """The reader's calendar day of a moment; null where there is none."""
    return reader.date(evidence[name]) if evidence[name] else None


def last_day(evidence: Mapping[str, Any], name: str, reader: Reader) -> str | None:
    """The reader's calendar day of the last moment before an end; null where there is none."""
    return reader.last_date(evidence[name]) if evidence[name] else None


def owed(evidence: Mapping[str, Any], reader: Reader) -> dict[str, str | None]:
    """`amount`, and `promised`: what was promised for the same before."""
    return {
        "amount": money(evidence, "amount_minor", reader),
        "promised": money(evidence, "already_promised_minor", reader),
    }
