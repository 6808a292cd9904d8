"""Live events: what customers view, put aside and buy right now, as the shop tells it.

They go into the database: they are safe when `record` returns, and every server process sees them within
moments. The night brings them into the lake (`features.steps.import_live`). Why so stands in
docs/decisions/0012-live-events-through-the-database.md. Importing this loads nothing of the feed contract,
for a storefront has no use for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Table, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from features.limits import AHEAD, flaw_of_id
from features.models import KEY_LENGTH, LiveEventRow
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import FeedError
from warehouse.settings import Settings
from warehouse.tombstones import erased_among

LOOKS = ("view", "cart", "wishlist")
"""What reaches the lake, as rows of `views`."""

KINDS = (*LOOKS, "buy")

MOST = 1_000
"""Events that are recorded at once at most: one statement, so that it is soon over."""

CHUNK = 20_000
"""Events that are read at once."""

PATIENCE_SECONDS = 5
"""How long PostgreSQL bears with a statement of `record`, or with its silence, before it takes all back."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
TABLE = cast("Table", LiveEventRow.__table__)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a customer did.

    Attributes:
        customer_id: as in the feeds.
        product_id: as in the feeds.
        kind: `view`, `cart` (put into the basket), `wishlist` or `buy`.
        at: when it happened, with a zone.
        key: the shop's own name for this event; an event whose key is known is not stored again.
    """

    customer_id: str
    product_id: str
    kind: str
    at: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as the database has it: with its number, and when it was told."""

    event_id: int
    event: Event
    received_at: datetime


def record(settings: Settings, events: Sequence[Event]) -> int:
    """Stores events; how many were new. See `store`."""
    return len(store(settings, events))


def store(settings: Settings, events: Sequence[Event]) -> list[Event]:
    """Stores events: all of them, or none. They are durable when this returns.

    What it takes, the wall will take too, so a look that was stored does reach the lake.

    Returns:
        those that were new; events with a key that is stored already are not. Those of erased customers are
        not stored.

    Raises:
        FeedError: there are more than `MOST`, or one cannot be an event; says which, and why.
    """
    if len(events) > MOST:
        raise FeedError(f"{len(events)} events are too many at once; send at most {MOST}")
    now = clock.now()
    rows = [_row(event, place, now) for place, event in enumerate(events, 1)]
    if gone := erased_among(settings, {event.customer_id for event in events}):
        events = [event for event in events if event.customer_id not in gone]
        rows = [row for row in rows if row["customer_id"] not in gone]
    if not rows:
        return []
    # By key: two writers of the same keys in different orders would wait for each other for ever.
    rows.sort(key=lambda row: row["key"] or "")
    with writing(engine_for(settings)) as session:
        _be_quick(session)
        stored = set(session.scalars(_insert_new(session), rows))
    # Of events with one key the first is stored; those without one all are.
    first = {event.key: event for event in reversed(events) if event.key is not None}
    return [
        event for event in events if event.key is None or (event.key in stored and first[event.key] is event)
    ]


def since(
    settings: Settings, event_id: int, *, received_from: datetime | None = None, limit: int = CHUNK
) -> list[Stored]:
    """Stored events with larger numbers than `event_id`, in the order of their numbers.

    A number that is missing may still come: PostgreSQL gives numbers out before it commits. Who reads on does
    it with `features.tailing.Tail`.

    Args:
        settings: the home.
        event_id: 0 for the beginning.
        received_from: only what was told from this moment on.
        limit: how many at most.
    """
    query = select(*TABLE.columns).where(TABLE.c.event_id > event_id)
    if received_from is not None:
        query = query.where(TABLE.c.received_at >= received_from)
    with reading(engine_for(settings)) as session:
        rows = session.execute(query.order_by(TABLE.c.event_id).limit(limit)).all()
    return [
        Stored(number, Event(customer, product, kind, at, key), received)
        for number, key, customer, product, kind, at, received in rows
    ]


def _row(event: Event, place: int, now: datetime) -> dict[str, Any]:
    if flaw := _flaw(event, now):
        raise FeedError(f"event {place}: {flaw}; nothing was stored")
    return {
        "key": event.key,
        "customer_id": event.customer_id,
        "product_id": event.product_id,
        "kind": event.kind,
        "at": event.at,
        "received_at": now,
    }


def _flaw(event: Event, now: datetime) -> str | None:
    """Why this can be no event; `None` where it can."""
    for name in ("customer_id", "product_id"):
        if flaw := flaw_of_id(getattr(event, name)):
            return f"{name} {flaw}"
    if event.key is not None and (flaw := flaw_of_id(event.key, KEY_LENGTH)):
        return f"key {flaw}"
    if event.kind not in KINDS:
        return f"kind is {event.kind!r}; it must be one of {', '.join(KINDS)}"
    if event.at.utcoffset() is None:
        return f"at is {event.at.isoformat()}, without a zone; write it like 2026-11-30T12:00:00Z"
    if not _EARLIEST <= event.at <= now + AHEAD:
        return f"at is {event.at.isoformat()}; it must lie between 1970 and a day from now"
    return None


def _insert_new(session: Session) -> Any:
    """INSERT that leaves known keys alone and returns what it stored; both databases say it the same way."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(TABLE).on_conflict_do_nothing(index_elements=["key"]).returning(TABLE.c.key)


def _be_quick(session: Session) -> None:
    """Lets PostgreSQL take this back rather than commit numbers after readers gave them up."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text(
                "SELECT set_config('statement_timeout', :most, true),"
                " set_config('idle_in_transaction_session_timeout', :most, true)"
            ),
            {"most": f"{PATIENCE_SECONDS}s"},
        )
