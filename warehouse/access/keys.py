"""API keys: made, listed and revoked by people; servers look them up in a `warehouse.access.ring.KeyRing`.

A key is written `adv_<key id>_<secret>`. The id is public, and what people, logs and metrics call the key by.
The secret is shown once, when the key is made, and only its digest is kept.
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from warehouse import clock
from warehouse.access.models import ApiKeyRow
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError, SettingsError
from warehouse.settings import Settings

DEFAULT_RATE = 100
MAX_RATE = 100_000
SECRET_BYTES = 32
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that are taken for one another
_ID_LENGTH = 12
_WRITTEN = re.compile(rf"adv_([{_ID_LETTERS}]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_BY_LENGTH = 200


class Scope(StrEnum):
    """What a key may be for."""

    RECOMMEND = "recommend"
    EVENTS = "events"
    METRICS = "metrics"


@dataclass(frozen=True)
class Issued:
    """A new key; `secret` is the whole key as programs present it, and is kept nowhere else."""

    key_id: str
    name: str
    scopes: tuple[Scope, ...]
    requests_per_second: int
    expires_at: datetime | None
    secret: str = field(repr=False)


def issue(
    settings: Settings,
    name: str,
    scopes: Collection[str],
    by: str,
    *,
    rate: int = DEFAULT_RATE,
    expires: datetime | None = None,
) -> Issued:
    """Makes a key; servers know it within a second or so.

    Args:
        settings: of the home.
        name: the program it is for, like `storefront`; no two living keys share one.
        scopes: what it may ask for; at least one of `Scope`.
        by: who makes it.
        rate: requests per second that each server process grants it, 1 to 100,000.
        expires: the moment, with a zone, from which it is refused; `None` is never.

    Raises:
        SettingsError: one of these is not as it should be.
        ConflictError: a living key has that name.
    """
    _check(name, scopes, by, rate, expires)
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    granted = tuple(scope for scope in Scope if scope in scopes)
    row = ApiKeyRow(
        key_id=key_id,
        name=name,
        digest=digest_of(secret).hex(),
        scopes=[scope.value for scope in granted],
        requests_per_second=rate,
        created_at=clock.now(),
        created_by=by,
        expires_at=expires,
    )
    try:
        with writing(engine_for(settings)) as session:
            session.add(row)
    except IntegrityError as error:
        raise ConflictError(
            f"there already is a living key {name!r}; choose another name, "
            f"or revoke it first: `advocate keys revoke {name}`"
        ) from error
    return Issued(key_id, name, granted, rate, expires, f"adv_{key_id}_{secret}")


def revoke(settings: Settings, key_id_or_name: str, by: str) -> ApiKeyRow:
    """Revokes a key for ever; servers refuse it within two seconds.

    A name means the living key of that name, else the one revoked last. A key that is revoked already stays
    as it is: who came first, and when, is what the row says.

    Raises:
        NotFoundError: no key has that id or name.
        SettingsError: `by` is empty or too long.
    """
    _check_by(by)
    with writing(engine_for(settings)) as session:
        row = _find(session, key_id_or_name)
        if row is None:
            raise NotFoundError(
                f"there is no key with the id or name {key_id_or_name!r}; `advocate keys list` has them all"
            )
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by = clock.now(), by
    return row


def keys(settings: Settings) -> list[ApiKeyRow]:
    """Every key that was ever made, the newest first, the revoked and expired among them."""
    query = select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.key_id)
    with reading(engine_for(settings)) as session:
        return list(session.scalars(query))


def parse(presented: str) -> tuple[str, bytes] | None:
    """The id, and the digest of the secret, of what was presented; `None` if it is not written as a key."""
    written = _WRITTEN.fullmatch(presented)
    return (written[1], digest_of(written[2])) if written else None


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    # A slow hash with salt protects what people choose. These secrets are 256 random bits: nobody can try
    # them all, nor list them in advance, so plain SHA-256 is safe and costs a question almost nothing.
    return hashlib.sha256(secret.encode()).digest()


def _find(session: Session, key_id_or_name: str) -> ApiKeyRow | None:
    if not _NAME.fullmatch(key_id_or_name):  # databases refuse some texts, instead of not finding them
        return None
    named = (
        select(ApiKeyRow)
        .where(ApiKeyRow.name == key_id_or_name)
        .order_by(ApiKeyRow.revoked_at.is_not(None), ApiKeyRow.revoked_at.desc())
        .limit(1)
    )
    return session.get(ApiKeyRow, key_id_or_name) or session.scalar(named)


def _check(name: str, scopes: Collection[str], by: str, rate: int, expires: datetime | None) -> None:
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"the name {name!r} cannot be a key's; use up to 64 letters, digits and . _ -, "
            "with a letter or digit first"
        )
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        what = f"there is no scope {unknown[0]!r}" if unknown else "a key without a scope may do nothing"
        raise SettingsError(f"{what}; name at least one of {', '.join(Scope)}")
    if not 1 <= rate <= MAX_RATE:
        raise SettingsError(f"the rate is {rate}; it is requests per second, from 1 to {MAX_RATE:,}")
    if expires is not None and expires <= clock.now():
        raise SettingsError(f"the key would have expired at {expires:%Y-%m-%d %H:%M}; choose a later moment")
    _check_by(by)


def _check_by(by: str) -> None:
    if not 0 < len(by) <= _BY_LENGTH or not by.isprintable():
        raise SettingsError(f"{by!r} cannot be who does this; give a name of 1 to {_BY_LENGTH} characters")
