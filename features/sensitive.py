"""Which products are never named to a person."""

import re

import polars as pl


def is_sensitive(words: tuple[str, ...]) -> pl.Expr:
    """Whether a product of the product table is sensitive: as it is marked, else by the words about it.

    One without a mark is sensitive when its category or title holds a word that begins like one of `words`,
    in any case. Its department is asked only where it has no category: a department "Drug & general" sells
    birthday cards too.
    """
    kind = pl.coalesce("category", "department")
    text = pl.concat_str(kind, "title", separator=" ", ignore_nulls=True)
    begins = r"(?i)\b(?:" + "|".join(re.escape(word) for word in words) + ")"
    return pl.coalesce("sensitive", text.str.contains(begins) if words else pl.lit(value=False))
