"""Lists made on the spot, for a request with rules of its own: the night's models under more rules.

It is the night's own code over the night's own models and shop, so a rule that changes nothing gives the
published list, up to the last digits of a score. Importing this loads no model; asking does, once a bundle.
"""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recs.bundle import require_models
from recs.protocol import Recommender
from recs.recommenders import read
from recs.rules import Rules
from recs.shop import Shop
from recs.slates import rank


class Live:
    """Answers for one bundle; safe to share between threads, which take turns.

    Args:
        folder: the bundle's.
        serving: for each slate the model that serves it.
        depth: how many products a list holds at most.

    Raises:
        NotFoundError: the bundle was made without what this needs.
    """

    def __init__(self, folder: Path, serving: dict[str, str], depth: int) -> None:
        self._folder, self._serving, self._depth = folder, serving, depth
        self._shop = Shop.open(folder)
        self._models: dict[str, Recommender] = {}
        self._turn = threading.Lock()

    def rank(self, row: int, slate: str, rules: Rules) -> dict[str, NDArray[Any]]:
        """One customer's slate under the shop's rules and these; arrays as `recs.slates.rank` gives them.

        Raises:
            ModelError: the model cannot be read.
        """
        with self._turn:
            model = self._model(self._serving[slate])
            holding = (self._shop.policy.rules, rules)
            (group,) = self._shop.groups(holding, np.array([row]))
            return rank(self._shop, model, slate, group, self._depth, (rules,))

    def _model(self, name: str) -> Recommender:
        if name not in self._models:
            require_models(self._folder)
            self._models[name] = read(name, self._folder / "models")
        return self._models[name]
