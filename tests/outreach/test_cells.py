"""Texts in spreadsheets are no formulas, and come back as they were."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.cells import guarded, unguarded

ODD = st.text(alphabet=list("'\"= ;|,\t\r\n=+-@＝＋a1\x00\x85\u200b\u00a0\u2028”−"), max_size=12)
FORMULA = re.compile(r"[\s\"'\u200b\x00]*[=+\-@＝＋－＠]")


def through(change: pl.Expr, *texts: str) -> list[str]:
    return pl.DataFrame({"text": texts}).select(change)["text"].to_list()


def guard(*texts: str) -> list[str]:
    return through(guarded(pl.col("text")), *texts)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n1",
        "\x00=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠a",
        '"=1+1',
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "“=1",
        "'=1",
        "''=1",
    ],
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    (safe,) = guard(text)
    assert safe.startswith("'")
    assert through(unguarded(pl.col("text")), safe) == [text]


@pytest.mark.parametrize("text", ["", "Fresh milk", "O'Neil", "'tis", "a = b", "4-5", "a@b.example", "3+4"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert guard(text) == [text]


@pytest.mark.parametrize("separator", [";", "|", "\t", "\n"])
def test_a_formula_behind_another_programs_separator_is_none_either(separator: str) -> None:
    assert guard(f"milk{separator}=cmd()") == [f"milk{separator}'=cmd()"]


@settings(deadline=None)  # how long it takes says nothing of what is right
@given(st.lists(ODD | st.text(max_size=20), min_size=1, max_size=20))
def test_every_text_comes_back_and_none_is_a_formula(texts: list[str]) -> None:
    safe = guard(*texts)
    assert through(unguarded(pl.col("text")), *safe) == texts
    for text in safe:
        for cell in re.split(r"[;|\t\r\n]", text):
            assert not FORMULA.match(cell) or cell.lstrip("\x00").startswith("'")
