"""What all models share: popularity as the last resort, limits, blocks, and the way to disk."""

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recs.arrays import read_npz, require_finite, write_npz
from recs.history import History
from recs.pairs import Columns, Owner, ordered, owners
from recs.protocol import Ids, Mask, Scores
from recs.ranking import Candidates, Limits, Popular, top
from recs.threads import BLOCK, Last, one_blas_thread
from warehouse.errors import ModelError

MIN_BUYERS = 3
"""A product fewer customers bought says nothing about who else would like it."""

Rows = NDArray[np.int64]


class PopularBase(ABC):
    """A model whose scores are its own evidence plus a little popularity; see `recs.ranking`.

    A model says what it learns (`_learn`), what it knows of pairs (`evidence`) and of whole rows
    (`_candidates`), and which arrays make it up (`_arrays`, `_restore`). The keyword arguments it is made
    with are its parameters; each is kept as an attribute of that name.
    """

    name: ClassVar[str]
    popular: Popular | None = None
    customers: int = 0
    last: Last[Any]
    """What was found out about the rows asked last, whatever a kind of model keeps of them."""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model was made with, by keyword."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def fit(self, history: History) -> Self:
        """Learns from a history; see `Recommender.fit`."""
        interactions = history.interactions
        require_finite("the interactions", interactions.counts.data, interactions.weights.data)
        self.customers = interactions.counts.shape[0]
        self.popular, self.last = Popular.of(popularity_share(history)), Last()
        self._learn(history)
        return self

    def recommend(
        self,
        rows: ArrayLike,
        n: int,
        *,
        exclude: csr_matrix | None = None,
        only: csr_matrix | None = None,
        allowed: Mask | None = None,
    ) -> tuple[Ids, Scores]:
        """The `n` best products for each asked customer; see `Recommender.recommend`."""
        popular, asked = self._fitted(), self._asked(rows, n)
        limits = Limits.checked((len(asked), len(popular.order)), exclude, only, allowed)
        ids, scores = np.full((len(asked), n), -1, np.int32), np.full((len(asked), n), -np.inf, np.float32)
        with one_blas_thread():
            for start in range(0, len(asked), BLOCK):
                block = slice(start, min(start + BLOCK, len(asked)))
                mine, within = asked[block], limits.rows(block.start, block.stop)
                found = self._proposed(mine, n, within)
                ids[block], scores[block] = top(found, popular, len(mine), n, within)
        return ids, scores

    def save(self, folder: Path) -> Path:
        """Writes `<name>.npz`; see `Recommender.save`."""
        popular = self._fitted()
        shared = {
            "share": popular.share,
            "customers": np.array(self.customers),
            "parameters": np.array(json.dumps(self.parameters, sort_keys=True)),
        }
        return write_npz(folder / f"{self.name}.npz", shared | self._arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; see `Recommender.load`."""
        path = folder / f"{cls.name}.npz"
        arrays = read_npz(path)
        try:
            model = cls(**json.loads(str(arrays["parameters"])))
            model.popular, model.last = Popular.of(arrays["share"]), Last()
            model.customers = int(arrays["customers"])
            model._restore(arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the model at {path} does not fit ({error}); run the night again") from error
        require_finite(f"the arrays of {path}", *(a for a in arrays.values() if a.dtype.kind == "f"))
        return model

    @abstractmethod
    def _learn(self, history: History) -> None: ...

    @abstractmethod
    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """What the model itself says for pairs; see `Recommender.evidence`."""

    @abstractmethod
    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates: ...

    @abstractmethod
    def _arrays(self) -> dict[str, NDArray[Any]]: ...

    @abstractmethod
    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None: ...

    def _proposed(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        if limits.only is None:
            return self._candidates(rows, n, limits)
        owner, columns = owners(limits.only), limits.only.indices.astype(np.int32)
        return Candidates(owner, columns, self.evidence(rows, owner, columns))

    def _fitted(self) -> Popular:
        if self.popular is None:
            raise ModelError(f"the {self.name} model is not fitted; call fit(history) first")
        return self.popular

    def _asked(self, rows: ArrayLike, n: int) -> Rows:
        asked = np.atleast_1d(np.asarray(rows, np.int64))
        if n < 1:
            raise ModelError(f"n is {n}; ask for at least 1 product")
        if len(asked) and (asked.min() < 0 or asked.max() >= self.customers):
            raise ModelError(f"rows must lie in 0 … {self.customers - 1}; got {asked.min()} … {asked.max()}")
        return asked


def grouped(owner: Owner, users: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Pairs by block of asked rows: which rows, and where their pairs are.

    Args:
        owner: the asked row of each pair, (P,), in any order.
        users: how many rows are asked.
    """
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(0, users + BLOCK, BLOCK))
    for number, (start, stop) in enumerate(pairwise(bounds)):
        if stop > start:
            yield slice(number * BLOCK, min((number + 1) * BLOCK, users)), order[start:stop]


def places(columns: Ids, width: int) -> NDArray[np.int64]:
    """For each of `width` products its place among `columns`, -1 where it is not there."""
    place = np.full(width, -1, np.int64)
    place[columns] = np.arange(len(columns))
    return place


def popularity_share(history: History) -> Scores:
    """How popular each product is, 1 for the most popular: (I,) float32.

    A customer counts for as much as the decayed number of lines they bought, but at most once: many
    customers make a product popular, not one customer's many purchases, and lately counts more.
    """
    weights = history.interactions.weights
    heads = np.bincount(weights.indices, np.minimum(weights.data, 1), minlength=weights.shape[1])
    most = heads.max(initial=0)
    return (heads / most if most > 0 else heads).astype(np.float32)


def bags(history: History, columns: Ids) -> csr_matrix:
    """What each customer has of some products, (U, T) float32: 0.5 + log(1 + decayed lines) of each bought.

    That it was ever bought counts as much as that it was bought lately, and more of it ever less.
    """
    weights = ordered(history.interactions.weights[:, columns].astype(np.float32))
    weights.data = np.float32(0.5) + np.log1p(weights.data)
    return weights


def packed(**matrices: csr_matrix) -> dict[str, NDArray[Any]]:
    """Sparse matrices as plain arrays, for `_arrays`."""
    return {
        f"{name}_{part}": values
        for name, matrix in matrices.items()
        for part, values in (
            ("data", matrix.data),
            ("indices", matrix.indices),
            ("indptr", matrix.indptr),
            ("shape", np.array(matrix.shape)),
        )
    }


def unpacked(arrays: dict[str, NDArray[Any]], name: str) -> csr_matrix:
    """A matrix that `packed` took apart."""
    parts = (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"])
    return csr_matrix(parts, shape=tuple(arrays[f"{name}_shape"].tolist()))


def blank(width: int) -> csr_matrix:
    """A (width, width) float32 matrix without entries."""
    nowhere = np.empty(0, np.int32)
    return csr_matrix((np.empty(0, np.float32), (nowhere, nowhere)), shape=(width, width))


def trained_columns(history: History) -> Ids:
    """The products that at least `MIN_BUYERS` customers bought, ascending."""
    return np.flatnonzero(history.buyers >= MIN_BUYERS).astype(np.int32)
