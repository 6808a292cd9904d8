"""`advocate users` and `advocate audit`, as their users type them."""

import subprocess
from pathlib import Path

import pytest

from tests.advocate.terminal import advocate, told

pytestmark = pytest.mark.slow
WORDS = "seven quiet harbours"


def add(home: Path, name: str, *words: str, password: str = WORDS) -> subprocess.CompletedProcess[str]:
    return advocate(home, "users", "add", name, "--password-stdin", *words, typed=f"{password}\n")


def test_accounts_are_made_changed_closed_and_all_of_it_is_in_the_log(tmp_path: Path) -> None:
    home = tmp_path / "home"
    locked = add(home, "ben", "--role", "approver")
    assert (locked.returncode, "has to be an admin's" in locked.stderr) == (1, True)
    first = add(home, "maria", "--role", "admin", "--email", "maria@shop.example")
    assert "maria is a admin" not in first.stdout
    assert "maria: admin" in first.stdout
    assert "there already is an account" in add(home, "maria", "--role", "viewer", "--as", "maria").stderr
    refused = add(home, "ben", "--role", "viewer", "--as", "ben")
    assert (refused.returncode, "no open account" in refused.stderr) == (1, True)
    weak = add(home, "ben", "--role", "viewer", "--as", "maria", password="short")
    assert (weak.returncode, "12 to 256 characters" in weak.stderr) == (1, True)
    assert add(home, "ben", "--role", "viewer", "--as", "maria").returncode == 0
    assert "ben: approver" in advocate(home, "users", "role", "ben", "approver", "--as", "maria").stdout
    assert "closed" in advocate(home, "users", "disable", "ben", "--as", "maria").stdout
    listed = told(advocate(home, "users", "list", "--json"))
    assert isinstance(listed, list)
    assert [(one["name"], one["role"], one["disabled_at"] is None) for one in listed] == [
        ("ben", "approver", False),
        ("maria", "admin", True),
    ]
    everything = "".join(str(one) for one in listed)
    assert "argon2" not in everything
    assert WORDS not in everything

    head = advocate(home, "audit", "head").stdout.strip()
    verified = advocate(home, "audit", "verify", "--head", head)
    assert (verified.returncode, verified.stdout.strip()) == (0, head)
    assert told(advocate(home, "audit", "verify", "--json")) == {
        "number": 4,
        "digest": head.partition(":")[2],
    }
    other = advocate(home, "audit", "verify", "--head", f"4:{'0' * 64}")
    assert (other.returncode, "written anew" in other.stderr) == (1, True)
    assert "is no head" in advocate(home, "audit", "verify", "--head", "4").stderr
