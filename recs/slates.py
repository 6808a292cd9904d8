"""The three ranked lists of every customer, as arrays that can be mapped into memory.

Row i belongs to customer i of the bundle, the last row to any customer the bundle does not know. For each
slate there are `<slate>.items.npy` int32 (U + 1, depth), `<slate>.scores.npy` float32, and the reasons:
`<slate>.codes.npy` uint8 and `<slate>.facts.npy` int32 (U + 1, depth, 2); see `recs.wording`. Scores are the
model's times the retailer's factors; they fall along a list unless pins, a cap or MMR put it in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs import reasons
from recs.bundle import ARRAYS
from recs.diversity import DEEPER, diverse, taken
from recs.pairs import owners
from recs.pins import Lists, put
from recs.protocol import Ids, Mask, Recommender, Scores
from recs.rules import Rules, factors, pinned
from recs.shop import Audience, Shop
from recs.threads import blocks, in_parallel
from recs.world import World


def build(
    world: World, model: Recommender, slates: Sequence[str], depth: int, folder: Path
) -> dict[str, int]:
    """Writes the slates that one model serves, for every customer and for nobody.

    All slates of a block of customers are made one after the other: what a model finds out about a customer
    it finds out once.

    Args:
        world: customers, products and what may be shown to whom.
        model: fitted on `world.history`.
        slates: some of `recs.bundle.SLATES`.
        depth: how many products a list holds at most.
        folder: where the arrays go; it exists.

    Returns:
        how many recommendations each slate holds, over all known customers.
    """
    users, shop = world.nobody + 1, world.shop
    out = {
        (slate, name): np.lib.format.open_memmap(
            folder / f"{slate}.{name}.npy", mode="w+", dtype=dtype, shape=(users, depth, *more)
        )
        for slate in slates
        for name, (dtype, more) in ARRAYS.items()
    }

    def fill(part: Audience) -> None:
        for slate in slates:
            for name, values in rank(shop, model, slate, part, depth).items():
                out[slate, name][part.rows] = values

    for group in shop.groups([shop.policy.rules]):
        in_parallel(fill, [Audience(rows, group.allowed, group.impersonal) for rows in blocks(group.rows)])
    for array in out.values():
        array.flush()
    return {slate: int((out[slate, "items"][: world.nobody] >= 0).sum()) for slate in slates}


def rank(
    shop: Shop, model: Recommender, slate: str, group: Audience, depth: int, more: tuple[Rules, ...] = ()
) -> Lists:
    """One slate for some customers, under every rule of the shop.

    Args:
        shop: what may be shown to whom, and what reasons may be told.
        model: what ranks; it is not asked about impersonal customers.
        slate: one of `recs.bundle.SLATES`.
        group: the customers, and what passes the rules for them.
        depth: how many products a list holds at most.
        more: rules of this request besides the shop's.

    Returns:
        by name of `recs.bundle.ARRAYS` the rows of these customers.
    """
    rules, ranker = (shop.policy.rules, *more), shop.local if group.impersonal else model
    factor = factors(rules, shop.catalogue)
    moved = factor is not None or shop.policy.category_cap > 0 or shop.policy.mmr > 0
    eligible = _eligible(shop, slate, group)
    ids, scores = _best(ranker, group.rows, eligible, depth * DEEPER if moved else depth)
    if factor is not None:
        ids, scores = _boosted(ids, scores, factor)
    if moved:
        ids, scores = diverse(ids, scores, shop.kinds, shop.policy, depth)
    ids, scores = ids[:, :depth], scores[:, :depth]
    codes, facts = reasons.find(ranker, shop, group.rows, ids)
    found: Lists = {"items": ids, "scores": scores, "codes": codes, "facts": facts}
    return _with_pins(shop, ranker, group.rows, eligible, rules, found)


@dataclass(frozen=True)
class _Part:
    """One call's worth of eligible products; see `Recommender.recommend`."""

    allowed: Mask
    exclude: csr_matrix | None = None
    only: csr_matrix | None = None


def _eligible(shop: Shop, slate: str, group: Audience) -> list[_Part]:
    """What a slate may hold. Sensitive products are for those who bought them, and never impersonal."""
    bought, harmless = shop.bought[group.rows], group.allowed & ~shop.sensitive
    if slate == "discover":
        return [_Part(harmless, exclude=bought)]
    if slate == "buy_again":
        if group.impersonal:
            return []
        return [_Part(group.allowed, only=_where(bought, shop.habits["resting"][group.rows].data == 0))]
    if group.impersonal:
        return [_Part(harmless)]
    own = _where(bought, shop.sensitive[bought.indices])
    return [_Part(harmless), *([_Part(group.allowed, only=own)] if own.nnz else [])]


def _where(pattern: csr_matrix, keep: Mask) -> csr_matrix:
    """The cells of a pattern that are kept."""
    owner, columns = owners(pattern)[keep], pattern.indices[keep]
    indptr = np.searchsorted(owner, np.arange(pattern.shape[0] + 1))
    return csr_matrix((np.ones(len(columns), np.float32), columns, indptr), shape=pattern.shape)


def _best(model: Recommender, rows: NDArray[np.int64], parts: list[_Part], n: int) -> tuple[Ids, Scores]:
    """The `n` best of all parts together, which have no product in common."""
    ids, scores = np.full((len(rows), n), -1, np.int32), np.full((len(rows), n), -np.inf, np.float32)
    for number, part in enumerate(parts):
        found = model.recommend(rows, n, exclude=part.exclude, only=part.only, allowed=part.allowed)
        if number:
            ids, scores = np.hstack([ids, found[0]]), np.hstack([scores, found[1]])
            order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
            ids, scores = np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
        else:
            ids, scores = found
    return ids, scores


def _boosted(ids: Ids, scores: Scores, factor: Scores) -> tuple[Ids, Scores]:
    by = np.where(ids >= 0, factor[ids], 1)
    scores = np.where(scores >= 0, scores * by, scores / by).astype(np.float32)
    return taken(np.argsort(-scores, axis=1, kind="stable"), ids, scores)


def _with_pins(
    shop: Shop,
    model: Recommender,
    rows: NDArray[np.int64],
    parts: list[_Part],
    rules: tuple[Rules, ...],
    lists: Lists,
) -> Lists:
    """The lists with the pinned products where they are eligible, also those that nobody bought yet."""
    pins = pinned(rules, shop.catalogue)
    if not len(pins.columns):
        return lists
    columns, indptr = np.sort(pins.columns), np.arange(len(rows) + 1) * len(pins.columns)
    cells = np.tile(columns, len(rows))
    named = csr_matrix(
        (np.ones(len(cells), np.float32), cells, indptr), shape=(len(rows), len(shop.sensitive))
    )
    asked = [replace(p, only=named if p.only is None else csr_matrix(p.only.multiply(named))) for p in parts]
    return put(lists, pins, *_best(model, rows, asked, len(columns)))
