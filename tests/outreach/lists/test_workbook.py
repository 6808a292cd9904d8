"""XLSX files from people nobody trusts."""

import io
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.lists import workbook
from outreach.lists.reading import read_list
from outreach.lists.workbook import rows_of
from warehouse.errors import SettingsError

SHEET = "xl/worksheets/sheet1.xml"
HEADER = ("notice_id", "version", "decision", "reason")


def book(*rows: tuple[object, ...], plain: bool = True) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": not plain}) as made:
        sheet = made.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    return file.getvalue()


def altered(content: bytes, parts: Mapping[str, bytes | None], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same file with parts replaced, or left out."""
    old, file = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as new:
        for name in [*old.namelist(), *(name for name in parts if name not in old.namelist())]:
            part = parts.get(name, old.read(name) if name in old.namelist() else None)
            if part is not None:
                new.writestr(name, part)
    return file.getvalue()


def sheet(inside: str, before: str = "") -> bytes:
    """A workbook whose sheet says this."""
    spoken = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    body = f'{before}<worksheet xmlns="{spoken}"><sheetData>{inside}</sheetData></worksheet>'
    return altered(book(HEADER), {SHEET: body.encode()})


@settings(deadline=None)  # how long it takes says nothing of what is right
@given(st.lists(st.text(max_size=8), min_size=1, max_size=6))
def test_every_text_is_read_as_it_was_written(texts: list[str]) -> None:
    written = [re.sub("[\ud800-\udfff\ufffe\uffff]", "", text) for text in texts]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as made:
        page = made.add_worksheet()
        for place, text in enumerate(written):
            page.write_string(0, place, text)
    found = dict(rows_of(file.getvalue())).get(1, {})
    # XML reads every end of a line as one; a spreadsheet shows them alike.
    expected = {place: re.sub("\r\n?", "\n", text) for place, text in enumerate(written) if text}
    assert {place: re.sub("\r\n?", "\n", text) for place, text in found.items() if text} == expected


def test_numbers_rich_and_spoken_texts_are_what_is_seen() -> None:
    inside = (
        '<row r="2"><c r="B2" t="inlineStr"><is><r><t>app</t></r><r><t>rove</t></r>'
        '<rPh sb="0" eb="1"><t>spoken</t></rPh></is></c><c t="b"><v>1</v></c><c><v>2.5</v></c></row>'
    )
    assert list(rows_of(sheet(inside))) == [(2, {1: "approve", 2: "1", 3: "2.5"})]


def test_a_formula_is_not_computed_but_what_was_last_seen_is_read() -> None:
    inside = '<row><c t="str"><f>HYPERLINK("http://evil.example")</f><v>hold</v></c><c><f>1+1</f></c></row>'
    assert list(rows_of(sheet(inside))) == [(1, {0: "hold"})]


def test_macros_and_links_are_not_even_unpacked() -> None:
    content = altered(
        book(HEADER, ("n", 1, "hold", "odd")),
        {"xl/vbaProject.bin": b"\0" * 1000, "xl/externalLinks/externalLink1.xml": b"<not xml"},
    )
    assert read_list(content).rows() == [(2, "n", "1", "hold", "odd")]


def test_a_cell_far_away_does_not_fill_memory() -> None:
    content = sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    assert list(rows_of(content)) == [(1_048_576, {16_383: "1"})]


@pytest.mark.parametrize(
    "inside",
    [
        '<row r="1048577"><c><v>1</v></c></row>',
        '<row r="-1"><c><v>1</v></c></row>',
        '<row><c r="XFE1"><v>1</v></c></row>',
        '<row><c r="nowhere"><v>1</v></c></row>',
        '<row><c t="s"><v>7000</v></c></row>',
        '<row><c t="s"><v>-1</v></c></row>',
        f'<row r="{"9" * 5000}"><c><v>1</v></c></row>',
    ],
)
def test_cells_where_no_sheet_has_any_are_refused(inside: str) -> None:
    with pytest.raises(SettingsError, match="the XLSX is not whole"):
        list(rows_of(sheet(inside)))


def test_entities_are_refused_before_they_grow() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    with pytest.raises(SettingsError, match="it declares a document type"):
        list(rows_of(sheet("<row><c><v>&b;</v></c></row>", laughs)))
    outside = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    with pytest.raises(SettingsError, match="it declares a document type"):
        list(rows_of(sheet("<row><c><v>&f;</v></c></row>", outside)))


def test_a_small_file_that_unpacks_to_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_AT_MOST", 4 * 1024 * 1024)
    content = sheet(f"<row><c><v>1</v></c></row>{' ' * 8 * 1024 * 1024}")
    assert len(content) < 20_000
    with pytest.raises(SettingsError, match="unpacks to more than 4,194,304 bytes"):
        list(rows_of(content))


def test_one_long_text_in_many_cells_is_refused() -> None:
    shared = b"<sst><si><t>%s</t></si></sst>" % (b"x" * 32_000)
    row = '<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>'
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER)
    content = altered(sheet(f"<row>{header}</row>{row * 600}"), {"xl/sharedStrings.xml": shared})
    with pytest.raises(SettingsError, match="more than 67,108,864 letters"):
        read_list(content)


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_a_file_that_lacks_a_part_is_refused(part: str) -> None:
    with pytest.raises(SettingsError, match="not whole"):
        list(rows_of(altered(book(HEADER), {part: None})))


def test_an_unusual_packing_and_a_broken_file_are_refused() -> None:
    with pytest.raises(SettingsError, match="packed in an unusual way"):
        list(rows_of(altered(book(HEADER), {}, zipfile.ZIP_LZMA)))
    with pytest.raises(SettingsError, match="cannot be read as an XLSX"):
        list(rows_of(b"PK\x03\x04 and nothing else"))
    with pytest.raises(SettingsError, match="old kind, or protected by a password"):
        read_list(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


@settings(deadline=None)  # how long it takes says nothing of what is right
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_was_damaged_is_read_or_refused_with_words(damage: list[tuple[int, int]]) -> None:
    content = bytearray(DAMAGED)
    for place, value in damage:
        content[place % len(content)] = value
    with suppress(SettingsError):
        list(rows_of(bytes(content)))


DAMAGED = book(HEADER, ("n", 1, "hold", "odd"))
