"""What the storefront is told: the documented shapes of answers, and the bytes they are written as.

The models here describe answers in the OpenAPI document only. The bytes are written straight from what the
Scorer says: to check what we have just made would cost more than making it. A test holds the two together.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from recs.answers import Answer, Arm, Source
from recs.api.asked import Slate

PRIVATE = {"cache-control": "private, no-cache", "vary": "authorization, x-api-key"}
"""An answer may be kept by who asked, if they ask each time whether it still holds."""


class Item(BaseModel):
    """One product, in its place."""

    rank: int = Field(description="From 1.", examples=[1])
    product_id: str = Field(examples=["1029743"])
    title: str = Field(examples=["FLUID MILK WHITE ONLY"])
    score: float = Field(description="Higher is better; comparable within one answer.", examples=[0.71])
    reason: str = Field(description="A sentence for people.", examples=["You bought this 12 times"])


class ListAnswer(BaseModel):
    """Products, best first, all from one bundle."""

    bundle_id: str = Field(examples=["2017-11-30-1f0c5d2a9b7e4c31"])
    source: Source = Field(
        description="The step of the chain that answered: what this customer did, this session, customers of "
        "the same market lately, or what is popular in the whole shop."
    )
    arm: Arm = Field(description="The bundle of an experiment that answered.")
    items: list[Item]


class CustomerAnswer(ListAnswer):
    """Products in an order for one customer."""

    customer_id: str = Field(examples=["1402"])


class SlateAnswer(CustomerAnswer):
    """A customer's slate."""

    slate: Slate


class SimilarAnswer(ListAnswer):
    """Products like one product."""

    product_id: str = Field(examples=["1029743"])


class ExplanationAnswer(BaseModel):
    """Why a product stands where it does for a customer."""

    customer_id: str = Field(examples=["1402"])
    product_id: str = Field(examples=["1029743"])
    title: str = Field(examples=["FLUID MILK WHITE ONLY"])
    bundle_id: str = Field(examples=["2017-11-30-1f0c5d2a9b7e4c31"])
    ranks: dict[str, int] = Field(
        description="Its place, from 1, in each slate it stands in.", examples=[{"for_you": 1}]
    )
    reason: str = Field(description="The sentence beside it; empty where it is in no slate.")
    facts: list[str] = Field(description="What else speaks for it.")
    barred: list[str] = Field(description="What keeps it out of the customer's slates.")


class EventsAnswer(BaseModel):
    """What was written down."""

    stored: int = Field(description="Events that were new; those sent before are not stored twice.")


def list_response(asked: Mapping[str, Any], answer: Answer) -> Response:
    """An answer as JSON, after what was asked for."""
    return json_response(_body(asked, answer), 200)


def tagged_response(request: Request, asked: Mapping[str, Any], answer: Answer) -> Response:
    """An answer with a weak entity tag; 304 without a body where the caller has it already.

    The tag names the bundle and the arm, and a digest of what is told: live events change an answer, too.
    """
    body = _body(asked, answer)
    digest = blake2b(body, digest_size=8).hexdigest()
    tag = f'W/"{answer.bundle_id}.{answer.arm}.{digest}"'
    headers = {**PRIVATE, "etag": tag}
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def json_response(body: bytes, status: int) -> Response:
    """Bytes of JSON that nobody but the caller may keep."""
    return Response(body, status_code=status, media_type="application/json", headers=PRIVATE)


def written(value: Mapping[str, Any]) -> bytes:
    """A value as JSON in UTF-8."""
    return to_json(value)  # five times as fast as Python's own


def _body(asked: Mapping[str, Any], answer: Answer) -> bytes:
    items = [
        {
            "rank": item.rank,
            "product_id": item.product_id,
            "title": item.title,
            "score": item.score,
            "reason": item.reason,
        }
        for item in answer.items
    ]
    head = {"bundle_id": answer.bundle_id, "source": answer.source, "arm": answer.arm}
    return written({**asked, **head, "items": items})


def _matches(known: str | None, tag: str) -> bool:
    """Weak comparison, RFC 9110 section 8.8.3.2."""
    if not known:
        return False
    wanted = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (wanted, "*") for one in known.split(","))
