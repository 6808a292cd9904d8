"""Sessions of people who signed in, as signed text for a cookie, and the tokens of their forms.

Nothing is kept of a session but what the cookie says: whose it is, of which generation of the account, and
when it began and was last seen. It ends by itself after some hours, after some minutes without a request, and
with any change of the account. Signing in always begins another one.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from warehouse.access.accounts import User
from warehouse.access.secret import key_for
from warehouse.settings import Settings

_ID_BYTES = 16


@dataclass(frozen=True)
class Session:
    """A session: `session_id` is random, and new whenever somebody signs in."""

    session_id: str
    name: str
    generation: int
    began_at: datetime
    seen_at: datetime


class Sessions:
    """What begins sessions, and knows its own."""

    def __init__(self, settings: Settings) -> None:
        self._signer = URLSafeSerializer(key_for(settings, "sessions"))
        self._forms = key_for(settings, "forms")
        self._longest = timedelta(hours=settings.desk.session_hours)
        self._idle = timedelta(minutes=settings.desk.idle_minutes)

    @staticmethod
    def begin(user: User, now: datetime) -> Session:
        """A new session of somebody who just signed in."""
        return Session(secrets.token_urlsafe(_ID_BYTES), user.name, user.generation, now, now)

    def written(self, session: Session, now: datetime) -> str:
        """The session as signed text, last seen now."""
        seen = replace(session, seen_at=now)
        parts = [seen.session_id, seen.name, seen.generation, _number(seen.began_at), _number(seen.seen_at)]
        text = self._signer.dumps(parts)
        return text if isinstance(text, str) else text.decode()

    def read(self, text: str, now: datetime) -> Session | None:
        """The session of such text; `None` where it was not written here, or has ended."""
        try:
            session_id, name, generation, began, seen = self._signer.loads(text)
            found = Session(session_id, name, generation, _moment(began), _moment(seen))
        except (BadSignature, ValueError, TypeError, OverflowError, OSError):
            return None
        ends = min(found.began_at + self._longest, found.seen_at + self._idle)
        return found if found.began_at <= now < ends else None

    def form_token(self, session_id: str) -> str:
        """What every form of a session sends along, and no other site can know."""
        return hmac.new(self._forms, session_id.encode(), "sha256").hexdigest()

    def is_of(self, token: str, session_id: str) -> bool:
        """Whether a form belongs to a session."""
        return hmac.compare_digest(token.encode(), self.form_token(session_id).encode())


def _number(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(number: int) -> datetime:
    return datetime.fromtimestamp(number, UTC)
