"""Erasure and export of one customer (GDPR, articles 17 and 15): calls each room's part, in order.

The tombstone comes first, so that nothing comes back in. What is needed to find the rest is erased last, so
that a killed erasure can be run again and finishes. All rooms' leases are held: no night runs meanwhile.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import features.erasing
import features.holding
import outreach.erasing
import recs.erasing
from outreach.erasing import Erased, mentions
from warehouse import clock, personal, tombstones
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, scrub, writing
from warehouse.errors import AdvocateError, NotFoundError, SettingsError
from warehouse.lease import NIGHT, hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings
from warehouse.tombstones import Tombstones, mark_of, pseudonym_of, refuse_erased

BEGUN, DONE, EXPORTED = "customer.erase", "customer.erased", "customer.export"
"""Actions in the audit log; their subject is the customer's pseudonym, for an entry cannot be erased."""


def erase(settings: Settings, customer_id: str, *, by: str, reason: str) -> Receipt:
    """Erases a customer from everything this home keeps; doing it again changes nothing.

    Args:
        settings: the home.
        customer_id: one account; other accounts of the person stay.
        by: who erases: an admin, where there are accounts.
        reason: why, for the audit log, without personal data.

    Returns:
        a receipt that counts what went and names nobody; warnings say what a person has to see to.

    Raises:
        ForbiddenError: `by` is no admin.
        LeaseHeldError: a night or another run is at work; nothing was erased.
        NotFoundError: nobody ever told of such a customer.
        SettingsError: the reason names the customer, or there is none.
    """
    with hold(settings, *NIGHT, "send", "ledger"), recording(settings, "erase") as receipt:
        whom = _begin(settings, customer_id, by, reason)
        features.erasing.remember_keys(settings, customer_id)
        gone = receipt.rows_out
        gone["quarantine"] = features.erasing.erase_quarantine(settings, customer_id)
        gone["nights"] = features.erasing.erase_nights(settings, customer_id)
        gone["served lists"] = recs.erasing.erase_served(settings, customer_id)
        gone["bundles"] = recs.erasing.erase_bundles(settings, customer_id)
        with writing(engine_for(settings)) as session:
            gone["live events"] = features.erasing.erase_live(session, customer_id)
        left = outreach.erasing.erase(settings, whom, by=by, at=clock.now())
        gone |= {f"database: {name}": count for name, count in left.rows.items()}
        gone["messages in the outbox"] = left.messages
        receipt.warnings += left.warnings
        _warn_of_audit(settings, whom, receipt)
        mark = mark_of(settings, customer_id)
        events = features.erasing.erase_events(settings, customer_id, mark)
        gone |= {f"lake: {name}": count for name, count in events.items()}
        scrub(settings)
        _finish(settings, whom, mark, by, gone)
    return receipt


def export(settings: Settings, customer_id: str, *, person: bool = False) -> dict[str, Any]:
    """Everything this home keeps about a customer.

    Args:
        settings: the home.
        customer_id: an account.
        person: whether all accounts of the person behind it are meant.

    Returns:
        JSON values: `made_at`, and `accounts`: for each `customer_id`, `lake` (all versions of all rows, by
        table), `nights` (by day and name), `quarantine`, `slates` (by bundle), `served`, and `database` (by
        table). Moments are ISO 8601 text.

    Raises:
        ErasedError: the customer was erased.
        NotFoundError: nobody ever told of such a customer.
    """
    refuse_erased(settings, customer_id)
    if not features.erasing.is_known(settings, customer_id):
        raise _unknown(customer_id)
    ids = features.erasing.accounts_of_person(settings, customer_id) if person else [customer_id]
    document = {"made_at": clock.now(), "accounts": [_account(settings, one) for one in ids]}
    plain: dict[str, Any] = json.loads(json.dumps(document, default=_as_json, ensure_ascii=False))
    return plain


def export_for(settings: Settings, customer_id: str, *, by: str, person: bool = False) -> dict[str, Any]:
    """What `export` gives, for an admin, with an entry of the audit log.

    Raises:
        ForbiddenError: `by` is no admin; otherwise as `export`.
    """
    with reading(engine_for(settings)) as session:
        accounts.acting(session, by, Role.ADMIN, "export what is kept about a customer")
    document = export(settings, customer_id, person=person)
    subject = tombstones.named_in_log(settings, customer_id)
    details = {"accounts": len(document["accounts"])}
    with writing(engine_for(settings)) as session:
        audit.record(session, EXPORTED, by=by, at=clock.now(), subject=subject, details=details)
    return document


def export_to(
    settings: Settings, customer_id: str, out: Path, *, by: str, person: bool = False
) -> dict[str, Any]:
    """Writes what `export` gives to a file that only its owner may read, whole or not at all.

    Returns:
        how many rows the file holds of each kind, by account.

    Raises:
        AdvocateError: the file cannot be written; otherwise as `export_for`.
    """
    document = export_for(settings, customer_id, by=by, person=person)
    _write(out, json.dumps(document, indent=1, ensure_ascii=False))
    return {one["customer_id"]: _counts(one) for one in document["accounts"]}


def _begin(settings: Settings, customer_id: str, by: str, reason: str) -> Erased:
    """Checks that it may be, and sets the tombstone with its entry in the audit log."""
    with reading(engine_for(settings)) as session:
        accounts.acting(session, by, Role.ADMIN, "erase a customer")
    mark = mark_of(settings, customer_id)
    pseudonym, before = pseudonym_of(mark), Tombstones.of(settings).has(customer_id)
    if not before and not features.erasing.is_known(settings, customer_id):
        raise _unknown(customer_id)
    contacts = [one for some in features.erasing.contacts_of(settings, customer_id).values() for one in some]
    if not reason.strip() or any(mentions(reason, one) for one in (customer_id, *contacts)):
        raise SettingsError(
            "the reason stays in the audit log for ever: give one that names neither the customer nor an "
            "address or number of theirs"
        )
    with writing(engine_for(settings)) as session:
        details = {"reason": reason, "again": before}
        entry = audit.record(session, BEGUN, by=by, at=clock.now(), subject=pseudonym, details=details)
        tombstones.begin(session, settings, mark, by=by, audit=entry)
    return Erased(customer_id, pseudonym, contacts, Tombstones.of(settings).key)


def _finish(settings: Settings, whom: Erased, mark: str, by: str, gone: Mapping[str, int]) -> None:
    with writing(engine_for(settings)) as session:
        now, details = clock.now(), {name: count for name, count in gone.items() if count}
        audit.record(session, DONE, by=by, at=now, subject=whom.pseudonym, details=details)
        tombstones.finish(session, mark, now)


def _warn_of_audit(settings: Settings, whom: Erased, receipt: Receipt) -> None:
    if entries := outreach.erasing.named_in_audit(settings, whom):
        listed = ", ".join(map(str, entries[:10])) + (", …" if len(entries) > 10 else "")
        receipt.warnings.append(
            f"{len(entries):,} entries of the audit log name the customer in somebody's words ({listed}): "
            "what proves who decided cannot be changed; say so to them"
        )


def _account(settings: Settings, customer_id: str) -> dict[str, Any]:
    found = {"customer_id": customer_id} | features.holding.held(settings, customer_id)
    found |= recs.erasing.held(settings, customer_id)
    with reading(engine_for(settings)) as session:
        return found | {"database": dict(personal.held(session, customer_id))}


def _counts(account: Mapping[str, Any]) -> dict[str, int]:
    return {name: _rows(value) for name, value in account.items() if name != "customer_id"}


def _rows(value: Any) -> int:
    return sum(map(_rows, value.values())) if isinstance(value, Mapping) else len(value)


def _write(out: Path, text: str) -> None:
    part = out.with_name(f".{out.name}.{uuid4().hex}.partial")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        raise AdvocateError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _unknown(customer_id: str) -> NotFoundError:
    return NotFoundError(f"customer {customer_id!r} is not known; ids are case-sensitive text")
