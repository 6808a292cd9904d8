"""What finance paid, from its file: each payment once, what does not fit to quarantine with its reasons."""

from collections import Counter
from pathlib import Path

import dataframely as dy
import polars as pl

from features.columns import amount, currency, identifier, moment
from features.feeds.folder import read_file
from features.importing import quarantine
from features.money import as_decimal
from features.wall import Admitted, admit
from outreach.promises import ledger, payments
from outreach.promises.payments import Payment, Screened
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

TABLE = "payments"


class Payments(dy.Schema):
    """What finance paid: one row per payment of one promise."""

    payment_reference = identifier(key=True)
    promise_id = identifier()
    amount_minor = amount("amount", nullable=False)
    currency = currency()
    paid_at = moment()


def import_payments(settings: Settings, file: Path, *, by: str) -> Receipt:
    """Takes what finance paid into the ledger, in one transaction; importing a file twice changes nothing.

    A row goes to quarantine when it cannot be read, names an unknown promise or one without money, has
    another currency, pays more than is open, or repeats a reference with other content.

    Raises:
        FeedError: the file cannot be read, or lacks a column; nothing was taken.
    """
    with hold(settings, "ledger"), recording(settings, "ledger.import") as receipt:
        zone, now = settings.feed.timezone, clock.now()
        admitted = admit(TABLE, read_file(file), now=now, zone=zone, schema=Payments)
        wanted = [Payment(*row) for row in admitted.rows.select(Payments.column_names()).iter_rows()]
        with writing(engine_for(settings)) as session:
            accounts.acting(session, by, Role.APPROVER, "record payments")
            ledger.lock(session)
            screened = payments.screen(session, wanted)
            _tell(settings, admitted, screened, receipt)
            payments.write(session, screened.fresh, by=by, at=now)
            if screened.fresh:
                details = {"payments": len(screened.fresh)}
                audit.record(session, "ledger.import", by=by, at=now, details=details)
    return receipt


def _tell(settings: Settings, admitted: Admitted, screened: Screened, receipt: Receipt) -> None:
    """Fills in the receipt and keeps the refused rows, before anything is committed."""
    receipt.rows_in[TABLE] = admitted.rows_in
    receipt.rows_out[TABLE] = len(screened.fresh)
    reasons = Counter(admitted.reasons) + Counter(why for _, why in screened.refused)
    receipt.rejected |= {f"{TABLE}: {why}": count for why, count in reasons.most_common()}
    receipt.numbers["known already"] = screened.known
    receipt.numbers["exact copies"] = admitted.copies
    receipt.numbers["paid_minor"] = _sums(screened.fresh)
    if screened.known and not screened.fresh:
        receipt.notes.append("every payment that could be taken was there already; nothing has changed")
    refused = pl.concat([admitted.quarantined, _refused(screened)], how="diagonal")
    if refused.height:
        folder = quarantine(settings.home.absolute() / "quarantine" / TABLE, {TABLE: refused})
        receipt.artifacts["quarantine"] = str(folder)
        receipt.warnings.append(f"{refused.height:,} payments were not taken; they are in {folder}")


def _sums(fresh: list[Payment]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for payment in fresh:
        found[payment.currency] += payment.amount_minor
    return dict(sorted(found.items()))


def _refused(screened: Screened) -> pl.DataFrame:
    columns = ("payment_reference", "promise_id", "amount", "currency", "paid_at")
    rows = [
        (
            p.reference,
            p.promise_id,
            str(as_decimal(p.amount_minor, p.currency)),
            p.currency,
            p.paid_at.isoformat(),
            [why],
        )
        for p, why in screened.refused
    ]
    schema = dict.fromkeys(columns, pl.String()) | {"reasons": pl.List(pl.String())}
    return pl.DataFrame(rows, schema=schema, orient="row")
