"""The three ranked lists of every customer, as arrays that can be mapped into memory.

Row i belongs to customer i of the bundle, the last row to any customer the bundle does not know. For each
slate there are `<slate>.items.npy` int32 (U + 1, depth), `<slate>.scores.npy` float32, and the reasons:
`<slate>.codes.npy` uint8 and `<slate>.facts.npy` int32 (U + 1, depth, 2); see `recs.wording`.
"""

from pathlib import Path

import numpy as np

from recs import reasons
from recs.bundle import ARRAYS
from recs.protocol import Recommender
from recs.world import World

CHUNK = 256
"""Customers ranked and written at once, so that memory does not grow with customers."""


def build(world: World, model: Recommender, slate: str, depth: int, folder: Path) -> int:
    """Writes one slate for every customer and for nobody.

    Args:
        world: customers, products and what is available to whom.
        model: fitted on `world.interactions`.
        slate: one of `recs.bundle.SLATES`.
        depth: how many products a list holds at most.
        folder: where the arrays go; it exists.

    Returns:
        how many recommendations there are, over all known customers.
    """
    users = world.nobody + 1
    out = {
        name: np.lib.format.open_memmap(
            folder / f"{slate}.{name}.npy", mode="w+", dtype=dtype, shape=(users, depth, *more)
        )
        for name, (dtype, more) in ARRAYS.items()
    }
    seen, filled = world.interactions.seen, 0
    for group, allowed in world.available.masks():
        for start in range(0, len(group), CHUNK):
            rows = group[start : start + CHUNK]
            before = seen[rows]
            ids, scores = model.recommend(
                rows,
                depth,
                exclude=before if slate == "discover" else None,
                only=before if slate == "buy_again" else None,
                allowed=allowed,
            )
            codes, facts = reasons.find(model, world, rows, ids)
            for name, values in (("items", ids), ("scores", scores), ("codes", codes), ("facts", facts)):
                out[name][rows] = values
            filled += int((ids[rows != world.nobody] >= 0).sum())
    for array in out.values():
        array.flush()
    return filled
