"""Accounts of people: made, changed and disabled by admins, and checked when somebody signs in.

Passwords are kept as Argon2id hashes of argon2-cffi, with its defaults (RFC 9106, low-memory profile).
Somebody who does not exist takes as long to refuse as somebody who does.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from warehouse import clock
from warehouse.access import audit
from warehouse.access.models import UserRow
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import Settings

SHORTEST, LONGEST = 12, 256
"""Characters of a password: long ones are strong; longer ones only cost time."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f<>,;\"]{1,64}@[^\s@\x00-\x1f\x7f<>,;\"]{1,255}")


@dataclass(frozen=True)
class User:
    """Who signed in.

    Attributes:
        name: of the account.
        role: what they may do.
        generation: of the account's sessions; one of an older generation has ended.
    """

    name: str
    role: Role
    generation: int


def add(
    settings: Settings, name: str, role: Role, *, by: str, password: str | None, email: str | None = None
) -> User:
    """Makes an account.

    Args:
        settings: of the home.
        name: 1 to 64 lower-case letters, digits and `. _ -`.
        role: what they may do.
        by: who makes it.
        password: 12 to 256 characters; `None` for somebody who signs in elsewhere.
        email: where digests go.

    Raises:
        SettingsError: one of these is not as it should be.
        ConflictError: there is such an account.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"the name {name!r} cannot be an account's; use up to 64 lower-case letters, digits and . _ -, "
            "with a letter or digit first"
        )
    if email is not None and not is_address(email):
        raise SettingsError(f"{email!r} cannot be an e-mail address")
    row = UserRow(
        name=name,
        role=role.value,
        email=email,
        password_hash=None if password is None else _hashed(password, name),
        generation=1,
        created_at=clock.now(),
        created_by=by,
    )
    try:
        with writing(engine_for(settings)) as session:
            session.add(row)
            session.flush()
            _told(session, "user.add", by, name, role=role.value)
    except IntegrityError as error:
        raise ConflictError(f"there already is an account {name!r}; choose another name") from error
    return _user(row)


def is_address(email: str) -> bool:
    """Whether a text can be an e-mail address, and nothing besides: no list, no name, no further header."""
    return _EMAIL.fullmatch(email) is not None


def open_accounts(session: Session, needed: Role) -> list[UserRow]:
    """The accounts that are open and whose role includes another, by name."""
    query = select(UserRow).where(UserRow.disabled_at.is_(None)).order_by(UserRow.name)
    return [row for row in session.scalars(query) if Role(row.role).may(needed)]


def change_role(settings: Settings, name: str, role: Role, *, by: str) -> User:
    """Gives an account another role, which ends its sessions.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last admin's.
    """
    with writing(engine_for(settings)) as session:
        row = _row(session, name)
        if row.role != role:
            _refuse_last_admin(session, row)
            _told(session, "user.role", by, name, before=row.role, role=role.value)
            row.role, row.generation = role.value, row.generation + 1
    return _user(row)


def change_password(settings: Settings, name: str, password: str, *, by: str) -> User:
    """Gives an account another password, which ends its sessions. Errors are those of `add`."""
    hashed = _hashed(password, name)
    with writing(engine_for(settings)) as session:
        row = _row(session, name)
        _told(session, "user.password", by, name)
        row.password_hash, row.generation = hashed, row.generation + 1
    return _user(row)


def disable(settings: Settings, name: str, *, by: str) -> User:
    """Closes an account and ends its sessions; doing it twice changes nothing.

    Errors are those of `change_role`.
    """
    with writing(engine_for(settings)) as session:
        row = _row(session, name)
        if row.disabled_at is None:
            _refuse_last_admin(session, row)
            _told(session, "user.disable", by, name)
            row.disabled_at, row.generation = clock.now(), row.generation + 1
    return _user(row)


def users(settings: Settings) -> list[UserRow]:
    """Every account that was ever made, by name."""
    with reading(engine_for(settings)) as session:
        return list(session.scalars(select(UserRow).order_by(UserRow.name)))


def sign_in(settings: Settings, name: str, password: str) -> User | None:
    """Who this is, if the password is theirs and the account is open; the hash is brought up to date.

    What was tried is in the audit log, and so is what came of it; a name that is no account's is not.
    """
    with reading(engine_for(settings)) as session:
        row = session.get(UserRow, name) if _NAME.fullmatch(name) else None
    right = _is(password, row.password_hash if row else None)
    if row is None:
        return None
    open_ = row.disabled_at is None
    with writing(engine_for(settings)) as session:
        _told(session, "session.begin" if right and open_ else "session.refused", name, name)
        if right and row.password_hash and _hasher().check_needs_rehash(row.password_hash):
            _row(session, name).password_hash = _hashed(password, name)
    return _user(row) if right and open_ else None


def signed_in(session: Session, name: str, generation: int) -> User | None:
    """Who a session is of, if it has not ended: nobody where the account was closed or changed since."""
    row = session.get(UserRow, name)
    if row is None or row.disabled_at is not None or row.generation != generation:
        return None
    return _user(row)


def acting(session: Session, name: str, needed: Role, what: str) -> User | None:
    """Refuses somebody whose account does not allow what they do; returns who they are.

    As long as there are no accounts at all, whoever can write the database may act: `None`.

    Raises:
        ForbiddenError: there are accounts, and no open one of that name has the role.
    """
    row = session.get(UserRow, name)
    if row is None and not session.scalar(select(func.count()).select_from(UserRow)):
        return None
    if row is None or row.disabled_at is not None:
        raise ForbiddenError(f"{name!r} is no open account; say who you are with --as")
    require(Role(row.role), needed, what)
    return _user(row)


def _hashed(password: str, name: str) -> str:
    text = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise SettingsError(f"a password has {SHORTEST} to {LONGEST} characters; this one has {len(text)}")
    if name in text.lower() or len(set(text)) < SHORTEST // 2:
        raise SettingsError("this password is easily guessed; take some words that nobody expects together")
    return _hasher().hash(text)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("the password of nobody")


def _is(password: str, kept: str | None) -> bool:
    text = unicodedata.normalize("NFC", password)[:LONGEST]
    try:
        return _hasher().verify(kept or _nobodys(), text) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def _row(session: Session, name: str) -> UserRow:
    row = session.get(UserRow, name, with_for_update=True)
    if row is None:
        raise NotFoundError(f"there is no account {name!r}; `advocate users list` has them all")
    return row


def _refuse_last_admin(session: Session, row: UserRow) -> None:
    if row.role != Role.ADMIN:
        return
    others = select(func.count()).where(
        UserRow.role == Role.ADMIN.value, UserRow.disabled_at.is_(None), UserRow.name != row.name
    )
    if not session.scalar(others):
        raise ConflictError(f"{row.name} is the last admin; make another one first")


def _user(row: UserRow) -> User:
    return User(row.name, Role(row.role), row.generation)


def _told(session: Session, action: str, by: str, name: str, **details: str) -> None:
    audit.record(session, action, by=by, at=clock.now(), subject=name, details=details)
