"""Attacks through what the desk shows: texts of feeds and people, addresses, ids, headers."""

import html
import re
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from outreach.dossier import dossier
from outreach.models import NoticeOpportunityRow, NoticeRow, WordsRow
from tests.outreach.web.attacks import COMPUTED, EVIL, PATHS, REFLECTED, STORED, TEMPLATES, flaws_of
from tests.outreach.web.poisoned import Desk, desk, own_desk, poisoned_made
from tests.outreach.web.routes import MAY, PARAMETERS, Route, routes_of
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.errors import SettingsError

__all__ = ["desk", "own_desk", "poisoned_made"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def ann(desk: Desk) -> httpx.AsyncClient:
    return await desk.signed_in("ann")


def pages_of(desk: Desk) -> list[Route]:
    """The routes of pages, without their twins in JSON."""
    return [one for one in routes_of(desk.app, "GET") if not one.is_twin]


def for_viewers(desk: Desk) -> list[Route]:
    """The routes that a viewer may ask for, with their twins in JSON."""
    return [one for one in routes_of(desk.app, "GET") if one.needs in (None, Role.VIEWER)]


def assert_harmless(answer: httpx.Response) -> None:
    if answer.headers.get("content-type", "").startswith("text/html"):
        flaws = flaws_of(answer.text, styled=answer.url.path.endswith("/message"))
        assert not flaws, (str(answer.url), flaws)
    else:
        assert COMPUTED not in answer.text, answer.url


async def test_who_may_see_what_is_written_down_for_every_route_and_for_no_other(desk: Desk) -> None:
    there = {(one.method, one.path) for one in routes_of(desk.app)}
    assert MAY.keys() - there == set(), "these are gone; take them out of MAY"
    assert there - MAY.keys() == set(), "these are new; say in MAY who may ask for them"


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
    assert shown > 3 * len(STORED), "pages have to show payloads, or nothing was tried"


async def test_data_is_never_taken_for_a_page(desk: Desk, ann: httpx.AsyncClient) -> None:
    twins = [one for one in routes_of(desk.app, "GET") if one.is_twin]
    assert len(twins) > 10
    for route in twins:
        for address in route.addresses(desk.home, most=1):
            answer = await ann.get(address)
            is_onward = answer.status_code == 303
            assert is_onward or answer.headers["content-type"] == "application/json", address
            assert COMPUTED not in answer.text, address


async def test_a_message_has_the_payloads_as_text_only(desk: Desk) -> None:
    with reading(engine_for(desk.home)) as session:
        written = session.scalars(select(WordsRow)).all()
        kinds = set(session.scalars(select(NoticeOpportunityRow.kind)))
    assert {"price_drop", "unused_entitlement", "double_payment", "late_delivery"} <= kinds
    assert sum("pwned" in one.html for one in written) > len(STORED) / 2
    for one in written:
        assert flaws_of(one.html, styled=True) == []
        assert COMPUTED not in one.text
    said = [one.text for one in written if "{{1337*1337}}" in one.text]
    assert said, "the text of a template is shown as it is"


async def test_viewers_read_no_id_and_no_address_of_anybody_on_any_page(desk: Desk) -> None:
    vic, seen = await desk.signed_in("vic"), 0
    for route in for_viewers(desk):
        for address in route.addresses(desk.home, most=20 if "notice_id" in route.names else 3):
            answer = await vic.get(address)
            found = re.search(r"person-\d+|555 01|/yours/(?!hidden)", answer.text)
            assert found is None, (address, answer.text[max(found.start() - 300, 0) : found.end() + 50])
            seen += "/yours/hidden" in answer.text
    assert seen > 0, "a message has to have a customer's own link, or nothing was hidden"


async def test_viewers_find_nobody_by_asking_for_them(desk: Desk) -> None:
    vic, told = await desk.signed_in("vic"), 0
    somebody, nobody = "person-7", "persxn-7"  # the one stands in the ids of a customer and of their orders
    for route in for_viewers(desk):
        if not (route.is_twin or route.path.endswith(("/export.csv", "/{way}"))):
            continue  # a page shows what its twin says
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        for name in route.declared:
            if name == "sample":
                continue  # that draws others, whatever it is
            seen, unseen = [await vic.get(address, params={name: one}) for one in (somebody, nobody)]
            assert seen.status_code == unseen.status_code, (address, name)
            assert seen.text.replace(somebody, nobody) == unseen.text, (address, name)
            told += seen.status_code == 200
            onward = [one.headers.get("location", "") for one in (seen, unseen)]
            assert onward[0].replace(somebody, nobody) == onward[1], (address, name)
    assert told > 10


async def test_nothing_of_an_address_is_more_than_text(desk: Desk, ann: httpx.AsyncClient) -> None:
    tried = 0
    for route in pages_of(desk):
        address = route.addresses(desk.home, most=1)[0].partition("?")[0]
        for given in [*({name: REFLECTED} for name in route.declared), dict.fromkeys(route.loose, REFLECTED)]:
            answer = await ann.get(address, params=given)
            assert_harmless(answer)
            assert answer.headers.get("location", "/desk/").startswith("/desk")
            for words in re.findall(r'role="(?:status|alert)">(.*?)</', answer.text, re.S):
                assert EVIL not in words or answer.status_code != 200, (address, given, words)
            tried += 1
    assert tried > 50


async def test_an_id_that_is_none_is_not_found_and_opens_no_file(desk: Desk, ann: httpx.AsyncClient) -> None:
    form = {"form_token": await desk.token(ann)}
    for route in routes_of(desk.app):
        for place in [*PATHS, REFLECTED, *STORED[:2]] if route.names and not route.is_twin else []:
            data = form if route.method == "POST" else None
            answer = await ann.request(route.method, route.with_ids(place), data=data)
            assert answer.status_code in (200, 303, 400, 404, 405, 409, 422), (route.path, answer.text)
            assert "root:" not in answer.text
            assert "set-cookie" not in answer.headers
            assert ".." not in answer.headers.get("content-disposition", "")
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
async def test_a_name_that_could_be_more_than_a_name_is_none(desk: Desk, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be an account's"):
        accounts.add(desk.home, name, Role.VIEWER, by="ann", password=None)
    with pytest.raises(SettingsError, match="e-mail address"):
        accounts.add(desk.home, "new", Role.VIEWER, by="ann", password=None, email=f"a@b\r\n{name},c")


async def test_no_text_of_a_feed_is_in_the_subject_of_a_message_and_an_address_is_one_line(
    desk: Desk,
) -> None:
    with reading(engine_for(desk.home)) as session:
        rows = session.scalars(select(NoticeRow)).all()
    assert len(rows) >= len(STORED)
    for one in rows:
        assert "pwned" not in one.subject
        assert "1337" not in one.subject
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", one.subject + one.recipient)


@pytest.mark.parametrize(
    "to",
    [
        "a@b.example\r\nBcc: all@pwned.example",
        "a@b.example\u2028Bcc: all@pwned.example",
        "a@b.example\x85Bcc: all@pwned.example",
        "a@b\x7f",
        "a" * 400,
        "",
    ],
)
async def test_where_a_test_is_sent_to_makes_no_header(desk: Desk, ann: httpx.AsyncClient, to: str) -> None:
    (notice, *_) = PARAMETERS["notice_id"](desk.home)
    form = {"form_token": await desk.token(ann), "to": to}
    assert (await ann.post(f"/desk/notices/{notice}/test", data=form)).status_code == 422
    assert not list(desk.home.outbox_folder.rglob("*"))


@pytest.mark.parametrize(
    "back",
    ["/desk/\r\nset-cookie: pwned=1", "/desk/%0d%0aset-cookie:pwned=1", "/desk/\u2028", "javascript:1"],
)
async def test_where_one_signs_in_to_makes_no_header(desk: Desk, back: str) -> None:
    answer = await (await desk.stranger()).get(f"/desk/sign-in?next={quote(back)}")
    assert_harmless(answer)
    assert "pwned" not in str(answer.headers)


async def test_what_people_write_is_text_too(own_desk: Desk) -> None:
    ann = await own_desk.signed_in("ann")
    form, kept = {"form_token": await own_desk.token(ann)}, 0
    notices = PARAMETERS["notice_id"](own_desk.home)
    for payload, notice_id in zip((*STORED, REFLECTED), [*notices, *notices], strict=False):
        found = dossier(own_desk.home, notice_id)
        assert found.slots
        names = {f"name {one['opportunity_id']} {one['name']}": payload for one in found.slots}
        given = form | names | {"version": str(found.notice["version"])}
        for way in ("preview", "edit"):
            answer = await ann.post(f"/desk/notices/{notice_id}/{way}", data=given)
            assert answer.status_code in (200, 303, 409, 422), answer.text
            assert_harmless(answer)
            kept += answer.status_code == 303
        for page in ("", "/message"):
            assert_harmless(await ann.get(f"/desk/notices/{notice_id}{page}"))
    assert kept > 1, "some payloads have to become part of a message, or nothing was tried"


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_template_that_somebody_writes_is_sent_as_it_was_written(
    desk: Desk, ann: httpx.AsyncClient, template: str
) -> None:
    notice_id = PARAMETERS["notice_id"](desk.home)[0]
    found = dossier(desk.home, notice_id)
    form = {"form_token": await desk.token(ann), "version": str(found.notice["version"]), "note": template}
    form |= {f"name {one['opportunity_id']} {one['name']}": template for one in found.slots}
    answer = await ann.post(f"/desk/notices/{notice_id}/preview", data=form)
    assert answer.status_code == 200
    said = html.unescape(answer.text)
    assert said.count(" ".join(template.split())) >= 2, said


async def test_methods_that_a_route_does_not_have_are_refused(desk: Desk, ann: httpx.AsyncClient) -> None:
    known: dict[str, set[str]] = {}
    for route in routes_of(desk.app):
        for address in route.addresses(desk.home, most=1):
            known.setdefault(address.partition("?")[0], set()).add(route.method)
    for address, methods in known.items():
        for method in {"PUT", "DELETE", "OPTIONS", "PWN", "GET", "POST"} - methods:
            answer = await ann.request(method, address)
            assert answer.status_code in (303, 404, 405, 422), (method, address, answer.status_code)
            assert answer.status_code == 405 or method == "GET"
