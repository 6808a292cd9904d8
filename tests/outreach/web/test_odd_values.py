"""Values that nobody expects, in addresses and forms, on both databases: words, and never a defect."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from outreach.promises import goodwill
from tests.conftest import at, copy_of
from tests.outreach.web.attacks import ODD, PATHS
from tests.outreach.web.conftest import PASSWORD
from tests.outreach.web.forms import Form, forms_in
from tests.outreach.web.poisoned import Desk, desk_of, token_in
from tests.outreach.web.routes import QUERIES, Route, routes_of
from warehouse.settings import DeskSettings, Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
UNDERSTOOD = (200, 303, 400, 403, 404, 405, 409, 414, 422)
ODDEST = ["x\x00y", "9" * 40]
"""What a database, or the way to it, stumbles over; the rest does not get so far."""
assert set(ODDEST) < set(ODD)
PLAIN = {"reason": "x", "why": "x", "customer": "ada", "currency": "USD", "amount": "1", "said": "x"}
PLAIN |= {"due": "2099-01-01", "value": "1", "reference": "r", "to": "me", "text": "ada", "seen": "0"}
PLAIN |= {"action": "hold", "note": "x"}
"""What is filled into fields that are empty."""
LATER = {
    "/batches/{batch}/undo/{entry}": ["reason"],
    "/batches/{batch}/submit": ["version"],
    "/batches/{batch}/import": ["list"],
    "/ledger/{promise_id}/pay": ["reference", "amount"],
    "/ledger/{promise_id}/reopen": ["why", "reference"],
    "/resume": [],
    "/customers/grant": ["customer_id", "amount", "currency", "why"],
}
"""Forms that no page has yet, because nothing was decided, and their fields."""


@pytest.fixture(scope="module")
async def desk(reviewed: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A desk with a night to review and a promise, on one of both databases."""
    home = copy_of(reviewed, tmp_path_factory.mktemp("odd") / "home")
    goodwill.give_word(home, "ada", "a call back", at("2099-01-01"), by="rita", why="they asked")
    async with desk_of(home) as made:
        yield made


@pytest.fixture
async def ann(desk: Desk) -> httpx.AsyncClient:
    return await desk.signed_in("ann")


def odd_ones(desk: Desk) -> list[str]:
    """All of them on the database that is quick; on the other one those that reach it."""
    return ODDEST if desk.home.database_url else ODD


async def test_in_an_address(desk: Desk, ann: httpx.AsyncClient) -> None:
    tried: set[tuple[str, ...]] = set()
    for route in routes_of(desk.app, "GET"):
        if route.is_twin or tuple(route.declared) in tried:
            continue  # what several routes read alike is tried once
        tried.add(tuple(route.declared))
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        known = dict(part.split("=") for part in QUERIES.get(route.path, "").lstrip("?").split("&") if part)
        for name in route.declared:
            for value in odd_ones(desk):
                answer = await ann.get(address, params=known | {name: value})
                assert answer.status_code in UNDERSTOOD, (address, name, value, answer.text)
        for value in odd_ones(desk):
            await ann.get(address, params=known | dict.fromkeys(route.loose, value[:100]))


async def test_as_an_id(desk: Desk, ann: httpx.AsyncClient) -> None:
    form = {"form_token": await desk.token(ann)}
    for route in routes_of(desk.app):
        for value in {*odd_ones(desk), *PATHS[:2]} if route.names and not route.is_twin else []:
            data = form if route.method == "POST" else None
            answer = await ann.request(route.method, route.with_ids(value), data=data)
            assert answer.status_code in UNDERSTOOD, (route.path, value, answer.text)


async def test_in_a_form(desk: Desk, ann: httpx.AsyncClient) -> None:
    token, tried = {"form_token": await desk.token(ann)}, 0
    for form in await forms_of(desk, ann):
        filled = {name: value or PLAIN.get(name.split(" ")[0], "x") for name, value in form.fields.items()}
        for name in filled:
            answer = await ann.post(form.action, data=filled | token | {name: "9" * 40})
            assert answer.status_code in UNDERSTOOD, (form.action, name, answer.text)
            tried += 1
        for value in odd_ones(desk):
            answer = await ann.post(form.action, data=dict.fromkeys(filled, value) | token)
            assert answer.status_code in UNDERSTOOD, (form.action, value, answer.text)
    assert tried > 50


async def forms_of(desk: Desk, ann: httpx.AsyncClient) -> list[Form]:
    """One form for each route that takes one, with its fields as a page fills them in."""
    shown = []
    for route in routes_of(desk.app, "GET"):
        for address in route.addresses(desk.home, most=1) if not route.is_twin else []:
            shown += forms_in((await ann.get(address)).text)
    found = []
    for route in routes_of(desk.app, "POST"):
        if route.path in ("/sign-in", "/sign-out"):
            continue
        pattern = re.compile("/desk" + re.sub(r"{\w+}", "[^/]+", route.path))
        mine = [one for one in shown if pattern.fullmatch(one.action)]
        assert mine or route.path in LATER, f"no page has a form for {route.path}; say its fields in LATER"
        found.append(mine[0] if mine else later(desk, route))
    return found


def later(desk: Desk, route: Route) -> Form:
    """A form of a route that no page has yet."""
    return Form(route.addresses(desk.home, most=1)[0], dict.fromkeys(LATER[route.path], ""))


@pytest.mark.parametrize("encoding", ["utf-7", "undefined", "hex", "utf-16", "nonsense"])
async def test_in_an_encoding_that_is_none_or_gives_half_characters(
    desk: Desk, ann: httpx.AsyncClient, encoding: str
) -> None:
    token, half = await desk.token(ann), "+2AA-"  # in UTF-7, the first half of a character
    batch = "/desk/batches/latest/decide"
    for action, name in ((batch, "reason"), (batch, "form_token"), ("/desk/customers/find", "text")):
        fields = {"form_token": token, "action": "hold", "scope": "matching"} | {name: half}
        parts = [
            f'--x\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{fields[key]}\r\n' for key in fields
        ]
        kind = {"content-type": f"multipart/form-data; boundary=x; charset={encoding}"}
        answer = await ann.post(action, content="".join([*parts, "--x--\r\n"]), headers=kind)
        assert answer.status_code in UNDERSTOOD, answer.text


async def test_as_who_signs_in(desk: Desk) -> None:
    for value in [*ODDEST, "x" * 5000]:
        stranger = await desk.stranger()
        form = {"form_token": token_in((await stranger.get("/desk/sign-in")).text)}
        for name, password in ((value, "wrong"), ("vic", value)):
            answer = await stranger.post("/desk/sign-in", data=form | {"name": name, "password": password})
            assert answer.status_code in (401, 422, 429), (name, answer.text)


async def test_with_https_cookies_go_nowhere_else(desk_home: Settings) -> None:
    secure = desk_home.model_copy(update={"desk": DeskSettings(url="https://desk.example")})
    async with desk_of(secure) as desk:
        stranger = await desk.stranger()
        page = await stranger.get("/desk/sign-in")
        form = {"form_token": token_in(page.text), "name": "eve", "password": PASSWORD}
        answer = await stranger.post("/desk/sign-in", data=form)
        cookies = answer.headers.get_list("set-cookie")
        assert any(one.startswith("__Secure-advocate=") for one in cookies)
        assert all("Secure" in one.split("; ") for one in [*cookies, *page.headers.get_list("set-cookie")])
