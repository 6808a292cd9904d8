"""The storefront's way in: published slates from mapped memory, and everything else on the spot.

    scorer = Scorer.open(load_settings())
    scorer.recommend("1402", slate="for_you", n=10)
    scorer.recommend("1402", n=10, context=Context(deny=("TROPICAL FRUIT",), exclude=("1029743",)))
    scorer.for_basket(["1029743", "981760"], views=["1082185"])

Importing this loads no model, no web framework and no Airflow. What answers on the spot is loaded when it is
first needed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from features.live import Event, store
from recs import registry
from recs.answers import Answer, Arm, Explanation, Recommendation, Source
from recs.bundle import SLATES
from recs.context import NOTHING, Context
from recs.experiment import arm_of
from recs.naming import named
from recs.opened import Opened
from recs.ranked import Ranked
from recs.recent import Doings, Recent
from recs.watching import Watcher
from warehouse import tombstones
from warehouse.errors import AdvocateError, NotFoundError, SettingsError
from warehouse.settings import Settings
from warehouse.tombstones import Tombstones

if TYPE_CHECKING:
    from recs.session import Session

MOST = 1000
"""Products that are asked for at once at most."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Basket:
    """A visit of which nothing else is known; see `Scorer.for_basket`."""

    product_ids: Sequence[str]
    views: Sequence[str] = ()
    n: int = 10


class Scorer:
    """Answers from the current bundle; safe to share between threads.

    A newly published bundle is noticed within about a second, what customers do within a quarter. Each
    answer comes from one bundle only: it is opened whole before it takes the place of the one before. In an
    experiment a customer always gets the same bundle of the two.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watcher: Watcher | None = None
        self._complaints: dict[str, str] = {}
        self._opened: dict[Arm, Opened] = {}
        self._erasures, self._erased = tombstones.version(settings), Tombstones.of(settings)
        self._opened = self._open(_bundles(settings))
        self._recent = Recent(settings)

    @classmethod
    def open(cls, settings: Settings, *, watch: bool = True) -> Self:
        """Opens the current bundle of this home, and the challenger of an experiment.

        Args:
            settings: the home.
            watch: whether a thread looks for new bundles and events until `close`; else `refresh` does.

        Raises:
            NotFoundError: nothing is published yet, or its folder is gone.
        """
        scorer = cls(settings)
        if watch:
            scorer._watcher = Watcher(scorer)
        return scorer

    def close(self) -> None:
        """Ends the watching; answers go on from what is open."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bundle_id(self) -> str:
        """The bundle that answers now, in an experiment the champion's."""
        return self._opened["champion"].bundle.bundle_id

    def warm(self) -> None:
        """Loads what answers on the spot, so that nobody waits for it.

        Raises:
            NotFoundError: a bundle was made without what this needs.
        """
        for opened in self._opened.values():
            opened.live.warm()

    def refresh(self) -> None:
        """Notices a newly published bundle; the last good one goes on where that cannot be opened."""
        try:
            self._forget_erased()
            wanted = _bundles(self._settings)
            if {arm: opened.bundle.bundle_id for arm, opened in self._opened.items()} != wanted:
                self._opened = self._open(wanted)
        except AdvocateError as error:
            # A shop page is better served from the last good bundle than not at all.
            self._complain("bundle", f"still serving bundle {self.bundle_id}: {error}")
        else:
            self._complaints.pop("bundle", None)

    def _forget_erased(self) -> None:
        """Opens all bundles anew, and forgets what customers did, after somebody was erased from them."""
        erasures = tombstones.version(self._settings)
        if erasures != self._erasures:
            self._erased = Tombstones.of(self._settings)
            self._opened, self._recent = (
                self._open(_bundles(self._settings), anew=True),
                Recent(self._settings),
            )
            self._erasures = erasures

    def follow(self) -> None:
        """Counts what customers did in other processes; what is known goes on where that cannot be read."""
        try:
            self._recent.refresh()
        except AdvocateError as error:
            self._complain("events", f"live events of other processes do not count: {error}")
        else:
            self._complaints.pop("events", None)

    def take(self, events: Sequence[Event]) -> int:
        """Keeps what customers did; it is durable, and counts in the next answer.

        Returns:
            how many were new.

        Raises:
            FeedError: one cannot be an event, or there are too many; nothing was kept.
        """
        new = store(self._settings, events)
        self._recent.add(new)
        return len(new)

    def recommend(
        self, customer_id: str, slate: str = "for_you", n: int = 10, *, context: Context = NOTHING
    ) -> Answer:
        """The best products for a customer; see `recs.answers.Source` for one the bundle does not know.

        Args:
            customer_id: any text.
            slate: `for_you`, `buy_again` (only what they bought) or `discover` (never bought).
            n: how many, at least 1; at most the bundle's depth come back, fewer where there are fewer.
            context: of this request, on top of the shop's own rules.

        Raises:
            ErasedError: the customer was erased.
            NotFoundError: there is no such slate, or the bundle cannot answer on the spot.
            SettingsError: `n` is below 1.
        """
        if slate not in SLATES:
            raise NotFoundError(f"there is no slate {slate!r}; there are {', '.join(SLATES)}")
        _require(n)
        arm, opened = self._chosen(customer_id)
        bundle, doings = opened.bundle, self._recent.of(customer_id)
        row = bundle.row_of(customer_id)
        if context == NOTHING and not (doings.viewed or doings.bought):
            ranked = Ranked.row(bundle.slates[slate], row, n)
            return _answer(opened, ranked, bundle.source(row), arm)
        session = _session(opened, doings)
        ranked, source = opened.live.recommend(row, slate, n, context, session, customer_id)
        return _answer(opened, ranked, source, arm)

    def score(self, customer_id: str, product_ids: Sequence[str]) -> Answer:
        """The shop's own products in the order in which a customer would want them.

        Args:
            customer_id: any text.
            product_ids: at most `MOST`; each comes back once, those that are unknown last, with score 0.

        Raises:
            NotFoundError: the bundle cannot answer on the spot.
            SettingsError: there are too many products.
        """
        _require(len(product_ids) or 1)
        arm, opened = self._chosen(customer_id)
        row = opened.bundle.row_of(customer_id)
        asked = list(dict.fromkeys(product_ids))
        columns = opened.bundle.columns_of(asked)
        session = _session(opened, self._recent.of(customer_id))
        ranked, source = opened.live.appraise(row, columns[columns >= 0], session)
        answer = _answer(opened, ranked, source, arm)
        unknown = [asked[place] for place in np.flatnonzero(columns < 0)]
        ranks = range(len(answer) + 1, len(asked) + 1)
        strange = (
            Recommendation(product, product, 0.0, rank, "", answer.bundle_id)
            for product, rank in zip(unknown, ranks, strict=True)
        )
        return replace(answer, items=(*answer.items, *strange))

    def similar(self, product_id: str, n: int = 10, *, context: Context = NOTHING) -> Answer:
        """What is like a product; what is popular where the bundle does not know it.

        Raises:
            NotFoundError: the bundle cannot answer on the spot.
            SettingsError: `n` is below 1.
        """
        _require(n)
        opened = self._opened["champion"]
        ranked, source = opened.live.beside(int(opened.bundle.columns_of([product_id])[0]), n, context)
        return _answer(opened, ranked, source, "champion")

    def for_basket(
        self,
        product_ids: Sequence[str],
        views: Sequence[str] = (),
        n: int = 10,
        *,
        context: Context = NOTHING,
    ) -> Answer:
        """What goes with this visit's basket and looks, for a visitor of whom nothing else is known.

        Args:
            product_ids: in the basket; unknown ones say nothing.
            views: looked at, the newest last.
            n: how many, at least 1; none of the basket or the looks is among them.
            context: of this request.

        Raises:
            NotFoundError: the bundle cannot answer on the spot.
            SettingsError: `n` is below 1, or there are too many products.
        """
        return self.for_baskets([Basket(product_ids, views, n)], context=context)[0]

    def for_baskets(self, baskets: Sequence[Basket], *, context: Context = NOTHING) -> list[Answer]:
        """The same for several visitors at once, in less time than one after the other.

        Args:
            baskets: what each visitor has; an answer does not depend on the others.
            context: of all of them.

        Raises:
            NotFoundError: the bundle cannot answer on the spot.
            SettingsError: one asks for too little or too much.
        """
        for basket in baskets:
            _require(basket.n)
            _require(len(basket.product_ids) + len(basket.views) or 1)
        if not baskets:
            return []
        opened = self._opened["champion"]
        wanted = [
            (opened.live.session(basket.product_ids, (), basket.views[::-1]), basket.n) for basket in baskets
        ]
        found = opened.live.for_sessions(wanted, context)
        return [_answer(opened, ranked, source, "champion") for ranked, source in found]

    def explain(self, customer_id: str, product_id: str) -> Explanation:
        """Why a product stands where it does for a customer, or does not.

        Raises:
            NotFoundError: the bundle does not know the product, or cannot answer on the spot.
        """
        _, opened = self._chosen(customer_id)
        column = int(opened.bundle.columns_of([product_id])[0])
        if column < 0:
            raise NotFoundError(
                f"the bundle {opened.bundle.bundle_id} does not know the product {product_id!r}; "
                "a new one is known after the next night"
            )
        session = _session(opened, self._recent.of(customer_id))
        return opened.live.explain(opened.bundle.row_of(customer_id), column, session)

    def _open(self, wanted: dict[Arm, str], *, anew: bool = False) -> dict[Arm, Opened]:
        """The bundles of the arms, but a challenger that cannot be opened; `anew` also those that are open.

        Raises:
            NotFoundError: the champion cannot be opened.
        """
        have = {opened.bundle.bundle_id: opened for opened in self._opened.values()}
        warm = any(opened.is_live for opened in have.values())
        found: dict[Arm, Opened] = {}
        for arm, bundle_id in wanted.items():
            try:
                known = None if anew else have.get(bundle_id)
                found[arm] = known or Opened(self._settings, bundle_id)
                if warm:
                    found[arm].live.warm()
            except AdvocateError as error:
                found.pop(arm, None)
                if arm == "champion":
                    raise
                self._complain("challenger", f"the champion serves everybody: {error}")
            else:
                self._complaints.pop(arm, None)
        return found

    def _complain(self, about: str, what: str) -> None:
        """Says once what goes wrong, though it is tried every second; again, when it was well meanwhile."""
        if what != self._complaints.get(about):
            self._complaints[about] = what
            _log.warning("%s", what)

    def _chosen(self, customer_id: str) -> tuple[Arm, Opened]:
        if self._erased.has(customer_id):
            raise tombstones.erased_error()
        now = self._opened
        arm = arm_of(customer_id, self._settings.recs.experiment) if len(now) > 1 else "champion"
        return arm, now[arm]


def _bundles(settings: Settings) -> dict[Arm, str]:
    """The bundle of each arm there is.

    Raises:
        NotFoundError: nothing is published yet.
    """
    now, challenger = registry.current(settings), settings.recs.experiment.challenger
    if now is None:
        raise NotFoundError("nothing is published yet; run `advocate demo` or `advocate nightly` first")
    arms: dict[Arm, str] = {"champion": now.bundle_id}
    trying = challenger and challenger != now.bundle_id and settings.recs.experiment.share
    return arms | ({"challenger": challenger} if trying else {})


def _require(n: int) -> None:
    if n < 1:
        raise SettingsError(f"n is {n}; ask for at least 1 product")
    if n > MOST:
        raise SettingsError(f"{n} products are too many at once; ask for at most {MOST}")


def _session(opened: Opened, doings: Doings) -> "Session":
    """What a customer did in the last hours."""
    return opened.live.session(doings.carted, doings.bought, doings.viewed)


def _answer(opened: Opened, ranked: Ranked, source: Source, arm: Arm) -> Answer:
    bundle = opened.bundle
    names = named(bundle, ranked.items.tolist(), ranked.codes.tolist(), ranked.facts.tolist())
    items = tuple(
        Recommendation(product_id, title, score, rank, reason, bundle.bundle_id)
        for rank, ((product_id, title, reason), score) in enumerate(
            zip(names, ranked.scores.tolist(), strict=True), 1
        )
    )
    return Answer(bundle.bundle_id, source, arm, items)
