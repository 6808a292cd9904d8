"""What a request says besides who asks: where they shop, and what may be shown on this page."""

from typing import Annotated

from pydantic import Field

from recs.rules import Rules

Name = Annotated[str, Field(max_length=128)]
Names = Annotated[tuple[Name, ...], Field(max_length=10_000)]


class Context(Rules):
    """The rules of one request, on top of the shop's own, which it cannot lift.

    Attributes:
        market: where this visit shops; by default where the customer usually does.
        in_stock: the only products that may be shown; by default all that are on sale.
        seed: with one, the places after the first are dealt anew, better products more often in front, so
            that others are seen, too. The same seed deals the same list.
    """

    market: Name | None = None
    in_stock: Names | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None


NOTHING = Context()
"""A request that says no more than who asks."""
