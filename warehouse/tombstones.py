"""Tombstones: what is kept of an erased customer, so that no later import brings them back.

A tombstone is an HMAC of the customer's id under a key of the home's secret. Without the key nobody can tell
from it who was erased; with the key and an id, whether that one was.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from warehouse import clock
from warehouse.access.secret import key_for
from warehouse.database import engine_for, reading
from warehouse.errors import ErasedError, NotFoundError, SettingsError
from warehouse.models import ErasedKeyRow, ErasedRow
from warehouse.settings import Settings

_PURPOSE = "erasure"
_CUSTOMER = "customer"
_CHUNK = 5_000
PREFIX = "erased-"
"""What every pseudonym begins with."""


@dataclass(frozen=True)
class Tombstones:
    """Who was erased, at one moment; empty ones need no key.

    Attributes:
        marks: the digests.
        key: they were made with.
    """

    marks: frozenset[str]
    key: bytes = b""

    @classmethod
    def of(cls, settings: Settings) -> "Tombstones":
        """All customers of this home that were erased.

        Raises:
            SettingsError: they were erased under another secret, so nobody can tell who they were.
        """
        try:
            with reading(engine_for(settings)) as session:
                rows = session.execute(select(ErasedRow.digest, ErasedRow.key)).all()
        except NotFoundError:  # nothing was ever done in this home
            rows = []
        if not rows:
            return cls(frozenset())
        key = _key(settings, {row.key for row in rows})
        return cls(frozenset(row.digest for row in rows), key)

    def has(self, customer_id: str) -> bool:
        """Whether a customer was erased."""
        return bool(self.marks) and digest_of(self.key, _CUSTOMER, customer_id) in self.marks


def digest_of(key: bytes, *parts: str) -> str:
    """The keyed digest of some texts, 64 hexadecimal digits; texts hold no NUL."""
    return hmac.digest(key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()


def mark_of(settings: Settings, customer_id: str) -> str:
    """The digest that is, or would be, a customer's tombstone."""
    return digest_of(key_for(settings, _PURPOSE), _CUSTOMER, customer_id)


def pseudonym_of(mark: str) -> str:
    """What stands for an erased customer in the books, by their tombstone; migration 0008 says the same."""
    return f"{PREFIX}{mark[:32]}"


def named_in_log(settings: Settings, customer_id: str) -> str:
    """What a customer is called in the audit log, which nobody can change if they are erased one day."""
    return pseudonym_of(mark_of(settings, customer_id))


def erased_among(settings: Settings, customer_ids: Iterable[str]) -> set[str]:
    """Those of a few customers that were erased, or are being erased; reads their tombstones alone.

    Raises:
        SettingsError: as `Tombstones.of`.
    """
    with reading(engine_for(settings)) as session:
        made_with = list(session.scalars(select(ErasedRow.key).distinct()))
        if not made_with:
            return set()
        key = _key(settings, made_with)
        marks = {digest_of(key, _CUSTOMER, one): one for one in set(customer_ids)}
        query = select(ErasedRow.digest).where(ErasedRow.digest.in_(list(marks)))
        return {marks[digest] for digest in session.scalars(query)}


def refuse_erased(settings: Settings, customer_id: str) -> None:
    """Refuses to answer about an erased customer.

    Raises:
        ErasedError: they were erased.
    """
    if erased_among(settings, [customer_id]):
        raise erased_error()


def erased_error() -> ErasedError:
    """What is said of an erased customer; it names nobody, for it may be logged."""
    return ErasedError("this customer was erased; nothing is kept of them, and nothing is taken in again")


def version(settings: Settings) -> tuple[int, int]:
    """Changes whenever somebody was erased: how many erasures began, and how many are finished."""
    with reading(engine_for(settings)) as session:
        begun, finished = session.execute(select(func.count(), func.count(ErasedRow.finished_at))).one()
        return begun, finished


def listed(settings: Settings) -> list[ErasedRow]:
    """All tombstones, oldest first."""
    with reading(engine_for(settings)) as session:
        return list(session.scalars(select(ErasedRow).order_by(ErasedRow.at, ErasedRow.digest)))


def found(session: Session, mark: str) -> ErasedRow | None:
    """The tombstone of a digest, if there is one."""
    return session.get(ErasedRow, mark)


def begin(session: Session, settings: Settings, mark: str, *, by: str, audit: int) -> None:
    """Sets a tombstone inside the caller's transaction; one that is there is opened again."""
    row = session.get(ErasedRow, mark)
    if row is not None:
        row.finished_at = None
        return
    key = _name_of(key_for(settings, _PURPOSE))
    session.add(ErasedRow(digest=mark, key=key, at=clock.now(), by=by, audit=audit))


def finish(session: Session, mark: str, at: datetime) -> None:
    """Says that nothing is left of a customer."""
    session.get_one(ErasedRow, mark).finished_at = at


def remember(session: Session, digests: Iterable[str]) -> None:
    """Keeps digests of rows' keys, those that are there already once."""
    rows = [{"digest": one} for one in sorted(set(digests))]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(ErasedKeyRow).on_conflict_do_nothing(index_elements=["digest"])
    for start in range(0, len(rows), _CHUNK):
        session.execute(statement, rows[start : start + _CHUNK])


def remembered(settings: Settings) -> frozenset[str]:
    """All digests of keys that were kept."""
    with reading(engine_for(settings)) as session:
        return frozenset(session.scalars(select(ErasedKeyRow.digest)))


def _key(settings: Settings, made_with: Iterable[str]) -> bytes:
    """The key, if all tombstones were made with it."""
    key = key_for(settings, _PURPOSE)
    if set(made_with) - {_name_of(key)}:
        raise SettingsError(
            "customers of this home were erased under another secret, so nobody can tell who they were: "
            "put the file secret.key (or ADVOCATE_SECRET_KEY) of that time back, and run this again"
        )
    return key


def _name_of(key: bytes) -> str:
    return digest_of(key, "name")[:16]
