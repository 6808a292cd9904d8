"""Ids that tell nothing: numbers in order become numbers in no order, one for one.

A number is a group and a place in it (its last digit). Places keep their order in the id, so that a plant can
say which of two ids comes first; groups do not.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

PLACES = 10
_MASK = (1 << 32) - 1
_LETTERS = {
    **{"customer": "c", "person": "h", "order": "o", "product": "p"},
    **{"offer": "f", "entitlement": "e", "incident": "i"},
}
_SYLLABLES = ["ba", "do", "fu", "ki", "lo", "mu", "na", "pe", "ro", "zu"]


@dataclass(frozen=True)
class Ids:
    """The ids of one simulated retailer."""

    seed: int

    def of(self, space: str, number: pl.Expr) -> pl.Expr:
        """The ids of numbers; null stays null."""
        group = self._mixed(space, (number // PLACES).cast(pl.UInt64))
        text = group.cast(pl.String).str.zfill(10)
        return pl.lit(_LETTERS[space]) + text + (number % PLACES).cast(pl.String)

    def word(self, number: pl.Expr) -> pl.Expr:
        """An invented word per number, no two the same, in letters only."""
        digits = self._mixed("word", number.cast(pl.UInt64)).cast(pl.String)
        return digits.str.replace_many([str(digit) for digit in range(10)], _SYLLABLES).str.to_titlecase()

    def _mixed(self, space: str, group: pl.Expr) -> pl.Expr:
        """A permutation of the numbers below 2³²: odd factors and shifts to the right undo each other."""
        salt = int.from_bytes(space.encode()[:4], "big")
        first, offset, second = np.random.default_rng([self.seed, salt]).integers(0, _MASK, 3).tolist()
        mixed = (group * (first | 1) + offset) & _MASK
        mixed = mixed ^ (mixed // (1 << 15))
        mixed = (mixed * (second | 1)) & _MASK
        spread: pl.Expr = mixed ^ (mixed // (1 << 13))
        return spread
