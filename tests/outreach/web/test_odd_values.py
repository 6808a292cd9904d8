"""Values that nobody expects, in addresses and forms, on both databases: words, and never a defect."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import outreach.web
from tests.outreach.web import routes
from tests.outreach.web.attacks import ODD, PATHS
from tests.outreach.web.poisoned import Desk, desk_of
from tests.outreach.web.routes import QUERIES, routes_of
from warehouse.settings import DeskSettings, Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
UNDERSTOOD = (200, 303, 400, 403, 404, 405, 409, 414, 422)
NAMED = re.compile(r'name="(\w+)"')
FIELDS = sorted(
    {
        name
        for file in Path(outreach.web.__file__).parent.rglob("*.html")
        for name in NAMED.findall(file.read_text())
    }
    - {"form_token", "viewport", "robots", "password"}
)
"""Every field of every form."""
ODDEST = ["x\x00y", "9" * 40, "²", "[" * 9000]
assert set(ODDEST) < set(ODD)


@pytest.fixture
async def desk(desk_home: Settings) -> AsyncIterator[Desk]:
    async with desk_of(desk_home) as made:
        yield made


@pytest.fixture
async def ann(desk: Desk) -> httpx.AsyncClient:
    return await desk.signed_in("ann")


@pytest.fixture(autouse=True)
def _something_under_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(routes.PARAMETERS, "promise_id", lambda _: ["11111111-2222-3333-4444-555555555555"])


async def test_in_an_address(desk: Desk, ann: httpx.AsyncClient) -> None:
    for route in routes_of(desk.app, "GET"):
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        known = dict(part.split("=") for part in QUERIES.get(route.path, "").lstrip("?").split("&") if part)
        for name in route.fields:
            for value in ODD:
                answer = await ann.get(address, params=known | {name: value})
                assert answer.status_code in UNDERSTOOD, (address, name, value, answer.text)


async def test_as_an_id(desk: Desk, ann: httpx.AsyncClient) -> None:
    form = {"form_token": await desk.token(ann)}
    for route in routes_of(desk.app):
        for value in [*ODD, *PATHS] if route.names and not route.is_twin else []:
            data = form if route.method == "POST" else None
            answer = await ann.request(route.method, route.with_ids(value), data=data)
            assert answer.status_code in UNDERSTOOD, (route.path, value, answer.text)


async def test_in_a_form(desk: Desk, ann: httpx.AsyncClient) -> None:
    token = await desk.token(ann)
    assert {"reason", "why", "amount", "note", "version"} <= set(FIELDS)
    plain = {
        "reason": "x",
        "why": "x",
        "customer": "ada",
        "customer_id": "ada",
        "currency": "USD",
        "amount": "1",
    }
    plain |= {"action": "hold", "scope": "matching", "said": "x", "due": "2099-01-01", "version": "1"}
    plain |= {"seen": "0", "value": "1", "reference": "r", "meant": "somebody else"}
    for route in routes_of(desk.app, "POST"):
        if route.path in ("/sign-out", "/sign-in"):
            continue
        address = route.addresses(desk.home, most=1)[0]
        for name in FIELDS:
            for value in ODDEST:
                form = plain | {"form_token": token, name: value}
                answer = await ann.post(address, data=form)
                assert answer.status_code in UNDERSTOOD, (address, name, value, answer.text)
        for value in ODD:
            form = dict.fromkeys(FIELDS, value) | {"form_token": token}
            answer = await ann.post(address, data=form)
            assert answer.status_code in UNDERSTOOD, (address, value, answer.text)


async def test_as_who_signs_in(desk: Desk) -> None:
    for value in ODD:
        stranger = await desk.stranger()
        page = (await stranger.get("/desk/sign-in")).text
        form = {"form_token": page.partition('form_token" value="')[2].partition('"')[0]}
        for name, password in ((value, "wrong"), ("eve", value)):
            answer = await stranger.post("/desk/sign-in", data=form | {"name": name, "password": password})
            assert answer.status_code in (401, 422), (name, answer.text)


async def test_with_https_cookies_go_nowhere_else(desk_home: Settings) -> None:
    secure = desk_home.model_copy(update={"desk": DeskSettings(url="https://desk.example")})
    async with desk_of(secure) as desk:
        stranger = await desk.stranger()
        page = await stranger.get("/desk/sign-in")
        form = {"form_token": page.text.partition('form_token" value="')[2].partition('"')[0], "name": "eve"}
        form["password"] = "correct horse battery staple"
        answer = await stranger.post("/desk/sign-in", data=form)
        cookies = answer.headers.get_list("set-cookie")
        assert any(one.startswith("__Secure-advocate=") for one in cookies)
        assert all("Secure" in one.split("; ") for one in [*cookies, *page.headers.get_list("set-cookie")])
