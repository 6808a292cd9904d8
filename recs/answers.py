"""What the storefront gets: products in their order, and where each answer comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

Arm = Literal["champion", "challenger"]
"""Which bundle of an experiment answered; see `recs.experiment`."""

Source = Literal["customer", "session", "segment", "market"]
"""The step of the chain that an answer comes from. Each is taken where the one before has nothing to say:

- `customer`: what this customer bought and looked at;
- `session`: what was put into the basket or looked at just now, by a visitor nobody knows better;
- `segment`: what customers of the same market bought lately;
- `market`: what is popular in the whole shop.
"""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One product for one customer; `rank` counts from 1, `reason` is a sentence for people."""

    product_id: str
    title: str
    score: float
    rank: int
    reason: str
    bundle_id: str


@dataclass(frozen=True, slots=True)
class Answer(Sequence[Recommendation]):
    """Products, best first, all from one bundle."""

    bundle_id: str
    source: Source
    arm: Arm
    items: tuple[Recommendation, ...]

    @overload
    def __getitem__(self, place: int) -> Recommendation: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Recommendation, ...]: ...
    def __getitem__(self, place: int | slice) -> Recommendation | tuple[Recommendation, ...]:
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a product stands where it does for a customer.

    Attributes:
        product_id: the product.
        title: its name.
        bundle_id: the bundle that was asked.
        ranks: for each slate it stands in its place from 1.
        reason: the sentence that stands beside it in the first of these slates; empty where it is in none.
        facts: what else is known that speaks for it, as sentences.
        barred: what keeps it out of the customer's slates, as sentences.
    """

    product_id: str
    title: str
    bundle_id: str
    ranks: dict[str, int]
    reason: str
    facts: tuple[str, ...]
    barred: tuple[str, ...]
