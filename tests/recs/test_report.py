"""The page shows what was judged, to eyes and ears alike, needs nothing else, and is the same twice."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recs.evaluation import Judgement
from recs.figures import Panel, figures, mixed
from recs.plots import Dot, number, plot
from recs.report import page, rows, write

WINDOW = (date(2017, 10, 4), date(2017, 10, 31))
SERVING = {"for_you": "als", "buy_again": "frequency", "discover": "popularity"}


def judgement(names: tuple[str, ...] = ("popularity", "frequency", "als")) -> Judgement:
    """Forty customers bought the first of four products; the last model knows it, the others half of the
    time. `discover` could not be judged."""
    asked = Panel(
        truth=csr_matrix(np.tile(np.array([[1, 0, 0, 0]], np.float32), (40, 1))),
        eligible=np.ones(4, bool),
        buyers=np.array([8, 4, 2, 1]),
        shoppers=8,
        kinds=np.array([[0, 0], [0, 0], [1, 0], [1, 0]], np.int32),
        segments={"new": np.arange(40) < 10, "light": np.arange(40) >= 10, "heavy": np.zeros(40, bool)},
    )
    known, guessed = (
        np.tile(np.array(ids + [-1] * 6, np.int32), (40, 1)) for ids in ([0, 2, 1, 3], [3, 1, 2, 0])
    )
    even = np.arange(40)[:, None] % 2 == 0
    orders = {name: np.where(even, known, guessed) for name in names}
    orders[names[-1]] = known
    judged = {slate: figures(asked, orders, names[1], 0) for slate in ("for_you", "buy_again")}
    metrics = {name: {slate: found[name] for slate, found in judged.items()} for name in names}
    scores = np.linspace(1, 0, 10, dtype=np.float32)[None].repeat(40, axis=0)
    cost = {slate: mixed(asked, known, scores, 10, 0) for slate in judged}
    serving = {"for_you": names[-1], "buy_again": names[1], "discover": "popularity"}
    return Judgement(metrics, serving, "judged", ["discover could not be judged: 3 customers"], WINDOW, cost)


class Outline(HTMLParser):
    """What is in a page: tags with attributes, and the texts outside of styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = [*self.open, tag] if tag == "style" else self.open

    def handle_endtag(self, tag: str) -> None:
        self.open = [one for one in self.open if one != tag]

    def handle_data(self, data: str) -> None:
        self.words += "" if self.open else data


def drawings(text: str) -> list[ET.Element]:
    """The plots of a page, read as the XML that they must be."""
    return [ET.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def test_the_same_judgement_is_the_same_bytes_twice(tmp_path: Path) -> None:
    first, second = (write(judgement(), tmp_path / name) for name in ("one", "two"))
    assert first == tmp_path / "one" / "quality.html"
    for name in ("quality.html", "quality.json"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()


def test_the_json_says_all_that_was_judged(tmp_path: Path) -> None:
    found = judgement()
    told = json.loads((write(found, tmp_path).parent / "quality.json").read_text())
    assert told["metrics"] == found.metrics
    assert told["serving"] == found.serving
    assert told["window"] == ["2017-10-04", "2017-10-31"]
    assert told["mixed"].keys() == {"for_you", "buy_again"}


def test_the_page_needs_nothing_but_itself_and_runs_nothing() -> None:
    outline = Outline(page(judgement()))
    for tag, attributes in outline.tags:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page(judgement())
    assert "@import" not in page(judgement())


def test_every_link_inside_the_page_leads_somewhere_and_no_id_is_there_twice() -> None:
    outline = Outline(page(judgement()))
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    # The slate that was not judged has a card, but nothing to lead to.
    wanted = {str(attributes["href"])[1:] for _, attributes in outline.tags if "href" in attributes}
    assert wanted == {"for_you", "buy_again"}
    assert wanted <= set(ids)


def test_every_plot_says_in_words_what_it_shows() -> None:
    found = drawings(page(judgement()))
    assert len(found) == 8
    for drawing in found:
        title, words = drawing[0], drawing[1]
        assert drawing.get("role") == "img"
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
        assert title.text
        assert words.text
    assert found[0][1].text.startswith("als 1.000 (1.000 to 1.000); popularity 0.7")


def test_the_page_says_who_serves_by_how_much_and_what_could_not_be_judged() -> None:
    words = " ".join(Outline(page(judgement())).words.split())
    assert "before 4 October 2017" in words
    assert "from then to 31 October 2017" in words
    assert (
        "For you 1.000 NDCG@10 of als, which serves it +0.285 against frequency (+0.193 to +0.374)" in words
    )
    assert "itself a table of counts" in words
    assert "not judged, served by popularity" in words
    assert "discover could not be judged: 3 customers" in words
    assert "Judged by 40 customers" in words
    assert "New, 10 customers" in words


def test_names_are_shown_as_they_are_and_never_run() -> None:
    text = page(judgement(("popularity", "frequency", "<b>&\"'")))
    assert "<b>" not in text
    assert drawings(text)[0][1].text.startswith("<b>&\"' 1.000")


def test_without_a_judged_slate_the_page_says_so_and_draws_nothing() -> None:
    none = replace(judgement(), metrics={}, mixed={}, verdict="counts", serving=SERVING)
    assert drawings(page(none)) == []
    assert page(none).count("not judged, served by") == 3


def test_without_categories_the_other_plots_are_there() -> None:
    assert len(drawings(page(replace(judgement(), mixed={})))) == 6


def test_models_stand_best_first_and_of_equals_in_the_order_judged() -> None:
    found = rows(judgement().metrics, "frequency", "buy_again")
    assert [(row.model, row.serves, row.counts) for row in found] == [
        ("als", False, False),
        ("popularity", False, False),
        ("frequency", True, True),
    ]
    assert (found[2].difference, found[2].difference_interval) == ("–", "")
    assert found[0].difference.startswith("+0.")


def test_dots_stand_by_their_numbers_on_one_scale() -> None:
    found = plot("p", "", [Dot("a", 0.2, 0.1, 0.4), Dot("head"), Dot("b", 0.4, 0.4, 0.4)])
    (zero, first), *_, (last, text) = found.ticks
    per_unit = (last - zero) / float(text)
    assert (first, float(text)) == ("0.0", 0.4)
    assert found.rows[0].mean - zero == pytest.approx(0.2 * per_unit, abs=0.1)
    assert found.rows[0].low < found.rows[0].mean < found.rows[0].high == found.rows[2].mean
    assert [row.y for row in found.rows] == sorted(row.y for row in found.rows)


def test_a_comparison_shows_its_zero_even_where_all_are_below() -> None:
    found = plot("p", "", [Dot("a", -0.2, -0.3, -0.1)], around_zero=True)
    assert found.zero == found.ticks[-1][0] == max(x for x, _ in found.ticks)
    assert float(found.ticks[-1][1]) == 0


@pytest.mark.parametrize("high", [0.0, 1e-6, 0.0123, 0.5, 1.0, 37.0, 99.9])
def test_a_scale_has_a_few_round_numbers(high: float) -> None:
    texts = [text for _, text in plot("p", "", [Dot("a", high, high, high)]).ticks]
    assert 3 <= len(texts) <= 7
    assert len(set(texts)) == len(texts)
    assert float(texts[-1]) <= max(high, 1 if high == 0 else high) + 1e-12


def test_numbers_are_written_with_a_true_minus_and_nothing_is_minus_nought() -> None:
    assert [number(x, signed=True) for x in (0.0214, -0.0214, -0.0001, 0.0)] == [
        "+0.021", "−0.021", "0.000", "0.000"]  # fmt: skip
    assert number(22.14, 1) == "22.1"
