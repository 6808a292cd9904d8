"""Models fitted once in a run, however many ask for them: the judge, the gate, the ranker and the slates."""

from collections.abc import Mapping
from typing import Any

from recs.history import History
from recs.protocol import Recommender
from recs.ranker import MEMBERS, Ranker
from recs.ranker.ranker import Known
from recs.recommenders import NAMES, make
from warehouse.errors import ModelError
from warehouse.settings import Settings

Parameters = Mapping[str, Mapping[str, Any]]
"""By model keyword arguments it is made with; what is missing is left to settings and its own defaults."""


class Fits:
    """Fits models on request and remembers them by name and by the end of their history.

    So all histories of one `Fits` must be earlier moments of the same one; see `History.before`.

    Args:
        settings: where models take what `parameters` do not say.
        parameters: by model what to make it with; a model that is missing gets its defaults.
    """

    def __init__(self, settings: Settings, parameters: Parameters | None = None) -> None:
        self.settings, self.parameters = settings, dict(parameters or {})
        self._fitted: dict[tuple[str, int], Recommender] = {}
        self._examples: Known = {}

    @property
    def made_with(self) -> dict[str, dict[str, Any]]:
        """By model all parameters that it is made with, its own defaults and those of settings included."""
        return {name: self._made(name).parameters for name in (*NAMES, Ranker.name)}

    def get(self, name: str, history: History) -> Recommender:
        """The model of that name, fitted on that history.

        Raises:
            ModelError: no model has that name, or it could not be fitted.
        """
        key = (name, history.end)
        if key not in self._fitted:
            self._fitted[key] = self._made(name).fit(history)
        return self._fitted[key]

    def _made(self, name: str) -> Recommender:
        if name != Ranker.name:
            return make(name, self.settings, self.parameters.get(name))
        days, seed = self.settings.recs.judge_days, self.settings.seed
        given: dict[str, Any] = {"members": MEMBERS, "days": days, "seed": seed}
        given |= self.parameters.get(name, {})
        try:
            return Ranker(**given, fit=self.get, known=self._examples)
        except TypeError as error:
            raise ModelError(f"the model {name} cannot be made from {given}: {error}") from error
