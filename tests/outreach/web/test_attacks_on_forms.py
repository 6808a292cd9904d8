"""Attacks through forms, sessions and roles: whoever may not do something does not get it done."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.conftest import copy_of
from tests.outreach.web.conftest import PASSWORD
from tests.outreach.web.poisoned import COOKIE, Desk, desk, own_desk, poisoned_made, token_in
from tests.outreach.web.routes import Route, routes_of
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.access.sessions import Sessions
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

__all__ = ["desk", "own_desk", "poisoned_made"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROLES = {"vic": Role.VIEWER, "rita": Role.REVIEWER, "eve": Role.APPROVER, "ann": Role.ADMIN}


def told(home: Settings) -> list[str]:
    """What was done by now, but for who came and went."""
    with reading(engine_for(home)) as session:
        audit.verify(session)
        actions = session.scalars(select(AuditRow.action).order_by(AuditRow.number)).all()
    return [one for one in actions if not one.startswith(("session.", "batch.export"))]


def forms_of(desk: Desk) -> list[Route]:
    """The routes that take a form of somebody who signed in."""
    return [one for one in routes_of(desk.app, "POST") if one.needs is not None]


async def test_a_form_of_nobody_of_another_or_of_another_site_changes_nothing(desk: Desk) -> None:
    before = told(desk.home)
    ann, eve, stranger = await desk.signed_in("ann"), await desk.signed_in("eve"), await desk.stranger()
    mine, other = await desk.token(ann), await desk.token(eve)
    stale = await desk.token(await desk.newly("ann"))
    tries = {
        "missing": {"data": {"x": "y"}},
        "empty": {"data": {"form_token": ""}},
        "cut": {"data": {"form_token": mine[:-1]}},
        "of somebody else": {"data": {"form_token": other}},
        "of an earlier session": {"data": {"form_token": stale}},
        "of another site": {"data": {"form_token": mine}, "headers": {"sec-fetch-site": "cross-site"}},
        "of a neighbour": {"data": {"form_token": mine}, "headers": {"sec-fetch-site": "same-site"}},
        "of an older browser": {"data": {"form_token": mine}, "headers": {"origin": "https://evil.example"}},
        "of a sandbox": {"data": {"form_token": mine}, "headers": {"origin": "null"}},
        "as text": {"content": f"form_token={mine}", "headers": {"content-type": "text/plain"}},
        "as JSON": {"json": {"form_token": mine}},
        "as a file": {"files": {"form_token": ("token", mine)}},
        "in the address": {"params": {"form_token": mine}},
    }
    forms = forms_of(desk)
    assert len(forms) > 15
    for route in forms:
        address = route.addresses(desk.home, most=1)[0]
        answer = await stranger.post(address, data={"form_token": mine})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in?next=%2Fdesk"), (
            address
        )
        for what, one in tries.items():
            answer = await ann.post(address, **one)  # type: ignore[arg-type]
            assert answer.status_code == 403, (address, what, answer.status_code)
    assert told(desk.home) == before


async def test_signing_in_takes_a_form_of_this_browser(desk: Desk) -> None:
    stranger, other = await desk.stranger(), await desk.stranger()
    await stranger.get("/desk/sign-in")
    token = token_in((await other.get("/desk/sign-in")).text)
    form = {"name": "eve", "password": PASSWORD}
    assert (await stranger.post("/desk/sign-in", data=form)).status_code == 422
    assert (await stranger.post("/desk/sign-in", data=form | {"form_token": token})).status_code == 403
    assert (await stranger.post("/desk/sign-in", json=form | {"form_token": token})).status_code == 422
    assert COOKIE not in stranger.cookies


async def test_nobody_gets_what_their_role_does_not_have_and_everybody_what_it_has(own_desk: Desk) -> None:
    people = {name: await own_desk.signed_in(name) for name in ROLES}
    tokens = {name: await own_desk.token(person) for name, person in people.items()}
    stranger, before = await own_desk.stranger(), told(own_desk.home)
    routes = [one for one in routes_of(own_desk.app) if one.needs is not None]
    assert len(routes) > 50
    for route in routes:
        address = route.addresses(own_desk.home, most=1)[0]
        answer = await stranger.request(route.method, address)
        assert answer.status_code == (401 if route.is_twin else 303), address
        assert route.is_twin or answer.headers["location"].startswith("/desk/sign-in?next="), address
        for name, role in ROLES.items():
            if route.needs is not None and not role.may(route.needs):
                form = {"form_token": tokens[name]} if route.method == "POST" else None
                answer = await people[name].request(route.method, address, data=form)
                assert answer.status_code == 403, (name, address, answer.status_code)
    assert told(own_desk.home) == before
    for route in sorted(routes, key=lambda one: one.path == "/sign-out"):
        least = next(name for name, role in ROLES.items() if role is route.needs)
        form = {"form_token": tokens[least]} if route.method == "POST" else None
        address = route.addresses(own_desk.home, most=1)[0]
        answer = await people[least].request(route.method, address, data=form)
        assert answer.status_code in (200, 303, 404, 409, 422), (least, address, answer.text)
        assert not answer.headers.get("location", "").startswith("/desk/sign-in?"), address


@pytest.mark.parametrize(("name", "action"), [("vic", "hold"), ("rita", "approve")])
async def test_a_decision_takes_its_own_role(desk: Desk, name: str, action: str) -> None:
    before, person = told(desk.home), await desk.signed_in(name)
    form = {"form_token": await desk.token(person), "action": action, "scope": "matching", "reason": "x"}
    for route in forms_of(desk):
        if route.path.endswith("/decide"):
            answer = await person.post(route.addresses(desk.home, most=1)[0], data=form)
            assert answer.status_code == 403, answer.text
    assert told(desk.home) == before


async def test_no_part_of_a_cookie_can_be_another(desk: Desk) -> None:
    cookie, vics = [(await desk.signed_in(name)).cookies[COOKIE] for name in ("ann", "vic")]
    (payload, dot, sign), (other, _, others) = cookie.rpartition("."), vics.rpartition(".")
    assert dot
    changed = [
        f"{cookie[:n]}{'A' if cookie[n] != 'A' else 'B'}{cookie[n + 1 :]}" for n in range(len(cookie) - 1)
    ]
    changed += ["", ".", payload, sign, f"{payload}.", f".{sign}", cookie[:-3], f"{cookie}.{sign}"]
    changed += [cookie * 100, f"{payload}.{others}", f"{other}.{sign}", "\\", "é"]
    now, ann = clock.now(), accounts.User("ann", Role.ADMIN, 1)
    mine = Sessions(desk.home)
    for wrong in (accounts.User("ann", Role.ADMIN, 2), accounts.User("nobody", Role.ADMIN, 1)):
        changed.append(mine.written(mine.begin(wrong, now), now))
    changed.append(mine.written(mine.begin(ann, now + timedelta(hours=1)), now))
    stranger = await desk.stranger()
    for one in changed:
        answer = await stranger.get("/desk/rules", headers={"cookie": f"{COOKIE}={one}".encode()})
        assert answer.status_code == 303, one
    assert (await stranger.get("/desk/rules", headers={"cookie": f"{COOKIE}={cookie}"})).status_code == 200


async def test_a_session_of_another_home_is_none(desk: Desk, migrated: Settings) -> None:
    now, ann = clock.now(), accounts.User("ann", Role.ADMIN, 1)
    foreign = Sessions(copy_of(migrated, desk.home.home.parent / "elsewhere"))
    cookie = foreign.written(foreign.begin(ann, now), now)
    answer = await (await desk.stranger()).get("/desk/rules", headers={"cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 303


async def test_whoever_signs_in_has_a_session_that_nobody_knew_before(desk: Desk) -> None:
    mallory = await desk.newly("vic")
    planted = mallory.cookies[COOKIE]
    victim = await desk.stranger()
    for name, value in ((COOKIE, planted), ("visit", "chosen-by-mallory")):
        victim.cookies.set(name, value, domain="127.0.0.1", path="/desk")
    token = token_in((await victim.get("/desk/sign-in")).text)
    form = {"form_token": token, "name": "ann", "password": PASSWORD}
    assert (await victim.post("/desk/sign-in", data=form)).status_code == 303
    assert victim.cookies[COOKIE] != planted
    assert "visit" not in victim.cookies
    assert ">ann, " in (await victim.get("/desk/rules")).text
    assert ">vic, " in (await mallory.get("/desk/rules")).text
    assert await desk.token(victim) != await desk.token(mallory)


async def test_a_cookie_ends_with_its_time_and_with_its_account(own_desk: Desk) -> None:
    rita, vic = await own_desk.signed_in("rita"), await own_desk.signed_in("vic")
    settings = own_desk.home.desk
    with clock.at(clock.now() + timedelta(minutes=settings.idle_minutes, seconds=1)):
        assert (await rita.get("/desk/rules")).status_code == 303
    accounts.disable(own_desk.home, "vic", by="ann")
    for route in routes_of(own_desk.app):
        if route.needs is not None and not route.is_twin:
            answer = await vic.request(route.method, route.addresses(own_desk.home, most=1)[0])
            assert answer.headers["location"].startswith("/desk/sign-in"), route.path


async def test_a_session_kept_busy_ends_all_the_same(desk: Desk) -> None:
    eve = await desk.newly("eve")
    moment = clock.now()
    ends = moment + timedelta(hours=desk.home.desk.session_hours)
    while (moment := moment + timedelta(minutes=50)) < ends:
        with clock.at(moment):
            assert (await eve.get("/desk/rules")).status_code == 200
    with clock.at(ends):
        assert (await eve.get("/desk/rules")).status_code == 303


async def test_what_is_sent_twice_is_done_once(own_desk: Desk) -> None:
    eve = await own_desk.signed_in("eve")
    batch = next(one for one in forms_of(own_desk) if one.path == "/batches/{batch}/decide")
    address = batch.addresses(own_desk.home)[0]
    version = (await eve.get(address.removesuffix("/decide") + ".json")).json()["batch"]["version"]
    form = {"form_token": await own_desk.token(eve), "action": "hold", "reason": "wait", "scope": "matching"}
    answers = [await eve.post(address, data=form | {"version": version}) for _ in range(2)]
    assert answers[0].status_code == 303
    assert told(own_desk.home).count("batch.decide") == 1
