"""The storefront's HTTP routes: published slates, and lists under rules of a request. Read only."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict

from recs.rules import Rules
from recs.scoring import Scorer

Slate = Literal["for_you", "buy_again", "discover"]
Names = Annotated[tuple[str, ...], Query(max_length=1000)]
Minor = Annotated[int | None, Query(ge=0, description="Minor units of the customer's currency (cents).")]


class Item(BaseModel):
    """One product for one customer."""

    model_config = ConfigDict(from_attributes=True)

    rank: int
    product_id: str
    title: str
    score: float
    reason: str


class Answer(BaseModel):
    """A slate, and the bundle it comes from."""

    customer_id: str
    slate: Slate
    bundle_id: str
    items: list[Item]


def routes(scorer: Callable[[], Scorer]) -> APIRouter:
    """The routes under `/v1`; `scorer` gives the one Scorer of this process, opened when first asked."""
    router = APIRouter(prefix="/v1", tags=["recommendations"])

    @router.get("/customers/{customer_id:path}/recommendations")
    def recommend(
        customer_id: Annotated[str, Path(min_length=1, max_length=128, examples=["1402"])],
        slate: Slate = "for_you",
        n: Annotated[int, Query(ge=1, le=1000)] = 10,
        exclude: Names = (),
        category: Names = (),
        deny: Names = (),
        min_price: Minor = None,
        max_price: Minor = None,
    ) -> Answer:
        """What a customer would want next; an unknown customer gets what is popular.

        `exclude` takes product ids, `category` the only categories and `deny` those not to be shown, each as
        often as needed. A product without a known price is left out where a price is asked.
        """
        opened = scorer()
        rules = _rules(exclude, category, deny, min_price, max_price)
        found = opened.recommend(customer_id, slate, n, rules=rules)
        bundle_id = found[0].bundle_id if found else opened.bundle_id
        items: list[Any] = [Item.model_validate(item) for item in found]
        return Answer(customer_id=customer_id, slate=slate, bundle_id=bundle_id, items=items)

    return router


def _rules(
    exclude: tuple[str, ...],
    category: tuple[str, ...],
    deny: tuple[str, ...],
    min_price: int | None,
    max_price: int | None,
) -> Rules:
    if min_price is not None and max_price is not None and min_price > max_price:
        raise HTTPException(422, f"min_price {min_price} lies above max_price {max_price}")
    lowest, highest = ({} if price is None else {"default": price} for price in (min_price, max_price))
    return Rules(
        exclude=exclude,
        categories=category,
        deny=deny,
        min_price_minor=lowest,
        max_price_minor=highest,
    )
