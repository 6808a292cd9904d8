"""The client that awaits its answers, for programs on asyncio."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from recs.answers import Answer, Explanation
from recs.client import asking
from recs.client.asking import NOTHING, Context, Event, Question
from recs.client.patience import FAILURES, Patience, taken

T = TypeVar("T")


class AsyncAdvocate:
    """Asks the recommendation service; safe to share between tasks. Close it, or use it in an `async with`.

    Args:
        base_url: of the service, like `https://advocate.shop.example`.
        key: the API key; none is needed where the service runs with `--no-keys`.
        timeout: seconds for one call, retries and pauses included; what a page can wait.
        retries: how often a call is tried again after a connection error, 429, 502, 503 or 504.
        connections: how many are kept open at most.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float = 0.25,
        retries: int = 2,
        connections: int = 20,
    ) -> None:
        self._timeout, self._retries = timeout, retries
        headers = asking.headers_of(key)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, limits=limits)

    async def recommend(
        self, customer_id: str, slate: str = "for_you", n: int = 10, *, context: Context = NOTHING
    ) -> Answer:
        """The best products for a customer; what is popular for one nobody knows.

        Raises:
            ClientError: there is no answer; see `recs.client.errors`. So do all others.
        """
        return await self._ask(asking.recommend(customer_id, slate, n, context))

    async def score(self, customer_id: str, product_ids: Sequence[str]) -> Answer:
        """Up to 1,000 products of the shop's own, in order for a customer; unknown ones last."""
        return await self._ask(asking.score(customer_id, product_ids))

    async def similar(self, product_id: str, n: int = 10, *, context: Context = NOTHING) -> Answer:
        """Products like one product."""
        return await self._ask(asking.similar(product_id, n, context))

    async def for_basket(
        self,
        product_ids: Sequence[str],
        views: Sequence[str] = (),
        n: int = 10,
        *,
        context: Context = NOTHING,
    ) -> Answer:
        """What goes with a basket and this session's views, the newest last."""
        return await self._ask(asking.for_basket(product_ids, views, n, context))

    async def explain(self, customer_id: str, product_id: str) -> Explanation:
        """Why a product stands where it does for a customer.

        Raises:
            NotFoundError: there is no such product.
        """
        return await self._ask(asking.explain(customer_id, product_id))

    async def take(self, events: Sequence[Event]) -> int:
        """Tells what just happened, up to 1,000 events at once; each is stored once, however often sent.

        Returns:
            how many were new.
        """
        return await self._ask(asking.take(events))

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, question: Question[T]) -> T:
        patience = Patience(self._timeout, self._retries)
        while True:
            try:
                async with asyncio.timeout(patience.left):
                    response = await self._http.request(
                        question.method,
                        question.path,
                        params=question.params,
                        json=question.body,
                        timeout=patience.left,
                    )
            except FAILURES as error:
                pause = patience.pause_after_error(error)
            else:
                again = patience.pause_after(response)
                if again is None:
                    return taken(question, response)
                pause = again
            await asyncio.sleep(pause)
