"""The storefront's way in: published slates, answered from mapped memory.

    scorer = Scorer.open(load_settings())
    scorer.recommend("1402", slate="for_you", n=10)
    scorer.recommend("1402", n=10, rules=Rules(deny=("ICE CREAM",), exclude=("1029743",)))

Importing this loads no model, no web framework and no Airflow. A request with rules of its own is answered by
the bundle's models, which are loaded when the first such request comes.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recs import registry
from recs.bundle import SLATES, Bundle, folder_of
from recs.rules import Rules
from recs.wording import NAMING, wording
from warehouse.errors import AdvocateError, NotFoundError, SettingsError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from recs.live import Live

CHECK_SECONDS = 1.0
"""How often, at most, the database is asked whether another bundle was published."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recommendation:
    """One product for one customer; `rank` counts from 1, `reason` is a sentence for people."""

    product_id: str
    title: str
    score: float
    rank: int
    reason: str
    bundle_id: str


class Scorer:
    """Answers from the current bundle; safe to share between threads.

    A newly published bundle is noticed within a second. Each answer comes from one bundle only: it is
    opened whole before it takes the place of the one before.
    """

    def __init__(self, settings: Settings, bundle: Bundle) -> None:
        self._settings = settings
        self._bundle = bundle
        self._checked = time.monotonic()
        self._refreshing = threading.Lock()
        self._opening = threading.Lock()
        self._live: tuple[str, Live] | None = None

    @classmethod
    def open(cls, settings: Settings) -> "Scorer":
        """Opens the current bundle of this home.

        Raises:
            NotFoundError: nothing is published yet, or its folder is gone.
        """
        return cls(settings, Bundle.open(settings, _current(settings)))

    @property
    def bundle_id(self) -> str:
        """The bundle that answers now."""
        return self._fresh().bundle_id

    def recommend(
        self, customer_id: str, slate: str = "for_you", n: int = 10, *, rules: Rules | None = None
    ) -> list[Recommendation]:
        """The best products for a customer; popular ones for a customer the bundle does not know.

        Args:
            customer_id: any text.
            slate: `for_you`, `buy_again` (only what they bought) or `discover` (never bought).
            n: how many, at least 1; at most the bundle's depth come back, fewer where there are fewer.
            rules: of this request, besides the shop's own; with them the list is made on the spot.

        Raises:
            NotFoundError: there is no such slate, or rules are asked for and the bundle cannot follow them.
            SettingsError: `n` is below 1.
        """
        if slate not in SLATES:
            raise NotFoundError(f"there is no slate {slate!r}; there are {', '.join(SLATES)}")
        if n < 1:
            raise SettingsError(f"n is {n}; ask for at least 1 product")
        bundle = self._fresh()
        arrays, row = bundle.slates[slate], bundle.row_of(customer_id)
        if rules is not None and rules != Rules():
            arrays, row = self._opened(bundle).rank(row, slate, rules), 0
        items = np.asarray(arrays["items"][row, :n])
        items = items[items >= 0]
        facts = np.asarray(arrays["facts"][row, : len(items)])
        answer = explained(bundle, items, np.asarray(arrays["codes"][row, : len(items)]), facts)
        scores = arrays["scores"][row, : len(items)].tolist()
        return [
            Recommendation(product_id, title, score, rank, reason, bundle.bundle_id)
            for rank, ((product_id, title, reason), score) in enumerate(
                zip(answer.iter_rows(), scores, strict=True), 1
            )
        ]

    def _opened(self, bundle: Bundle) -> "Live":
        """What answers requests with rules from this bundle; models of the bundle before are let go."""
        with self._opening:
            if self._live is None or self._live[0] != bundle.bundle_id:
                from recs.live import Live

                folder, manifest = folder_of(self._settings, bundle.bundle_id), bundle.manifest
                opened = Live(folder, manifest["serving"], manifest["depth"])
                self._live = (bundle.bundle_id, opened)
            return self._live[1]

    def _fresh(self) -> Bundle:
        if time.monotonic() - self._checked >= CHECK_SECONDS and self._refreshing.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._checked = time.monotonic()
                self._refreshing.release()
        return self._bundle

    def _refresh(self) -> None:
        try:
            newest = _current(self._settings)
            if newest != self._bundle.bundle_id:
                self._bundle = Bundle.open(self._settings, newest)
        except AdvocateError as error:
            # A shop page is better served from the last good bundle than not at all.
            _log.warning("still serving bundle %s: %s", self._bundle.bundle_id, error)


def explained(
    bundle: Bundle, items: np.ndarray[tuple[int], np.dtype[np.int32]], codes: object, facts: object
) -> pl.DataFrame:
    """`product_id`, `title` and `reason` of some positions of slates, in their order.

    Args:
        bundle: where they stand.
        items: (P,) columns, none of them -1.
        codes: (P,) reason codes.
        facts: (P, 2) their numbers; see `recs.wording`.
    """
    code, numbers = np.asarray(codes), np.asarray(facts)
    if not len(items):
        return pl.DataFrame(schema={"product_id": pl.String, "title": pl.String, "reason": pl.String})
    named = np.where(np.isin(code, NAMING), numbers[:, 0], 0)
    titles = bundle.catalogue["title"]
    frame = pl.DataFrame({"code": code, "first": numbers[:, 0], "second": numbers[:, 1]})
    frame = frame.with_columns(titles.gather(named), bundle.catalogue["category"].gather(named))
    reasons = frame.select(wording(bundle.day)).to_series()
    return pl.DataFrame([bundle.products.gather(items), titles.gather(items), reasons])


def _current(settings: Settings) -> str:
    now = registry.current(settings)
    if now is None:
        raise NotFoundError("nothing is published yet; run `advocate demo` or `advocate nightly` first")
    return now.bundle_id
