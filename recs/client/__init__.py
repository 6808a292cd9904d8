"""The storefront's client of the HTTP API; needs httpx and nothing else of this house.

    from recs.client import Advocate, Context, Event

    with Advocate("http://advocate:8000", key) as shop:
        for item in shop.recommend("1402", n=10, context=Context(deny=("TROPICAL FRUIT",))):
            print(item.rank, item.product_id, item.reason)
        shop.take([Event("1402", "1029743", "view")])

Methods and answers are those of `recs.scoring.Scorer`. `AsyncAdvocate` has the same ones to await.
"""

from recs.answers import Answer, Explanation, Recommendation
from recs.client.asking import Context, Event
from recs.client.awaiting import AsyncAdvocate
from recs.client.blocking import Advocate
from recs.client.errors import (
    ClientError,
    Flaw,
    KeyRefusedError,
    NoAnswerError,
    NotFoundError,
    Problem,
    RefusedError,
    ServerError,
    TooOftenError,
)

__all__ = [
    "Advocate",
    "Answer",
    "AsyncAdvocate",
    "ClientError",
    "Context",
    "Event",
    "Explanation",
    "Flaw",
    "KeyRefusedError",
    "NoAnswerError",
    "NotFoundError",
    "Problem",
    "Recommendation",
    "RefusedError",
    "ServerError",
    "TooOftenError",
]
