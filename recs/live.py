"""Lists made on the spot, for one bundle: under rules of a request, for this visit, beside a product.

What a published list can answer is taken from it. Where too few of its products pass the rules of a request,
or they ask for another order, the night's own code runs over the night's own models, loaded with the
first such request. A rule that changes nothing gives the published list, up to the last digits of a score.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from recs import affinity
from recs.answers import Explanation, Source
from recs.appraisal import Appraisal
from recs.arrays import fetch
from recs.askers import Asker, Askers, Shown, limits
from recs.bundle import Bundle, require_models
from recs.context import NOTHING, Context
from recs.diversity import diverse
from recs.explanation import explain
from recs.protocol import Ids, Mask, Recommender
from recs.ranked import Ranked, among
from recs.recommenders import read
from recs.session import DEPTH, Session, dealt, followed, fused, pinned, suggested
from recs.shop import Audience, Shop
from recs.slates import rank
from recs.wording import BESIDE, PICKED, VIEWED_UNNAMED

_SESSION: Source = "session"

MARKETS = 3000
"""How many lists of markets are kept for strangers who name one."""


class Live:
    """Answers for one bundle; safe to share between threads, which take turns with the models.

    Args:
        folder: the bundle's.
        bundle: the same, opened.

    Raises:
        NotFoundError: it was made without what this needs.
    """

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        self._folder, self._bundle = folder, bundle
        self.shop = Shop.open(folder)
        self.visitors, self.similar = affinity.read(folder)
        self.askers = Askers(self.shop)
        policy = self.shop.policy
        self._ordered = bool(policy.category_cap or policy.mmr or policy.rules.pins)
        self._nobody = len(bundle.customers)
        self._markets: dict[tuple[Asker, str], Ranked] = {}
        self._models: dict[str, Recommender] = {}
        self._turn = threading.Lock()

    def warm(self) -> None:
        """Brings into memory what lists need, so that nobody waits for it."""
        fetch(self._folder)
        self.recommend(self._nobody, "for_you", 1, Context(seed=0), Session.none(), "")
        self.shop.titles.max(initial=0)
        first = self._bundle.names[0][:1]  # compiled loops are loaded with their first question
        self.for_sessions([(self.session(first, (), ()), 1)], NOTHING)

    def session(self, basket: Sequence[str], bought: Sequence[str], looks: Sequence[str]) -> Session:
        """A session of product ids, the newest looks first; see `Session.of`."""
        known = self._bundle.columns_of([*basket, *bought, *looks]).tolist()
        one, two = len(basket), len(basket) + len(bought)
        return Session.of(known[:one], known[one:two], known[two:], self.shop.sensitive)

    def recommend(
        self, row: int, slate: str, n: int, context: Context, session: Session, seeded_by: str
    ) -> tuple[Ranked, Source]:
        """One customer's slate under the rules of a request, with what they did just now.

        Args:
            row: theirs, that of nobody for one the bundle does not know.
            slate: one of `recs.bundle.SLATES`.
            n: how many at most.
            context: of the request.
            session: what they did just now.
            seeded_by: mixed into the seed of the context.
        """
        asker = self.askers.of(row, context.market)
        shown = self.askers.shown(asker, context)
        session = session if self._follows(asker) else Session.none()
        base, source = self._base(asker, slate, n + len(session.gone), context, shown)
        ranked = base
        if session:
            ranked = pinned(self._diverse(self._fused(base, asker, slate, session, shown)), base, session)
            source = "session" if source != "customer" and len(session.have) and len(ranked.items) else source
        if context.seed is not None:
            ranked = dealt(ranked, context.seed, seeded_by)
        return ranked.at(slice(min(n, self._bundle.depth))), source

    def for_sessions(
        self, wanted: Sequence[tuple[Session, int]], context: Context
    ) -> list[tuple[Ranked, Source]]:
        """What goes with visits of people nobody knows, then what is popular where they shop.

        Args:
            wanted: visits, and how many products for each; what one gets does not depend on the others.
            context: of all of them.
        """
        asker = self.askers.of(self._nobody, context.market)
        shown = self.askers.shown(asker, context)
        found = []
        for (session, n), goes in zip(
            wanted, self._suggested([(session, self._deep(n)) for session, n in wanted], shown), strict=True
        ):
            taken = len(session.gone) + len(session.looks)
            popular = self._base(asker, "for_you", n + taken, context, shown)
            found.append(self._beyond(session, n, context, goes, popular))
        return found

    def _beyond(
        self, session: Session, n: int, context: Context, goes: Ranked, popular: tuple[Ranked, Source]
    ) -> tuple[Ranked, Source]:
        """What goes with a visit, then what is popular."""
        base, source = popular
        ranked = followed(goes, base, session)
        ranked = pinned(self._diverse(ranked), base.at(~among(base.items, session.looks)), session)
        if context.seed is not None:
            ranked = dealt(ranked, context.seed, "")
        return ranked.at(slice(n)), "session" if len(goes.items) else source

    def beside(self, column: int, n: int, context: Context) -> tuple[Ranked, Source]:
        """What is like a product, else what is popular; -1 for a product the bundle does not know.

        No sensitive product stands beside another, and none is named.
        """
        asker = self.askers.of(self._nobody, context.market)
        shown = self.askers.shown(asker, context)
        ranked, source = self._like(column, shown), _SESSION
        if not len(ranked.items):
            ranked, source = self._base(asker, "for_you", n + 1, context, shown)
            ranked = ranked.at(ranked.items != column)
        if context.seed is not None:
            ranked = dealt(ranked, context.seed, "")
        return ranked.at(slice(n)), source

    def _like(self, column: int, shown: Shown) -> Ranked:
        """What is like a product, in the order that the shop wants."""
        if column < 0:
            return Ranked.none()
        items = self.similar.items[column]
        items = items[items >= 0]
        alike = self.shop.titles[items] == self.shop.titles[column]  # its own name would explain nothing
        unnamed = alike | self.shop.sensitive[column]
        code, first = np.where(unnamed, VIEWED_UNNAMED, BESIDE), np.where(unnamed, 0, column)
        ranked = Ranked.of(items, self.similar.scores[column][: len(items)], code, first)
        return self._diverse(ranked.at(shown.harmless[items]))

    def appraise(self, row: int, columns: Ids, session: Session) -> tuple[Ranked, Source]:
        """The shop's own products in the order in which a customer would want them; see `recs.appraisal`."""
        session = session if self._follows(self.askers.of(row, None)) else Session.none()
        source = self._bundle.source(row)
        shaped = source != "customer" and len(session.have) and len(columns)
        ranked = Appraisal(self.shop, self._bundle, row).ranked(self.visitors, columns, session)
        return ranked, "session" if shaped else source

    def explain(self, row: int, column: int, session: Session) -> Explanation:
        """Why a product stands where it does for a customer; see `recs.explanation`."""
        shown = self.askers.shown(self.askers.of(row, None), NOTHING)
        return explain(self.shop, self._bundle, row, column, session, shown.any)

    def _follows(self, asker: Asker) -> bool:
        """Whether what the asker did just now may shape an answer."""
        return not asker.impersonal and not (asker.row == self._nobody and self.shop.policy.consent)

    def _base(
        self, asker: Asker, slate: str, n: int, context: Context, shown: Shown
    ) -> tuple[Ranked, Source]:
        """The list before this visit changes it, at least `n` products where there are so many."""
        home = self.askers.of(asker.row, None)
        source = self._bundle.source(asker.row)
        if asker != home and source != "customer":
            source = "segment" if asker.local >= 0 else "market"
        if asker == home and not _reorders(context) and not (self._ordered and limits(context)):
            published = Ranked.row(self._bundle.slates[slate], asker.row)
            passing = published.at(shown.any[published.items])
            enough = min(n, self._bundle.depth)
            if len(passing.items) >= enough or len(published.items) < self._bundle.depth:
                return passing, source
        if asker.row == self._nobody and asker.local >= 0 and not (limits(context) or _reorders(context)):
            return self._of_market(asker, slate, context, shown), source
        return self._ranked(asker, slate, context, shown), source

    def _of_market(self, asker: Asker, slate: str, context: Context, shown: Shown) -> Ranked:
        found = self._markets.get((asker, slate))
        if found is None:
            found = self._ranked(asker, slate, context, shown)
            if len(self._markets) < MARKETS:
                self._markets[asker, slate] = found
        return found

    def _ranked(self, asker: Asker, slate: str, context: Context, shown: Shown) -> Ranked:
        """What the night's own code says, for where the asker shops now."""
        shop, stranger = self.shop, asker.row == self._nobody
        if asker.local != int(shop.local.home[asker.row]):
            shop = replace(shop, local=shop.local.at(asker.local))
        impersonal = asker.impersonal or (stranger and asker.local >= 0)
        audience = Audience(np.array([asker.row]), shown.any, impersonal)
        with self._turn:
            model = shop.local if impersonal else self._model(self._bundle.manifest["serving"][slate])
            return Ranked.row(rank(shop, model, slate, audience, self._bundle.depth, (context,)), 0)

    def _model(self, name: str) -> Recommender:
        if name not in self._models:
            if not self._models:
                require_models(self._folder, self._bundle.manifest["files"])
            self._models[name] = read(name, self._folder / "models")
        return self._models[name]

    def _fused(self, base: Ranked, asker: Asker, slate: str, session: Session, shown: Shown) -> Ranked:
        """A published list as a session changes it, the retailer's own products aside."""
        rest, goes = base.at(base.codes != PICKED), self._suggested([(session, DEPTH)], shown)[0]
        if asker.row == self._nobody:
            return followed(goes, rest, session) if slate != "buy_again" else rest
        return fused(rest, session, goes, self._eligible(asker.row, slate, shown))

    def _eligible(self, row: int, slate: str, shown: Shown) -> Mask:
        """What a customer's slate may hold, as `recs.slates` has it, (I,)."""
        cells = self.shop.cells(row)
        mine, resting = self.shop.bought.indices[cells], self.shop.habits["resting"].data[cells] != 0
        eligible = shown.harmless.copy()
        if slate == "buy_again":
            eligible[:] = False
            mine = mine[~resting]
        eligible[mine] = False if slate == "discover" else shown.any[mine]
        return eligible

    def _suggested(self, wanted: Sequence[tuple[Session, int]], shown: Shown) -> list[Ranked]:
        return suggested(wanted, self.visitors, self.similar, shown.harmless, self.shop.titles)

    def _deep(self, n: int) -> int:
        """How many products a list must hold so that `n` are left in the order that the shop wants."""
        return max(n, DEPTH) if self._ordered else n

    def _diverse(self, ranked: Ranked) -> Ranked:
        """The list as the shop's cap and MMR want it."""
        policy = self.shop.policy
        if not (policy.category_cap or policy.mmr) or not len(ranked.items):
            return ranked
        ids, scores = diverse(ranked.items[None], ranked.scores[None], self.shop.kinds, policy, policy.depth)
        place = {column: at for at, column in enumerate(ranked.items.tolist())}
        return replace(ranked.at(np.array([place[column] for column in ids[0].tolist()])), scores=scores[0])


def _reorders(context: Context) -> bool:
    """Whether a request asks for another order than that of scores."""
    return bool(context.pins or context.boosts or context.category_boosts)
