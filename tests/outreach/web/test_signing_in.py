"""Who comes in, and who does not."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.outreach.web.conftest import PASSWORD, Person, SignIn
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio
Visit = Callable[[], Awaitable[Person]]


async def token_of(person: Person) -> str:
    page = (await person.http.get("/desk/sign-in")).text
    return page.partition('name="form_token" value="')[2].partition('"')[0]


async def tries(person: Person, name: str, password: str) -> int:
    form = {"form_token": await token_of(person), "name": name, "password": password}
    return (await person.http.post("/desk/sign-in", data=form)).status_code


async def test_every_page_asks_strangers_to_sign_in_and_leads_them_back(visit: Visit) -> None:
    stranger = await visit()
    answer = await stranger.http.get("/desk/batches/latest?kind=price_drop")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/sign-in?next=%2Fdesk%2Fbatches%2Flatest%3Fkind%3Dprice_drop"
    assert await stranger.reads("/tonight.json", 401) == {
        "title": "Sign in first",
        "status": 401,
        "detail": "sign in at /desk/sign-in; then ask again",
    }


async def test_who_signs_in_sees_the_night_until_they_sign_out(visit: Visit) -> None:
    eve = await visit()
    assert await tries(eve, "eve", PASSWORD) == 303
    assert "Thursday, 30 November 2017" in await eve.sees("/tonight")
    await eve.sends("/sign-out")
    assert (await eve.http.get("/desk/tonight")).status_code == 303


async def test_a_wrong_password_and_a_name_nobody_has_are_refused_alike(visit: Visit) -> None:
    stranger = await visit()
    assert await tries(stranger, "eve", "not the password") == 401
    assert await tries(stranger, "nobody", PASSWORD) == 401


async def test_who_guesses_too_often_has_to_wait_even_with_the_right_password(
    visit: Visit, desk_home: Settings
) -> None:
    stranger = await visit()
    for _ in range(10):
        assert await tries(stranger, "eve", "a wrong guess") == 401
    assert await tries(stranger, "eve", PASSWORD) == 429
    assert await tries(stranger, "bob", PASSWORD) == 303
    with clock.at(clock.now() + timedelta(minutes=16)):
        assert await tries(stranger, "eve", PASSWORD) == 303


async def test_a_session_ends_with_its_hours_and_with_any_change_of_the_account(
    signed_in: SignIn, desk_home: Settings
) -> None:
    eve, rita = await signed_in("eve"), await signed_in("rita")
    accounts.change_role(desk_home, "rita", Role.VIEWER, by="ann")
    assert (await rita.http.get("/desk/tonight")).status_code == 303
    with clock.at(clock.now() + timedelta(hours=11)):
        assert (await eve.http.get("/desk/tonight")).status_code == 303


async def test_a_session_that_somebody_else_chose_is_not_taken_over(visit: Visit) -> None:
    victim = await visit()
    for name in ("visit", "advocate"):
        victim.http.cookies.set(name, "chosen-by-mallory", domain="127.0.0.1", path="/desk")
    assert await tries(victim, "eve", PASSWORD) == 303
    held = [cookie.value for cookie in victim.http.cookies.jar if cookie.name == "advocate"]
    assert "chosen-by-mallory" not in held


async def test_the_cookie_is_kept_from_scripts_and_other_sites(visit: Visit) -> None:
    stranger = await visit()
    form = {"form_token": await token_of(stranger), "name": "eve", "password": PASSWORD}
    answer = await stranger.http.post("/desk/sign-in", data=form)
    said = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("advocate="))
    assert "HttpOnly" in said
    assert "SameSite=lax" in said
    assert "Path=/desk" in said


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/desk/../v1/events", "/desk\\x"]
)
async def test_signing_in_leads_nowhere_else(visit: Visit, back: str) -> None:
    stranger = await visit()
    form = {"form_token": await token_of(stranger), "name": "eve", "password": PASSWORD, "next": back}
    answer = await stranger.http.post("/desk/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


async def test_a_form_without_its_token_or_of_another_site_changes_nothing(signed_in: SignIn) -> None:
    eve, bob = await signed_in("eve"), await signed_in("bob")
    form = {"action": "approve", "scope": "matching"}
    assert (await eve.http.post("/desk/batches/latest/decide", data=form)).status_code == 403
    page = await bob.sees("/tonight")
    form["form_token"] = page.partition('name="form_token" value="')[2].partition('"')[0]
    assert (await eve.http.post("/desk/batches/latest/decide", data=form)).status_code == 403
    cross = {"sec-fetch-site": "cross-site"}
    answer = await bob.http.post("/desk/batches/latest/decide", data=form, headers=cross)
    assert answer.status_code == 403
    evil = {"origin": "https://evil.example"}
    assert (await bob.http.post("/desk/batches/latest/decide", data=form, headers=evil)).status_code == 403
    shown = await eve.reads("/batches/latest.json")
    assert {notice["state"] for notice in shown["notices"]} == {"proposed"}
