"""The API describes itself, to people and to programs, without anything from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import jsonschema
import pytest

from advocate.server import create_app
from advocate.serving.reference import http_reference
from warehouse.settings import Settings

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "http.md"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_committed_page_is_what_the_service_says() -> None:
    assert REFERENCE.read_text() == http_reference(), (
        "run: python -m advocate.serving.reference > docs/reference/http.md"
    )


def test_every_operation_has_a_name_examples_that_fit_and_documented_problems() -> None:
    document = create_app(Settings()).openapi()
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert sorted(names) == sorted(
        [
            "recommend",
            "recommend_from",
            "score",
            "similar",
            "similar_from",
            "for_basket",
            "explain",
            "take",
            "healthz",
            "readyz",
            "metrics",
        ]
    )
    for path, methods in document["paths"].items():
        for operation in methods.values():
            said = [*operation["responses"].values(), operation.get("requestBody", {})]
            for content in (part["content"]["application/json"] for part in said if _is_json(part)):
                schema = {**content["schema"], "components": document["components"]}
                jsonschema.Draft202012Validator(schema).validate(content["example"])
            problems = {s: r for s, r in operation["responses"].items() if s >= "400"}
            assert {"400", "500", "503"} <= problems.keys()
            assert all("application/problem+json" in one["content"] for one in problems.values())
            assert ("security" in operation) == (path not in ("/healthz", "/readyz"))


def _is_json(part: dict[str, object]) -> bool:
    return "application/json" in part.get("content", {})  # type: ignore[operator]


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        self.targets += [value for name in ("href", "src") if (value := said.get(name))]
        self.ids |= {said["id"]} if said.get("id") else set()  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_the_page_needs_no_script_and_nothing_from_elsewhere(settings: Settings) -> None:
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as shop:
        answer = await shop.get("/docs")
    page = Links()
    page.feed(answer.text)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(target == "/openapi.json" or target[1:] in page.ids for target in page.targets)
    assert {"problem-422", "recommend", "take"} <= page.ids
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]+'", answer.headers["content-security-policy"])
