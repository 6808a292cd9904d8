"""A customer's current lists for people of the house to look at: what the storefront would be told now."""

from typing import Any

from recs.bundle import SLATES
from recs.scoring import Scorer

SHOWN = 5
"""Products of each list."""


def slates(scorer: Scorer, customer_id: str, n: int = SHOWN) -> list[dict[str, Any]]:
    """The beginnings of all of a customer's lists.

    Args:
        scorer: what answers the storefront; nothing of this is logged as served.
        customer_id: any text; one the bundle does not know gets what is popular.
        n: products of each list, at most.

    Returns:
        rows of `slate, rank, product_id, title, reason, source`, in the order of `SLATES`, each best first.
    """
    found = []
    for slate in SLATES:
        answer = scorer.recommend(customer_id, slate, n)
        found += [
            {
                "slate": slate,
                "rank": item.rank,
                "product_id": item.product_id,
                "title": item.title,
                "reason": item.reason,
                "source": answer.source,
            }
            for item in answer
        ]
    return found
