"""Puts products that a retailer chose at the places it chose, and moves the others down."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recs.protocol import Ids, Scores
from recs.rules import Pinned
from recs.wording import PICKED

Lists = dict[str, NDArray[Any]]
"""By name of `recs.bundle.ARRAYS` arrays (U, depth, …)."""

_EMPTY = {"items": -1, "scores": -np.inf, "codes": 0, "facts": 0}


def put(lists: Lists, pins: Pinned, ids: Ids, scores: Scores) -> Lists:
    """The same lists with the pins at their places, at the end of one that is shorter.

    Args:
        lists: without or with the pinned products somewhere.
        pins: the products and their places.
        ids: (U, P) the pinned products that each customer may be shown, in any order, -1 for none.
        scores: (U, P) what the model says of them.
    """
    lists = _without(lists, pins.columns)
    for column, place in zip(pins.columns.tolist(), pins.places.tolist(), strict=True):
        owner, slot = np.nonzero(ids == column)
        new = {"items": column, "scores": scores[owner, slot], "codes": PICKED, "facts": 0}
        _insert(lists, owner, place, new)
    return lists


def _without(lists: Lists, columns: Ids) -> Lists:
    """The lists closed up over what was taken out."""
    out = np.isin(lists["items"], columns)
    order = np.argsort(out, axis=1, kind="stable")
    gone = np.sort(out, axis=1)
    found = {name: _taken(values, order) for name, values in lists.items()}
    for name, nothing in _EMPTY.items():
        found[name][gone] = nothing
    return found


def _insert(lists: Lists, owner: NDArray[np.int64], place: int, new: dict[str, Any]) -> None:
    items = lists["items"][owner]
    at = np.minimum(place, (items >= 0).sum(axis=1))[:, None]
    slot = np.arange(items.shape[1])
    order = np.argsort(np.hstack([slot + (slot >= at), at]), axis=1, kind="stable")[:, :-1]
    for name, values in lists.items():
        one = np.empty((len(owner), 1, *values.shape[2:]), values.dtype)
        one.T[...] = new[name]
        values[owner] = _taken(np.concatenate([values[owner], one], axis=1), order)


def _taken(values: NDArray[Any], order: NDArray[np.int64]) -> NDArray[Any]:
    """Each row's values in another order, whatever their shape beyond."""
    return values[np.arange(len(order))[:, None], order]
