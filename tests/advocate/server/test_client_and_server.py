"""Client and server of this house understand each other, and Schemathesis finds no fault with the server."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recs.client import Advocate, Context, Event, KeyRefusedError, NotFoundError, RefusedError
from recs.scoring import Scorer
from tests.advocate.server.conftest import Running, make_key, starting
from warehouse.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(published: Settings) -> str:
    return make_key(published, "recommend", "events", "metrics", rate=100_000)


@pytest.fixture(scope="module")
def server(published: Settings, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with starting(tmp_path_factory.mktemp("client")) as start:
        yield start(published)


def test_each_call_gets_what_the_scorer_says(server: Running, key: str, published: Settings) -> None:
    context = Context(exclude=["milk"])
    with Advocate(server.url, key, timeout=60) as shop, Scorer.open(published) as scorer:
        assert shop.recommend("c04", "buy_again", 3) == scorer.recommend("c04", "buy_again", 3)
        assert "milk" not in [item.product_id for item in shop.recommend("c04", context=context)]
        assert shop.score("c04", ["milk", "no/such"]) == scorer.score("c04", ["milk", "no/such"])
        assert shop.similar("milk", 3) == scorer.similar("milk", 3)
        assert shop.similar("milk", 3, context=Context(in_stock=[])).items == ()
        many = ["try01", *(f"none{number}" for number in range(300))]
        found = shop.similar("milk", 3, context=Context(in_stock=many))
        assert [item.product_id for item in found.items] == ["try01"]
        assert shop.for_basket(["milk"], ["try01"], 3) == scorer.for_basket(["milk"], ["try01"], 3)
        assert shop.explain("c04", "milk") == scorer.explain("c04", "milk")
        event = Event("c96", "milk", "view")
        assert [shop.take([event]), shop.take([event])] == [1, 0]
        with pytest.raises(NotFoundError, match="'nothing'"):
            shop.explain("c04", "nothing")
        with pytest.raises(RefusedError, match="query n should be greater"):
            shop.recommend("c04", n=0)
    with Advocate(server.url, "wrong", timeout=60) as shop, pytest.raises(KeyRefusedError):
        shop.recommend("c04")


def test_schemathesis_finds_nothing(server: Running, key: str, tmp_path: Path) -> None:
    words = ["run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {key}", "--no-color"]
    chosen = [
        "--checks",
        "all",
        "--mode",
        "all",
        "--seed",
        "7",
        "--max-examples",
        "40",
        "--request-timeout",
        "60",
    ]
    began = time.monotonic()
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), *words, *chosen],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - began < 300
    assert [line for line in server.logged() if line["level"] == "error"] == []
