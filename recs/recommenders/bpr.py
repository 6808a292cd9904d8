"""Bayesian personalised ranking from `implicit`: what was bought should stand above what was not.

It learns by chance steps that threads would take in a race, so one thread takes them, from a seed. Every fit
makes a new `implicit` object, for an old one would go on from stale factors.
"""

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking

from recs.history import History
from recs.protocol import Ids, Scores
from recs.recommenders.factors import FactorModel


class Bpr(FactorModel):
    """Ranks by the product of factors s as log(1 + eˢ), for here what lies below 0 has an order, too.

    Args:
        factors: length of the vectors; a product has its own popularity as one more.
        rate: how far a step goes.
        reg: regularisation.
        epochs: how often each pair is looked at.
        seed: of the start and the steps.
    """

    name = "bpr"

    def __init__(
        self, *, factors: int = 64, rate: float = 0.01, reg: float = 0.01, epochs: int = 10, seed: int = 0
    ) -> None:
        self.factors, self.rate, self.reg, self.epochs, self.seed = factors, rate, reg, epochs, seed

    def _solved(self, history: History, columns: Ids) -> tuple[Scores, Scores]:
        solver = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.rate,
            regularization=self.reg,
            iterations=self.epochs,
            num_threads=1,
            random_state=self.seed,
        )
        solver.fit(history.interactions.seen[:, columns], show_progress=False)
        return solver.user_factors, solver.item_factors

    def _evident(self, products: Scores, customers: Scores) -> Scores:
        np.logaddexp(0, products, out=products)
        products[~customers.any(axis=1)] = 0
        return products
