"""A desk with a night to review and an account of each role, and people who signed in."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from advocate.server import create_app
from outreach.web.frame import Frame
from tests.conftest import BOTH, copy_of
from tests.outreach.worlds import EVERYTHING, fill, night, shop
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.settings import Settings

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "ann": Role.ADMIN,
    "eve": Role.APPROVER,
    "bob": Role.APPROVER,
    "rita": Role.REVIEWER,
    "vic": Role.VIEWER,
}
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@pytest.fixture(scope="session")
def reviewed_on_sqlite(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _reviewed(copy_of(migrated, tmp_path_factory.mktemp("reviewed") / "home"))


@pytest.fixture(scope="session")
def reviewed_on_postgresql(migrated_postgres: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _reviewed(copy_of(migrated_postgres, tmp_path_factory.mktemp("reviewed") / "home"))


@pytest.fixture(scope="session", params=BOTH)
def reviewed(request: pytest.FixtureRequest) -> Settings:
    """A home for copies: Ada, Ben and Cleo are owed money, and there is an account of each role."""
    made: Settings = request.getfixturevalue(f"reviewed_on_{request.param}")  # kept from file to file
    return made


def _reviewed(made: Settings) -> Settings:
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, shop("ada", "ben", "cleo"))
    night(home)
    for name, role in PEOPLE.items():
        accounts.add(home, name, role, by="ann", password=PASSWORD)
    return home


@pytest.fixture
def desk_home(reviewed: Settings, tmp_path: Path) -> Settings:
    """A home with one night to review, once on SQLite and once on PostgreSQL."""
    return copy_of(reviewed, tmp_path / "home")


@dataclass
class Person:
    """Somebody at the desk; `name` is empty for who has not signed in."""

    name: str
    http: httpx.AsyncClient

    async def sees(self, path: str, status: int = 200) -> str:
        """A page of the desk, by its path behind `/desk`."""
        answer = await self.http.get(f"/desk{path}")
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.text

    async def reads(self, path: str, status: int = 200) -> Any:
        """The data of a page."""
        answer = await self.http.get(f"/desk{path}", headers={"accept": "application/json"})
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()

    async def sends(
        self, path: str, status: int = 303, *, of: str = "/tonight", **fields: Any
    ) -> httpx.Response:
        """A form of the page `of`, with its token; the status is that of the answer."""
        found = _TOKEN.search(await self.sees(of))
        assert found is not None
        form = {"form_token": found[1]} | fields
        answer = await self.http.post(f"/desk{path}", data=form)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer


SignIn = Callable[[str], Awaitable[Person]]


@pytest.fixture
async def visit(desk_home: Settings) -> AsyncIterator[Callable[[], Awaitable[Person]]]:
    """Makes browsers of people who have not signed in."""
    app = create_app(desk_home, keys=False)
    async with AsyncExitStack() as stack:

        async def make() -> Person:
            transport = httpx.ASGITransport(app=app)
            client = httpx.AsyncClient(transport=transport, base_url=desk_home.desk.url)
            return Person("", await stack.enter_async_context(client))

        yield make


@pytest.fixture
async def signed_in(visit: Callable[[], Awaitable[Person]], desk_home: Settings) -> SignIn:
    """Somebody in the session that signing in begins; `test_signing_in.py` types passwords, which cost."""

    async def sign_in(name: str) -> Person:
        person = await visit()
        (row,) = (row for row in accounts.users(desk_home) if row.name == name)
        user, now = accounts.User(row.name, Role(row.role), row.generation), clock.now()
        frame, answer = Frame(lambda: desk_home, desk_home), Response()
        frame.keep(answer, frame.sessions.begin(user, now), now)
        request = httpx.Request("POST", desk_home.desk.url)
        person.http.cookies.extract_cookies(httpx.Response(303, headers=answer.headers, request=request))
        person.name = name
        return person

    return sign_in


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """On what the event loop of these tests runs; they may share what was opened in it."""
    return "asyncio"
