"""The factors of an invented retailer's products and customers."""

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity, vstack

from benchmarks.scoring.retailer import Retailer
from recs.protocol import Scores
from recs.recommenders import Ease, IAls
from recs.similar import DEPTH, Similar
from recs.threads import one_blas_thread
from recs.topk import top_k
from recs.visitors import LOSS, EaseVisitors, FactorVisitors, Visitors

_LEARNT_ON = 5
"""Blocks of customers that factors are learned on."""


def model(kind: str, products: int, length: int, seed: int) -> IAls:
    """An unfitted model; beside `random` factors a purchase weighs enough for scores like learned ones."""
    return IAls(factors=length, alpha=0.1 * products / length if kind == "random" else 0.1, seed=seed)


def product_factors(shop: Retailer, model: IAls, kind: str) -> Scores:
    """(I, F) factors of the products: `random`, or `learned` by the model from the first customers."""
    if kind == "random":
        chance = np.random.default_rng([shop.seed, 3])
        return chance.standard_normal((shop.products, model.factors), dtype=np.float32)
    some: Any = vstack([bought for _, bought in islice(shop.blocks(), _LEARNT_ON)], format="csr")
    with one_blas_thread():
        _, found = model.solve(csr_matrix(some * np.float32(model.alpha)))
    wide = np.zeros((shop.products, model.factors), np.float32)
    wide[:, : found.shape[1]] = found
    return wide


def folded(model: IAls, bought: csr_matrix) -> Scores:
    """(B, F) factors of customers by what they bought."""
    with one_blas_thread():
        gram = (model.product_factors.T @ model.product_factors).astype(np.float64)
        _, turn = np.linalg.eigh(gram)
        found, _ = model.side(csr_matrix(bought * np.float32(model.alpha)), model.product_factors)
        back: Scores = found @ turn.T.astype(np.float32)
    return back


def visitors(model: IAls, buyers: NDArray[np.int64], kind: str) -> Visitors:
    """What answers a basket: the model's own products' factors, or weights of the most bought products."""
    if kind == FactorVisitors.kind:
        loss = {name: float(model.parameters[name]) for name in LOSS}
        return FactorVisitors.of(model.columns, model.product_factors, loss, len(buyers))
    columns = np.sort(np.argsort(-buyers, kind="stable")[: Ease().items]).astype(np.int32)
    weights = np.random.default_rng(model.seed).standard_normal((len(columns), len(columns)), np.float32)
    return EaseVisitors(columns, weights, len(buyers))


def similar(factors: Scores) -> Similar:
    """The products whose factors point the same way, for each product."""
    unit = factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    itself: Any = identity(len(unit), np.float32, format="csr")
    ids, scores = top_k(unit, unit, DEPTH, exclude=csr_matrix(itself))
    like = scores > 0
    return Similar(np.where(like, ids, np.int32(-1)), np.where(like, scores, np.float32(0)))
