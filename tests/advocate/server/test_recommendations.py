"""Over HTTP the storefront is told what the Scorer says, whatever the ids look like."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st
from starlette.convertors import CONVERTOR_TYPES

from advocate.server import create_app
from recs import archive
from recs.answers import Answer
from recs.api.told import (
    CustomerAnswer,
    EventsAnswer,
    ExplanationAnswer,
    ListAnswer,
    SimilarAnswer,
    SlateAnswer,
)
from recs.context import Context
from recs.scoring import Scorer
from warehouse import clock
from warehouse.paths import routable
from warehouse.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def shop(published: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(published, keys=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        yield client


@pytest.fixture(scope="module")
def scorer(published: Settings) -> Iterator[Scorer]:
    with Scorer.open(published) as opened:
        yield opened


def told(answer: Answer) -> dict[str, Any]:
    """The answer as HTTP writes it."""
    names = ("rank", "product_id", "title", "score", "reason")
    items = [{name: getattr(item, name) for name in names} for item in answer]
    return {"bundle_id": answer.bundle_id, "source": answer.source, "arm": answer.arm, "items": items}


async def test_every_call_says_what_the_scorer_says(shop: httpx.AsyncClient, scorer: Scorer) -> None:
    context = Context(exclude=("milk",), seed=3)
    asked = {"exclude": ["milk"], "seed": 3}
    got = (await shop.get("/v1/customers/c01/recommendations", params={"n": 3})).json()
    assert got == told(scorer.recommend("c01", n=3)) | {"customer_id": "c01", "slate": "for_you"}
    got = (await shop.get("/v1/customers/c01/recommendations", params={**asked, "slate": "discover"})).json()
    expected = told(scorer.recommend("c01", "discover", context=context))
    assert got == expected | {"customer_id": "c01", "slate": "discover"}
    body = {**asked, "slate": "discover"}
    assert (await shop.post("/v1/customers/c01/recommendations", json=body)).json() == got
    stock = [f"p{number}" for number in range(9_999)] + ["habit1"]
    got = (await shop.post("/v1/customers/c01/recommendations", json={"in_stock": stock})).json()
    assert [item["product_id"] for item in got["items"]] == ["habit1"]
    got = (await shop.get("/v1/products/milk/similar", params={"n": 2})).json()
    assert got == told(scorer.similar("milk", 2)) | {"product_id": "milk"}
    got = (await shop.post("/v1/customers/c01/scores", json={"products": ["milk", "new", "habit1"]})).json()
    assert got == told(scorer.score("c01", ["milk", "new", "habit1"])) | {"customer_id": "c01"}
    basket = {"products": ["habit0"], "views": ["try01"], "n": 4}
    got = (await shop.post("/v1/baskets", json=basket | asked)).json()
    assert got == told(scorer.for_basket(["habit0"], ["try01"], 4, context=context))
    content = b'{"products": ["habit0"], "n": 4.0}'
    got = (
        await shop.post("/v1/baskets", content=content, headers={"content-type": "application/json"})
    ).json()
    assert got == told(scorer.for_basket(["habit0"], n=4))
    got = (await shop.get("/v1/customers/c01/explanations/milk")).json()
    said = scorer.explain("c01", "milk")
    assert (got["ranks"], got["facts"], got["reason"]) == (said.ranks, list(said.facts), said.reason)


async def test_answers_have_the_documented_shape(shop: httpx.AsyncClient) -> None:
    event = {"customer_id": "c98", "product_id": "milk", "kind": "view", "key": "shape"}
    for model, answer in (
        (SlateAnswer, await shop.get("/v1/customers/c00/recommendations")),
        (SimilarAnswer, await shop.get("/v1/products/milk/similar")),
        (CustomerAnswer, await shop.post("/v1/customers/c00/scores", json={"products": ["milk"]})),
        (ListAnswer, await shop.post("/v1/baskets", json={"products": ["milk"]})),
        (ExplanationAnswer, await shop.get("/v1/customers/c00/explanations/milk")),
        (EventsAnswer, await shop.post("/v1/events", json={"events": [event]})),
    ):
        assert model.model_validate(answer.json(), strict=True).model_dump().keys() == answer.json().keys()  # type: ignore[attr-defined]


async def test_nobody_is_an_error_but_explaining_an_unknown_product_is(shop: httpx.AsyncClient) -> None:
    assert (await shop.get("/v1/customers/nobody/recommendations")).json()["items"]
    assert (await shop.get("/v1/products/nothing/similar")).status_code == 200
    assert (await shop.post("/v1/baskets", json={})).json()["items"]
    answer = await shop.get("/v1/customers/c00/explanations/nothing")
    assert answer.status_code == 404
    assert "'nothing'" in answer.json()["detail"]


async def test_an_event_counts_in_the_next_answer(shop: httpx.AsyncClient) -> None:
    async def first() -> list[str]:
        answer = (await shop.get("/v1/customers/c97/recommendations", params={"n": 5})).json()
        return [answer["source"], *(item["product_id"] for item in answer["items"])]

    before = await first()
    events = [{"customer_id": "c97", "product_id": "habit3", "kind": "cart"}]
    assert (await shop.post("/v1/events", json={"events": events})).status_code == 202
    after = await first()
    assert before != after
    assert after[0] == "session"


async def test_what_the_caller_has_already_is_not_sent_again(shop: httpx.AsyncClient) -> None:
    for url in ("/v1/customers/c02/recommendations", "/v1/products/milk/similar"):
        first = await shop.get(url)
        tag = first.headers["etag"]
        assert tag.startswith(f'W/"{first.json()["bundle_id"]}.champion.')
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = await shop.get(url, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await shop.get(url, headers={"if-none-match": 'W/"other"'})).status_code == 200
        assert (await shop.get(url, params={"n": 2}, headers={"if-none-match": tag})).status_code == 200


async def test_lists_are_kept_for_evaluation(published: Settings) -> None:
    app = create_app(published, keys=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as shop,
    ):
        sent = {"x-request-id": "kept-1"}
        answer = await shop.get("/v1/customers/c03/recommendations", params={"n": 2}, headers=sent)
        await shop.get("/v1/products/milk/similar", headers={"x-request-id": "kept-2"})
        await shop.post("/v1/baskets", json={"products": ["milk"]}, headers={"x-request-id": "kept-3"})
        await shop.post(
            "/v1/customers/c03/scores", json={"products": ["milk"]}, headers={"x-request-id": "kept-4"}
        )
    today = clock.now().date()
    rows = archive.read(published, today, today).collect()
    kept = {row["request_id"]: row for row in rows.to_dicts() if row["request_id"].startswith("kept-")}
    shown = [item["product_id"] for item in answer.json()["items"]]
    assert kept["kept-1"]["product_ids"] == shown
    assert (kept["kept-1"]["customer_id"], kept["kept-1"]["slate"]) == ("c03", "for_you")
    assert [kept[f"kept-{n}"]["call"] for n in (1, 2, 3, 4)] == ["recommend", "similar", "basket", "score"]
    assert kept["kept-3"]["customer_id"] is None


IDS = [
    "a/b",
    "…/ü",
    "x/recommendations",
    "50%",
    "%2F",
    "a/explanations/b",
    "..",
    "a b+c?d#e",
    "/",
    "雪;,:@&=",
]


@pytest.mark.parametrize("id_", IDS)
async def test_ids_of_any_kind_are_told_apart_from_the_path(shop: httpx.AsyncClient, id_: str) -> None:
    part = quote(id_, safe="").replace(".", "%2E")
    answer = await shop.get(f"/v1/customers/{part}/recommendations")
    assert answer.json()["customer_id"] == id_
    answer = await shop.post(f"/v1/customers/{part}/scores", json={"products": [id_]})
    assert answer.json()["customer_id"] == id_
    assert [item["product_id"] for item in answer.json()["items"]] == [id_]
    assert (await shop.get(f"/v1/products/{part}/similar")).json()["product_id"] == id_
    answer = await shop.get(f"/v1/customers/{part}/explanations/{part}")
    assert answer.status_code == 404
    assert repr(id_) in answer.json()["detail"]


async def test_a_slash_that_a_proxy_decoded_is_still_part_of_the_id(shop: httpx.AsyncClient) -> None:
    answer = await shop.get("/v1/customers/a/b/recommendations")
    assert answer.json()["customer_id"] == "a/b"


@how(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128))
@example("%252F")
@example("%25")
def test_any_id_survives_its_way_through_a_path(anyio_backend: str, id_: str) -> None:
    part = quote(id_, safe="")
    assert CONVERTOR_TYPES["id"].convert(routable(part.encode("ascii"))) == id_
    assert "/" not in routable(part.encode("ascii"))
