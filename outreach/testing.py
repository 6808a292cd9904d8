"""Test sends: a message to oneself, as its customer would get it, apart from everything that counts."""

from outreach.channels import Delivery, channel_for
from outreach.models import NoticeRow, WordsRow
from outreach.states import NO_CHANNEL
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.errors import ConflictError, NotFoundError, SettingsError
from warehouse.ids import content_id
from warehouse.settings import Settings

FOLDER = "tests"
"""Of the outbox: where test messages of the file channel go, whatever batch they are of."""


def send_test(settings: Settings, notice_id: str, *, to: str, by: str) -> str:
    """Hands a copy of a message over to somebody of the house; the notice stays as it is.

    Args:
        settings: of the home.
        notice_id: the message.
        to: the address of who tests; it stands in the outbox, and in no log.
        by: who asks for it.

    Returns:
        the id under which it was handed over.

    Raises:
        NotFoundError: there is no such notice.
        ConflictError: it is no message.
        SettingsError: the address cannot be one.
    """
    if not to.isprintable() or not 0 < len(to) <= 320:
        raise SettingsError(f"{to!r} cannot be an address; write one like you@example.org")
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "send a test")
        row, words = session.get(NoticeRow, notice_id), session.get(WordsRow, notice_id)
        if row is None or words is None:
            raise NotFoundError(f"there is no notice {notice_id!r}; its batch may have been made anew")
        if row.channel == NO_CHANNEL:
            raise ConflictError("this is no message: nothing is ever sent of it")
        now = clock.now()
        test_id = content_id("test", notice_id, by, now.isoformat())
        delivery = Delivery(
            test_id, FOLDER, to, row.channel, row.purpose, f"[Test] {row.subject}", words.text, words.html
        )
        audit.record(
            session, "notice.test", by=by, at=now, subject=notice_id, details={"channel": row.channel}
        )
    channel_for(settings, row.channel).deliver(delivery)
    return test_id
