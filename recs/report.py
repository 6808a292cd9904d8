"""What a judgement found, for people to look at: one page that needs nothing else, and the same as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recs import plots
from recs.bundle import SLATES
from recs.evaluation import COUNTS, Judgement
from recs.figures import SEGMENTS
from recs.plots import Dot, Plot, number, plot
from recs.quality import DATA, PAGE

TITLES = {"for_you": "For you", "buy_again": "Buy again", "discover": "Discover"}
ASKED = {
    "for_you": "Anything they then bought.",
    "buy_again": "What they had bought before, and bought again.",
    "discover": "What they then bought for the first time.",
}
_NDCG = "ndcg@10"

Figures = dict[str, dict[str, Any]]
"""By model, or by order of its lists, what `recs.figures.figures` says."""


@dataclass(frozen=True)
class Row:
    """One model's figures for one slate, as texts; a dash for what cannot be said."""

    model: str
    serves: bool
    counts: bool
    ndcg: str
    interval: str
    difference: str
    difference_interval: str
    recall: str
    precision: str
    coverage: str
    gini: str
    novelty: str
    diversity: str


@dataclass(frozen=True)
class Part:
    """One slate on the page; without rows it could not be judged."""

    slate: str
    title: str
    asked: str
    customers: int
    serving: str
    counts: str
    rows: list[Row]
    plots: list[Plot]

    @property
    def served(self) -> Row | None:
        """The model that serves it."""
        return next((row for row in self.rows if row.serves), None)


def write(judgement: Judgement, folder: Path) -> Path:
    """Writes `quality.json` and `quality.html`, the same bytes for the same judgement.

    Args:
        judgement: what was found.
        folder: where to; made where it is missing.

    Returns:
        the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(judgement), indent=1, ensure_ascii=False) + "\n"
    (folder / DATA).write_text(text, encoding="utf-8")
    (folder / PAGE).write_text(page(judgement), encoding="utf-8")
    return folder / PAGE


def as_json(judgement: Judgement) -> dict[str, Any]:
    """All of a judgement but the values of single customers, as plain JSON values."""
    return {
        "window": [day.isoformat() for day in judgement.window],
        "verdict": judgement.verdict,
        "serving": judgement.serving,
        "metrics": judgement.metrics,
        "mixed": judgement.mixed,
        "notes": judgement.notes,
    }


def page(judgement: Judgement) -> str:
    """The page, as HTML."""
    first, last = (format_date(day, "long", locale="en_GB") for day in judgement.window)
    parts = [_part(judgement, slate) for slate in SLATES]
    return _template().render(first=first, last=last, parts=parts, notes=judgement.notes, geometry=plots)


def rows(metrics: dict[str, dict[str, dict[str, Any]]], serving: str, slate: str) -> list[Row]:
    """The models that were judged for a slate, best first, of equals the simpler."""
    found = [(name, slates[slate]) for name, slates in metrics.items() if slate in slates]
    found.sort(key=lambda one: -one[1][_NDCG])
    return [_row(name, figures, serves=name == serving) for name, figures in found]


def _row(name: str, figures: dict[str, Any], *, serves: bool) -> Row:
    difference = figures["difference"]
    counts = name == difference["against"]
    return Row(
        model=name,
        serves=serves,
        counts=counts,
        ndcg=_text(figures[_NDCG]),
        interval=_between(figures["intervals"][_NDCG]),
        difference="–" if counts else _text(difference[_NDCG], signed=True),
        difference_interval="" if counts else _between(difference["interval"], signed=True),
        recall=_text(figures["recall@10"]),
        precision=_text(figures["map@10"]),
        coverage=_percent(figures["coverage"]),
        gini=_text(figures["gini"]),
        novelty=_text(figures["novelty"], 2),
        diversity=_percent(figures["diversity"]),
    )


def _part(judgement: Judgement, slate: str) -> Part:
    serving = judgement.serving[slate]
    ranked = rows(judgement.metrics, serving, slate)
    figures = {row.model: judgement.metrics[row.model][slate] for row in ranked}
    return Part(
        slate=slate,
        title=TITLES[slate],
        asked=ASKED[slate],
        customers=next((found["customers"] for found in figures.values()), 0),
        serving=serving,
        counts=COUNTS[slate],
        rows=ranked,
        plots=_plots(slate, ranked, figures, judgement.mixed.get(slate, {})) if ranked else [],
    )


def _plots(slate: str, ranked: list[Row], figures: Figures, mixed: Figures) -> list[Plot]:
    """How good each model is, how it differs from the counts, both by segment, and what diversity costs."""
    found = [(row, figures[row.model]) for row in ranked]
    good = [_dot(row, each[_NDCG], each["intervals"][_NDCG], row.ndcg) for row, each in found]
    apart = [_difference(row, each["difference"]) for row, each in found if not row.counts]
    best_other = [row for row in ranked if not row.serves and not row.counts][:1]
    compared = [row for row in ranked if row.serves or row.counts or row in best_other]
    return [
        plot(f"{slate}-ndcg", "NDCG@10 of each model", good),
        plot(f"{slate}-difference", f"Difference in NDCG@10 to {COUNTS[slate]}", apart, around_zero=True),
        plot(f"{slate}-segments", "NDCG@10 by segment", _by_segment(compared, figures)),
        plot(f"{slate}-mixed", "What more diversity would cost", _mixed(mixed), around_zero=True),
    ]


def _dot(row: Row, mean: float, ends: Sequence[float], text: str) -> Dot:
    return Dot(row.model, mean, ends[0], ends[1], text, marked=row.serves, square=row.counts)


def _difference(row: Row, found: dict[str, Any]) -> Dot:
    return replace(_dot(row, found[_NDCG], found["interval"], row.difference), filled=_sure(found))


def _mixed(mixed: Figures) -> list[Dot]:
    """What each order gains or loses against the list as ranked, with the diversity it has."""
    dots = []
    for order, figures in mixed.items():
        found = figures["difference"]
        if order != found["against"]:
            (low, high), text = found["interval"], _text(found[_NDCG], signed=True)
            label = f"{order}, {_percent(figures['diversity'])}"
            dots.append(Dot(label, found[_NDCG], low, high, text, filled=_sure(found)))
    return dots


def _sure(difference: dict[str, Any]) -> bool:
    """By the digits that are shown, so that the dot says what the numbers beside it say."""
    low, high = (round(end, 3) for end in difference["interval"])
    return bool(low > 0 or high < 0)


def _by_segment(compared: list[Row], figures: Figures) -> list[Dot]:
    """For each segment a heading and the compared models, where it has customers."""
    dots = []
    for segment in SEGMENTS:
        of = [(row, figures[row.model]["segments"][segment]) for row in compared]
        if customers := of[0][1]["customers"]:
            dots.append(Dot(f"{segment.capitalize()}, {customers:,} customers"))
            dots += [_dot(row, each[_NDCG], each["interval"], _text(each[_NDCG])) for row, each in of]
    return dots


def _text(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    return "–" if value is None else number(value, digits, signed=signed)


def _percent(value: float | None) -> str:
    """With two digits below one percent."""
    return "–" if value is None else f"{number(value * 100, 1 if value >= 0.01 else 2)} %"


def _between(ends: Sequence[float] | None, *, signed: bool = False) -> str:
    return "" if ends is None else " to ".join(number(end, signed=signed) for end in ends)


@cache
def _template() -> Template:
    rooms = PackageLoader("recs")
    found = Environment(
        loader=rooms, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return found.get_template(PAGE)
