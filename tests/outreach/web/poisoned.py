"""A desk on the shop in which every text is a payload, and people whose every answer is looked at."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from advocate.server import create_app
from outreach.promises import goodwill
from outreach.web.app import POLICY
from tests.conftest import at, copy_of
from tests.outreach.web.attacks import STORED, poisoned
from tests.outreach.web.conftest import PASSWORD, PEOPLE
from tests.outreach.worlds import EVERYTHING, fill, night
from warehouse.access import accounts
from warehouse.settings import Settings

COOKIE = "advocate"


def made_poisoned(empty: Settings, folder: Path) -> Settings:
    """A home with a night, a promise and accounts, in which every text is a payload."""
    home = copy_of(empty, folder).model_copy(update={"outreach": EVERYTHING})
    fill(home, poisoned())
    night(home)
    for name, role in PEOPLE.items():
        accounts.add(home, name, role, by="ann", password=PASSWORD)
    for n, payload in enumerate(STORED):
        customer, due = f"{payload}person-{n}", at("2099-01-01")
        goodwill.give_word(home, customer, payload, due, by="rita", why=payload)
    return home


@pytest.fixture(scope="session")
def poisoned_made(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Such a home, for copies."""
    return made_poisoned(migrated, tmp_path_factory.mktemp("poisoned") / "home")


@pytest.fixture
def poisoned_home(poisoned_made: Settings, tmp_path: Path) -> Settings:
    """Such a home."""
    return copy_of(poisoned_made, tmp_path / "home")


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


@asynccontextmanager
async def browsing(app: FastAPI, home: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in with."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    hooks = {"response": [looked_at]}
    async with httpx.AsyncClient(transport=transport, base_url=home.desk.url, event_hooks=hooks) as client:
        yield client


class Desk:
    """A desk and its people.

    Args:
        home: whose it is.
        stack: closes their browsers.
    """

    def __init__(self, home: Settings, stack: AsyncExitStack) -> None:
        self.home, self.app, self._stack = home, create_app(home, keys=False), stack

    async def stranger(self) -> httpx.AsyncClient:
        """Somebody who has not signed in."""
        return await self._stack.enter_async_context(browsing(self.app, self.home))

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        """Somebody who has."""
        person = await self.stranger()
        form = {"form_token": token_in((await person.get("/desk/sign-in")).text)}
        form |= {"name": name, "password": PASSWORD}
        answer = await person.post("/desk/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        return person

    async def token(self, person: httpx.AsyncClient) -> str:
        """What forms of theirs send along."""
        return token_in((await person.get("/desk/tonight")).text)


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
