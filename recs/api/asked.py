"""What the storefront may ask: the fields of queries and bodies, with their bounds.

A field that is not listed is refused, not ignored: a filter with a typing error must not show what it should
hide.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from recs.context import NOTHING, Context

T = TypeVar("T")

Slate = Literal["for_you", "buy_again", "discover"]
_TEXT = r"[^\x00-\x1f\x7f-\x9f]"
_STORED = rf"^{_TEXT}*[^\s\x00-\x1f\x7f-\x9f]{_TEXT}*$"
Text = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
"""An id or a name, as a question may say it: whether there is such a thing is another matter."""
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=_STORED)]
"""An id that is stored, and therefore one that the feeds could bring."""
Names = Annotated[list[Text], Field(max_length=1000)]
Few = Annotated[list[Text], Field(max_length=100)]
"""In a query; an address cannot be of any length."""
Many = Annotated[list[Text], Field(max_length=10_000)]
Visit = Annotated[list[Text], Field(max_length=500)]
Minor = Annotated[int, Field(ge=0, le=10**12)]
Count = Annotated[int, Field(ge=1, le=1000)]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII)


def _moment(written: Any) -> datetime:
    if not isinstance(written, str) or not _MOMENT.fullmatch(written):
        raise ValueError("a moment is written with its zone, like 2017-11-30T12:00:00Z")
    return datetime.fromisoformat(written.upper())


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _optional(**said: Any) -> Any:
    """A field that may be left out, which `None` stands for, but may not be null."""
    return Field(default=None, json_schema_extra=_without_default, **said)


_EXCLUDE: Any = Field([], description="Products that are not shown.", examples=[["1029743"]])
_CATEGORY: Any = Field([], description="The only categories that are shown.", examples=[["YOGURT"]])
_DENY: Any = Field([], description="Categories that are not shown.", examples=[["TROPICAL FRUIT"]])
_IN_STOCK: Any = _optional(
    description="The only products that may be shown; by default all that are on sale."
)
_SLATE: Any = Field(
    "for_you",
    description="`for_you` (anything), `buy_again` (bought before) or `discover` (never bought).",
)
_COUNT: Any = Field(10, description="How many products; at most as many as a slate holds come back.")


class Conditions(BaseModel):
    """What may be shown on this page.

    A price range leaves out products without a known price; one that ends below its beginning, all.
    """

    model_config = ConfigDict(extra="forbid")

    exclude: Names = _EXCLUDE
    category: Names = _CATEGORY
    deny: Names = _DENY
    min_price: Minor = _optional(
        description="In minor units of the customer's currency (cents).", examples=[100]
    )
    max_price: Minor = _optional(
        description="In minor units of the customer's currency (cents).", examples=[500]
    )
    market: Text = _optional(
        description="Where this visit shops; by default where the customer usually does.",
        examples=["367"],
    )
    in_stock: Many = _IN_STOCK
    seed: int = _optional(
        ge=0,
        lt=2**32,
        description="Deals the places after the first anew, better products more often in front.",
        examples=[7],
    )

    def context(self) -> Context:
        """The same, as the Scorer takes it."""
        if self._says_nothing():
            return NOTHING
        if self._lets_nothing_through():
            return Context(in_stock=())
        in_stock = _or_none(self.in_stock)
        return Context(
            exclude=tuple(self.exclude),
            categories=tuple(self.category),
            deny=tuple(self.deny),
            min_price_minor=_by_currency(self.min_price),
            max_price_minor=_by_currency(self.max_price),
            market=self.market,
            in_stock=None if in_stock is None else tuple(in_stock),
            seed=self.seed,
        )

    def _says_nothing(self) -> bool:
        single = (self.min_price, self.max_price, self.market, self.in_stock, self.seed)
        return not (self.exclude or self.category or self.deny) and all(one is None for one in single)

    def _lets_nothing_through(self) -> bool:
        lowest, highest = _or_none(self.min_price), _or_none(self.max_price)
        return lowest is not None and highest is not None and lowest > highest


def _or_none(value: T) -> T | None:
    return value


def _by_currency(price: int | None) -> dict[str, int]:
    return {} if price is None else {"default": price}


class _InQuery(Conditions):
    exclude: Few = _EXCLUDE
    category: Few = _CATEGORY
    deny: Few = _DENY
    in_stock: Few = _IN_STOCK


class SlateQuery(_InQuery):
    """Which slate, how much of it, and what may be shown."""

    slate: Slate = _SLATE
    n: Count = _COUNT


class SimilarQuery(_InQuery):
    """How many similar products, and what may be shown."""

    n: Count = _COUNT


class SlateBody(Conditions):
    """Which slate, how much of it, and what may be shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    slate: Slate = _SLATE
    n: Count = _COUNT


class SimilarBody(Conditions):
    """How many similar products, and what may be shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n: Count = _COUNT


class ScoresBody(BaseModel):
    """A list the shop already has, to be put in order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    products: Names = Field(
        description="All of them come back, best first; unknown ones last.", examples=[["1029743", "995242"]]
    )


class BasketBody(Conditions):
    """What a visitor nobody knows has put in the basket and looked at, and what may be shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    products: Visit = Field([], description="What lies in the basket.", examples=[["1029743"]])
    views: Visit = Field([], description="What was looked at, the newest last.", examples=[["995242"]])
    n: Count = _COUNT


class EventBody(BaseModel):
    """Something that happened in the shop just now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customer_id: Id = Field(examples=["1402"])
    product_id: Id = Field(examples=["1029743"])
    kind: Literal["view", "cart", "wishlist", "buy"] = Field(examples=["view"])
    at: Annotated[datetime, BeforeValidator(_moment)] = _optional(
        description="When, with its zone; by default now.", examples=["2017-11-30T12:00:00Z"]
    )
    key: Id = _optional(
        description="Yours, to send it again safely: the same key is stored once.",
        examples=["0b1f6a52-5d0e-4c86-9f3c-9f1d3c1b7a55"],
    )


class EventsBody(BaseModel):
    """Events, in any order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    events: Annotated[list[EventBody], Field(min_length=1, max_length=1000)]
