"""Lists as spreadsheets save them: encodings, separators, and what is no list."""

import pytest

from outreach.lists.reading import LETTERS_OF_A_CELL, read_list
from warehouse.errors import SettingsError

LIST = 'notice_id,version,decision,reason\nn1,1,hold,"odd, größer"\n'
ROW = (2, "n1", "1", "hold", "odd, größer")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_is_read_however_a_spreadsheet_saved_it(encoding: str, separator: str, end: str) -> None:
    text = LIST.replace(",", separator).replace(f"odd{separator}", "odd,").replace("\n", end)
    assert read_list(text.encode(encoding)).rows() == [ROW]


def test_other_columns_their_order_capitals_and_blank_rows_do_not_matter() -> None:
    text = "\n,,,,\nReason , subject,DECISION,notice_id,Version\n\nodd,=1+1,hold,n1,3\n,,,,\n"
    assert read_list(text.encode()).rows() == [(5, "n1", "3", "hold", "odd")]


def test_what_guards_a_text_is_taken_away() -> None:
    text = "notice_id,version,decision,reason\nn1,1,hold,'=1+1 was odd\n"
    assert read_list(text.encode())["reason"].to_list() == ["=1+1 was odd"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the list is empty"),
        (b" \n,,\n", "the list is empty"),
        (b"notice_id,version\nn1,1\n", "no column decision, reason"),
        (b"notice_id,version,decision,reason,decision\n", "the column decision twice"),
        (b'notice_id,version,decision,reason\nn1,1,hold,"never ends\nn2,1,hold,x\n', "not as a CSV has it"),
        (b'notice_id,version,decision,reason\nn1,1,hold,"a"b\n', "line 2 is not as a CSV has it"),
        (LIST.encode("utf-16-le"), "it has zeros in it"),
        (b"\xff\xfea", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b"notice_id,version,decision,reason\n\x81\x8d,1,hold,x\n", "neither UTF-8, UTF-16 nor"),
        (b"notice_id,version,decision,reason\nn1,1,hold," + b"x" * 10_000_000, "line 2 is not|has a cell of"),
        (
            b"notice_id,version,decision,reason,subject\nn1,1,hold,odd," + b"x" * (LETTERS_OF_A_CELL + 1),
            "row 2 has a cell of more than 32,767 letters",
        ),
    ],
)
def test_what_is_no_list_is_refused_with_words(content: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_list(content)
