"""The gate: a bundle is served only if it is not worse than what is served, nor than a table of counts.

Both are asked on the newest fold. What is served now has been filled from all that fold's days, so its lists
cannot be asked; its recipe is, fitted again on what was before them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from recs.evaluation import COUNTS, Fold, Judgement, fold, shown
from recs.fitting import Fits, Parameters
from recs.metrics import Hits, Interval, Values, paired
from recs.models import REFUSED
from recs.world import World
from warehouse.settings import Settings

COUNTED, SERVED = "counts", "served now"
"""What a slate's model is compared with."""


@dataclass(frozen=True)
class Recipe:
    """What a bundle's lists are made with, its data apart.

    Attributes:
        serving: for each slate the model that serves it.
        models: by model what it is made with; what is missing is left to its defaults.
        half_life_days: of the weights.
        seed: where chance begins.
    """

    serving: Mapping[str, str]
    models: Parameters
    half_life_days: int
    seed: int

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """The recipe of a bundle, as its manifest tells it."""
        parameters = manifest["parameters"]
        models = manifest.get("models", {})
        return cls(manifest["serving"], models, parameters["half_life_days"], parameters["seed"])

    def same_models(self, other: "Recipe") -> bool:
        """Whether a model of that name would be the same one, whichever slates it serves."""
        return replace(self, serving={}) == replace(other, serving={})


@dataclass(frozen=True)
class Compared:
    """The mean difference in NDCG@10 of what would serve a slate to another, with its 95 % interval."""

    slate: str
    model: str
    against: str
    other: str
    mean: float
    low: float
    high: float

    @property
    def refuses(self) -> bool:
        """Whether it speaks against serving the bundle."""
        return self.mean < 0 if self.against == COUNTED else self.high < 0

    def __str__(self) -> str:
        how = "worse on average" if self.against == COUNTED else "worse"
        return (
            f"{self.slate} by {self.model} is {how} than by {self.other} ({self.against}): NDCG@10 differs "
            f"by {self.mean:+.4f} ({self.low:+.4f} to {self.high:+.4f})"
        )


@dataclass(frozen=True)
class Decision:
    """What the gate says of a bundle.

    Attributes:
        verdict: `judged` or `counts` where it may be served, else `refused`.
        reasons: why it was refused.
        compared: what it was compared with, and how that went.
    """

    verdict: str
    reasons: list[str] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the bundle may be served."""
        return self.verdict != REFUSED

    def as_json(self) -> dict[str, Any]:
        """The decision as plain JSON values, rounded."""
        compared = [
            {name: round(v, 6) if isinstance(v, float) else v for name, v in asdict(one).items()}
            for one in self.compared
        ]
        return {"verdict": self.verdict, "reasons": self.reasons, "compared": compared}


@dataclass(frozen=True)
class Served:
    """How good what is served now would have been on the newest fold.

    Attributes:
        serving: for each slate the model.
        ndcg: for each judged slate the NDCG@10 of each judged customer, (U,).
    """

    serving: Mapping[str, str]
    ndcg: Mapping[str, Values]


def decide(judgement: Judgement, served: Served | None, seed: int) -> Decision:
    """Whether a bundle of these serving models may be served.

    For each judged slate its model must not have a lower mean NDCG@10 than the table of counts of that slate,
    and must not be significantly worse than what is served now: the paired 95 %
    interval of the difference must not lie below zero.

    Args:
        judgement: of the models of the new bundle.
        served: what is served now; `None` where that is nothing, or made by the same recipe.
        seed: of the intervals.
    """
    if judgement.verdict == "counts":
        return Decision("counts")
    compared = [*_with_counts(judgement, seed), *(_with_served(judgement, served, seed) if served else ())]
    reasons = [str(one) for one in compared if one.refuses]
    return Decision(REFUSED if reasons else judgement.verdict, reasons, compared)


def served_now(settings: Settings, world: World, recipe: Recipe, fits: Fits, judgement: Judgement) -> Served:
    """Judges a recipe on the newest fold; what the judge already knows of its models is not fitted again.

    Raises:
        ModelError: one of its models does not exist any more, or could not be fitted.
    """
    same = recipe.same_models(now(settings, judgement.serving, fits.made_with))
    then = fits if same else Fits(settings.model_copy(update={"seed": recipe.seed}), recipe.models)
    judged = judgement.ndcg if same else {}
    slates = {slate: name for slate, name in recipe.serving.items() if slate in _judged(judgement)}
    past: Fold | None = None
    ndcg = {}
    for slate, name in slates.items():
        if name in judged:
            ndcg[slate] = judged[name][slate]
            continue
        past = past or _fold(settings, world, recipe)
        lists = shown(then.get(name, past.history), past, slate)
        ndcg[slate] = Hits.of(lists, past.truth[slate][past.customers(slate)]).ndcg()
    return Served(recipe.serving, ndcg)


def _fold(settings: Settings, world: World, recipe: Recipe) -> Fold:
    """The newest fold, with weights as the recipe has them."""
    return fold(replace(world.history, half_life_days=recipe.half_life_days), settings.recs.judge_days)


def now(settings: Settings, serving: Mapping[str, str], models: Parameters) -> Recipe:
    """The recipe that these settings make."""
    return Recipe(serving, models, settings.features.half_life_days, settings.seed)


def _judged(judgement: Judgement) -> set[str]:
    """The slates that could be judged."""
    return {slate for slates in judgement.ndcg.values() for slate in slates}


def _with_counts(judgement: Judgement, seed: int) -> Iterator[Compared]:
    for slate, model in judgement.serving.items():
        counts = COUNTS[slate]
        if slate in _judged(judgement) and model != counts:
            one, other = judgement.ndcg[model][slate], judgement.ndcg[counts][slate]
            yield _compared(slate, model, COUNTED, counts, paired(one, other, seed))


def _with_served(judgement: Judgement, served: Served, seed: int) -> Iterator[Compared]:
    for slate, other in served.ndcg.items():
        model = judgement.serving[slate]
        one = judgement.ndcg[model][slate]
        yield _compared(slate, model, SERVED, served.serving[slate], paired(one, other, seed))


def _compared(slate: str, model: str, against: str, other: str, difference: Interval) -> Compared:
    return Compared(slate, model, against, other, difference.mean, difference.low, difference.high)
