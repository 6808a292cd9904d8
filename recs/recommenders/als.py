"""Alternating least squares from `implicit`.

A customer without history has the point 0, for which `implicit` lists arbitrary products at score 0; here
that is no evidence, and such a customer gets popular products. Every fit makes a new `implicit` object, for
an old one would go on from stale factors.
"""

from implicit.cpu.als import AlternatingLeastSquares

from recs.history import History
from recs.protocol import Ids, Scores
from recs.recommenders.factors import FactorModel


class Als(FactorModel):
    """Ranks by factors learned from the number of lines, each pair that was not bought weighing 1.

    Args:
        factors: length of the vectors.
        reg: regularisation, not scaled by frequency.
        epochs: how often both sides are solved.
        seed: of the start.
    """

    name = "als"

    def __init__(self, *, factors: int = 128, reg: float = 30.0, epochs: int = 10, seed: int = 0) -> None:
        self.factors, self.reg, self.epochs, self.seed = factors, reg, epochs, seed

    def _solved(self, history: History, columns: Ids) -> tuple[Scores, Scores]:
        solver = AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.reg,
            alpha=1.0,
            iterations=self.epochs,
            random_state=self.seed,
        )
        solver.fit(history.interactions.counts[:, columns], show_progress=False)
        return solver.user_factors, solver.item_factors
