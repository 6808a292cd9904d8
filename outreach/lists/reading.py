"""Reads a list that somebody brings back: CSV in the encodings spreadsheets write, or XLSX."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

import polars as pl

from outreach.cells import unguarded
from outreach.lists.workbook import Row, rows_of
from outreach.lists.writing import LETTERS_OF_A_CELL
from warehouse.errors import SettingsError

WANTED = ("notice_id", "version", "decision", "reason")
"""The columns that are read; all others are for people."""
LETTERS_AT_MOST = 64 * 1024 * 1024
"""In the cells that are kept: one long text may stand in a million cells of a small file."""
ROWS_AT_MOST = 1_048_576
_SEPARATORS = (",", ";", "\t")
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
SCHEMA = {"row": pl.Int64} | dict.fromkeys(WANTED, pl.String)


def read_list(content: bytes) -> pl.DataFrame:
    """The rows of a list, as texts without what guards them; rows without anything are left out.

    Returns:
        `row` (its number in the file, from 1), and `WANTED`, empty where a cell is.

    Raises:
        SettingsError: it cannot be read, lacks a column or has one twice, or a cell is too long.
    """
    if content.startswith(b"PK"):
        rows = rows_of(content)
    elif content.startswith(_OLD_WORKBOOK):
        raise SettingsError(
            "the file is a workbook of an old kind, or protected by a password; save it as .xlsx or .csv, "
            "without a password"
        )
    else:
        rows = _rows_of_csv(_decoded(content))
    return pl.DataFrame(list(_kept(rows)), schema=SCHEMA, orient="row").with_columns(
        unguarded(pl.col(WANTED)).str.strip_chars()
    )


def _decoded(content: bytes) -> str:
    """Text in UTF-8, in UTF-16 with its mark, or, failing that, as Windows writes it in the west."""
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            if encoding != "utf-8":
                raise
            text = content.decode("windows-1252")
    except UnicodeDecodeError as error:
        raise SettingsError(
            "the file's text is neither UTF-8, UTF-16 nor Windows-1252; save it as “CSV UTF-8” or as .xlsx"
        ) from error
    if "\0" in text:
        raise SettingsError("the file is no text: it has zeros in it; save it as “CSV UTF-8” or as .xlsx")
    return text


def _rows_of_csv(text: str) -> Iterator[Row]:
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(lines, 1):
            yield number, dict(enumerate(cells))
    except csv.Error as error:
        raise SettingsError(f"line {lines.line_num:,} is not as a CSV has it: {error}") from error


def _kept(rows: Iterable[Row]) -> Iterator[tuple[int | str, ...]]:
    """The wanted cells of all rows behind the header."""
    places: list[int] = []
    letters = 0
    for number, cells in rows:
        _refuse_long(number, cells)
        if not any(cell.strip() for cell in cells.values()):
            continue
        if not places:
            places = _places(cells)
            continue
        if number > ROWS_AT_MOST:
            raise SettingsError(f"the list has more than {ROWS_AT_MOST:,} rows; bring it in parts")
        kept = [cells.get(place, "") for place in places]
        letters += sum(map(len, kept))
        if letters > LETTERS_AT_MOST:
            raise SettingsError(f"the list has more than {LETTERS_AT_MOST:,} letters; bring it in parts")
        yield number, *kept
    if not places:
        raise SettingsError("the list is empty; its first row has to name the columns")


def _places(header: dict[int, str]) -> list[int]:
    """Where the wanted columns are."""
    named = [(name.strip().lower(), place) for place, name in header.items()]
    found = {wanted: [place for name, place in named if name == wanted] for wanted in WANTED}
    if missing := [name for name, there in found.items() if not there]:
        raise SettingsError(
            f"the list has no column {', '.join(missing)}; its first row has to name {', '.join(WANTED)}"
        )
    if twice := [name for name, there in found.items() if len(there) > 1]:
        raise SettingsError(f"the list has the column {', '.join(twice)} twice; remove one")
    return [there[0] for there in found.values()]


def _refuse_long(number: int, cells: dict[int, str]) -> None:
    if any(len(cell) > LETTERS_OF_A_CELL for cell in cells.values()):
        raise SettingsError(
            f"row {number:,} has a cell of more than {LETTERS_OF_A_CELL:,} letters; no list has such"
        )
