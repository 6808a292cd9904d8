"""Questions to the HTTP API, as values: what is sent, and how the answer is read. Nothing here is sent."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import uuid4

from recs.answers import Answer, Explanation, Recommendation

T = TypeVar("T")
Kind = Literal["view", "cart", "wishlist", "buy"]


def _key() -> str:
    return str(uuid4())


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Something a customer did just now.

    Attributes:
        customer_id: as in the feeds.
        product_id: as in the feeds.
        kind: `view`, `cart`, `wishlist` or `buy`.
        at: when, with a zone; by default now.
        key: makes sure that it is stored once, however often it is sent; by default a new one.
    """

    customer_id: str
    product_id: str
    kind: Kind
    at: datetime = field(default_factory=_now)
    key: str = field(default_factory=_key)


@dataclass(frozen=True, slots=True)
class Context:
    """What may be shown on this page, on top of the shop's own rules.

    Attributes:
        exclude: products that are not shown.
        categories: the only ones that are shown; none: all.
        deny: categories that are not shown.
        min_price: in minor units of the customer's currency.
        max_price: likewise.
        market: where this visit shops; by default where the customer usually does.
        in_stock: the only products that may be shown; by default all that are on sale.
        seed: deals the places after the first anew, better products more often in front.
    """

    exclude: Sequence[str] = ()
    categories: Sequence[str] = ()
    deny: Sequence[str] = ()
    min_price: int | None = None
    max_price: int | None = None
    market: str | None = None
    in_stock: Sequence[str] | None = None
    seed: int | None = None

    def fields(self) -> dict[str, Any]:
        """What is said, by the API's names."""
        lists = {"exclude": self.exclude, "category": self.categories, "deny": self.deny}
        said: dict[str, Any] = {name: list(values) for name, values in lists.items() if values}
        if self.in_stock is not None:
            said["in_stock"] = list(self.in_stock)
        for name in ("min_price", "max_price", "market", "seed"):
            if (value := getattr(self, name)) is not None:
                said[name] = value
        return said


IN_QUERY = 100
"""Longest list that an address takes."""
NOTHING = Context()


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """One request, which may be sent again without harm, and how its answer is read."""

    method: str
    path: str
    read: Callable[[Mapping[str, Any]], T]
    params: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None


def recommend(customer_id: str, slate: str, n: int, context: Context) -> Question[Answer]:
    """A slate for a customer."""
    path = f"/v1/customers/{_part(customer_id)}/recommendations"
    return _conditional(path, {"slate": slate, "n": n}, context)


def similar(product_id: str, n: int, context: Context) -> Question[Answer]:
    """Products like one product."""
    return _conditional(f"/v1/products/{_part(product_id)}/similar", {"n": n}, context)


def score(customer_id: str, product_ids: Sequence[str]) -> Question[Answer]:
    """A list of the shop's own, in order for a customer."""
    path = f"/v1/customers/{_part(customer_id)}/scores"
    return Question("POST", path, _answer, body={"products": list(product_ids)})


def for_basket(
    product_ids: Sequence[str], views: Sequence[str], n: int, context: Context
) -> Question[Answer]:
    """What goes with a basket and this session's views."""
    body = {"products": list(product_ids), "views": list(views), "n": n, **context.fields()}
    return Question("POST", "/v1/baskets", _answer, body=body)


def explain(customer_id: str, product_id: str) -> Question[Explanation]:
    """Why a product stands where it does for a customer."""
    path = f"/v1/customers/{_part(customer_id)}/explanations/{_part(product_id)}"
    return Question("GET", path, _explanation)


def take(events: Sequence[Event]) -> Question[int]:
    """What just happened."""
    sent = [
        {
            "customer_id": event.customer_id,
            "product_id": event.product_id,
            "kind": event.kind,
            "at": event.at.isoformat(timespec="microseconds"),
            "key": event.key,
        }
        for event in events
    ]
    return Question("POST", "/v1/events", _stored, body={"events": sent})


def _conditional(path: str, asked: Mapping[str, Any], context: Context) -> Question[Answer]:
    """Asks in the address, or in a body what an address cannot say: a long list, or an empty one."""
    said = context.fields()
    if any(isinstance(values, list) and not 0 < len(values) <= IN_QUERY for values in said.values()):
        return Question("POST", path, _answer, body={**asked, **said})
    return Question("GET", path, _answer, params={**asked, **said})


def _part(id_: str) -> str:
    """An id as one part of a path; `.` and `..` alone would be taken for directions."""
    return id_.replace(".", "%2E") if id_ in (".", "..") else quote(id_, safe="")


def _answer(said: Mapping[str, Any]) -> Answer:
    bundle_id = said["bundle_id"]
    items = tuple(
        Recommendation(
            item["product_id"], item["title"], item["score"], item["rank"], item["reason"], bundle_id
        )
        for item in said["items"]
    )
    return Answer(bundle_id, said["source"], said["arm"], items)


def _explanation(said: Mapping[str, Any]) -> Explanation:
    return Explanation(
        said["product_id"],
        said["title"],
        said["bundle_id"],
        dict(said["ranks"]),
        said["reason"],
        tuple(said["facts"]),
        tuple(said["barred"]),
    )


def _stored(said: Mapping[str, Any]) -> int:
    return int(said["stored"])


def headers_of(key: str | None) -> dict[str, str]:
    """What every request says of who asks; a key read from a file may end in a line break.

    Raises:
        ValueError: the key cannot be one; it is not shown.
    """
    said = {"user-agent": "advocate-client"}
    if key is None or not key.strip():
        return said
    if not re.fullmatch(r"[!-~]+", key.strip()):
        raise ValueError("this cannot be an API key: it holds spaces, line breaks or letters beyond ASCII")
    return said | {"authorization": f"Bearer {key.strip()}"}
