"""Why a product stands in a slate: a code and two whole numbers on disk, words where a person reads them.

The storefront reads these without loading a model; `recs.reasons` finds them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

NOTHING = 0
"""No product stands there."""
BOUGHT = 1
"""The customer's own habit: baskets, and the last day as days since 1970-01-01."""
POPULAR = 2
"""Popularity: how many customers bought it."""
TOGETHER = 3
"""Bought with something the customer bought: the column of that product, and the day they last bought it."""
TOGETHER_UNNAMED = 4
"""The same where that product is sensitive: it is not named."""
ALIKE = 5
"""Bought by customers with similar baskets."""
RHYTHM = 6
"""The customer's own habit, at regular intervals: their days, and the last day."""
CATEGORY = 7
"""A category the customer buys: the column of a product of it, and in how many late baskets it was."""
LOCAL = 8
"""Popular where the customer shops: how many customers bought it there in the last weeks."""
SIMILAR = 9
"""Like something the customer bought: the column of that product, and the day they last bought it."""
SIMILAR_UNNAMED = 10
VIEWED = 11
"""Goes with something the customer looked at: the column of that product, and the day."""
VIEWED_UNNAMED = 12
PICKED = 13
"""Put there by the retailer."""
UNTRIED = 14
"""Nobody bought it yet."""
LOOKED = 15
"""The customer looked at it in the last hours."""
BASKET = 16
"""Bought with something in the basket of this visit: the column of that product."""
BASKET_UNNAMED = 17
LATELY = 18
"""Goes with something looked at in the last hours: the column of that product."""

BESIDE = 19
"""Beside another product's page: the column of that product."""

OFTEN = 3
"""From so many baskets of three months on a category is bought often."""

NAMING = (TOGETHER, SIMILAR, VIEWED, CATEGORY, BASKET, LATELY, BESIDE)
"""Codes whose first number is a product, of which the title or the category is told."""

_EPOCH = date(1970, 1, 1)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FIXED = {
    TOGETHER_UNNAMED: "Often bought with something you buy",
    ALIKE: "Customers with baskets like yours buy this",
    SIMILAR_UNNAMED: "Similar to something you bought",
    VIEWED_UNNAMED: "Goes with something you looked at",
    PICKED: "Picked by the shop",
    UNTRIED: "Be the first to try this",
    LOOKED: "You looked at this lately",
    BASKET_UNNAMED: "Goes with your basket",
}


def sentence(code: int, first: int, second: int, title: str, category: str | None, year: int) -> str:
    """A reason in words.

    Args:
        code: one of the codes above.
        first: its first number.
        second: its second number.
        title: of the product that `first` names, for the codes of `NAMING`.
        category: of that product.
        year: the bundle's; a date in another one is told with its year.

    Raises:
        KeyError: there is no such code.
    """
    return _FIXED.get(code) or _TOLD[code](first, second, title, category, year)


def _bought(times: int, last: int, _title: str, _category: str | None, year: int) -> str:
    on = _on(last, year)
    if times == 1:
        return f"You bought this on {on}"
    return f"You bought this {'twice' if times == 2 else f'{times} times'}, last on {on}"


def _rhythm(days: int, last: int, _title: str, _category: str | None, year: int) -> str:
    return f"You buy this about {_interval(days)}, last on {_on(last, year)}"


def _popular(customers: int, *_: object) -> str:
    return "One customer bought this" if customers == 1 else f"{customers} customers bought this"


def _together(_product: int, last: int, title: str, _category: str | None, year: int) -> str:
    return f"Often bought with {title}, which you bought in {_in(last, year)}"


def _category(_product: int, baskets: int, _title: str, category: str | None, _year: int) -> str:
    return f"You often buy {category}" if baskets >= OFTEN else f"You bought {category} lately"


def _local(customers: int, *_: object) -> str:
    return f"Popular where you shop lately: {customers} customers"


def _similar(_product: int, last: int, title: str, _category: str | None, year: int) -> str:
    return f"Similar to {title}, which you bought in {_in(last, year)}"


def _viewed(_product: int, day: int, title: str, _category: str | None, year: int) -> str:
    return f"Goes with {title}, which you looked at on {_on(day, year)}"


def _basket(_product: int, _none: int, title: str, *_: object) -> str:
    return f"Goes with {title} in your basket"


def _beside(_product: int, _none: int, title: str, *_: object) -> str:
    return f"Goes with {title}"


def _lately(_product: int, _none: int, title: str, *_: object) -> str:
    return f"Goes with {title}, which you looked at lately"


_TOLD: dict[int, Callable[[int, int, str, str | None, int], str]] = {
    BOUGHT: _bought,
    RHYTHM: _rhythm,
    POPULAR: _popular,
    TOGETHER: _together,
    CATEGORY: _category,
    LOCAL: _local,
    SIMILAR: _similar,
    VIEWED: _viewed,
    BASKET: _basket,
    LATELY: _lately,
    BESIDE: _beside,
}


@lru_cache(maxsize=10_000)
def _on(number: int, year: int) -> str:
    day = _EPOCH + timedelta(number)
    return f"{day.day} {_in(number, year)}"


@lru_cache(maxsize=10_000)
def _in(number: int, year: int) -> str:
    day = _EPOCH + timedelta(number)
    month = _MONTHS[day.month - 1]
    return month if day.year == year else f"{month} {day.year}"


@lru_cache(maxsize=10_000)
def _interval(days: int) -> str:
    """Days as a person would say them: up to ten in days, then in weeks, from two months on in months."""
    if days in (1, 7):
        return "every day" if days == 1 else "every week"
    if days <= 10:
        return f"every {days} days"
    if days < 60:
        return f"every {int(days / 7 + 0.5)} weeks"
    return f"every {int(days / 30.4 + 0.5)} months"
