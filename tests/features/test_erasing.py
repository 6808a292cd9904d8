"""Erasure from the lake, in worlds of a few rows."""

import polars as pl
import pytest

from features import erasing
from features.belonging import OWNERS
from features.contract import CONTRACTS
from tests.outreach.worlds import fill
from tests.warehouse.test_tombstones import bury
from warehouse.lake import Lake
from warehouse.settings import Settings


def rows(home: Settings, name: str, *, versions: bool = False) -> pl.DataFrame:
    return Lake.of(home).scan(CONTRACTS[name].table, versions=versions).collect()


def erase(home: Settings, customer: str) -> dict[str, int]:
    mark = bury(home, customer, finished=False)
    erasing.remember_keys(home, customer)
    return erasing.erase_events(home, customer, mark)


def line(customer: str, quantity: str = "1", order: str = "o") -> dict[str, str]:
    return {"order_id": order, "customer_id": customer, "quantity": quantity}


def test_rows_about_rows_of_customers_are_found_by_their_keys() -> None:
    assert {name: owner.name for name, owner in OWNERS.items()} == {
        "returns": "purchases",
        "entitlement_uses": "entitlements",
    }


def test_all_versions_and_what_refers_to_them_go_and_others_stay(settings: Settings) -> None:
    back = {"returned_at": "2017-11-25"}
    fill(settings, {"purchases": [line("ann"), line("bob", order="p")],
                    "returns": [{"order_id": "o"} | back, {"order_id": "p"} | back]})  # fmt: skip
    fill(settings, {"purchases": [line("ann", "2")]})
    version = Lake.of(settings).version
    assert erase(settings, "ann") == {"purchases": 2, "returns": 1}
    assert rows(settings, "purchases", versions=True)["customer_id"].to_list() == ["bob"]
    assert rows(settings, "returns")["order_id"].to_list() == ["p"]
    assert Lake.of(settings).version != version
    assert erase(settings, "ann") == {}


@pytest.mark.parametrize(("first", "then", "left"), [("bob", "ann", []), ("ann", "bob", ["bob"])])
def test_an_order_that_changed_hands_is_not_given_back(
    settings: Settings, first: str, then: str, left: list[str]
) -> None:
    """What a later version replaced stays replaced, also when that version goes."""
    fill(settings, {"purchases": [line(first)]})
    fill(settings, {"purchases": [line(then)]})
    erase(settings, "ann")
    assert rows(settings, "purchases")["customer_id"].to_list() == left
    assert rows(settings, "purchases", versions=True)["customer_id"].to_list() == ["bob"]


def test_keys_of_replaced_rows_go_with_them(settings: Settings) -> None:
    people = [{"customer_id": "ann"}, {"customer_id": "bob"}]
    fill(settings, {"customers": people})
    fill(settings, {"customers": [one | {"email": f"{one['customer_id']}@x.example"} for one in people]})
    shelf = Lake.of(settings).shelf
    (path,) = shelf.list("superseded/customers/")
    erase(settings, "ann")
    assert shelf.scan(path).collect()["customer_id"].to_list() == ["bob"]
    assert rows(settings, "customers")["email"].to_list() == ["bob@x.example"]


def test_files_without_rows_of_theirs_are_not_touched(settings: Settings) -> None:
    fill(settings, {"purchases": [line("ann")]})
    fill(settings, {"purchases": [line("bob", order="p")]})
    shelf = Lake.of(settings).shelf
    *_, theirs = shelf.list("events/purchases/")
    before = shelf.read(theirs)
    erase(settings, "ann")
    assert shelf.read(theirs) == before


def test_an_erasure_reaches_a_lake_on_s3(settings: Settings, s3: str) -> None:
    away = settings.model_copy(update={"lake": s3})
    fill(away, {"purchases": [line("ann"), line("bob", order="p")]})
    assert erase(away, "ann") == {"purchases": 1}
    assert rows(away, "purchases")["customer_id"].to_list() == ["bob"]
