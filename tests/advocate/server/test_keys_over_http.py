"""What is not open needs a living key with the right scope, and no key may ask more often than it may."""

from collections.abc import AsyncIterator

import httpx
import pytest

from advocate.server import create_app
from tests.advocate.server.conftest import JSON, make_key
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
    settings: Settings, shop: httpx.AsyncClient, scope: str, may: set[str]
) -> None:
    headers = with_key(make_key(settings, scope))
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


async def test_a_key_may_come_in_either_header(settings: Settings, shop: httpx.AsyncClient) -> None:
    secret = make_key(settings, "metrics")
    for headers in (with_key(secret), {"authorization": f"bearer {secret}"}, {"x-api-key": secret}):
        assert (await shop.get("/metrics", headers=headers)).status_code == 200
    assert (await shop.get("/metrics", headers={"authorization": f"Basic {secret}"})).status_code == 401
    assert (await shop.get(f"/metrics?key={secret}")).status_code == 401


async def test_a_revoked_key_is_refused(settings: Settings) -> None:
    made = issue(settings, "storefront", ["metrics"], "a test")
    revoke(settings, "storefront", "a test")
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as shop:
        answer = await shop.get("/metrics", headers=with_key(made.secret))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_that_asks_too_often_is_told_how_long_to_wait(
    settings: Settings, shop: httpx.AsyncClient
) -> None:
    headers = with_key(make_key(settings, "metrics", rate=1))
    assert (await shop.get("/metrics", headers=headers)).status_code == 200
    answer = await shop.get("/metrics", headers=headers)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "1 times a second" in answer.json()["detail"]


async def test_events_are_stored_also_before_anything_is_published(
    settings: Settings, shop: httpx.AsyncClient
) -> None:
    answer = await shop.post("/v1/events", headers=with_key(make_key(settings, "events")), json=EVENTS)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1})
