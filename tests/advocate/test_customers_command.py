"""`advocate customers`, as support types it."""

import json
from pathlib import Path

import pytest

from outreach.choices import Link, read_link
from tests.advocate.terminal import advocate, told
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
    again = told(advocate(home, "customers", "link", "ann", "--json"))
    assert again["customer_id"] == "ann"

    unknown = advocate(home, "customers", "link", "bob")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "customer 'bob' is not known" in unknown.stderr


def test_a_customer_is_exported_erased_and_kept_out(tmp_path: Path) -> None:
    home, feed, out = tmp_path / "home", tmp_path / "feed", tmp_path / "ann.json"
    feed.mkdir()
    (feed / "purchases.csv").write_text(
        "order_id,line_id,customer_id,product_id,quantity,unit_price,currency,purchased_at\n"
        "1,1,ann,milk,1,2.00,EUR,2017-11-20T10:00:00Z\n2,1,bob,milk,1,2.00,EUR,2017-11-20T10:00:00Z\n"
    )
    assert advocate(home, "import", "folder", str(feed)).returncode == 0
    counted = told(advocate(home, "customers", "export", "ann", "--out", str(out), "--json"))
    assert counted["rows"]["ann"]["lake"] == 2
    (account,) = json.loads(out.read_text())["accounts"]
    assert account["lake"]["purchases"][0]["order_id"] == "1"

    unknown = advocate(home, "customers", "erase", "nobody", "--reason", "asked")
    assert (unknown.returncode, "not known" in unknown.stderr) == (1, True)
    receipt = told(advocate(home, "customers", "erase", "ann", "--reason", "asked", "--json"))
    assert (receipt["rows_out"]["lake: purchases"], receipt["rows_out"]["lake: customers"]) == (1, 1)
    again = advocate(home, "customers", "export", "ann", "--out", str(out))
    assert (again.returncode, "was erased" in again.stderr) == (1, True)
    (tombstone,) = told(advocate(home, "customers", "erased", "--json"))
    assert tombstone["finished_at"] is not None
    imported = told(advocate(home, "import", "folder", str(feed), "--json"))
    assert imported["rejected"] == {"purchases: erased": 1}
    assert advocate(home, "audit", "verify").returncode == 0
