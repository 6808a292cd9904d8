"""`advocate simulate` makes a feed that the other commands take."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advocate.cli import app

run = CliRunner().invoke


def test_simulate_says_what_it_made_and_what_to_do_next(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    result = run(app, ["simulate", str(shop), "--customers", "700", "--each", "700", "--nights", "2"])
    assert result.exit_code == 0, result.output
    assert "What the nights must find" in result.stdout
    for command in (
        f"advocate import folder {shop}/feed/night-1",
        "advocate nightly --day 2025-06-30",
        "advocate batch approve latest",
        f"advocate import folder {shop}/feed/night-2-tills",
        "advocate nightly --day 2025-07-01",
    ):
        assert command in result.stdout


def test_simulate_speaks_json_and_its_feed_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    words = [
        "simulate",
        str(shop),
        "--customers",
        "60",
        "--each",
        "0",
        "--day",
        "2024-02-29",
        "--nights",
        "1",
    ]
    result = run(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["nights"] == [{"day": "2024-02-29", "imports": ["feed/night-1", "feed/night-1-tills"]}]
    home = ["--home", str(tmp_path / "home"), "import", "folder"]
    for name in made["nights"][0]["imports"]:
        imported = run(app, [*home, str(shop / name), "--json"])
        assert imported.exit_code == 0, imported.output
        assert json.loads(imported.stdout)["rejected"] == {}
