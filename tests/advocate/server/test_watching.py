"""Logs and figures say what happens without saying to whom."""

import json
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from advocate.server import create_app
from advocate.serving.logs import Lines
from recs.api.desk import Desk
from tests.advocate.server.conftest import Running, Serve, make_key
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, keys=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        yield client


def written(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(Lines().format(record)) for record in caplog.records]


async def test_a_line_per_request_names_the_route_and_nobody(
    shop: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "advocate")
    url = "/v1/customers/Jane%20Doe/explanations/diapers?secret=1"
    answer = await shop.get(url, headers={"x-request-id": "page-17", "x-api-key": "adv_secret"})
    (line,) = [one for one in written(caplog) if one["logger"] == "advocate.requests"]
    assert line["route"] == "/v1/customers/{customer_id}/explanations/{product_id}"
    assert (line["status"], line["method"], line["request_id"]) == (answer.status_code, "GET", "page-17")
    for private in ("Jane", "Doe", "diapers", "secret"):
        assert private not in json.dumps(line)


async def test_a_path_that_is_no_route_is_not_logged_as_it_is(
    shop: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "advocate")
    await shop.get("/jane@example.com")
    assert [one["route"] for one in written(caplog)] == ["unmatched"]


async def test_a_defect_is_told_by_its_request_id_and_logged_by_kind_and_place(
    shop: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_desk: Desk) -> None:
        raise ZeroDivisionError("for customer Jane")

    monkeypatch.setattr(Desk, "open", fail)
    answer = await shop.get("/v1/customers/Jane/recommendations")
    assert answer.status_code == 500
    said = answer.json()
    assert "Jane" not in said["detail"]
    assert said["request_id"] == answer.headers["x-request-id"]
    (line,) = [one for one in written(caplog) if one["level"] == "error"]
    assert line["request_id"] == said["request_id"]
    assert "builtins.ZeroDivisionError" in line["trace"]  # type: ignore[operator]
    assert any("test_watching.py" in place for place in line["trace"])  # type: ignore[attr-defined]
    assert "Jane" not in json.dumps(line)


async def test_every_answer_has_a_request_id_and_headers_that_keep_browsers_out(
    shop: httpx.AsyncClient,
) -> None:
    for path in ("/healthz", "/nothing", "/v1/customers/c/recommendations?n=0", "/docs", "/metrics"):
        headers = (await shop.get(path)).headers
        assert len(headers["x-request-id"]) == 32
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_figures_count_requests_by_route_and_status(shop: httpx.AsyncClient) -> None:
    for _ in range(3):
        await shop.get("/healthz")
    await shop.get("/v1/customers/c/recommendations?n=0")
    page = (await shop.get("/metrics")).text
    assert 'advocate_requests_total{method="GET",route="/healthz",status="200"} 3.0' in page
    route = "/v1/customers/{customer_id}/recommendations"
    assert f'advocate_requests_total{{method="GET",route="{route}",status="422"}} 1.0' in page
    assert 'advocate_request_seconds_bucket{le="0.001",route="/healthz"}' in page


def ask(server: Running, headers: dict[str, str]) -> int:
    return httpx.get(
        f"{server.url}/v1/customers/c00/recommendations", headers=headers, timeout=30
    ).status_code


@pytest.mark.slow
def test_the_figures_of_a_single_process_are_there(published: Settings, serve: Serve) -> None:
    server = serve(published, "--no-keys")
    assert ask(server, {}) == 200
    page = httpx.get(f"{server.url}/metrics").text
    route = "/v1/customers/{customer_id}/recommendations"
    assert f'advocate_requests_total{{method="GET",route="{route}",status="200"}} 1.0' in page
    assert 'advocate_answers_total{arm="champion",call="recommend",source="customer"} 1.0' in page


@pytest.mark.slow
def test_the_figures_of_all_processes_are_added_up(published: Settings, serve: Serve) -> None:
    server = serve(published, "--workers", "2")
    headers = {"authorization": f"Bearer {make_key(published, 'recommend', 'events', 'metrics')}"}
    answered, processes = 0, set[object]()
    with ThreadPoolExecutor(16) as pool:
        while len(processes) < 2:  # Whoever is idle takes a connection, so there have to be many at once.
            said = pool.map(lambda _: ask(server, headers), range(64))
            answered += sum(status == 200 for status in said)  # A new key is known within a second.
            processes = {line["process"] for line in server.logged() if line.get("status") == 200}
    event = {"customer_id": "c99", "product_id": "milk", "kind": "view"}
    assert httpx.post(f"{server.url}/v1/events", headers=headers, json={"events": [event]}).json() == {
        "stored": 1
    }
    page = httpx.get(f"{server.url}/metrics", headers=headers).text
    found = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    route = "/v1/customers/{customer_id}/recommendations"
    assert found[f'advocate_requests_total{{method="GET",route="{route}",status="200"}}'] == f"{answered}.0"
    assert float(found[f'advocate_request_seconds_count{{route="{route}"}}']) >= answered
    assert (
        found['advocate_answers_total{arm="champion",call="recommend",source="customer"}'] == f"{answered}.0"
    )
    assert found["advocate_events_stored_total"] == "1.0"
    (bundle,) = [name for name in found if name.startswith("advocate_bundle{")]
    assert found[bundle] == "1.0"
    assert float(found["advocate_bundle_age_seconds"]) > 0
