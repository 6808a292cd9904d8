"""The simulator: a retailer of any size as a feed folder, and the truth about what its customers are owed.

Ordinary traffic (the crowd) is made so that no case can be in it. Between its customers stand planted ones:
for every kind of saving each of its cases, with the exact amount, and look-alikes that miss one condition by
the smallest step. `docs/how-to/simulate.md` shows how it is used.
"""

from features.simulator.making import FIRST, SET, Plan, Simulated, simulate
from features.simulator.sets import TRUTH

__all__ = ["FIRST", "SET", "TRUTH", "Plan", "Simulated", "simulate"]
