"""Products that are like another one: bought by the same customers, else described alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recs.history import History
from recs.pairs import Columns, Owner, keys, owners
from recs.protocol import Ids, Scores
from recs.recommenders.neighbours import NeighbourModel

DEPTH = 30
"""How many each product has at most."""


@dataclass(frozen=True)
class Similar:
    """For each product those most like it.

    Attributes:
        items: (I, DEPTH) columns, best first, -1 for none.
        scores: (I, DEPTH) how alike, above 0 and falling along each list, 0 for none.
    """

    items: Ids
    scores: Scores

    @classmethod
    def of(cls, history: History, bought: NeighbourModel, described: NeighbourModel) -> "Similar":
        """What is bought by the same customers, then, where that is too little, what is described alike.

        Args:
            history: what both models are fitted on.
            bought: says what the same customers buy.
            described: says what has similar words and prices.
        """
        shape = (history.catalogue.height, DEPTH)
        found = cls(np.full(shape, -1, np.int32), np.zeros(shape, np.float32))
        for model in (bought, described):
            found._append(*_neighbours(model))
        return found

    def _append(self, owner: Owner, columns: Columns, score: Scores) -> None:
        """Puts pairs, each owner's best first, behind what is there; what is there already is left out."""
        width = len(self.items)
        at, place = np.nonzero(self.items >= 0)
        new = ~np.isin(keys(owner, columns, width), keys(at, self.items[at, place], width))
        owner, columns, score = owner[new], columns[new], score[new]
        length = np.count_nonzero(self.items >= 0, axis=1)
        worst = np.where(length, self.scores[np.arange(width), np.maximum(length - 1, 0)], np.float32(1))
        place = _counted(owner) + length[owner]
        room = place < DEPTH
        owner, place = owner[room], place[room]
        self.items[owner, place] = columns[room]
        self.scores[owner, place] = worst[owner] * score[room]


def _neighbours(model: NeighbourModel) -> tuple[Owner, Columns, Scores]:
    """The neighbours of all products of a model as pairs, by product, the nearest first; scores up to 1."""
    near = model.similarity
    owner, score = owners(near), np.minimum(near.data, 1)
    real = (score > 0) & (owner != near.indices)
    owner, column, score = owner[real], near.indices[real], score[real]
    order = np.lexsort((column, -score, owner))
    first = _counted(owner[order]) < DEPTH
    order = order[first]
    return model.columns[owner[order]].astype(np.int64), model.columns[column[order]], score[order]


def _counted(owner: Owner) -> NDArray[np.int64]:
    """For pairs sorted by owner the place of each among those of its owner, from 0."""
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    places: NDArray[np.int64] = np.arange(len(owner)) - np.repeat(begins, np.diff(begins, append=len(owner)))
    return places
