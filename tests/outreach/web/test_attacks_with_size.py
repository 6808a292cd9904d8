"""Attacks with size: ten million letters in a form, an address, a cookie and a feed are refused at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from advocate.serving.limits import MAX_BODY
from features.contract import CONTRACTS
from features.feeds.folder import read_folder
from features.importing import bring_in
from tests.conftest import at
from tests.outreach.web.poisoned import COOKIE, Desk, desk, poisoned_made
from tests.outreach.web.routes import Route, routes_of
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings

__all__ = ["desk", "poisoned_made"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TEN_MILLION = 10**7
READ_AS = ("currency", "zone", "moment", "amount", "decimal", "whole", "flag")
"""Kinds of columns that are read as something other than free text, which keeps them short."""
FORM = {"content-type": "application/x-www-form-urlencoded"}


def forms_of(desk: Desk) -> list[Route]:
    """All that take a form of somebody who signed in, but for one that takes a file."""
    return [one for one in routes_of(desk.app, "POST") if one.needs and not one.path.endswith("/import")]


async def test_a_form_with_a_vast_field_is_refused(desk: Desk) -> None:
    ann = await desk.signed_in("ann")
    vast = f"form_token={await desk.token(ann)}&reason=".encode() + b"x" * TEN_MILLION
    for route in forms_of(desk):
        address = route.addresses(desk.home, most=1)[0]
        answer = await ann.post(address, content=vast, headers=FORM)
        assert answer.status_code == 413, address


async def test_a_form_that_does_not_say_its_size_is_read_no_further_than_allowed(desk: Desk) -> None:
    ann, read = await desk.signed_in("ann"), 0

    async def piecewise() -> AsyncIterator[bytes]:
        nonlocal read
        yield b"reason="
        for _ in range(TEN_MILLION // 10_000):
            read += 10_000
            yield b"x" * 10_000

    address = forms_of(desk)[0].addresses(desk.home, most=1)[0]
    assert (await ann.post(address, content=piecewise(), headers=FORM)).status_code == 413
    assert MAX_BODY < read < 2 * MAX_BODY


async def test_a_form_of_many_fields_is_refused(desk: Desk) -> None:
    ann = await desk.signed_in("ann")
    token = await desk.token(ann)
    fields = "&".join([f"form_token={token}", *(f"f{n}=x" for n in range(5000))])
    parts = {f"f{n}": (None, "x") for n in range(2000)} | {"form_token": (None, token)}
    for route in forms_of(desk):
        address = route.addresses(desk.home, most=1)[0]
        assert (await ann.post(address, content=fields, headers=FORM)).status_code == 400, address
    assert (await ann.post(address, files=parts)).status_code == 400


async def test_a_list_with_a_vast_cell_is_refused_by_its_row(desk: Desk) -> None:
    eve = await desk.signed_in("eve")
    address = next(one for one in routes_of(desk.app, "POST") if one.path.endswith("/import"))
    row = b"notice_id,version,decision,reason\nx,1,reject," + b"x" * TEN_MILLION + b"\n"
    data = {"form_token": await desk.token(eve)}
    answer = await eve.post(address.addresses(desk.home)[0], data=data, files={"list": ("l.csv", row)})
    assert answer.status_code == 422
    assert len(answer.text) < 10_000


async def test_a_vast_address_and_a_vast_cookie_are_refused(desk: Desk) -> None:
    ann = await desk.signed_in("ann")
    vast = "x" * TEN_MILLION
    for route in routes_of(desk.app):
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        url = f"{desk.home.desk.url}{address}"
        scope = ann.build_request(route.method, url, headers={"cookie": f"{COOKIE}={vast}"})
        assert (await ann.send(scope)).status_code == 431, address
    for route in routes_of(desk.app, "GET"):
        for name in route.declared[:1]:
            address = route.addresses(desk.home, most=1)[0].partition("?")[0]
            # A client of ours refuses to write such an address, so it is written without it.
            assert (await asked(desk, address, f"{name}={vast}".encode())) == 414, address


async def asked(desk: Desk, path: str, query: bytes) -> int:
    """The status of an answer to a question that no client of ours would ask."""
    statuses = []
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}
    scope |= {"query_string": query, "http_version": "1.1", "scheme": "http", "root_path": ""}
    scope |= {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"}}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await desk.app(scope, receive, send)  # type: ignore[arg-type]
    (status,) = statuses
    assert isinstance(status, int)
    return status


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_text_of_the_contract_has_an_end(table: str) -> None:
    for name, column in CONTRACTS[table].schema.columns().items():
        told = column.metadata or {}
        if column.dtype != pl.String or told.get("kind") in READ_AS or "values" in told:
            continue
        assert isinstance(column, dy.String)
        assert column.max_length is not None, f"{table}.{name} may be of any length"
        assert column.max_length <= 4000


def test_a_vast_text_of_a_feed_is_quarantined_and_the_rest_comes_in(
    settings: Settings, tmp_path: Path
) -> None:
    feed = tmp_path / "feed"
    feed.mkdir()
    header = "order_id,line_id,customer_id,product_id,quantity,unit_price,currency,purchased_at"
    (feed / "purchases.csv").write_text(f"{header}\no1,1,ada,milk,1,2.00,USD,2017-11-20\n")
    vast = "<script>" + "x" * TEN_MILLION
    (feed / "products.csv").write_text(f"product_id,title\nmilk,Fresh milk\nbread,{vast}\n{vast},Bread\n")
    with clock.at(at("2017-11-30")):
        receipt = bring_in(settings, read_folder(feed))
    kept = Lake.of(settings).scan(CONTRACTS["products"].table).collect()
    assert kept["title"].to_list() == ["Fresh milk"]
    refused = Path(receipt.artifacts["quarantine"]) / "products.parquet"
    reasons = pl.read_parquet(refused, columns=["reasons"])["reasons"].to_list()
    assert reasons == [["title: too long"], ["product_id: too long"]]
