"""Puts what a bundle holds as numbers into names and sentences."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from numpy.typing import NDArray

from recs.bundle import Bundle
from recs.wording import NAMING, sentence


def reason(bundle: Bundle, code: int, first: int, second: int) -> str:
    """One reason in words; see `recs.wording`."""
    if code not in NAMING:
        return sentence(code, first, second, "", None, bundle.day.year)
    _, titles, categories = bundle.names
    return sentence(code, first, second, titles[first], categories[first], bundle.day.year)


def named(
    bundle: Bundle, items: Sequence[int], codes: Sequence[int], facts: Sequence[Sequence[int]]
) -> list[tuple[str, str, str]]:
    """Product id, title and reason of some positions, in their order; none of them is -1."""
    products, titles, _ = bundle.names
    return [
        (products[item], titles[item], reason(bundle, code, first, second))
        for item, code, (first, second) in zip(items, codes, facts, strict=True)
    ]


def reasons(bundle: Bundle, codes: NDArray[Any], facts: NDArray[Any]) -> pl.Series:
    """The reasons of many positions in words; each that is told is made once.

    Args:
        bundle: where they stand.
        codes: (P,) reason codes.
        facts: (P, 2) their numbers.
    """
    told = pl.DataFrame({"code": codes, "first": facts[:, 0], "second": facts[:, 1]})
    once = told.unique()
    words = [reason(bundle, *row) for row in once.iter_rows()]
    once = once.with_columns(reason=pl.Series(words, dtype=pl.String))
    return told.join(once, on=told.columns, how="left", maintain_order="left")["reason"]
