"""Choosing: writes down what a customer chose, whole or not at all."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from features.choices import (
    ANY,
    CHANNEL,
    MARKETING,
    MESSAGES,
    OFF,
    ON,
    PERSONALISATION,
    TOPIC,
    accounts_of,
    for_all_accounts,
    newest,
    overruled,
)
from features.contract import CONTRACTS
from features.models import ChoiceRow
from outreach.choices.themes import THEMES
from warehouse.access import audit
from warehouse.database import engine_for, writing
from warehouse.errors import SettingsError
from warehouse.lake import Lake
from warehouse.settings import Settings
from warehouse.tombstones import named_in_log

CUSTOMER = "customer"
"""Who acts, as the audit log has it."""
SWITCHES = (MARKETING, MESSAGES, PERSONALISATION, *(f"{TOPIC}{theme}" for theme in THEMES))
"""Choices between on and off."""


def choose(
    settings: Settings, customer_id: str, choices: Mapping[str, str], link_id: str | None, at: datetime
) -> dict[str, str]:
    """Writes down choices in one transaction, with an entry of the audit log; the same again changes nothing.

    They count at once where messages are sent, and from the next night on everywhere.

    Args:
        settings: of the home.
        customer_id: who chose, as their link says.
        choices: `channel` to one of `outreach.channels` or `any`; `marketing`, `messages`, `personalisation`
            and `topic.` with a name of `THEMES` to `on` or `off`. What is not named stays as it is.
        link_id: of the link they came by; null where the house writes it down for them.
        at: when.

    Returns:
        what is different now; empty where nothing is.

    Raises:
        SettingsError: there is no such choice, and nothing was written.
    """
    for what, value in choices.items():
        _refuse_unknown(settings, what, value)
    lake = Lake.of(settings)
    accounts = accounts_of(lake.scan(CONTRACTS["customers"].table), [customer_id])
    with writing(engine_for(settings)) as session:
        _lock(session)
        changed = _news(lake, newest(session, customers=accounts), choices)
        if changed:
            details = {"choices": changed, "link": link_id}
            entry = audit.record(
                session,
                "customer.choose",
                by=CUSTOMER,
                at=at,
                subject=named_in_log(settings, customer_id),
                details=details,
            )
            session.add_all(
                ChoiceRow(
                    customer_id=customer_id, what=what, value=value, at=at, link_id=link_id, audit=entry
                )
                for what, value in sorted(changed.items())
            )
    return changed


def _news(lake: Lake, before: pl.DataFrame, choices: Mapping[str, str]) -> dict[str, str]:
    """Of some choices those that say something new, given what a person's accounts chose before."""
    values = dict(before.select("what", "value").iter_rows())
    scans = {name: lake.scan(CONTRACTS[name].table) for name in ("customers", "consents")}
    again = overruled(scans["consents"], for_all_accounts(before.lazy(), scans["customers"]))
    return {
        what: value
        for what, value in choices.items()
        if value != values.get(what, _first(what)) or what in again
    }


def _refuse_unknown(settings: Settings, what: str, value: str) -> None:
    allowed = {CHANNEL: (*settings.outreach.channels, ANY)} | dict.fromkeys(SWITCHES, (ON, OFF))
    if what not in allowed:
        raise SettingsError(f"nobody can choose {what!r}; there are {', '.join(allowed)}")
    if value not in allowed[what]:
        raise SettingsError(f"{what} cannot be {value!r}; choose {', '.join(allowed[what])}")


def _first(what: str) -> str | None:
    """What counts as chosen before anything was: nothing about personalisation, which may have to be given.

    Nor is the channel chosen: the feed may prefer one.
    """
    return None if what in (PERSONALISATION, CHANNEL) else ON


def _lock(session: Session) -> None:
    """Lets nobody else choose until this transaction ends; SQLite writers wait anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE choices IN SHARE ROW EXCLUSIVE MODE"))
