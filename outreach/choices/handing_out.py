"""Handing a link out: what support gives a customer who has none, or whose link expired."""

from outreach.choices.links import Link, Links
from outreach.standing import refuse_unknown
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.lake import Lake
from warehouse.settings import Settings
from warehouse.tombstones import named_in_log, refuse_erased


def hand_out(settings: Settings, customer_id: str, *, by: str) -> Link:
    """A customer's own link as of now, with an entry of the audit log; the same all day.

    Args:
        settings: of the home.
        customer_id: whose.
        by: who asks; a reviewer at least.

    Raises:
        NotFoundError: there is no such customer.
        ForbiddenError: they may not.
    """
    refuse_erased(settings, customer_id)
    refuse_unknown(Lake.of(settings), customer_id)
    now = clock.now()
    link = Links(settings).of(customer_id, now.date())
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "hand out a customer's own link")
        details = {"link": link.link_id, "expires_at": link.expires_at.isoformat()}
        audit.record(
            session,
            "customer.link",
            by=by,
            at=now,
            subject=named_in_log(settings, customer_id),
            details=details,
        )
    return link
