"""Leases: one run at a time per room of a home.

A night holds the leases of all rooms it writes; a single step (an Airflow task, an import) holds that of
its own room. The operating system or PostgreSQL lets go of a lease the moment its process dies, so a
killed run never has to be cleaned up after.

A lease is a lock on a file in the home; with PostgreSQL also a session advisory lock, which holds between
machines that share the database.
"""

import json
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Literal

from filelock import FileLock, Timeout
from sqlalchemy import text

from warehouse import clock
from warehouse.database import engine_for, url_of
from warehouse.errors import LeaseHeldError
from warehouse.settings import Settings

Room = Literal["features", "recs", "outreach", "send", "ledger", "migrations"]
NIGHT: tuple[Room, ...] = ("features", "recs", "outreach")

_held: ContextVar[frozenset[tuple[str, str]]] = ContextVar("held", default=frozenset())


@contextmanager
def hold(settings: Settings, *rooms: Room) -> Iterator[None]:
    """Holds the leases of `rooms`; a lease this run already holds is simply kept.

    Raises:
        LeaseHeldError: another run holds one of them; says which, and who on this machine.
    """
    mine = _held.get()
    with ExitStack() as stack:
        for room in sorted(rooms):
            key = (f"{settings.home.absolute()} {url_of(settings)}", room)
            if key not in mine:
                stack.enter_context(_locked(settings, room))
                mine |= {key}
        token = _held.set(mine)
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def _locked(settings: Settings, room: Room) -> Iterator[None]:
    with _locked_home(settings, room), _locked_database(settings, room):
        yield


@contextmanager
def _locked_home(settings: Settings, room: Room) -> Iterator[None]:
    folder = settings.home.absolute() / "leases"
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / f"{room}.json"
    try:
        lock = FileLock(folder / f"{room}.lock", timeout=0, is_singleton=False).acquire()
    except Timeout:
        who = json.loads(holder.read_text() or "{}") if holder.exists() else {}
        where = (
            f"(process {who['process']} on {who['host']} since {who['since']} UTC)" if who else "in this home"
        )
        raise LeaseHeldError(_refusal(room, where)) from None
    with lock:
        me = {"process": os.getpid(), "host": socket.gethostname(), "since": f"{clock.now():%F %T}"}
        holder.write_text(json.dumps(me))
        yield


@contextmanager
def _locked_database(settings: Settings, room: Room) -> Iterator[None]:
    engine = engine_for(settings)
    if engine.dialect.name != "postgresql":
        yield  # a SQLite file is in one home, and the home is locked
        return
    number = zlib.crc32(f"advocate/{room}".encode())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}):
            raise LeaseHeldError(_refusal(room, "in this database"))
        try:
            yield
        finally:  # closing the connection would let go too, but only when the server has noticed
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})


def _refusal(room: str, where: str) -> str:
    return f"another run is at work on {room} {where}; wait until it is done, or stop it, and run this again"
