"""`export` and `explain`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Literal
from uuid import uuid4

import polars as pl
import typer

import outreach.export
import recs.export
from advocate.commands.options import Json, Moment, as_day, opened
from advocate.printing import heading, money, print_json, print_table, progress, say
from outreach.explain import explain as explain_decision
from warehouse.errors import AdvocateError

WRITERS = {
    "recommendations": recs.export.recommendations,
    "opportunities": outreach.export.opportunities,
    "decisions": outreach.export.decisions,
    "notices": outreach.export.notices,
    "calls": outreach.export.calls,
}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(export)
    app.command()(explain)


def export(
    context: typer.Context,
    what: Annotated[
        Literal["recommendations", "opportunities", "decisions", "notices", "calls"],
        typer.Argument(help="Which table."),
    ],
    day: Moment,
    out: Annotated[Path, typer.Option(help="The file to write; .parquet or .csv.")],
    json: Json = False,
) -> None:
    """Write one table of a night as Parquet or CSV, by the file's ending."""
    settings = opened(context)
    with progress("export"):
        rows = write_frame(WRITERS[what](settings, as_day(day)), out)
    if json:
        print_json({"file": str(out), "rows": rows})
    else:
        say(f"{rows:,} rows are in {out}")


def write_frame(frame: pl.LazyFrame, out: Path) -> int:
    """Streams a frame to a file, which appears whole or not at all; returns the number of rows.

    Raises:
        AdvocateError: the ending is neither .parquet nor .csv, or the folder cannot be written to.
    """
    ending = out.suffix.lower()
    if ending not in (".parquet", ".csv"):
        raise AdvocateError(f"{out.name} ends in neither .parquet nor .csv; the ending says what is written")
    with whole(out) as file:
        if ending == ".parquet":
            frame.sink_parquet(file, engine="streaming")
            file.flush()
            return int(pl.scan_parquet(file.name).select(pl.len()).collect().item())
        kept = frame.collect(engine="streaming")
        kept.write_csv(file)
        return kept.height


@contextmanager
def whole(out: Path) -> Iterator[IO[bytes]]:
    """A file to write that appears under its name when the block succeeds, and else leaves nothing.

    Raises:
        AdvocateError: the folder cannot be written to.
    """
    partial = out.with_name(f".{out.name}.{uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(out)
    except OSError as error:
        raise AdvocateError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def explain(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    day: Moment,
    json: Json = False,
) -> None:
    """Explain why a customer was, or was not, contacted after a night."""
    told = explain_decision(opened(context), customer, as_day(day))
    if json:
        print_json(told)
    else:
        _show_explanation(customer, told)


def _show_explanation(customer: str, told: dict[str, Any]) -> None:
    heading(f"{customer} after the night of {told['day']}: {told['outcome']} – {told['reason']}")
    say(f"{told['meaning']}")
    if told["opportunities"]:
        print_table(
            ("found", "owed", "amount", "product", "order", "entitlement", "held"),
            [
                (
                    found["kind"],
                    found["owed"],
                    money(found["amount_minor"], found["currency"]),
                    found["product_id"],
                    found["order_id"],
                    found["entitlement_id"],
                    "yes" if found["held"] else "no",
                )
                for found in told["opportunities"]
            ],
        )
    for message in told["messages"]:
        heading(f"what the rules said of a {message['purpose']} message")
        print_table(
            ("rule", "says", "when it says no"),
            [
                (name, "no" if rule["blocks"] else "yes", rule["when"])
                for name, rule in message["rules"].items()
            ],
        )
    if notice := told["notice"]:
        heading(f"notice {notice['notice_id']}, {notice['state']}: {notice['subject']}")
        say(notice["text"].rstrip())
    for right in told["rights"]:
        amount = money(right["amount_minor"], right["currency"])
        heading(f"theirs without a message, notice {right['notice_id']}, {right['state']}: {amount}")
