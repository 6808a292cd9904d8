"""A representative finds a customer, sees all of them, and may promise within their limits."""

import logging
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from outreach.promises.accounts import balances, listed
from outreach.web.app import desk_app
from outreach.web.frame import PREFIX, Frame, customer_address
from tests.outreach.web.conftest import SignIn
from tests.outreach.worlds import fill
from warehouse import clock
from warehouse.access.accounts import User
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio
ODD = ["a/b", "../tonight", "..", ".", "x.json", "50% & <b>?#", "find", "ada.json.json", "名前"]


@pytest.fixture(autouse=True)
def _people(desk_home: Settings) -> None:
    ada = {"customer_id": "ada", "email": "ada@example.com", "phone": "+49 30 1234567"}
    twin = {"customer_id": "ada-2", "email": "ada@example.com"}
    fill(desk_home, {"customers": [ada, twin, *({"customer_id": one} for one in ODD)]})


async def test_a_viewer_finds_and_sees_nobody(signed_in: SignIn) -> None:
    vic = await signed_in("vic")
    for path in ("/customers", "/customers/ada", "/customers/ada.json", "/customers?customer_id=ada"):
        assert "takes the role reviewer" in await vic.sees(path, 403)
    await vic.sends("/customers/find", 403, text="ada")
    await vic.sends("/customers/grant", 403, customer_id="ada", amount="1.00", currency="USD", why="x")


async def test_a_search_leads_to_the_one_it_finds_and_lists_several(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    answer = await rita.sends("/customers/find", text="+49 (30) 123 45 67")
    assert answer.headers["location"] == "/desk/customers/ada"
    several = await rita.sends("/customers/find", 200, text="ADA@EXAMPLE.COM")
    assert 'href="/desk/customers/ada-2"' in several.text
    assert "Nobody was found" in (await rita.sends("/customers/find", 200, text="eve@example.com")).text
    await rita.sends("/customers/find", 422, text=" ")


async def test_an_address_that_is_looked_for_is_in_no_log_and_no_address(
    signed_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    rita = await signed_in("rita")
    with caplog.at_level(logging.DEBUG):
        await rita.sends("/customers/find", 200, text="ada@example.com")
    ours = [record.getMessage() for record in caplog.records if record.name.split(".")[0] != "httpcore"]
    assert not [said for said in ours if "example.com" in said]


@pytest.mark.parametrize("customer_id", ODD)
async def test_whatever_an_id_is_its_page_and_its_data_are_there(signed_in: SignIn, customer_id: str) -> None:
    rita = await signed_in("rita")
    address = customer_address(customer_id).removeprefix("/desk")
    assert "How they can be reached" in await rita.sees(address)
    assert (await rita.reads(address))["customer_id"] == customer_id
    path, question, rest = address.partition("?")
    assert (await rita.reads(f"{path}.json{question}{rest}"))["customer_id"] == customer_id
    answer = await rita.http.get("/desk/customers", params={"customer_id": customer_id})
    assert answer.status_code == (200 if question else 303)


async def test_an_unknown_customer_is_said_to_be_one(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    assert "is not known" in await rita.sees("/customers/nobody", 404)


async def test_the_story_says_what_the_night_decided_and_what_was_bought(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    page = await rita.sees("/customers/ada")
    for said in (
        "ada@example.com",
        "money goes back to the customer",
        "Fresh milk",
        "$2.00",
        "Nothing is published yet",
    ):
        assert said in page
    assert "ben" not in page
    told = await rita.reads("/customers/ada")
    assert (told["lines"], told["nights"][0]["outcome"], told["slates"]) == (1, "proposed", None)
    assert told["reach"]["best"]["service"] == "file"


async def test_what_would_be_recommended_is_told_with_its_reason(desk_home: Settings) -> None:
    rows = [{"slate": "discover", "product_id": "tea", "title": "<Tea>", "reason": "Goes with Fresh milk"}]
    asked_for: list[str] = []

    def slates(_: Settings, customer_id: str) -> list[dict[str, Any]]:
        asked_for.append(customer_id)
        return rows

    frame = Frame(lambda: desk_home, desk_home, slates=slates)
    app = FastAPI()
    app.mount(PREFIX, desk_app(frame))
    session = frame.sessions.begin(User("rita", Role.REVIEWER, 1), clock.now())
    cookies = {frame.cookie: frame.sessions.written(session, clock.now())}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=desk_home.desk.url, cookies=cookies) as http:
        page = (await http.get("/desk/customers/ada")).text
    assert "<li>&lt;Tea&gt;: Goes with Fresh milk</li>" in page
    assert asked_for == ["ada"]


async def test_there_is_no_place_for_rights_where_nothing_answers_them(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    assert "Erase" not in await rita.sees("/customers/ada")


async def test_a_credit_is_promised_once_with_an_entry_in_the_log(
    signed_in: SignIn, desk_home: Settings
) -> None:
    rita = await signed_in("rita")
    form = {"customer_id": "ada", "amount": "5.00", "currency": "USD", "why": "parcel was wet"}
    first = await rita.sends("/customers/grant", of="/customers/ada", **form)
    again = await rita.sends("/customers/grant", of="/customers/ada", **form)
    assert first.headers["location"] == again.headers["location"]
    page = await rita.sees(first.headers["location"].removeprefix("/desk"))
    assert "Promised: a credit of 5.00 USD" in page
    with reading(engine_for(desk_home)) as session:
        (balance,) = balances(session, "ada")
        entries = session.query(AuditRow).filter(AuditRow.action == "goodwill.open").all()
        assert (balance.open_minor, [(one.by) for one in entries]) == (500, ["rita"])
        assert "example.com" not in entries[0].details


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"amount": "25.01"}, 409, "above the limit of 25.00 USD"),
        ({"amount": "0.001"}, 422, "is not an amount above 0"),
        ({"amount": "1e999999"}, 422, "is not an amount"),
        ({"currency": "XXX"}, 422, "is not a currency"),
        ({"why": ""}, 422, "say why"),
        ({"why": "x" * 501}, 422, "at most 500 letters"),
        ({"customer_id": ""}, 422, "say which customer"),
        ({"customer_id": "nobody"}, 404, "is not known"),
    ],
)
async def test_what_may_not_be_promised_is_refused_and_nothing_is(
    signed_in: SignIn, desk_home: Settings, changed: dict[str, str], status: int, said: str
) -> None:
    rita = await signed_in("rita")
    form = {"customer_id": "ada", "amount": "5.00", "currency": "USD", "why": "wet"} | changed
    answer = await rita.sends("/customers/grant", status, **form)
    assert said in answer.text
    with reading(engine_for(desk_home)) as session:
        assert listed(session) == []


async def test_a_word_is_given_until_the_end_of_a_day(signed_in: SignIn, desk_home: Settings) -> None:
    rita = await signed_in("rita")
    form = {"customer_id": "ada", "said": "we call back", "why": "asked", "due": "2999-12-31"}
    await rita.sends("/customers/word", **form)
    with reading(engine_for(desk_home)) as session:
        (word,) = listed(session, customer_id="ada")
        assert (word.said, word.due_at.date() if word.due_at else None) == ("we call back", date(3000, 1, 1))
    assert "has passed" in (await rita.sends("/customers/word", 422, **form | {"due": "2017-11-30"})).text
    assert "is no day" in (await rita.sends("/customers/word", 422, **form | {"due": "soon"})).text


async def test_names_and_reasons_are_shown_as_they_are_and_never_run(
    signed_in: SignIn, desk_home: Settings
) -> None:
    evil = "<script>alert(1)</script>"
    rows = [{"customer_id": evil, "email": '"><img@x', "representative": evil, "market": evil}]
    fill(desk_home, {"customers": rows, "incidents": [{"customer_id": evil, "kind": evil}]})
    rita = await signed_in("rita")
    form = {"customer_id": evil, "amount": "1.00", "currency": "USD", "why": evil}
    answer = await rita.sends("/customers/grant", **form)
    page = await rita.sees(answer.headers["location"].removeprefix("/desk"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
