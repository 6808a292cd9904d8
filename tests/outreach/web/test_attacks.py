"""Attacks through what the desk shows: texts of feeds and people, addresses, ids, headers, sizes."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from advocate.server import create_app
from outreach.models import NoticeOpportunityRow, NoticeRow, WordsRow
from tests.outreach.web.attacks import COMPUTED, PATHS, REFLECTED, STORED, flaws_of
from tests.outreach.web.poisoned import Desk, desk_of, poisoned_home, poisoned_made
from tests.outreach.web.routes import MAY, Route, routes_of
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.errors import SettingsError
from warehouse.settings import Settings

__all__ = ["poisoned_home", "poisoned_made"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def desk(poisoned_home: Settings) -> AsyncIterator[Desk]:
    async with desk_of(poisoned_home) as made:
        yield made


@pytest.fixture
async def ann(desk: Desk) -> httpx.AsyncClient:
    return await desk.signed_in("ann")


def pages_of(desk: Desk) -> list[Route]:
    return routes_of(desk.app, "GET")


def is_html(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html")


def assert_harmless(answer: httpx.Response) -> None:
    if is_html(answer):
        flaws = flaws_of(answer.text, styled=answer.url.path.endswith("/message"))
        assert not flaws, (str(answer.url), flaws)
    else:
        assert COMPUTED not in answer.text, answer.url


async def test_no_text_of_a_feed_is_more_than_text_on_any_page(desk: Desk, ann: httpx.AsyncClient) -> None:
    with reading(engine_for(desk.home)) as session:
        customers = set(session.scalars(select(NoticeRow.customer_id)))
    assert len(customers) == len(STORED), "each payload has to be in a notice"
    shown = 0
    for route in pages_of(desk):
        for address in route.addresses(desk.home):
            answer = await ann.get(address)
            assert answer.status_code in (200, 303, 404), (address, answer.text)
            assert_harmless(answer)
            shown += "pwned" in answer.text
    assert shown > 10 * len(STORED) / 2, "pages have to show payloads, or nothing was tried"


async def test_a_message_has_the_payloads_as_text_only(desk: Desk) -> None:
    with reading(engine_for(desk.home)) as session:
        written = session.scalars(select(WordsRow)).all()
        kinds = set(session.scalars(select(NoticeOpportunityRow.kind)))
    assert {"price_drop", "unused_entitlement"} <= kinds
    assert sum("pwned" in one.html for one in written) > len(STORED) / 2
    for one in written:
        assert flaws_of(one.html, styled=True) == []
        assert COMPUTED not in one.text
    said = [one.text for one in written if "{{1337*1337}}" in one.text]
    assert said, "the text of a template is shown as it is"


async def test_viewers_read_no_id_and_no_address_of_anybody_on_any_page(desk: Desk) -> None:
    vic = await desk.signed_in("vic")
    seen = 0
    for route in pages_of(desk):
        if route.needs not in (None, Role.VIEWER) or route.path.endswith("/message"):
            continue
        for address in route.addresses(desk.home, most=3):
            answer = await vic.get(address)
            found = re.search(r"person-\d+|555 01", answer.text)
            assert found is None, (address, answer.text[max(found.start() - 300, 0) : found.end() + 50])
            seen += 1
    assert seen > 20


async def test_nothing_of_an_address_is_more_than_text(desk: Desk, ann: httpx.AsyncClient) -> None:
    tried = 0
    for route in pages_of(desk):
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        for name in route.fields:
            for payload in REFLECTED:
                answer = await ann.get(address, params={name: payload})
                assert_harmless(answer)
                assert answer.headers.get("location", "/desk/").startswith("/desk")
                tried += 1
    assert tried > 200


async def test_a_sentence_of_an_address_is_not_said_by_the_desk(desk: Desk, ann: httpx.AsyncClient) -> None:
    said = "Call 555-EVIL now"
    for route in pages_of(desk):
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        for name in route.fields:
            page = (await ann.get(address, params={name: said})).text
            for words in re.findall(r'role="status">(.*?)</', page, re.S):
                assert "EVIL" not in words, (address, name, words)


@pytest.mark.parametrize("place", [*PATHS, *REFLECTED, *STORED])
async def test_an_id_that_is_none_is_not_found_and_opens_no_file(
    desk: Desk, ann: httpx.AsyncClient, place: str
) -> None:
    for route in routes_of(desk.app):
        if route.names and not route.is_twin:
            form = {"form_token": await desk.token(ann)}
            answer = await ann.request(
                route.method, route.with_ids(place), data=form if route.method == "POST" else None
            )
            assert answer.status_code in (200, 303, 400, 404, 405, 409, 422), (route.path, answer.text)
            assert "root:" not in answer.text
            assert "set-cookie" not in answer.headers
            assert_harmless(answer)


@pytest.mark.parametrize(
    "path",
    ["../app.py", "..%2fapp.py", "%2e%2e/frame.py", "....//app.py", "/etc/passwd", "%00", "..\\app.py"],
)
async def test_static_files_are_those_of_their_folder(desk: Desk, path: str) -> None:
    stranger = await desk.stranger()
    url = httpx.URL(f"{desk.home.desk.url}/desk/static/", raw_path=f"/desk/static/{path}".encode())
    answer = await stranger.get(url)
    assert answer.status_code in (303, 400, 404, 405)
    assert "import" not in answer.text
    assert "root:" not in answer.text


async def test_no_link_and_no_redirect_comes_from_a_header(desk: Desk, ann: httpx.AsyncClient) -> None:
    forged = {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-for": "evil.example",
        "x-forwarded-proto": "gopher",
        "x-forwarded-prefix": "/evil.example",
        "x-original-url": "/evil.example",
        "x-rewrite-url": "/evil.example",
        "forwarded": "host=evil.example;proto=gopher",
        "referer": "https://evil.example/desk//evil.example",
    }
    for route in pages_of(desk):
        for address in [*route.addresses(desk.home, most=1), route.with_ids("none")]:
            answer = await ann.get(address, headers=forged)
            for text in (answer.text, answer.headers.get("location", "")):
                assert "evil.example" not in text, address
                assert "gopher" not in text, address


@pytest.mark.parametrize("name", ["eve\r\nx: y", "eve\x00", "éve", "<b>", "eve ", "../eve", "", "e" * 65])
def test_a_name_that_could_be_more_than_a_name_is_none(poisoned_home: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be an account's"):
        accounts.add(poisoned_home, name, Role.VIEWER, by="ann", password=None)
    with pytest.raises(SettingsError, match="e-mail address"):
        accounts.add(poisoned_home, "new", Role.VIEWER, by="ann", password=None, email=f"a@b\r\n{name},c")


async def test_addresses_of_test_sends_make_no_headers(desk: Desk, ann: httpx.AsyncClient) -> None:
    (address, *_) = next(
        one.addresses(desk.home) for one in routes_of(desk.app, "POST") if one.path.endswith("/test")
    )
    for to in ("a@b.example\r\nBcc: all@pwned.example", "a@b\x00", "a" * 400, ""):
        form = {"form_token": await desk.token(ann), "to": to}
        assert (await ann.post(address, data=form)).status_code == 422
    assert not list(desk.home.outbox_folder.rglob("*"))


async def test_where_one_signs_in_to_makes_no_headers(desk: Desk) -> None:
    for back in (
        "/desk/\r\nset-cookie: pwned=1",
        "/desk/%0d%0aset-cookie:pwned=1",
        "/desk/\u2028",
        "javascript:1",
    ):
        stranger = await desk.stranger()
        answer = await stranger.get(f"/desk/sign-in?next={quote(back)}")
        assert_harmless(answer)
        assert "pwned" not in str(answer.headers)


async def test_what_people_write_is_text_too(desk: Desk, ann: httpx.AsyncClient) -> None:
    edits = [one for one in routes_of(desk.app, "POST") if one.path.endswith(("/preview", "/edit"))]
    assert len(edits) == 2
    with reading(engine_for(desk.home)) as session:
        told = session.execute(select(NoticeOpportunityRow.notice_id, NoticeOpportunityRow.opportunity_id))
        notice_id, opportunity = told.first() or ("", "")
    for payload in (*STORED, *REFLECTED):
        form = {"form_token": await desk.token(ann), "version": "1", "note": payload}
        form |= {f"name {opportunity} {slot}": payload for slot in ("item", "offer")}
        for name in ("reason", "why", "said", "text", "value", "reference", "due", "currency"):
            form[name] = payload
        for route in edits:
            answer = await ann.post(route.with_ids(notice_id), data=form)
            assert answer.status_code in (200, 303, 404, 409, 422), answer.text
            assert_harmless(answer)
        assert_harmless(await ann.get(f"/desk/notices/{notice_id}/message"))
        assert_harmless(await ann.get(f"/desk/notices/{notice_id}"))


async def test_fields_of_any_size_and_number_are_refused_or_read(desk: Desk, ann: httpx.AsyncClient) -> None:
    token = await desk.token(ann)
    large = {
        "form_token": token,
        **dict.fromkeys(("reason", "note", "why", "to", "text", "value"), "x" * 10**7),
    }
    many = {"form_token": token} | {f"name {n} item": "x" for n in range(5000)}
    for route in routes_of(desk.app, "POST"):
        if route.path == "/sign-out":
            continue
        address = route.addresses(desk.home, most=1)[0]
        answer = await ann.post(address, data=large)
        assert answer.status_code in (303, 400, 413, 422), (address, answer.status_code)
        assert answer.status_code != 303 or route.path in ("/pause", "/resume"), address
        await ann.post(address, data=many)
        parts = {f"f{n}": (None, "x") for n in range(2000)} | {"form_token": (None, token)}
        assert (await ann.post(address, files=parts)).status_code in (303, 400, 404, 409, 413, 422)


async def test_methods_that_a_route_does_not_have_are_refused(desk: Desk, ann: httpx.AsyncClient) -> None:
    known: dict[str, set[str]] = {}
    for route in routes_of(desk.app):
        for address in route.addresses(desk.home, most=1):
            known.setdefault(address.partition("?")[0], set()).add(route.method)
    for address, methods in known.items():
        for method in {"PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PWN", "GET", "POST"} - methods:
            answer = await ann.request(method, address)
            assert answer.status_code in (303, 404, 405, 422), (method, address, answer.status_code)
            assert answer.status_code == 405 or method == "GET"


def test_who_may_see_what_is_written_down_for_every_route_and_for_no_other(poisoned_home: Settings) -> None:
    there = {(one.method, one.path) for one in routes_of(create_app(poisoned_home, keys=False))}
    assert MAY.keys() - there == set(), "these are gone; take them out of MAY"
    assert there - MAY.keys() == set(), "these are new; say in MAY who may ask for them"
