"""Attacks through forms, sessions and roles: whoever may not do something does not get it done."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import Session

from outreach.auditing import check_decisions
from outreach.models import NoticeEventRow, NoticeRow
from tests.outreach.web.poisoned import COOKIE, Desk, desk_of, poisoned_home, poisoned_made
from tests.outreach.web.routes import Route, routes_of
from tests.warehouse.access.test_audit import changed_in_view, one_byte_off
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.access.sessions import Sessions
from warehouse.database import engine_for, reading, writing
from warehouse.errors import TamperedError
from warehouse.setting_changes import check_changes
from warehouse.settings import Settings

__all__ = ["poisoned_home", "poisoned_made"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROLES = {"vic": Role.VIEWER, "rita": Role.REVIEWER, "eve": Role.APPROVER, "ann": Role.ADMIN}
SIGN_IN = ("/sign-in", "/sign-in/openid", "/sign-in/openid/back")


@pytest.fixture
async def desk(poisoned_home: Settings) -> AsyncIterator[Desk]:
    async with desk_of(poisoned_home) as made:
        yield made


def told(home: Settings) -> list[str]:
    """What was done by now, but for who came and went."""
    with reading(engine_for(home)) as session:
        audit.verify(session)
        actions = session.scalars(select(AuditRow.action).order_by(AuditRow.number)).all()
    return [one for one in actions if not one.startswith(("session.", "batch.export"))]


def forms_of(desk: Desk) -> list[Route]:
    return [one for one in routes_of(desk.app, "POST") if one.path not in SIGN_IN]


async def test_a_form_of_nobody_of_another_or_of_another_site_changes_nothing(desk: Desk) -> None:
    before = told(desk.home)
    ann, eve, stranger = await desk.signed_in("ann"), await desk.signed_in("eve"), await desk.stranger()
    mine, other = await desk.token(ann), await desk.token(eve)
    for route in forms_of(desk):
        address = route.addresses(desk.home, most=1)[0]
        assert (await stranger.post(address, data={"form_token": mine})).status_code in (303, 401)
        tries = [
            {"data": {"x": "y"}},
            {"data": {"form_token": other}},
            {"data": {"form_token": mine[:-1]}},
            {"data": {"form_token": ""}},
            {"data": {"form_token": mine}, "headers": {"sec-fetch-site": "cross-site"}},
            {"data": {"form_token": mine}, "headers": {"sec-fetch-site": "same-site"}},
            {"data": {"form_token": mine}, "headers": {"origin": "https://evil.example"}},
            {"data": {"form_token": mine}, "headers": {"origin": "null"}},
            {"content": f"form_token={mine}", "headers": {"content-type": "text/plain"}},
            {"json": {"form_token": mine}},
            {"files": {"form_token": ("token", mine)}},
            {"params": {"form_token": mine}},
        ]
        for one in tries:
            answer = await ann.post(address, **one)  # type: ignore[arg-type]
            assert answer.status_code == 403, (address, one, answer.status_code)
    assert told(desk.home) == before


async def test_signing_in_takes_a_form_of_this_browser(desk: Desk) -> None:
    stranger, other = await desk.stranger(), await desk.stranger()
    await stranger.get("/desk/sign-in")
    page = (await other.get("/desk/sign-in")).text
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"name": "eve", "password": "correct horse battery staple"}
    assert (await stranger.post("/desk/sign-in", data=form)).status_code == 422
    assert (await stranger.post("/desk/sign-in", data=form | {"form_token": token})).status_code == 403
    assert (await stranger.post("/desk/sign-in", json=form | {"form_token": token})).status_code == 422
    assert COOKIE not in stranger.cookies


async def test_nobody_gets_a_page_or_a_form_that_their_role_does_not_have(desk: Desk) -> None:
    before = told(desk.home)
    people = {name: await desk.signed_in(name) for name in ROLES}
    tokens = {name: await desk.token(person) for name, person in people.items()}
    stranger = await desk.stranger()
    for route in routes_of(desk.app):
        if route.needs is None:
            continue
        address = route.addresses(desk.home, most=1)[0]
        answer = await stranger.request(route.method, address)
        assert answer.status_code == (401 if route.is_twin else 303), address
        assert route.is_twin or answer.headers["location"].startswith("/desk/sign-in?next="), address
        for name, role in ROLES.items():
            if not role.may(route.needs):
                form = {"form_token": tokens[name]} if route.method == "POST" else None
                answer = await people[name].request(route.method, address, data=form)
                assert answer.status_code == 403, (name, address, answer.status_code)
    assert told(desk.home) == before


async def test_everybody_gets_what_their_role_has(desk: Desk) -> None:
    people = {name: await desk.signed_in(name) for name in ROLES}
    tokens = {name: await desk.token(person) for name, person in people.items()}
    for route in sorted(routes_of(desk.app), key=lambda one: one.path == "/sign-out"):
        if route.needs is None:
            continue
        address = route.addresses(desk.home, most=1)[0]
        for name, role in ROLES.items():
            if role.may(route.needs):
                form = {"form_token": tokens[name]} if route.method == "POST" else None
                answer = await people[name].request(route.method, address, data=form)
                assert answer.status_code in (200, 303, 404, 409, 422), (name, address, answer.text)
                assert not answer.headers.get("location", "").startswith("/desk/sign-in?"), address


@pytest.mark.parametrize(("name", "action", "status"), [("vic", "hold", 403), ("rita", "approve", 403)])
async def test_a_decision_takes_its_own_role(desk: Desk, name: str, action: str, status: int) -> None:
    before, person = told(desk.home), await desk.signed_in(name)
    form = {"form_token": await desk.token(person), "action": action, "scope": "matching", "reason": "x"}
    for route in forms_of(desk):
        if route.path.endswith("/decide"):
            answer = await person.post(route.addresses(desk.home, most=1)[0], data=form)
            assert answer.status_code == status, answer.text
    assert told(desk.home) == before


async def test_no_part_of_a_cookie_can_be_another(desk: Desk, poisoned_made: Settings) -> None:
    ann = await desk.signed_in("ann")
    cookie = ann.cookies[COOKIE]
    payload, dot, sign = cookie.rpartition(".")
    assert dot
    changed = [
        f"{cookie[:n]}{'A' if cookie[n] != 'A' else 'B'}{cookie[n + 1 :]}" for n in range(len(cookie) - 1)
    ]
    vics = (await desk.signed_in("vic")).cookies[COOKIE]
    changed += [
        payload,
        sign,
        "",
        ".",
        f"{payload}.",
        f".{sign}",
        cookie[:-3],
        f"{cookie}.{sign}",
        cookie * 100,
    ]
    changed += [f"{payload}.{vics.rpartition('.')[2]}", f"{vics.rpartition('.')[0]}.{sign}", "\\", "é"]
    now = clock.now()
    user = accounts.User("ann", Role.ADMIN, 1)
    (elsewhere := desk.home.home.parent / "elsewhere").mkdir()
    foreign = Sessions(desk.home.model_copy(update={"home": elsewhere}))
    changed.append(foreign.written(foreign.begin(user, now), now))
    mine = Sessions(desk.home)
    for wrong in (user.__class__("ann", Role.ADMIN, 2), user.__class__("nobody", Role.ADMIN, 1)):
        changed.append(mine.written(mine.begin(wrong, now), now))
    changed.append(mine.written(mine.begin(user, now + timedelta(hours=1)), now))
    stranger = await desk.stranger()
    for one in changed:
        answer = await stranger.get("/desk/tonight", headers={"cookie": f"{COOKIE}={one}".encode()})
        assert answer.status_code == 303, one
    assert (await stranger.get("/desk/tonight", headers={"cookie": f"{COOKIE}={cookie}"})).status_code == 200


async def test_a_cookie_ends_with_its_time_and_with_its_account(desk: Desk) -> None:
    rita, vic = await desk.signed_in("rita"), await desk.signed_in("vic")
    settings = desk.home.desk
    with clock.at(clock.now() + timedelta(minutes=settings.idle_minutes, seconds=1)):
        assert (await rita.get("/desk/tonight")).status_code == 303
    accounts.disable(desk.home, "vic", by="ann")
    for route in routes_of(desk.app):
        if route.needs is not None and not route.is_twin:
            answer = await vic.request(route.method, route.addresses(desk.home, most=1)[0])
            assert answer.headers["location"].startswith("/desk/sign-in"), route.path


async def test_a_session_kept_busy_ends_all_the_same(desk: Desk) -> None:
    eve, began = await desk.signed_in("eve"), clock.now()
    ends = began + timedelta(hours=desk.home.desk.session_hours)
    moment = began
    while (moment := moment + timedelta(minutes=50)) < ends:
        with clock.at(moment):
            assert (await eve.get("/desk/tonight")).status_code == 200
    with clock.at(ends):
        assert (await eve.get("/desk/tonight")).status_code == 303


async def test_what_is_sent_twice_is_done_once(desk: Desk) -> None:
    eve = await desk.signed_in("eve")
    token = await desk.token(eve)
    batch = next(one for one in forms_of(desk) if one.path == "/batches/{batch}/decide")
    address = batch.addresses(desk.home)[0]
    version = (await eve.get(address.removesuffix("/decide") + ".json")).json()["batch"]["version"]
    form = {"form_token": token, "action": "hold", "reason": "wait", "scope": "matching", "version": version}
    answers = [(await eve.post(address, data=form)).status_code for _ in range(2)]
    assert answers[0] == 303
    assert told(desk.home).count("batch.decide") == 1


async def acted(desk: Desk) -> None:
    """Something of everything that leaves an entry."""
    ann = await desk.signed_in("ann")
    token = await desk.token(ann)
    with reading(engine_for(desk.home)) as session:
        notices = session.scalars(select(NoticeRow.notice_id).order_by(NoticeRow.notice_id).limit(3)).all()
    data = (await ann.get(f"/desk/notices/{notices[0]}.json")).json()["notice"]
    done: list[tuple[str, dict[str, str]]] = [
        (f"notices/{notices[0]}/edit", {"version": str(data["version"]), "note": "We are sorry."}),
        (f"notices/{notices[1]}/decide", {"action": "hold", "reason": "one moment"}),
        (f"notices/{notices[2]}/test", {"to": "me"}),
        ("pause", {}),
        ("resume", {}),
        ("rules/outreach.cap_days/save", {"value": "8", "seen": "0", "reason": "quieter"}),
    ]
    for path, fields in done:
        answer = await ann.post(f"/desk/{path}", data={"form_token": token} | fields)
        assert answer.status_code == 303, (path, answer.text)


async def test_any_byte_of_what_the_desk_wrote_down_that_changes_is_found(desk: Desk) -> None:
    await acted(desk)
    assert {"batch.decide", "notice.test", "setting.change", "session.begin"} <= {
        *told(desk.home),
        "session.begin",
    }
    with writing(engine_for(desk.home)) as session:
        session.execute(text("DROP TRIGGER IF EXISTS audit_no_update"))
    with reading(engine_for(desk.home)) as session:
        newest = {row.action: row for row in session.scalars(select(AuditRow).order_by(AuditRow.number))}
        rows = [
            {column.key: getattr(row, column.key) for column in inspect(AuditRow).columns}
            for row in newest.values()
        ]
    tried = 0
    for row in rows:
        for column, value in row.items():
            for other in one_byte_off(value):
                with pytest.raises(TamperedError):
                    changed_in_view(desk.home, row["number"], {column: other})
                tried += 1
    assert tried > 1000


async def test_a_history_that_was_changed_does_not_go_with_the_log_any_more(desk: Desk) -> None:
    await acted(desk)
    with reading(engine_for(desk.home)) as session:
        assert check_decisions(session) == 1
        assert check_changes(session) == 1
    event = NoticeEventRow
    for values in ({"to_state": "rejected"}, {"from_state": "approved"}, {"audit": None}, {"audit": 1}):
        with engine_for(desk.home).connect() as connection:
            for (trigger,) in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ):
                connection.execute(text(f'DROP TRIGGER "{trigger}"'))
            connection.execute(update(event).where(event.audit.is_not(None)).values(values))
            with pytest.raises(TamperedError):
                check_decisions(Session(connection))
            connection.rollback()
