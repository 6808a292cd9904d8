"""The storefront's HTTP routes: what to show, in which order, why, and what just happened.

Answers that are ready, and lists for a basket, are made on the event loop itself: they take less time than
handing them to a thread would. What may take longer, because models have to rank again, goes to a few threads
of its own.
"""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Path, Query, Request, Response

from features.live import Event
from recs.answers import Answer
from recs.api import asked, told
from recs.api.desk import Desk
from recs.api.routing import QuickRoute
from recs.context import NOTHING, Context
from recs.scoring import Basket
from warehouse import clock
from warehouse.errors import FeedError, NotFoundError

CustomerId = Annotated[asked.Text, Path(description="Any id; `/` is written `%2F`.", examples=["1402"])]
ProductId = Annotated[asked.Text, Path(description="Any id; `/` is written `%2F`.", examples=["1029743"])]
CANNOT_BE = (
    "An event lies before 1970 or more than a day ahead of our clock, or has an id or key of more than "
    "128 bytes in UTF-8."
)
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "What you have still holds."}}


def routes(desk: Desk) -> APIRouter:
    """The routes under `/v1`.

    Args:
        desk: what the routes of this process share.
    """
    router = APIRouter(prefix="/v1", tags=["recommendations"], route_class=QuickRoute)
    _slates(router, desk)
    _similar(router, desk)
    _lists(router, desk)
    _explanations(router, desk)
    _events(router, desk)
    return router


def _slates(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/customers/{customer_id:id}/recommendations",
        operation_id="recommend",
        summary="What a customer would want next",
        response_model=told.SlateAnswer,
        responses=NOT_MODIFIED,
    )
    async def recommend(
        request: Request, customer_id: CustomerId, query: Annotated[asked.SlateQuery, Query()]
    ) -> Response:
        """A customer's slate; what is popular for a customer nobody knows.

        Conditions come on top of the retailer's own rules, which they cannot lift.
        """
        answer = await slate_of(request, customer_id, query)
        return told.tagged_response(request, {"customer_id": customer_id, "slate": query.slate}, answer)

    @router.post(
        "/customers/{customer_id:id}/recommendations",
        operation_id="recommend_from",
        summary="The same under conditions too long for an address",
        response_model=told.SlateAnswer,
    )
    async def recommend_from(
        request: Request, customer_id: CustomerId, body: Annotated[asked.SlateBody, Body()]
    ) -> Response:
        """Such as a list of all that a store has in stock."""
        answer = await slate_of(request, customer_id, body)
        return told.list_response({"customer_id": customer_id, "slate": body.slate}, answer)

    async def slate_of(
        request: Request, customer_id: str, said: asked.SlateQuery | asked.SlateBody
    ) -> Answer:
        scorer, context = desk.opened or await desk.scorer(), said.context()
        work = partial(scorer.recommend, customer_id, said.slate, said.n, context=context)
        answer = await _made(desk, work, context)
        desk.shown("recommend", _id_of(request), customer_id, said.slate, answer)
        return answer


def _similar(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/products/{product_id:id}/similar",
        operation_id="similar",
        summary="Products like one product",
        response_model=told.SimilarAnswer,
        responses=NOT_MODIFIED,
    )
    async def similar(
        request: Request, product_id: ProductId, query: Annotated[asked.SimilarQuery, Query()]
    ) -> Response:
        """What is bought by those who buy this; what is popular for a product nobody knows."""
        answer = await like(request, product_id, query)
        return told.tagged_response(request, {"product_id": product_id}, answer)

    @router.post(
        "/products/{product_id:id}/similar",
        operation_id="similar_from",
        summary="The same under conditions too long for an address",
        response_model=told.SimilarAnswer,
    )
    async def similar_from(
        request: Request, product_id: ProductId, body: Annotated[asked.SimilarBody, Body()]
    ) -> Response:
        """Such as a list of all that a store has in stock."""
        answer = await like(request, product_id, body)
        return told.list_response({"product_id": product_id}, answer)

    async def like(request: Request, product_id: str, said: asked.SimilarQuery | asked.SimilarBody) -> Answer:
        scorer, context = desk.opened or await desk.scorer(), said.context()
        work = partial(scorer.similar, product_id, said.n, context=context)
        answer = await _made(desk, work, context)
        desk.shown("similar", _id_of(request), None, None, answer)
        return answer


def _lists(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/customers/{customer_id:id}/scores",
        operation_id="score",
        summary="Put a list of the shop's own in order for a customer",
        response_model=told.CustomerAnswer,
    )
    async def score(
        request: Request, customer_id: CustomerId, body: Annotated[asked.ScoresBody, Body()]
    ) -> Response:
        """All products of the list, best first; those nobody knows last, with score 0."""
        scorer = desk.opened or await desk.scorer()
        answer = scorer.score(customer_id, body.products)
        desk.shown("score", _id_of(request), customer_id, None, answer)
        return told.list_response({"customer_id": customer_id}, answer)

    @router.post(
        "/baskets",
        operation_id="for_basket",
        summary="What goes with a basket and this session's views",
        response_model=told.ListAnswer,
    )
    async def for_basket(request: Request, body: Annotated[asked.BasketBody, Body()]) -> Response:
        """For a visitor nobody knows: nothing but this session is needed."""
        basket, context = Basket(body.products, body.views, body.n), body.context()
        if context is NOTHING:
            answer = await desk.for_basket(basket)
        else:
            scorer = desk.opened or await desk.scorer()
            work = partial(scorer.for_baskets, [basket], context=context)
            answer = (await desk.slowly(work))[0]
        desk.shown("basket", _id_of(request), None, None, answer)
        return told.list_response({}, answer)


def _explanations(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/customers/{customer_id:id}/explanations/{product_id:id}",
        operation_id="explain",
        summary="Why a product stands where it does for a customer",
        response_model=told.ExplanationAnswer,
        responses={404: {"description": "There is no such product."}},
    )
    async def explain(customer_id: CustomerId, product_id: ProductId) -> Response:
        """Its places, what speaks for it, and what keeps it out."""
        scorer = desk.opened or await desk.scorer()
        try:
            found = await desk.slowly(partial(scorer.explain, customer_id, product_id))
        except NotFoundError as error:
            raise HTTPException(404, str(error)) from error
        body = {
            "customer_id": customer_id,
            "product_id": found.product_id,
            "title": found.title,
            "bundle_id": found.bundle_id,
            "ranks": found.ranks,
            "reason": found.reason,
            "facts": found.facts,
            "barred": found.barred,
        }
        return told.json_response(told.written(body), 200)


def _events(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/events",
        operation_id="take",
        summary="Tell what just happened",
        status_code=202,
        response_model=told.EventsAnswer,
        responses={409: {"description": CANNOT_BE}},
        tags=["events"],
    )
    async def take(body: Annotated[asked.EventsBody, Body()]) -> Response:
        """Views, baskets and purchases, all or none; safe on disk before the answer, counted from then on.

        Give each event a `key`, and a request that is sent again stores nothing twice.
        """
        now = clock.now()
        events = [
            Event(one.customer_id, one.product_id, one.kind, one.at or now, one.key) for one in body.events
        ]
        try:
            stored = await desk.take(events)
        except FeedError as error:
            raise HTTPException(409, str(error)) from error
        desk.tally.stored(stored)
        return told.json_response(told.written({"stored": stored}), 202)


async def _made(desk: Desk, work: "partial[Answer]", context: Context) -> Answer:
    return work() if context is NOTHING else await desk.slowly(work)


def _id_of(request: Request) -> str:
    request_id: str = request.scope["state"]["request_id"]
    return request_id
