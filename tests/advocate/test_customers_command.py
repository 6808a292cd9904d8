"""`advocate customers`, as support types it."""

import json
from pathlib import Path

import pytest

from outreach.choices import Link, read_link
from tests.advocate.test_cli import advocate
from tests.conftest import at
from tests.outreach.worlds import fill
from warehouse.settings import load_settings

pytestmark = pytest.mark.slow


def test_a_link_is_printed_and_leads_to_its_customer(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = load_settings(home=home)
    fill(settings, {"customers": [{"customer_id": "ann"}]})
    done = advocate(home, "customers", "link", "ann", "--as", "eve")
    assert done.returncode == 0
    address = done.stdout.rstrip("\n")
    assert done.stdout == f"{address}\n"
    assert address.startswith("http://127.0.0.1:8000/yours/")
    assert "desk.url is not https://" in done.stderr
    token = address.rpartition("/")[2]
    link = read_link(settings, token, at("2017-12-01"))
    assert isinstance(link, Link)
    assert link.customer_id == "ann"
    told = json.loads(advocate(home, "customers", "link", "ann", "--json").stdout)
    assert told["customer_id"] == "ann"

    unknown = advocate(home, "customers", "link", "bob")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "customer 'bob' is not known" in unknown.stderr
