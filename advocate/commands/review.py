"""`batch`: review without the web page."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

import outreach.digest
from advocate.commands.options import Json, as_user, opened
from advocate.commands.reports import whole
from advocate.printing import as_called, heading, money, print_json, print_receipt, print_table, say
from outreach import review
from outreach.choosing import Which
from outreach.lists.checking import TARGETS
from outreach.lists.deciding import decide_by_list
from outreach.lists.writing import write_list
from outreach.review import Outcome, find_batch
from warehouse.database import engine_for, reading
from warehouse.errors import AdvocateError

batches = typer.Typer(help="Look at what is about to go out, with its evidence; approve, reject or hold it.")

Batch = Annotated[str, typer.Argument(help="A batch id, a day like 2017-11-30, or `latest`.")]
Notices = Annotated[
    list[str] | None,
    typer.Option(
        "--notice", help="Only this notice; can be given several times. By default all that can be."
    ),
]
AsUser = Annotated[str | None, typer.Option("--as", help="Who decides; by default you.")]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Digest = Annotated[
    str | None,
    typer.Option(
        help="Only if this is still the digest `batch show` printed; 8 characters of it are enough."
    ),
]
SHOWN = 10
DIGEST_SHOWN = 16


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(batches, name="batch", no_args_is_help=True)


@batches.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the batches, newest day first."""
    found = review.list_batches(opened(context))
    if json:
        print_json(found)
        return
    print_table(
        ("batch", "day", "state", "digest", "notices", "by state"),
        [
            (
                batch["batch_id"],
                batch["day"],
                batch["state"],
                batch["digest"][:DIGEST_SHOWN],
                batch["notices"],
                ", ".join(f"{count} {state}" for state, count in sorted(batch["states"].items())),
            )
            for batch in found
        ],
    )


@batches.command()
def show(
    context: typer.Context,
    batch: Batch = "latest",
    notices: Annotated[
        int, typer.Option("-n", "--number", min=0, help="How many notices to print in full.")
    ] = SHOWN,
    json: Json = False,
) -> None:
    """Show a batch: its notices, the largest amounts first, each with its text and evidence."""
    settings = opened(context)
    found = review.show_batch(settings, batch)
    if json:
        print_json(found)
        return
    heading(f"batch {found['batch_id']} of {found['day']}, {found['state'].replace('_', ' ')}")
    largest = sorted(found["notices"], key=lambda n: (-(n["amount_minor"] or 0), n["notice_id"]))
    print_table(
        ("notice", "customer", "channel", "purpose", "amount", "state"),
        [
            (
                notice["notice_id"],
                notice["customer_id"],
                notice["channel"],
                notice["purpose"],
                money(notice["amount_minor"], notice["currency"]),
                notice["state"],
            )
            for notice in largest[: max(notices, SHOWN)]
        ],
    )
    if len(largest) > max(notices, SHOWN):
        say(f"… and {len(largest) - max(notices, SHOWN):,} more; --json or `batch export` has all")
    for notice in largest[:notices]:
        _show_notice(notice)
    digest = found["digest"][:DIGEST_SHOWN]
    say(f"\nTo approve just this: {as_called(settings)} batch approve {found['batch_id']} --digest {digest}")


def _show_notice(notice: dict[str, Any]) -> None:
    heading(f"notice {notice['notice_id']} – {notice['subject']}")
    say(notice["text"].rstrip())
    for told in notice["opportunities"]:
        amount = money(told["amount_minor"], told["currency"])
        say(f"  evidence of {told['kind']} ({told['owed']}, {amount}): {told['evidence']}")


@batches.command()
def approve(
    context: typer.Context,
    batch: Batch,
    notice: Notices = None,
    digest: Digest = None,
    as_: AsUser = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Approve notices; money they tell of is promised with it. Held ones must be named."""
    settings = opened(context)
    done = review.approve(settings, batch, by=as_user(as_), reason=reason, which=Which(notice), digest=digest)
    _show_outcome(done, "approved", json)
    if not json and done.changed:
        say(
            f"`advocate send` hands them over after {settings.send.delay_minutes} minutes; "
            f"until then `advocate batch reject {done.batch_id} --reason …` undoes it"
        )


@batches.command()
def reject(
    context: typer.Context,
    batch: Batch,
    reason: Reason,
    notice: Notices = None,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Reject notices; those approved, but not handed over yet, lose their promises again."""
    _decide(context, review.reject, "rejected", batch, reason, notice, as_, json)


@batches.command()
def hold(
    context: typer.Context,
    batch: Batch,
    reason: Reason,
    notice: Notices = None,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Hold proposed notices until somebody approves or rejects them by name."""
    _decide(context, review.hold, "held", batch, reason, notice, as_, json)


def _decide(
    context: typer.Context,
    decide: Callable[..., Outcome],
    verb: str,
    batch: str,
    reason: str,
    notice: list[str] | None,
    as_: str | None,
    json: bool,
) -> None:
    done = decide(opened(context), batch, by=as_user(as_), reason=reason, which=Which(notice))
    _show_outcome(done, verb, json)


def _show_outcome(done: Outcome, verb: str, json: bool) -> None:
    if json:
        print_json(vars(done))
        return
    say(f"batch {done.batch_id} of {done.day}:")
    say(f"{done.changed:,} notices {verb}, {done.unchanged:,} already were or are beyond it")
    if done.agreed:
        say(f"{done.agreed:,} notices wait for another person's approval: so many, or so much, takes two")
    for currency, minor in sorted(done.promised_minor.items()):
        say(f"promised: {money(minor, currency)}")
    if done.overtaken:
        say(f"{done.overtaken:,} notices rejected: another batch promised or told of the same meanwhile")
    if done.voided:
        say(f"{done.voided:,} promises taken back")


@batches.command()
def export(
    context: typer.Context,
    batch: Batch,
    out: Annotated[Path, typer.Option(help="The file to write; .csv, .xlsx or .parquet.")],
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Write the notices of a batch, by the file's ending, as a list to decide in and bring back."""
    settings = opened(context)
    with whole(out) as file:
        rows = write_list(settings, batch, file, out.suffix.lower()[1:], by=as_user(as_)).rows
    if json:
        print_json({"file": str(out), "rows": rows})
    else:
        say(f"{rows:,} rows are in {out}")


@batches.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A list as `batch export` wrote it, with decisions.")],
    batch: Annotated[str, typer.Option(help="A batch id, a day, or `latest`.")] = "latest",
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Decide as an edited list says, all of it or nothing: by its notice_id, version, decision and reason."""
    settings = opened(context)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise AdvocateError(f"{file} cannot be read: {error.strerror or error}") from error
    brought = decide_by_list(settings, batch, content, by=as_user(as_))
    if json:
        print_json({name: vars(outcome) for name, outcome in brought.outcomes.items()})
        return
    for name, outcome in brought.outcomes.items():
        _show_outcome(outcome, TARGETS[name], json=False)


@batches.command()
def digest(context: typer.Context, batch: Batch = "latest", json: Json = False) -> None:
    """Tell those who review, and have an address, that a batch waits: each of them once for a batch."""
    settings = opened(context)
    with reading(engine_for(settings)) as session:
        day = find_batch(session, batch).day
    receipt = outreach.digest.digest(settings, day)
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)
