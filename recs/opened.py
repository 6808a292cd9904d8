"""A bundle opened for answers: its lists at once, what answers on the spot when it is first needed."""

import threading
from typing import TYPE_CHECKING

from recs.bundle import Bundle, folder_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from recs.live import Live


class Opened:
    """Safe to share between threads. Importing this loads no model; `live` does.

    Raises:
        NotFoundError: the bundle's folder is missing or incomplete.
    """

    def __init__(self, settings: Settings, bundle_id: str) -> None:
        self.bundle = Bundle.open(settings, bundle_id)
        self._folder = folder_of(settings, bundle_id)
        self._live: Live | None = None
        self._opening = threading.Lock()

    @property
    def live(self) -> "Live":
        """What makes lists on the spot.

        Raises:
            NotFoundError: the bundle was made without what this needs.
        """
        if self._live is None:
            with self._opening:
                if self._live is None:
                    from recs.live import Live

                    self._live = Live(self._folder, self.bundle)
        return self._live

    @property
    def is_live(self) -> bool:
        """Whether what answers on the spot is loaded."""
        return self._live is not None
