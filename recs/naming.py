"""Puts what a bundle holds as numbers into names and sentences."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from numpy.typing import NDArray

from recs.bundle import Bundle
from recs.wording import NAMING, sentence

_FEW = 60


def reason(bundle: Bundle, code: int, first: int, second: int) -> str:
    """One reason in words; see `recs.wording`."""
    if code not in NAMING:
        return sentence(code, first, second, "", None, bundle.day.year)
    title, category = bundle.catalogue["title"][first], bundle.catalogue["category"][first]
    return sentence(code, first, second, title, category, bundle.day.year)


def named(
    bundle: Bundle, items: Sequence[int], codes: Sequence[int], facts: Sequence[Sequence[int]]
) -> list[tuple[str, str, str]]:
    """Product id, title and reason of a few positions, in their order; none of them is -1."""
    products, titles = (_picked(column, items) for column in (bundle.products, bundle.titles))
    reasons = (
        reason(bundle, code, first, second) for code, (first, second) in zip(codes, facts, strict=True)
    )
    return list(zip(products, titles, reasons, strict=True))


def _picked(column: pl.Series, items: Sequence[int]) -> list[str]:
    """Some values of a column: to gather ten takes Polars twenty times as long as one after the other."""
    return [column[item] for item in items] if len(items) < _FEW else column.gather(list(items)).to_list()


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
