"""The storefront's HTTP routes: published slates, read only."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict

from recs.scoring import Scorer

Slate = Literal["for_you", "buy_again", "discover"]


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
    ) -> Answer:
        """What a customer would want next; an unknown customer gets what is popular."""
        opened = scorer()
        found = opened.recommend(customer_id, slate, n)
        bundle_id = found[0].bundle_id if found else opened.bundle_id
        items: list[Any] = [Item.model_validate(item) for item in found]
        return Answer(customer_id=customer_id, slate=slate, bundle_id=bundle_id, items=items)

    return router
