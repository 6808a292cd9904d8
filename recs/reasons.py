"""Finds why each product stands in a slate, as the codes and facts that `recs.wording` puts into words.

A reason says what really put the product there. Where the model had no evidence, popularity did, and the
reason says so, whatever the model.
"""

import numpy as np
from numpy.typing import NDArray

from recs.pairs import values
from recs.protocol import Ids, Recommender
from recs.recommenders.frequency import Frequency
from recs.recommenders.item_item import ItemItem
from recs.wording import ALIKE, BOUGHT, POPULAR, TOGETHER, TOGETHER_UNNAMED
from recs.world import World

Codes = NDArray[np.uint8]
Facts = NDArray[np.int32]


def find(model: Recommender, world: World, rows: NDArray[np.int64], ids: Ids) -> tuple[Codes, Facts]:
    """Why each product stands where it does.

    Args:
        model: what ranked them.
        world: what it learned from.
        rows: customers, (U,).
        ids: (U, n) columns, -1 for none.

    Returns:
        codes uint8 (U, n) and facts int32 (U, n, 2).
    """
    owner, slot = np.nonzero(ids >= 0)
    columns = ids[owner, slot]
    codes, facts = np.zeros(ids.shape, np.uint8), np.zeros((*ids.shape, 2), np.int32)
    codes[owner, slot] = POPULAR
    facts[owner, slot, 0] = world.history.buyers[columns]
    said = model.evidence(rows, owner, columns) > 0
    owner, slot, columns = owner[said], slot[said], columns[said]
    if isinstance(model, Frequency):
        codes[owner, slot] = BOUGHT
        facts[owner, slot] = _habits(world, rows, owner, columns)
    elif isinstance(model, ItemItem):
        together, source = _companions(model, world, rows, ids)
        codes[owner, slot], facts[owner, slot, 0] = together[owner, slot], source[owner, slot]
    else:
        codes[owner, slot], facts[owner, slot, 0] = ALIKE, 0
    return codes, facts


def _habits(world: World, rows: NDArray[np.int64], owner: NDArray[np.int64], columns: Ids) -> Facts:
    found = [values(world.history.beside(fact)[rows], owner, columns) for fact in ("baskets", "last")]
    return np.stack(found, axis=1).astype(np.int32)


def _companions(model: ItemItem, world: World, rows: NDArray[np.int64], ids: Ids) -> tuple[Codes, Facts]:
    """Codes and columns, (U, n), of the bought products that add most to each score."""
    source = model.largest_reason(rows, ids)
    hidden = world.catalogue["sensitive"].to_numpy()[source] & (source >= 0)
    codes = np.where(hidden, TOGETHER_UNNAMED, TOGETHER).astype(np.uint8)
    return codes, np.where(hidden, -1, source).astype(np.int32)
