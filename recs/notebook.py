"""What was tried and what was found, as small files in the home, each written whole or not at all.

tuning/2017-11-30.json      what the search of that day found
tuning/trials-1f0c….json    the scores of a search's finished trials, so that a killed one goes on
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from warehouse.settings import Settings
from warehouse.shelf import open_shelf

_TRIALS = "trials-"


class Notebook:
    """The searches of a home.

    Args:
        settings: the home.
    """

    def __init__(self, settings: Settings) -> None:
        self._shelf = open_shelf(str(settings.home.absolute() / "tuning"))

    def scores(self, key: str) -> dict[str, float]:
        """The scores of the finished trials of a search; none where it has not begun."""
        path = f"{_TRIALS}{key}.json"
        return json.loads(self._shelf.read(path)) if self._shelf.exists(path) else {}

    def note(self, key: str, scores: Mapping[str, float]) -> None:
        """Keeps the scores of all trials that a search has finished so far."""
        self._shelf.replace(f"{_TRIALS}{key}.json", _text(scores))

    def newest(self, day: date) -> dict[str, Any] | None:
        """What the newest search found that saw nothing after `day`."""
        days = [path for path in self._shelf.list("") if not path.startswith(_TRIALS)]
        seen = [path for path in days if path <= f"{day}.json"]
        return json.loads(self._shelf.read(seen[-1])) if seen else None

    def keep(self, day: date, found: Mapping[str, Any], key: str) -> None:
        """Keeps what the search of a day found, and lets go of the trials of all others."""
        self._shelf.replace(f"{day}.json", _text(found))
        for path in self._shelf.list(""):
            if path.startswith(_TRIALS) and path != f"{_TRIALS}{key}.json":
                self._shelf.delete(path)


def _text(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()
