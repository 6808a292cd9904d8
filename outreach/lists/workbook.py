"""Reads the first sheet of an XLSX, row by row, from files that nobody trusts.

Only what was saved in the cells is read: formulas are not computed, macros and links not opened, and nothing
but the sheet, its texts and what names them is unpacked. What is unpacked is counted, so that a small file
cannot become a vast one; cells are kept only where they are, so that one far away does not fill memory.
"""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from struct import error as StructError  # noqa: N812  both are called `error` where they are from
from typing import Any
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile
from zlib import error as ZlibError  # noqa: N812

from warehouse.errors import SettingsError

UNPACKED_AT_MOST = 256 * 1024 * 1024
"""Bytes of all parts that are read; a hundred thousand notices take about a quarter."""
TEXTS_AT_MOST = 5_000_000
_ROWS, _COLUMNS = 1_048_576, 16_384
"""Of a sheet."""
_PIECE = 1024 * 1024
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
Row = tuple[int, dict[int, str]]
"""Its number, from 1, and the texts of its cells by column, from 0."""


def rows_of(content: bytes) -> Iterator[Row]:
    """The rows of the first sheet that have cells.

    Raises:
        SettingsError: it is no XLSX, is damaged or protected by a password, or unpacks to too much.
    """
    try:
        with ZipFile(BytesIO(content)) as book:
            yield from _Book(book).rows()
    except (
        BadZipFile,
        expat.ExpatError,
        ZlibError,
        StructError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise SettingsError(
            f"the file cannot be read as an XLSX ({error}); save it again as .xlsx or .csv, without a "
            "password"
        ) from error
    except (KeyError, IndexError, ValueError) as error:
        raise SettingsError("the XLSX is not whole; save it again from a spreadsheet") from error


class _Book:
    """An open workbook and how much of it may still be unpacked."""

    def __init__(self, book: ZipFile) -> None:
        self._book, self._left = book, UNPACKED_AT_MOST

    def rows(self) -> Iterator[Row]:
        """See `rows_of`."""
        links: dict[str, tuple[str, str]] = {}
        sheets: list[str] = []

        def link(name: str, given: dict[str, str]) -> None:
            if name == "Relationship":
                links[given["Id"]] = (given["Type"].rpartition("/")[2], given["Target"])

        def sheet(name: str, given: dict[str, str]) -> None:
            if name == "sheet":
                sheets.extend(value for key, value in given.items() if _local(key) == "id" and " " in key)

        self._parsed(_LINKS, link)
        self._parsed(_BOOK, sheet)
        texts = _Texts()
        for kind, target in links.values():
            if kind == "sharedStrings":
                self._parsed(_path(target), texts.started, texts.ended, texts.said)
        cells = _Cells(texts.found)
        for _ in self._pieces(_path(links[sheets[0]][1]), _parser(cells.started, cells.ended, cells.said)):
            yield from cells.taken()

    def _parsed(self, part: str, *handlers: Callable[..., None]) -> None:
        for _ in self._pieces(part, _parser(*handlers)):
            pass

    def _pieces(self, part: str, parser: expat.XMLParserType) -> Iterator[None]:
        """Parses a part; pauses after each piece of it."""
        if self._book.getinfo(part).compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadZipFile(f"{part} is packed in an unusual way")
        with self._book.open(part) as file:
            while piece := file.read(_PIECE):
                self._left -= len(piece)
                if self._left < 0:
                    raise SettingsError(
                        f"the XLSX unpacks to more than {UNPACKED_AT_MOST:,} bytes; bring in the columns "
                        "notice_id, version, decision and reason alone, or a CSV"
                    )
                parser.Parse(piece, False)
                yield
        parser.Parse(b"", True)
        yield


def _parser(
    started: Callable[[str, dict[str, str]], None],
    ended: Callable[[str], None] = lambda _: None,
    said: Callable[[str], None] = lambda _: None,
) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, given: started(_local(name), given)
    parser.EndElementHandler = lambda name: ended(_local(name))
    parser.CharacterDataHandler = said
    parser.StartDoctypeDeclHandler = _refuse_declarations
    return parser


def _refuse_declarations(*_: Any) -> None:
    """No spreadsheet declares entities; files that want to be vast, or to read others, do."""
    raise BadZipFile("it declares a document type")


class _Texts:
    """Texts of `si` and `is` elements: runs of `t`, without how they are to be spoken (`rPh`)."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text: list[str] = []
        self._open, self._spoken = False, False

    def started(self, name: str, _: dict[str, str]) -> None:
        if name in ("si", "is"):
            self._text = []
        self._spoken = self._spoken or name == "rPh"
        self._open = name == "t" and not self._spoken

    def ended(self, name: str) -> None:
        self._open = False
        if name == "rPh":
            self._spoken = False
        elif name == "si":
            self.found.append(self.text())
            if len(self.found) > TEXTS_AT_MOST:
                raise ValueError(len(self.found))

    def said(self, text: str) -> None:
        if self._open:
            self._text.append(text)

    def text(self) -> str:
        """What was read, with characters that XML cannot hold."""
        return _WRITTEN.sub(_character, "".join(self._text))


class _Cells:
    """The cells of a sheet; those of finished rows can be taken."""

    def __init__(self, shared: list[str]) -> None:
        self._shared, self._inline = shared, _Texts()
        self._rows: list[Row] = []
        self._number, self._column = 0, -1
        self._cells: dict[int, str] = {}
        self._kind, self._value, self._in_value = "", [""], False

    def taken(self) -> list[Row]:
        """The rows since the last time."""
        found, self._rows = self._rows, []
        return found

    def started(self, name: str, given: dict[str, str]) -> None:
        if name == "row":
            self._number = int(given.get("r", self._number + 1))
            self._column, self._cells = -1, {}
            if not 0 < self._number <= _ROWS:
                raise ValueError(self._number)
        elif name == "c":
            self._column = _column(given["r"]) if "r" in given else self._column + 1
            if self._column >= _COLUMNS:
                raise ValueError(self._column)
            self._kind, self._value = given.get("t", "n"), []
        self._in_value = name == "v"
        self._inline.started(name, given)

    def said(self, text: str) -> None:
        if self._in_value:
            self._value.append(text)
        self._inline.said(text)

    def ended(self, name: str) -> None:
        self._in_value = False
        self._inline.ended(name)
        if name == "is":
            self._value = [self._inline.text()]
        elif name == "c" and self._value:
            self._cells[self._column] = self._said("".join(self._value))
        elif name == "row" and self._cells:
            self._rows.append((self._number, self._cells))

    def _said(self, value: str) -> str:
        if self._kind == "s":
            if not value.isdigit():
                raise ValueError(value)
            return self._shared[int(value)]
        return _WRITTEN.sub(_character, value) if self._kind == "str" else value


def _column(address: str) -> int:
    """The column of an address like `AB12`, from 0."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise ValueError(address)
    place = 0
    for letter in parts[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _character(written: re.Match[str]) -> str:
    code = int(written[1], 16)
    return written[0] if 0xD800 <= code < 0xE000 else chr(code)


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def _path(target: str) -> str:
    """Where a part is that the workbook names: beside it, or from the root."""
    return target[1:] if target.startswith("/") else f"xl/{target}"
