"""Two shares and their difference, with a 95 % interval."""

from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True)
class Difference:
    """How much larger one share is than another, between the ends of its 95 % interval; all from -1 to 1."""

    mean: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def wilson(some: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927).

    Args:
        some: how many did, from 0 to `of`.
        of: how many there are, above 0.
    """
    share, square = some / of, Z * Z
    middle = share + square / (2 * of)
    half = Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (middle - half) / (1 + square / of), (middle + half) / (1 + square / of)


def difference(some: int, of: int, other: int, of_other: int) -> Difference:
    """The share `some / of` less the share `other / of_other`, of different people.

    The interval is Newcombe's hybrid score interval (Statistics in Medicine 17 (1998), 873-890, method 10),
    which holds for small numbers and shares near 0 too.
    """
    one, two = some / of, other / of_other
    (low_one, high_one), (low_two, high_two) = wilson(some, of), wilson(other, of_other)
    return Difference(
        one - two,
        one - two - sqrt((one - low_one) ** 2 + (high_two - two) ** 2),
        one - two + sqrt((high_one - one) ** 2 + (two - low_two) ** 2),
    )
