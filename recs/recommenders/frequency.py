"""Personal frequency: what a customer bought most and last, the strongest simple model of retail."""

from scipy.sparse import csr_matrix

from recs.history import History
from recs.recommenders.habits import HabitModel


class Frequency(HabitModel):
    """Ranks by the decayed number of lines a customer bought; `features.half_life_days` sets the decay."""

    name = "frequency"

    def _habits(self, history: History) -> csr_matrix:
        return history.interactions.weights
