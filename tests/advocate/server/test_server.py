"""The HTTP service, as a storefront sees it."""

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from advocate.night import run_night
from advocate.server import create_app
from features.feeds.folder import read_folder
from features.importing import bring_in
from tests.worlds import DAY, write_feed
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(settings: Settings) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings, keys=False)), base_url="http://shop"
    )


async def test_before_the_first_night_it_is_alive_but_not_ready(settings: Settings) -> None:
    async with client(settings) as shop:
        assert (await shop.get("/healthz")).status_code == 200
        waiting = await shop.get("/readyz")
    assert waiting.status_code == 503
    assert waiting.headers["content-type"] == "application/problem+json"
    assert "advocate nightly" in waiting.json()["detail"]


@pytest.mark.slow
async def test_after_a_night_every_customer_and_an_unknown_one_get_an_answer(
    settings: Settings, tmp_path: Path
) -> None:
    bring_in(settings, read_folder(write_feed(tmp_path / "feed")))
    assert run_night(settings, DAY).failed == {}
    async with client(settings) as shop:
        assert (await shop.get("/readyz")).status_code == 200
        for customer in ("c0", "nobody", "…/ü"):
            url = f"/v1/customers/{quote(customer, safe='')}/recommendations"
            answer = (await shop.get(url, params={"n": 3})).json()
            assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
            assert all(item["reason"] for item in answer["items"])
        for wrong in ({"n": 0}, {"n": "many"}, {"slate": "everything"}):
            assert (await shop.get("/v1/customers/c0/recommendations", params=wrong)).status_code == 422
