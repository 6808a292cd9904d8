"""A desk on the shop in which every text is a payload, and people whose every answer is looked at."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from advocate.server import create_app
from outreach.promises import goodwill
from outreach.web.app import POLICY
from tests.conftest import at, copy_of
from tests.outreach.web.attacks import STORED, poisoned
from tests.outreach.web.conftest import PASSWORD, PEOPLE
from tests.outreach.worlds import EVERYTHING, fill, night
from warehouse.access import accounts
from warehouse.settings import DeskSettings, Settings

COOKIE = "advocate"
PUBLIC = DeskSettings(url="https://desk.example")
"""Of the night, so that its messages have customers' own links."""


@pytest.fixture(scope="session")
def poisoned_made(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a night, promises and accounts, in which every text is a payload; for copies."""
    made = copy_of(migrated, tmp_path_factory.mktemp("poisoned") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, poisoned())
    night(home.model_copy(update={"desk": PUBLIC}))
    for name, role in PEOPLE.items():
        accounts.add(home, name, role, by="ann", password=PASSWORD)
    for n, payload in enumerate(STORED):
        customer, due = f"{payload}person-{n}", at("2099-01-01")
        goodwill.give_word(home, customer, payload, due, by="rita", why=payload)
    return home


@pytest.fixture(scope="module")
async def desk(poisoned_made: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Desk"]:
    """Its desk, the same for all tests of a file."""
    async with desk_of(copy_of(poisoned_made, tmp_path_factory.mktemp("desk") / "home")) as made:
        yield made


@pytest.fixture
async def own_desk(poisoned_made: Settings, tmp_path: Path) -> AsyncIterator["Desk"]:
    """Its desk for one test, which may change what it likes."""
    async with desk_of(copy_of(poisoned_made, tmp_path / "home")) as made:
        yield made


async def looked_at(answer: httpx.Response) -> None:
    """Every answer of the desk, whatever it is, has what keeps a browser in its bounds."""
    if not answer.request.url.path.startswith("/desk/"):
        return
    where = (answer.request.method, str(answer.request.url)[:200], answer.status_code)
    assert answer.status_code < 500, where
    headers = answer.headers
    if headers.get("content-type") == "application/problem+json":
        # Of what could not even be read: data, which no browser shows as a page.
        assert headers["x-content-type-options"] == "nosniff", where
        assert "set-cookie" not in headers, where
        return
    policy = headers["content-security-policy"]
    assert policy == POLICY or policy.startswith("sandbox; default-src 'none'"), where
    assert headers["x-content-type-options"] == "nosniff", where
    assert headers["referrer-policy"] == "same-origin", where
    assert headers["cache-control"] == "no-store", where
    for cookie in headers.get_list("set-cookie"):
        name, _, rest = cookie.partition("=")
        assert name.removeprefix("__Secure-") in (COOKIE, "visit", "openid"), where
        for word in ("HttpOnly", "SameSite=lax", "Path=/desk"):
            assert word in rest, (where, cookie)


class Desk:
    """A desk and its people.

    Args:
        home: whose it is.
        stack: closes their browsers.
    """

    def __init__(self, home: Settings, stack: AsyncExitStack) -> None:
        self.home, self.app, self._stack = home, create_app(home, keys=False), stack
        self._people: dict[str, httpx.AsyncClient] = {}

    async def stranger(self) -> httpx.AsyncClient:
        """A browser that nobody has signed in with."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        browser = httpx.AsyncClient(
            transport=transport, base_url=self.home.desk.url, event_hooks={"response": [looked_at]}
        )
        return await self._stack.enter_async_context(browser)

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        """The browser in which somebody signed in; always the same one."""
        if name not in self._people:
            self._people[name] = await self.newly(name)
        return self._people[name]

    async def newly(self, name: str) -> httpx.AsyncClient:
        """Another browser, in which they sign in now."""
        person = await self.stranger()
        form = {"form_token": token_in((await person.get("/desk/sign-in")).text)}
        answer = await person.post("/desk/sign-in", data=form | {"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return person

    async def token(self, person: httpx.AsyncClient) -> str:
        """What forms of theirs send along."""
        return token_in((await person.get("/desk/rules")).text)


def token_in(page: str) -> str:
    """The token of the first form of a page."""
    found = page.partition('name="form_token" value="')[2].partition('"')[0]
    assert found
    return found


@asynccontextmanager
async def desk_of(home: Settings) -> AsyncIterator[Desk]:
    """A desk while this lasts."""
    async with AsyncExitStack() as stack:
        yield Desk(home, stack)
