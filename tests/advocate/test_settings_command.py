"""`advocate settings`, as its users type it, and what the next command makes of a change."""

from pathlib import Path

import pytest

from tests.advocate.terminal import advocate, told
from tests.worlds import DAY, write_feed

pytestmark = pytest.mark.slow
CAP = "outreach.cap_days"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one night of the small grocer."""
    folder = tmp_path_factory.mktemp("settings")
    told(advocate(folder / "home", "import", "folder", str(write_feed(folder / "feed")), "--json"))
    told(advocate(folder / "home", "nightly", "--day", DAY.isoformat(), "--json"))
    return folder / "home"


def test_a_setting_is_changed_shown_logged_and_taken_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ["--reason", "fewer messages", "--as", "maria"]
    assert advocate(home, "settings", "set", CAP, "9", *words).stdout == f"{CAP} is 9, and was 7\n"
    shown = told(advocate(home, "settings", "show", CAP, "--json"))
    assert isinstance(shown, list)
    assert [(one["value"], one["from"], one["default"]) for one in shown] == [(9, "desk", 7)]
    assert "Days in which messages count" in advocate(home, "settings", "show", CAP).stdout
    logged = told(advocate(home, "settings", "log", "--json"))
    assert isinstance(logged, list)
    assert [(one["name"], one["by"], one["reason"]) for one in logged] == [(CAP, "maria", "fewer messages")]
    again = advocate(home, "settings", "set", CAP, "9", *words)
    assert again.stdout == f"{CAP} is 9, as it was\n"
    assert advocate(home, "settings", "reset", CAP, *words).stdout == f"{CAP} is 7, and was 9\n"
    log = advocate(home, "settings", "log").stdout
    assert "as the file says" in log
    assert "2017-12-01 10:00 UTC" in log
    assert advocate(home, "audit", "verify").returncode == 0


def test_lists_tables_and_texts_are_typed_as_people_type_them(tmp_path: Path) -> None:
    home, words = tmp_path / "home", ["--reason", "x", "--json"]
    for name, typed, value in (
        ("outreach.channels", '["email"]', ["email"]),
        ("outreach.cap_claim_minor", '{"USD": 5}', {"USD": 5}),
        ("outreach.shop_name", "1742", "1742"),
        ("outreach.late_share", "0.25", 0.25),
    ):
        changed = told(advocate(home, "settings", "set", name, typed, *words))
        assert isinstance(changed, dict)
        assert changed["value"] == value
    section = told(advocate(home, "settings", "show", "outreach", "--json"))
    assert isinstance(section, list)
    assert {one["name"] for one in section if one["from"] == "desk"} == {
        "outreach.channels", "outreach.cap_claim_minor", "outreach.shop_name", "outreach.late_share"
    }  # fmt: skip
    assert not [one for one in section if not one["name"].startswith("outreach.")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["set", CAP, "0", "--reason", "x"], "setting outreach.cap_days: "),
        (["set", "seed", "1", "--reason", "x"], "cannot be changed at the desk"),
        (["set", CAP, "3", "--reason", " "], "say why"),
        (["show", "outreach.cap"], "no setting or section"),
        (["try", "outreach.cap_days"], "is no change; write it like"),
        (["try", "outreach.cap_days=3"], "no night has run"),
    ],
)
def test_what_cannot_be_exits_1_and_says_why(tmp_path: Path, words: list[str], says: str) -> None:
    done = advocate(tmp_path / "home", "settings", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr


def test_what_the_environment_fixes_is_shown_as_fixed_and_refused(tmp_path: Path) -> None:
    home, fixed = tmp_path / "home", {"ADVOCATE_OUTREACH__CAP_DAYS": "3"}
    assert (
        "environment ADVOCATE_OUTREACH__CAP_DAYS" in advocate(home, "settings", "show", CAP, **fixed).stdout
    )
    done = advocate(home, "settings", "set", CAP, "4", "--reason", "x", **fixed)
    assert (done.returncode, "is fixed by ADVOCATE_OUTREACH__CAP_DAYS" in done.stderr) == (1, True)


def test_a_change_is_tried_on_the_last_night_then_made_and_the_next_run_follows_it(home: Path) -> None:
    tried = told(advocate(home, "settings", "try", "outreach.channels=[]", "--json"))
    assert isinstance(tried, dict)
    assert tried["day"] == DAY.isoformat()
    assert tried["customers"]["before"] > 0
    assert tried["customers"]["after"] == 0
    shown = advocate(home, "settings", "try", "outreach.channels=[]", "--day", DAY.isoformat()).stdout
    assert "outreach.channels: " in shown
    assert f"{tried['customers']['no_longer']:,} no longer" in shown
    told(advocate(home, "settings", "set", "outreach.channels", "[]", "--reason", "quiet", "--json"))
    night = told(advocate(home, "nightly", "--day", DAY.isoformat(), "--json"))
    assert isinstance(night, dict)
    receipts = {one["step"]: one for one in night["receipts"]}
    assert receipts["outreach.find"]["numbers"]["settings"]["channels"] == []
    decided = receipts["outreach.decide"]["numbers"]["decisions"]
    assert not [name for name in decided if name.startswith("proposed")]
    expected = {f"{r['outcome']}: {r['reason']}": r["customers_after"] for r in tried["reasons"]}
    assert decided == {name: count for name, count in expected.items() if count}
