"""How results look: JSON for machines, tables for people; progress only where a person is watching."""

import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.status import Status
from rich.table import Table

from warehouse.receipts import Receipt
from warehouse.settings import Settings

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

_ANY_WIDTH = 10_000


def print_json(value: Any) -> None:
    """Writes one JSON document to standard output, in ASCII where that does not speak UTF-8."""
    plain = sys.stdout.encoding.lower() not in ("utf-8", "utf8")
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=plain, default=str) + "\n")
    sys.stdout.flush()


def tolerate_any_terminal() -> None:
    """Lets a terminal that lacks a character show its number instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Writes a sentence for a person to standard output, as it is."""
    out.print(text, markup=False)


def complain(text: str) -> None:
    """Writes to standard error, as it is."""
    err.print(text, markup=False)


def heading(text: str) -> None:
    """Starts a part of a longer report."""
    out.print(f"\n{text}", style="bold", markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints a table, numbers to the right. No word is torn: lines may be wider than the terminal."""
    kept = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        cells = [row[index] for row in kept]
        numeric = all(isinstance(cell, int | float) for cell in cells) and bool(cells)
        whole = not any(" " in str(cell) for cell in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in kept:
        table.add_row(*(_cell(value) for value in row))
    needed = Measurement.get(out, out.options.update(width=_ANY_WIDTH), table)
    width = max(out.width, needed.minimum) if out.is_terminal else needed.maximum
    Console(width=width, highlight=False).print(table)


def _cell(value: Any) -> Any:
    from rich.text import Text

    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else Text(str(value))


def money(minor: int | None, currency: str | None) -> str:
    """An amount as people write it, like `12.30 USD`; unknown ones say so."""
    if minor is None or currency is None:
        return "unknown"
    from features.money import as_decimal  # it imports Polars, which few commands need

    return f"{as_decimal(minor, currency):,} {currency}"


def print_receipt(receipt: Receipt) -> None:
    """Prints what a step did."""
    day = f" {receipt.day}" if receipt.day else ""
    heading(f"{receipt.step}{day} – {receipt.seconds:.1f} s")
    names = [*receipt.rows_in, *(name for name in receipt.rows_out if name not in receipt.rows_in)]
    if names:
        print_table(
            ("table", "rows in", "rows out"),
            [(name, receipt.rows_in.get(name), receipt.rows_out.get(name)) for name in names],
        )
    if receipt.rejected:
        print_table(("refused", "rows"), list(receipt.rejected.items()))
    for note in receipt.notes:
        say(f"  note: {note}")
    for warning in receipt.warnings:
        say(f"  WARNING: {warning}")


@contextmanager
def progress(text: str) -> Iterator[Status]:
    """Shows that something is under way, on standard error, where that is a terminal."""
    with err.status(text) as status:
        yield status


def as_called(settings: Settings) -> str:
    """How the person called this program, as they would type it again for the same home."""
    program = Path(sys.argv[0])
    if program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    default = Settings.model_fields["home"].default
    home = "" if settings.home == default else f" --home {shlex.quote(str(settings.home))}"
    return f"{program}{home}"
