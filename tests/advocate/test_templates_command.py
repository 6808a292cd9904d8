"""`advocate templates`: what a marketer sees of the words."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advocate.cli import app

COMMAND = CliRunner()


def run(home: Path, *words: str) -> tuple[int, str]:
    done = COMMAND.invoke(app, ["--home", str(home), "templates", *words])
    return done.exit_code, done.stdout


def test_our_words_are_checked_where_there_are_no_others(tmp_path: Path) -> None:
    assert run(tmp_path, "check")[0] == 0


def test_a_broken_rule_is_said_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "templates" / "en" / "price_drop" / "v1.why"
    file.parent.mkdir(parents=True)
    file.write_text("You bought this.\nHurry!\n")
    code, said = run(tmp_path, "check")
    assert code == 1
    assert said.startswith("en/price_drop/v1.why:2: promotion: 'Hurry' promotes")
    code, said = run(tmp_path, "check", str(tmp_path / "templates"), "--json")
    assert (code, json.loads(said)[0]["rule"]) == (1, "promotion")


def test_messages_can_be_read_before_anybody_gets_them(tmp_path: Path) -> None:
    code, said = run(tmp_path, "show", "late_delivery", "--locale", "de_AT")
    assert code == 0
    assert "war für den 20. November 2017 zugesagt" in said
    assert "<!doctype html>" in run(tmp_path, "show", "late_delivery", "--html")[1]


@pytest.mark.parametrize("words", [("show", "late_deliveries"), ("check", "/no/such/folder")])
def test_what_is_not_there_is_said(tmp_path: Path, words: tuple[str, str]) -> None:
    done = COMMAND.invoke(app, ["--home", str(tmp_path), "templates", *words])
    assert done.exit_code == 1
    assert "there is no" in str(done.exception)
