"""Content: products that are described alike, so that one nobody bought yet has neighbours, too."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from recs.history import History
from recs.pairs import ordered
from recs.protocol import Ids, Scores
from recs.recommenders.base import blank
from recs.recommenders.neighbours import NeighbourModel
from recs.threads import one_blas_thread

MOST = 4000
"""Products that are compared with each other; a larger category is cut along the order of its titles."""

_AT_ONCE = 512
_BY_POPULARITY = np.float32(0.05)
"""How much of a similarity a product's popularity decides: many products of a shop are described equally."""


class Content(NeighbourModel):
    """Ranks by how alike a product's words and price are to those of what a customer bought.

    Words are those of title, category, department and brand; only products of one category are compared,
    those without one among themselves. A product without words has no neighbours.

    Args:
        neighbours: how many similar products each product keeps.
        price: what the price is worth beside the words, 0 … 1.
    """

    name = "content"

    def __init__(self, *, neighbours: int = 30, price: float = 0.3) -> None:
        self.neighbours, self.price = neighbours, price

    def _near(self, history: History) -> tuple[Ids, csr_matrix, csr_matrix]:
        texts = _texts(history.catalogue)
        columns = texts["column"].to_numpy().astype(np.int32)
        weights = history.interactions.weights[:, columns].astype(np.float32)
        weights.data = np.log1p(weights.data)
        with one_blas_thread():
            return columns, ordered(weights), self._similar(history, texts, columns)

    def _similar(self, history: History, texts: pl.DataFrame, columns: Ids) -> csr_matrix:
        """The similarity of products described alike, (T, T)."""
        if not len(columns):
            return blank(0)
        from sklearn.feature_extraction.text import (
            TfidfVectorizer,
        )  # slow to import: kept off the scoring path

        words = csr_matrix(TfidfVectorizer(dtype=np.float32, sublinear_tf=True).fit_transform(texts["text"]))
        price, share = _log_prices(history)[columns], self._fitted().share[columns]
        parts = []
        for group in _groups(texts):
            for start in range(0, len(group), _AT_ONCE):
                mine = group[start : start + _AT_ONCE]
                alike = (words[mine] @ words[group].T).toarray()
                alike *= 1 - self.price * _apart(price[mine], price[group])
                alike *= 1 - _BY_POPULARITY * (1 - share[group])
                alike[mine[:, None] == group] = 0
                parts.append((mine, _largest(alike, group, self.neighbours, len(columns))))
        order = np.argsort(np.concatenate([mine for mine, _ in parts]), kind="stable")
        return csr_matrix(csr_matrix(vstack([part for _, part in parts]))[order])


def _texts(catalogue: pl.DataFrame) -> pl.DataFrame:
    """`column`, `category` and `text` of the products that have words."""
    title = pl.when(pl.col("title") != pl.col("product_id")).then("title")
    brand = pl.col("brand").str.replace_all(r"\W+", "_")  # a brand is one word
    words = [title, pl.col("category"), pl.col("department"), brand]
    return (
        catalogue.with_row_index("column")
        .with_columns(text=pl.concat_str(words, separator=" ", ignore_nulls=True), title=title.fill_null(""))
        .filter(pl.col("text").str.contains(r"\w\w"))
        .select("column", "category", "title", "text")
    )


def _groups(texts: pl.DataFrame) -> Iterator[NDArray[np.int64]]:
    """Places of products that are compared with each other, at most `MOST`."""
    ordered_texts = texts.with_row_index("place").sort("category", "title", "place")
    for _, group in ordered_texts.group_by("category", maintain_order=True):
        places = group["place"].to_numpy().astype(np.int64)
        yield from np.array_split(places, -(-len(places) // MOST))


def _log_prices(history: History) -> Scores:
    """The logarithm of what was usually paid for one unit, NaN where nothing was, (I,)."""
    paid = (
        history.lines.filter(pl.col("unit_minor") > 0).group_by("column").agg(pl.col("unit_minor").median())
    )
    found = np.full(history.catalogue.height, np.nan, np.float32)
    found[paid["column"].to_numpy()] = np.log(paid["unit_minor"].to_numpy())
    return found


def _apart(mine: Scores, others: Scores) -> Scores:
    """How far prices lie apart, 0 for equal ones and 1 from the double on; a half where one is unknown."""
    away = np.minimum(np.abs(mine[:, None] - others) / np.float32(np.log(2)), 1)
    known: Scores = np.nan_to_num(away, nan=0.5)
    return known


def _largest(block: Scores, columns: NDArray[np.int64], n: int, width: int) -> csr_matrix:
    """The `n` largest values of each row of similarities, of equals the first columns, (U, width)."""
    n, last = min(n, block.shape[1]), block.shape[1] - 1
    # One whole number says how large a value is and, where values are equal, how early it stands.
    key = ((block * 65535).astype(np.uint32) << 16) | np.arange(last, -1, -1, dtype=np.uint32)
    best = last - (np.partition(key, last + 1 - n, axis=1)[:, last + 1 - n :] & 65535).astype(np.int64)
    value = np.take_along_axis(block, best, axis=1)
    indptr = np.arange(0, value.size + 1, n)
    found = csr_matrix((value.ravel(), columns[best].ravel(), indptr), shape=(len(block), width))
    found.eliminate_zeros()
    return found
