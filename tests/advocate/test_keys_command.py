"""`advocate keys`, as its users type it."""

from pathlib import Path

import pytest

from tests.advocate.terminal import advocate, told
from tests.conftest import at
from warehouse import clock
from warehouse.access.ring import KeyRing
from warehouse.settings import load_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def known(home: Path, secret: str) -> str | None:
    with KeyRing(load_settings(home=home)) as ring:
        key = ring.match(secret)
    return key and key.name


def test_a_key_is_made_used_listed_and_revoked(home: Path) -> None:
    words = ["keys", "add", "shop", "--scope", "recommend", "--scope", "events"]
    done = advocate(home, *words, "--days", "36500", "--as", "maria")
    secret = done.stdout.rstrip("\n")
    assert done.stdout == f"{secret}\n"
    assert known(home, secret) == "shop"
    assert secret not in done.stderr
    again = advocate(home, *words)
    assert (again.returncode, again.stdout) == (1, "")
    assert "already is a living key 'shop'" in again.stderr
    for said in ("recommend, events", "100 requests", "expires 2117-", "shown this once", "keys revoke shop"):
        assert said in done.stderr

    listed = advocate(home, "keys", "list")
    assert secret[:16].removeprefix("adv_") in listed.stdout
    assert "living" in listed.stdout
    assert secret[17:] not in listed.stdout + listed.stderr
    (entry,) = told(advocate(home, "keys", "list", "--json"))
    assert entry["created_by"] == "maria"
    assert "digest" not in entry

    assert "by peter" in advocate(home, "keys", "revoke", "shop", "--as", "peter").stdout
    assert known(home, secret) is None
    (entry,) = told(advocate(home, "keys", "list", "--json"))
    assert (entry["state"], entry["revoked_by"]) == ("revoked", "peter")


def test_machines_get_the_key_as_json_and_its_state_by_the_clock(home: Path) -> None:
    words = ["keys", "add", "scraper", "--scope", "metrics", "--rate", "1", "--days", "1", "--json"]
    done = advocate(home, *words)
    made = told(done)
    assert isinstance(made, dict)
    assert done.stderr == ""
    assert (made["scopes"], made["requests_per_second"]) == (["metrics"], 1)
    with clock.at(at("2017-12-02 09:59")):
        assert known(home, made["secret"]) == "scraper"
    for now, state in (("2017-12-02T09:59:00Z", "living"), ("2017-12-02T10:00:00Z", "expired")):
        (entry,) = told(advocate(home, "keys", "list", "--json", ADVOCATE_NOW=now))
        assert entry["state"] == state


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["add", "shop"], 2, "--scope"),
        (["add", "shop", "--scope", "admin"], 2, "recommend"),
        (["add", "two words", "--scope", "events"], 1, "'two words' cannot be a key's"),
        (["revoke", "ghost"], 1, "'ghost'; `advocate keys list`"),
    ],
)
def test_what_cannot_be_done_is_explained(home: Path, words: list[str], code: int, says: str) -> None:
    done = advocate(home, "keys", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_shows_how_to_keep_the_key_and_how_to_replace_one(home: Path) -> None:
    shown = advocate(home, "keys", "add", "--help").stdout
    assert "> storefront.key" in shown
    assert "storefront-2" in shown
