"""What customers did in the last hours, in the memory of a server process: live events count at once.

recent = Recent(settings)
recent.add(events)        # this process's own, as soon as they are recorded
recent.refresh()          # those of other processes; a watcher calls it every quarter of a second
recent.of("1402").viewed  # newest first
"""

import sys
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from features.live import KINDS, Event
from features.tailing import Tail
from warehouse import clock
from warehouse.settings import Settings

CUSTOMERS = 200_000
EVENTS = 100
VIEWED = 50
BASKET = timedelta(hours=2)
"""How long we say of a product put into the basket that it is there: nobody tells us when it is taken out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_CODES = {kind: code for code, kind in enumerate(KINDS)}
_BUY, _CART = _CODES["buy"], _CODES["cart"]


@dataclass(frozen=True, slots=True)
class Doings:
    """What one customer did lately; each product once per list, newest first.

    Attributes:
        viewed: product ids looked at, put into the basket or wished for; at most `VIEWED`.
        carted: product ids put into the basket in the last `BASKET`, and not bought since.
        bought: product ids bought.
    """

    viewed: tuple[str, ...] = ()
    carted: tuple[str, ...] = ()
    bought: tuple[str, ...] = ()


NOTHING = Doings()


class _Deed(NamedTuple):
    """One event of a customer: its moment in microseconds since 1970."""

    moment: int
    code: int
    product_id: str


class _Trail(NamedTuple):
    """A customer's deeds, newest first, as small as they get; never changed, only replaced."""

    moments: "array[int]"
    codes: bytes
    product_ids: tuple[str, ...]


class Recent:
    """What each customer did lately; safe to share between threads.

    An event counts until it is `minutes` old, by its own time or, where that lies ahead, by when it was told.
    A customer, a product and a kind have one event, the newest: the same one twice counts once.

    Args:
        settings: the home; its stored events of the last `minutes` are read at once.
        minutes: how long an event counts; by default `recs.live_hours`.
        customers: how many are known at most; those of whom nothing was told for longest go first.

    Raises:
        NotFoundError: nothing was ever done in this home.
        UnavailableError: the database does not answer.
    """

    def __init__(self, settings: Settings, *, minutes: int | None = None, customers: int = CUSTOMERS) -> None:
        self._span = timedelta(minutes=settings.recs.live_hours * 60 if minutes is None else minutes)
        self._most = customers
        # Readers look a customer up in it without a lock; trails are replaced, never changed.
        self._trails: dict[str, _Trail] = {}
        self._turns: OrderedDict[str, None] = OrderedDict()  # of whom something was told last is last
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._tail = Tail(settings, clock.now() - self._span)
        self.refresh()

    def __len__(self) -> int:
        """How many customers are known."""
        return len(self._trails)

    def add(self, events: Iterable[Event]) -> None:
        """Counts events of this process from now on."""
        now = clock.now()
        self._take((event, now) for event in events)

    def refresh(self) -> None:
        """Counts what other processes stored since the last call.

        Raises:
            UnavailableError: the database does not answer; the next call reads on where this one should have.
        """
        with self._reading:
            for chunk in self._tail.read():
                self._take((stored.event, stored.received_at) for stored in chunk)

    def of(self, customer_id: str) -> Doings:
        """What a customer did lately; `NOTHING` for one of whom nothing was told."""
        trail = self._trails.get(customer_id)
        if trail is None:
            return NOTHING
        now = clock.now()
        return _doings(trail, _ticks(now - self._span), _ticks(now - BASKET))

    def _take(self, told: Iterable[tuple[Event, datetime]]) -> None:
        oldest = _ticks(clock.now() - self._span)
        news: dict[str, list[_Deed]] = {}
        for event, received_at in told:
            # What the wall will refuse does not count; `record` takes nothing of the kind.
            code, moment = _CODES.get(event.kind), _ticks(min(event.at, received_at))
            if code is not None and moment >= oldest:
                deeds = news.pop(event.customer_id, [])
                deeds.append(_Deed(moment, code, event.product_id))
                news[event.customer_id] = deeds
        with self._writing:
            for customer_id, deeds in news.items():
                self._trails[customer_id] = _extended(self._trails.get(customer_id), deeds)
                self._turns[customer_id] = None
                self._turns.move_to_end(customer_id)
                if len(self._turns) > self._most:
                    self._drop_first()
            while self._turns and self._trails[next(iter(self._turns))].moments[0] < oldest:
                self._drop_first()

    def _drop_first(self) -> None:
        customer_id, _ = self._turns.popitem(last=False)
        del self._trails[customer_id]


def _ticks(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK


def _extended(trail: _Trail | None, deeds: list[_Deed]) -> _Trail:
    """A trail with more deeds: the newest per product and kind, `EVENTS` at most.

    Of deeds at one moment the one told last is taken for the newest.
    """
    known: dict[tuple[int, str], int] = {}
    if trail is not None:
        known = {
            (code, product): moment
            for moment, code, product in zip(*(reversed(column) for column in trail), strict=True)
        }
    for moment, code, product in deeds:
        key = (code, sys.intern(product))
        if moment > known.get(key, -1):
            known.pop(key, None)
            known[key] = moment
    newest = sorted(known.items(), key=lambda item: item[1])[: -EVENTS - 1 : -1]
    return _Trail(
        array("q", [moment for _, moment in newest]),
        bytes(code for (code, _), _ in newest),
        tuple(product for (_, product), _ in newest),
    )


def _doings(trail: _Trail, oldest: int, in_basket: int) -> Doings:
    """What a trail says from the moment `oldest` on, of baskets from the moment `in_basket` on."""
    viewed: dict[str, None] = {}  # a product again keeps its first place, which is the newest
    bought: dict[str, None] = {}
    carted: list[str] = []
    for moment, code, product in zip(*trail, strict=True):
        if moment < oldest:
            break
        if code == _BUY:
            bought[product] = None
            continue
        viewed[product] = None
        if code == _CART and moment >= in_basket and product not in bought:
            carted.append(product)
    return Doings(tuple(viewed)[:VIEWED], tuple(carted), tuple(bought))
