"""`ledger`: what customers were promised, from the word to its end."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import typer

from advocate.commands.options import Json, as_user, opened
from advocate.commands.reports import write_frame
from advocate.printing import money, print_json, print_receipt, print_table, progress, say
from features.money import as_minor
from outreach.promises import checking, desk, goodwill, paying_in, payouts
from outreach.promises.accounts import OPEN, Standing, listed
from outreach.promises.ageing import aged
from outreach.references import beginning_of
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

ledger = typer.Typer(
    help="What customers were promised: list, grant, pay, take back, prove, and settle with finance."
)

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]
Why = Annotated[str, typer.Option(help="Why, for the history.")]
PromiseId = Annotated[str, typer.Argument(help="A promise's id, as `ledger list` prints it.")]
Customer = Annotated[str, typer.Option(help="The customer's id.")]
Currency = Annotated[str | None, typer.Option(help="The currency of the amount, like USD.")]
State = Literal["open", "reopened", "kept", "voided", "all"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(ledger, name="ledger", no_args_is_help=True)


@ledger.command("list")
def list_(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    state: Annotated[
        State | None, typer.Option(help="Only those in this state; by default all that are open or reopened.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The one a message named, like 3F9A-61C2-0B7D, in any state.")
    ] = None,
    json: Json = False,
) -> None:
    """List promises: the open ones first, the most urgent before the others."""
    settings = opened(context)
    states = None if state == "all" or (reference and state is None) else OPEN if state is None else (state,)
    beginning = None if reference is None else beginning_of(reference)
    with reading(engine_for(settings)) as session:
        found = listed(session, states=states, customer_id=customer, beginning=beginning)
    ages = {row.standing.promise_id: row for row in aged(found, settings.outreach, clock.now())}
    order = [row.standing for row in ages.values()] + [one for one in found if one.promise_id not in ages]
    rows = [_entry(one) | _age(ages.get(one.promise_id)) for one in order]
    if json:
        print_json(rows)
        return
    print_table(
        ("promise", "customer", "kind", "state", "promised", "open", "age", "hours", "what was said"),
        [
            (
                row["promise_id"],
                row["customer_id"],
                row["kind"],
                row["state"],
                money(row["amount_minor"], row["currency"]) if row["currency"] else None,
                money(row["open_minor"], row["currency"]) if row["currency"] else None,
                row["age"],
                row["hours"],
                row["said"],
            )
            for row in rows
        ],
    )


def _age(row: Any) -> dict[str, Any]:
    return {"age": row.age if row else None, "hours": row.hours if row else None}


def _entry(standing: Standing) -> dict[str, Any]:
    return dict(vars(standing))


@ledger.command("open")
def open_(
    context: typer.Context,
    customer: Customer,
    amount: Annotated[str | None, typer.Option(help="A goodwill credit, like 5.00.")] = None,
    currency: Currency = None,
    promise: Annotated[str | None, typer.Option(help="What is promised, where it is not money.")] = None,
    due: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The UTC day by whose end that promise is to be kept."),
    ] = None,
    why: Why = "",
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Promise a customer a goodwill credit within your limits, or something that is not money.

    advocate ledger open --customer C --amount 5.00 --currency USD --why "parcel was wet"

    advocate ledger open --customer C --promise "we write when the new file is there" --due 2026-12-01
    """
    settings, by = opened(context), as_user(as_)
    if amount is not None and currency is not None and promise is None and due is None:
        if not why.strip():
            raise typer.BadParameter("a credit needs its reason", param_hint="--why")
        granted = goodwill.grant(settings, customer, as_minor(amount, currency), currency, by=by, why=why)
    elif promise is not None and due is not None and amount is None and currency is None:
        until = clock.end_of(due.date())
        granted = goodwill.give_word(settings, customer, promise, until, by=by, why=why)
    else:
        raise typer.BadParameter("give --amount, --currency and --why, or --promise and --due")
    _show(granted, "promised", json)


@ledger.command()
def pay(
    context: typer.Context,
    promise: PromiseId,
    reference: Annotated[str, typer.Option(help="The payment's own reference; it is never used twice.")],
    amount: Annotated[
        str | None, typer.Option(help="How much, like 5.00; by default all that is open.")
    ] = None,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Record that a promise was paid, whole or in part. The same reference again changes nothing."""
    settings = opened(context)
    minor = None
    if amount is not None:
        minor = as_minor(amount, _currency_of(settings, promise))
    standing, changed = desk.pay(settings, promise, reference=reference, amount_minor=minor, by=as_user(as_))
    _show(standing, "payment recorded" if changed else "this payment was known already", json)


@ledger.command()
def keep(
    context: typer.Context, promise: PromiseId, why: Why, as_: AsUser = None, json: Json = False
) -> None:
    """Say that a promise without money was kept, and how."""
    standing, changed = desk.keep(opened(context), promise, by=as_user(as_), why=why)
    _show(standing, "kept" if changed else "it was kept already", json)


@ledger.command()
def void(
    context: typer.Context,
    promise: PromiseId,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Take back what is open of a promise; what was paid stays paid."""
    standing, changed = desk.void(opened(context), promise, by=as_user(as_), why=reason)
    _show(standing, "taken back" if changed else "nothing of it was open", json)


@ledger.command()
def reopen(
    context: typer.Context,
    promise: PromiseId,
    why: Why,
    reference: Annotated[str, typer.Option(help="The payment that came back, where it was of money.")] = "",
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Open a promise again: what was not kept after all, or a payment that came back."""
    standing, changed = desk.reopen(opened(context), promise, by=as_user(as_), why=why, reference=reference)
    _show(standing, "open again" if changed else "it was open already", json)


def _show(standing: Standing, done: str, json: bool) -> None:
    if json:
        print_json(_entry(standing) | {"done": done})
        return
    left = f", {money(standing.open_minor, standing.currency)} of it open" if standing.currency else ""
    whose = f"promise {standing.promise_id} to {standing.customer_id} ({standing.said})"
    say(f"{done}: {whose} is {standing.state}{left}")


def _currency_of(settings: Settings, promise_id: str) -> str:
    from outreach.promises.ledger import one

    with reading(engine_for(settings)) as session:
        return one(session, promise_id).currency or ""


@ledger.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Prove that promised = paid + open + voided for every customer and currency, and find what cannot be.

    Exits 1 when anything is found: an account that does not add up, a state that its postings contradict, an
    orphan, or a promise that has been open for too long.
    """
    done = checking.check(opened(context))
    if json:
        print_json(
            {
                "promises": done.promises,
                "postings": done.postings,
                "balances": [vars(one) for one in done.balances],
                "findings": [vars(one) for one in done.findings],
            }
        )
    else:
        say(f"{done.promises:,} promises and {done.postings:,} postings, {len(done.balances):,} accounts")
        if done.findings:
            print_table(("finding", "of", "detail"), [(f.what, f.of, f.detail) for f in done.findings])
        else:
            say("promised = paid + open + voided, for every customer and currency, to the minor unit")
    if done.findings:
        raise typer.Exit(1)


@ledger.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The file to write; .parquet or .csv.")],
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Write what finance should pay. Rows that an earlier export had carry its id: look before paying."""

    def write(frame: pl.DataFrame) -> None:
        safe = payouts.for_spreadsheets(frame) if out.suffix.lower() == ".csv" else frame
        write_frame(safe.lazy(), out)

    done = payouts.export(opened(context), write, by=as_user(as_))
    if json:
        print_json(vars(done) | {"file": str(out)})
        return
    say(f"{done.rows:,} rows are in {out}: {done.new:,} new, as export {done.export_id or '–'}")
    if done.waiting:
        say(f"{done.waiting:,} promises wait until their approval can no longer be taken back")


@ledger.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or Parquet with payment_reference, promise_id, amount, currency and paid_at."
        ),
    ],
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Record what finance paid; each payment once. What does not fit goes to quarantine with its reasons."""
    settings = opened(context)
    with progress("ledger import"):
        receipt = paying_in.import_payments(settings, file, by=as_user(as_))
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)
