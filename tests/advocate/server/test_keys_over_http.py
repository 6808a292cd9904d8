"""What is not open needs a living key with the right scope, and no key may ask more often than it may."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from advocate.server import create_app
from advocate.serving.keys import Keys, scope_of
from tests.advocate.server.conftest import JSON, make_key
from tests.warehouse.access.conftest import Away
from warehouse.access import ring
from warehouse.access.keys import issue, revoke
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio
LIST = "/v1/customers/c00/recommendations"
EVENTS = {"events": [{"customer_id": "c00", "product_id": "milk", "kind": "view"}]}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A home where nothing is published: who is let through gets 503, and stores events."""
    async with asking(settings) as client:
        yield client


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        yield client


def with_key(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_without_a_key_only_probes_and_the_description_answer(shop: httpx.AsyncClient) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 503), ("/docs", 200), ("/openapi.json", 200)):
        assert (await shop.get(path)).status_code == status
    for path in (LIST, "/metrics", "/v1/products/p/similar", "/nothing", "/docs/", "//healthz"):
        answer = await shop.get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == JSON
        assert answer.headers["www-authenticate"] == 'Bearer realm="advocate"'
        assert "advocate keys add" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("scope", "may"), [("recommend", {LIST}), ("events", {"/v1/events"}), ("metrics", {"/metrics"})]
)
async def test_a_key_opens_what_its_scope_says_and_nothing_else(
    settings: Settings, scope: str, may: set[str]
) -> None:
    headers = with_key(make_key(settings, scope))
    async with asking(settings) as shop:
        for path in (LIST, "/v1/events", "/metrics"):
            answer = await shop.request(
                "POST" if path == "/v1/events" else "GET", path, headers=headers,
                json=EVENTS if path == "/v1/events" else None,
            )  # fmt: skip
            if path in may:
                assert answer.status_code in (200, 202, 503)
            else:
                assert answer.status_code == 403
                assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_a_key_may_come_in_either_header(settings: Settings) -> None:
    secret = make_key(settings, "metrics")
    async with asking(settings) as shop:
        for headers in (with_key(secret), {"authorization": f"bearer {secret}"}, {"x-api-key": secret}):
            assert (await shop.get("/metrics", headers=headers)).status_code == 200
        assert (await shop.get("/metrics", headers={"authorization": f"Basic {secret}"})).status_code == 401
        assert (await shop.get(f"/metrics?key={secret}")).status_code == 401


async def test_a_revoked_key_is_refused(settings: Settings) -> None:
    made = issue(settings, "storefront", ["metrics"], "a test")
    revoke(settings, "storefront", "a test")
    async with asking(settings) as shop:
        answer = await shop.get("/metrics", headers=with_key(made.secret))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_that_asks_too_often_is_told_how_long_to_wait(settings: Settings) -> None:
    headers = with_key(make_key(settings, "metrics", rate=1))
    async with asking(settings) as shop:
        assert (await shop.get("/metrics", headers=headers)).status_code == 200
        answer = await shop.get("/metrics", headers=headers)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert "1 times a second" in answer.json()["detail"]


async def test_events_are_stored_also_before_anything_is_published(settings: Settings) -> None:
    headers = with_key(make_key(settings, "events"))
    async with asking(settings) as shop:
        answer = await shop.post("/v1/events", headers=headers, json=EVENTS)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1})


DISGUISES = [
    "%0A",
    "%0a",
    "%0D",
    "%0D%0A",
    "%0B",
    "%0C",
    "%00",
    "%20",
    "/",
    "/.",
    "?",
    "%E2%80%A8",
    "%2F",
    "%C2%85",
]


@pytest.mark.parametrize("scope", ["recommend", "events", "metrics"])
async def test_no_disguise_of_a_path_opens_what_a_key_may_not(settings: Settings, scope: str) -> None:
    headers = with_key(make_key(settings, scope))
    async with asking(settings) as shop:
        for path, method, needed in (
            ("/metrics", "GET", "metrics"),
            ("/v1/events", "POST", "events"),
            ("/v1/baskets", "POST", "recommend"),
        ):
            disguised = [path + end for end in DISGUISES] + [
                "/" + path,
                path.upper(),
                path.replace("e", "%65"),
            ]
            for sent in disguised if needed != scope else ():
                answer = await shop.request(method, sent, headers=headers, json=EVENTS)
                assert answer.status_code in (403, 404, 405), (method, sent, answer.text)
                for other in ("HEAD", "OPTIONS", "PUT", "DELETE"):
                    assert (await shop.request(other, sent, headers=headers)).status_code in (403, 404, 405)


async def test_a_route_that_was_reached_past_the_keys_refuses(settings: Settings) -> None:
    app = create_app(settings)
    app.user_middleware = [one for one in app.user_middleware if one.cls is not Keys]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as shop:
        for path in ("/metrics", LIST):
            assert (await shop.get(path)).status_code == 403
        assert (await shop.get("/healthz")).status_code == 200


def test_a_route_whose_scope_nobody_chose_cannot_be_served() -> None:
    assert scope_of("/v1/anything") == "recommend"
    with pytest.raises(KeyError):
        scope_of("/anything")


async def test_keys_that_are_too_old_to_be_trusted_are_refused_for_now(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = with_key(make_key(settings, "metrics"))
    async with asking(settings) as shop:
        monkeypatch.setattr(ring, "TRUST_SECONDS", -1.0)
        answer = await shop.get("/metrics", headers=headers)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == JSON
        assert answer.headers["retry-after"] == "1"
        assert "API keys cannot be checked" in answer.json()["detail"]


async def test_a_server_that_starts_while_the_database_is_away_recovers_by_itself(
    settings: Settings, away: Away
) -> None:
    headers = with_key(make_key(settings, "metrics"))
    with away(settings):
        app = create_app(settings)
        life = app.router.lifespan_context(app)
        await life.__aenter__()
        shop = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")
        for path in ("/metrics", "/readyz"):
            answer = await shop.get(path, headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "API keys cannot be checked" in answer.json()["detail"]
        assert (await shop.get("/healthz")).status_code == 200
    until = time.monotonic() + 10
    while (await shop.get("/metrics", headers=headers)).status_code != 200:
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    await shop.aclose()
    await life.__aexit__(None, None, None)


async def test_a_database_that_is_away_is_told_without_its_address_and_logged_with_it(
    settings: Settings, away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    headers = with_key(make_key(settings, "events", "recommend"))
    async with asking(settings) as shop:
        with away(settings):
            answers = [
                await shop.post("/v1/events", headers=headers, json=EVENTS),
                await shop.get(LIST, headers=headers),
            ]
        for answer in answers:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["detail"] == "the database behind this does not answer; ask again later"
        assert "advocate.db did not answer" in caplog.text
