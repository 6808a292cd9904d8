"""Accounts of people who sign in at a provider: found by who it says they are, and bound to that once.

Nobody gets an account by signing in: an admin makes it, without a password and with the e-mail address that
the provider knows. The first time, the account is bound to the provider's identity; after that the address no
longer counts.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from warehouse import clock
from warehouse.access import audit
from warehouse.access.accounts import User
from warehouse.access.models import UserRow
from warehouse.access.openid import Identity
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.errors import ForbiddenError
from warehouse.settings import Settings


def enter(settings: Settings, identity: Identity) -> User:
    """Who this is; what came of it is in the audit log, where it is somebody's account.

    Raises:
        ForbiddenError: no open account is theirs, or none that can be bound to them.
    """
    with writing(engine_for(settings)) as session:
        row = _bound(session, identity)
        refused = "" if row is not None else "no account here is yours; ask an admin to make one"
        if row is None and identity.email is None:
            refused = (
                "no account here is yours, and your provider does not say that it knows your e-mail address "
                "to be yours, so none can become it; ask an admin"
            )
        elif row is None and identity.email is not None:
            row, refused = _bind(session, identity.external_id, identity.email)
        if row is not None and not refused and row.disabled_at is not None:
            refused = "your account is closed; ask an admin"
        if row is not None:
            _told(session, "session.refused" if refused else "session.begin", row)
            user = User(row.name, Role(row.role), row.generation)
    if row is None or refused:
        raise ForbiddenError(refused)
    return user


def _bound(session: Session, identity: Identity) -> UserRow | None:
    query = select(UserRow).where(UserRow.external_id == identity.external_id).with_for_update()
    return session.scalars(query).one_or_none()


def _bind(session: Session, external_id: str, email: str) -> tuple[UserRow | None, str]:
    """Binds the account with this address, or says why not."""
    query = select(UserRow).where(UserRow.email.is_not(None)).order_by(UserRow.name).with_for_update()
    found = [row for row in session.scalars(query) if _alike(row.email or "", email)]
    if not found:
        return None, "no account here has your e-mail address; ask an admin to make one"
    if len(found) > 1:
        return None, "several accounts have your e-mail address; ask an admin"
    row = found[0]
    if row.password_hash is not None:
        return row, "the account with your address has a password: sign in with it, or ask an admin"
    if row.external_id is not None:
        return row, "the account with your address belongs to another person of the provider; ask an admin"
    if row.disabled_at is None:
        row.external_id = external_id
        _told(session, "user.bind", row)
    return row, ""


def _alike(one: str, other: str) -> bool:
    """Whether they are the same but for the case of ASCII letters; that of others makes strangers alike."""
    return one.encode().lower() == other.encode().lower()


def _told(session: Session, action: str, row: UserRow) -> None:
    details = {"way": "openid"}
    audit.record(session, action, by=row.name, at=clock.now(), subject=row.name, details=details)
