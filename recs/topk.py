"""Exact top-k: the products whose factors, or neighbours, say most, for any number of customers.

Products are looked at in the order of their norms, a tile at a time. No product can score more than its norm
times the customer's (Cauchy and Schwarz), so a customer whose list is better than that for the rest is done
(the idea of LEMP, Teflioudi et al. 2015). Within a tile most products are ruled out in 8 bits
(`recs.screening`); on a processor that cannot, a tile of scores is one matrix product by BLAS, and a compiled
loop (`recs.kernels`) keeps the best of them. Customers are shared out to threads in blocks that depend on how
many customers are asked and not on how many threads there are, so neither does the answer.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recs import vnni
from recs.kernels import into_order, keep_best, keep_best_near, lengths_of, rounding_of
from recs.pairs import ordered
from recs.protocol import Ids, Mask, Scores
from recs.screening import MOST_FACTORS, Rounded, search
from recs.streaming import streamed
from recs.threads import cores, one_blas_thread
from warehouse.errors import ModelError

CUSTOMERS = 512
"""Customers in a block, at most."""

CELLS = CUSTOMERS * 1024
"""Scores in a tile, at most: 2 MiB, what a core's cache holds."""

FIRST = 512
"""Products in the first tile; the next ones are twice as large, up to what `CELLS` allows."""

AT_ONCE = 1 << 15
"""Customers whose lists are in memory at once when they are streamed."""

Limits = tuple[NDArray[Any], NDArray[Any], Mask]
"""`indptr`, `indices` and `allowed` of a block of customers, as `recs.kernels` takes them."""

Lists = tuple[Scores, Ids]
"""The heaps of a block of customers."""

_SCHEMA = {"row": pl.Int32, "rank": pl.Int32, "column": pl.Int32, "score": pl.Float32}
_ROUNDED = "rounded_"
_NO_EXCLUSIONS = np.empty(0, np.int64), np.empty(0, np.int32)
_ALL = np.empty(0, np.bool_)
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class ItemIndex:
    """Products made ready for many questions.

    Attributes:
        factors: (I, F) float32, not to be changed: the rest would not know.
        norms: (I,) float64 their lengths.
        order: (I,) int32, the longest first.
        rounded: the same in 8 bits, where this processor can make use of it.
    """

    factors: Scores
    norms: NDArray[np.float64]
    order: Ids
    rounded: Rounded | None

    @classmethod
    def of(cls, item_factors: ArrayLike) -> "ItemIndex":
        """The index of (I, F) factors.

        Raises:
            ModelError: they are not a matrix of finite numbers.
        """
        factors = _matrix("item_factors", item_factors)
        norms = lengths_of(factors)
        order = np.argsort(-norms).astype(np.int32)
        short = factors.shape[1] <= MOST_FACTORS and vnni.available()
        return cls(factors, norms, order, Rounded.of(factors, norms, order) if short else None)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name, for `restored`: processes that map these share them in memory."""
        found: dict[str, NDArray[Any]] = {"factors": self.factors, "norms": self.norms, "order": self.order}
        return (
            found
            if self.rounded is None
            else found | {_ROUNDED + n: a for n, a in vars(self.rounded).items()}
        )

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> "ItemIndex":
        """What `arrays` gave, perhaps on a machine of another kind."""
        kept = {n.removeprefix(_ROUNDED): a for n, a in arrays.items() if n.startswith(_ROUNDED)}
        if not kept or not vnni.available():
            return cls.of(arrays["factors"])
        return cls(arrays["factors"], arrays["norms"], arrays["order"], Rounded(**kept))


def top_k(
    user_factors: ArrayLike,
    item_factors: ArrayLike | ItemIndex,
    k: int,
    *,
    exclude: csr_matrix | None = None,
    allowed: Mask | None = None,
    threads: int = 0,
) -> tuple[Ids, Scores]:
    """The `k` products with the largest product of factors, for each customer.

    Args:
        user_factors: (U, F), finite.
        item_factors: (I, F), finite, or an index of them.
        k: how many, at least 1.
        exclude: (U, I) pattern: products not to return to each customer; a stored 0 excludes, too.
        allowed: (I,) bool, products that may be returned at all.
        threads: how many; 0 for one a core.

    Returns:
        ids int32 (U, k) and scores float32 (U, k), best first, of equals in a list the lower id first;
        which of equals is the last one in it is left open. -1 and -inf where fewer are left.

    Raises:
        ModelError: a shape does not fit, a factor is not a finite number, or a score would not be one.
    """
    index = item_factors if isinstance(item_factors, ItemIndex) else ItemIndex.of(item_factors)
    users = _matrix("user_factors", user_factors)
    if users.shape[1] != index.factors.shape[1]:
        raise ModelError(f"customers have {users.shape[1]} factors, products {index.factors.shape[1]}")
    longest = lengths_of(users).max(initial=0) * (index.norms[index.order[0]] if len(index.order) else 0)
    if longest > _LARGEST:
        raise ModelError(
            f"a score may come to {longest:.1e}, more than float32 holds; scale the factors down"
        )

    def fill(block: slice, limits: Limits, best: Lists) -> None:
        _fill(users[block], index, limits, best)

    return _in_blocks(fill, (len(users), len(index.order)), k, exclude, allowed, threads)


def top_k_near(
    bags: csr_matrix,
    similarity: csr_matrix,
    k: int,
    *,
    exclude: csr_matrix | None = None,
    allowed: Mask | None = None,
    threads: int = 0,
) -> tuple[Ids, Scores]:
    """The `k` products with the largest sum of similarities to what each customer has.

    Args:
        bags: (U, J), how much each customer has of each product.
        similarity: (J, I), row: what they have, column: what is near to it.
        k: how many; see `top_k`, as for all that follows.
        exclude: (U, I).
        allowed: (I,).
        threads: how many.

    Returns:
        see `top_k`; what is near to nothing of theirs is in no list.

    Raises:
        ModelError: a shape or a column does not fit, or a number is not finite.
    """
    if bags.shape[1] != similarity.shape[0]:
        raise ModelError(f"bags are of {bags.shape[1]} products, {similarity.shape[0]} have neighbours")
    have, near = (csr_matrix(matrix, dtype=np.float32) for matrix in (bags, similarity))
    for name, matrix in (("bags", have), ("similarity", near)):
        _require_finite(name, matrix.data)
        _require_columns(name, matrix)

    def fill(block: slice, limits: Limits, best: Lists) -> None:
        mine = (have.indptr[block.start : block.stop + 1], have.indices, have.data)
        keep_best_near(*mine, near.indptr, near.indices, near.data, limits, *best)
        into_order(*best)

    return _in_blocks(fill, (have.shape[0], near.shape[1]), k, exclude, allowed, threads)


def stream(
    user_factors: NDArray[np.float32],
    index: ItemIndex,
    k: int,
    *,
    exclude: csr_matrix | None = None,
    allowed: Mask | None = None,
    threads: int = 0,
) -> pl.LazyFrame:
    """The lists of `top_k` as a frame that is made while it is written, `AT_ONCE` customers at a time.

    `stream(...).sink_parquet(file)` needs no more memory for a million customers than for a few.

    Returns:
        `row` Int32 customer, `rank` Int32 from 1, `column` Int32 product, `score` Float32, in this order.

    Raises:
        ModelError: see `top_k`; what can be seen of shapes is said at once, and not while it is written.
    """
    _require_asked((len(user_factors), len(index.order)), k, exclude, allowed)

    def pieces() -> Iterator[pl.DataFrame]:
        for start in range(0, len(user_factors), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            barred = None if exclude is None else exclude[part]
            found = top_k(user_factors[part], index, k, exclude=barred, allowed=allowed, threads=threads)
            yield _as_frame(start, *found)

    return streamed(pieces, _SCHEMA)


def _as_frame(start: int, ids: Ids, scores: Scores) -> pl.DataFrame:
    owner, place = np.nonzero(ids >= 0)
    values = (owner + start, place + 1, ids[owner, place], scores[owner, place])
    return pl.DataFrame(dict(zip(_SCHEMA, values, strict=True)), schema_overrides=_SCHEMA)


def _in_blocks(
    fill: Callable[[slice, Limits, Lists], None],
    shape: tuple[int, int],
    k: int,
    exclude: csr_matrix | None,
    allowed: Mask | None,
    threads: int,
) -> tuple[Ids, Scores]:
    """Lists of (U, I) customers and products, by a function that fills those of a block of customers."""
    _require_asked(shape, k, exclude, allowed)
    if threads < 0:
        raise ModelError(f"threads is {threads}; ask for 1 or more, or 0 for one a core")
    indptr, indices = _excluded(exclude)
    barred = _ALL if allowed is None else np.ascontiguousarray(allowed)
    ids, scores = np.full((shape[0], k), -1, np.int32), np.full((shape[0], k), -np.inf, np.float32)

    def work(block: slice) -> None:
        fill(block, (indptr[block.start : block.stop + 1], indices, barred), (scores[block], ids[block]))

    blocks = _blocks(shape[0])
    workers = min(threads or cores(), len(blocks))
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, blocks))
    else:
        for block in blocks:
            work(block)
    return ids, scores


def _fill(users: Scores, index: ItemIndex, limits: Limits, best: Lists) -> None:
    """Fills the lists of a block of customers, in place."""
    if index.rounded is not None:
        search(index.rounded, (index.factors, index.order), users, limits, best)
    else:
        with one_blas_thread():
            _multiply(users, index, limits, best)
    into_order(*best)


def _multiply(users: Scores, index: ItemIndex, limits: Limits, best: Lists) -> None:
    """The same by BLAS, tile after tile, for processors without 8-bit products."""
    scores, ids = best
    rows, asking = np.arange(len(users), dtype=np.int32), users
    reach, rounding = lengths_of(users), rounding_of(users.shape[1])
    cells = np.empty(min(CELLS, len(users) * len(index.order)), np.float32)
    for start, stop in _tiles(len(users), len(index.order)):
        if start:
            open_ = reach * (index.norms[index.order[start]] * (1 + rounding)) > scores[rows, 0]
            if not open_.all():
                rows, reach, asking = rows[open_], reach[open_], asking[open_]
                if not len(rows):
                    break
        tile = cells[: len(rows) * (stop - start)].reshape(len(rows), stop - start)
        products = index.order[start:stop]
        np.matmul(asking, index.factors[products].T, out=tile)
        slack = (2 * rounding * index.norms[products[0]] * reach).astype(np.float32)
        keep_best(tile, slack, rows, products, (users, index.factors), *limits, scores, ids)


def _tiles(users: int, items: int) -> Iterator[tuple[int, int]]:
    start, width = 0, FIRST
    while start < items:
        stop = min(start + width, items)
        yield start, stop
        start, width = stop, min(2 * width, CELLS // users)


def _blocks(users: int) -> list[slice]:
    """Blocks of customers: at least eight where there are many, so that several threads have work."""
    size = min(max(-(-users // 8), 64), CUSTOMERS)
    return [slice(start, min(start + size, users)) for start in range(0, users, size)]


def _matrix(name: str, values: ArrayLike) -> Scores:
    found = np.ascontiguousarray(values, np.float32)
    if found.ndim != 2:
        raise ModelError(f"{name} has shape {found.shape}; it needs one row of factors for each")
    _require_finite(name, found)
    return found


def _require_finite(name: str, values: Scores) -> None:
    if not np.isfinite(values).all():
        raise ModelError(f"{name} holds NaN or infinity; the model is broken, run the night again")


def _require_columns(name: str, matrix: csr_matrix) -> None:
    """SciPy does not look at the columns of a matrix; compiled loops would read beyond its end."""
    if matrix.indices.min(initial=0) < 0 or matrix.indices.max(initial=-1) >= matrix.shape[1]:
        raise ModelError(f"{name} has a column that is not one of its {matrix.shape[1]}")


def _require_asked(shape: tuple[int, int], k: int, exclude: csr_matrix | None, allowed: Mask | None) -> None:
    if k < 1:
        raise ModelError(f"k is {k}; ask for at least 1 product")
    if exclude is not None and exclude.shape != shape:
        raise ModelError(f"exclude has shape {exclude.shape}; it needs a row for each customer: {shape}")
    if allowed is not None and (allowed.shape != shape[1:] or allowed.dtype != np.bool_):
        raise ModelError(
            f"allowed is {allowed.dtype} of shape {allowed.shape}; it needs one bool per product: {shape[1:]}"
        )


def _excluded(exclude: csr_matrix | None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """A pattern as the compiled loops take it, always of the same types: others would be compiled for."""
    if exclude is None:
        return _NO_EXCLUSIONS
    pattern = ordered(csr_matrix(exclude))
    return pattern.indptr.astype(np.int64, copy=False), pattern.indices.astype(np.int32, copy=False)
