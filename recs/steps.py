"""What the pipeline calls of this room: publish a day's recommendations, tune models, or only judge them."""

from datetime import date
from pathlib import Path
from typing import Any

from recs import archive, bundle, gate, publishing, registry, report, tuning
from recs.evaluation import Judgement, judge
from recs.fitting import Fits
from recs.gate import Decision, Recipe, Served
from recs.publishing import Made, Work
from recs.rules import unmatched
from recs.tuning import Tuning, Watch
from recs.world import World, load
from warehouse import clock
from warehouse.errors import ModelError, NotFoundError
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings


def recommend(settings: Settings, day: date) -> Receipt:
    """Judges the models on the past, fills the slates of every customer and publishes them as a bundle.

    A home without tuned parameters searches for them first. A bundle that the gate refuses is kept, but what
    was served goes on being served, or tables of counts where that is nothing; the receipt warns. A bundle
    for a day before that of the current one (a backfill) is kept, but not served. Doing the same day again
    over the same data makes the same bundle.

    Raises:
        NotFoundError: the features of that day are not there.
        ModelError: a model could not be trained.
    """
    with hold(settings, "recs"), recording(settings, "recommend", day) as receipt:
        bundle.sweep(settings)
        receipt.warnings += archive.sweep(settings, clock.now().date())
        _warn_of_no_challenger(settings, receipt)
        world = load(settings, day)
        receipt.warnings += [
            f"recs.rules.{setting} names what no product or category is called: {', '.join(names)}"
            for setting, names in unmatched(settings.recs.rules, world.catalogue).items()
        ]
        if world.history.lines.is_empty():
            receipt.warnings.append(
                f"there are no purchases up to {day}; is the feed set, and was it imported?"
            )
        work = _work(settings, world, _tuned(settings, world, receipt))
        decision = gate.decide(work.judgement, _served(work, receipt), settings.seed)
        made = publishing.make(work)
        registry.register(settings, made.bundle_id, made.manifest, decision)
        if not decision.passed:
            made, decision = _kept_back(work, made, decision, receipt)
        if decision.passed:
            _warn_of_less(settings, work.judgement, receipt)
            _publish(settings, made, receipt)
        old = registry.old(settings)
        bundle.sweep(settings, old)
        registry.forget(settings, old)
        receipt.rows_in = {"customers": world.nobody, "products": world.catalogue.height}
        receipt.rows_out = made.rows
        receipt.artifacts["bundle"] = str(bundle.folder_of(settings, made.bundle_id))
        numbers = {"bundle_id": made.bundle_id, "verdict": decision.verdict, "gate": decision.as_json()}
        receipt.numbers |= _numbers(work.judgement) | numbers
        receipt.numbers["serving"] = made.manifest["serving"]
        receipt.notes += work.judgement.notes
        return receipt


def tune(settings: Settings, day: date, seconds: int | None = None) -> Receipt:
    """Searches for the best parameters of the models on what was known at the end of a day; nights use them.

    Args:
        settings: the home to work in.
        day: a day whose features are there.
        seconds: how long it may take; by default `recs.tune_seconds`.

    Raises:
        NotFoundError: the features of that day are not there.
        ModelError: a model could not be trained.
    """
    with hold(settings, "recs"), recording(settings, "tune", day) as receipt:
        limit = settings.recs.tune_seconds if seconds is None else seconds
        found = _search(settings, load(settings, day), limit, receipt)
        if not found.planned:
            receipt.notes.append(
                "nothing was tried: there is too little history for two folds, or too little time"
            )
        return receipt


def evaluate(settings: Settings, day: date, out: Path | None = None) -> Receipt:
    """Judges every model for every slate on the fold that ends with `day`; publishes nothing.

    Args:
        settings: the home and its `recs` section.
        day: the day whose features were built.
        out: a folder for the page of plots; none is written without it.
    """
    if out:
        out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said before it is computed
    with recording(settings, "evaluate", day) as receipt:
        world = load(settings, day)
        known = tuning.known(settings, world) if settings.recs.tune_seconds else None
        judgement = _work(settings, world, known or Tuning()).judgement
        receipt.numbers |= _numbers(judgement)
        receipt.notes += judgement.notes
        if out:
            receipt.artifacts["page"] = str(report.write(judgement, out))
        return receipt


def _work(settings: Settings, world: World, found: Tuning) -> Work:
    fits = Fits(settings, found.models)
    return Work(settings, world, found, fits, judge(settings, world, fits.get))


def _tuned(settings: Settings, world: World, receipt: Receipt) -> Tuning:
    """What was found before this day, else what a search finds now; nothing where it has no time."""
    limit = settings.recs.tune_seconds
    if not limit:
        return Tuning()
    return tuning.known(settings, world) or _search(settings, world, limit, receipt)


def _search(settings: Settings, world: World, seconds: int, receipt: Receipt) -> Tuning:
    found = tuning.search(settings, world, Watch(seconds))
    receipt.numbers["tuning"] = found.as_json()
    if found.finished < found.planned:
        receipt.notes.append(
            f"there was time for {found.finished} of {found.planned} trials in {seconds} s; "
            f"`advocate tune --day {world.day} --seconds {2 * seconds}` goes on from there"
        )
    return found


def _served(work: Work, receipt: Receipt) -> Served | None:
    """How good what is served now would have been; `None` where there is nothing to compare with."""
    now = registry.current(work.settings)
    if now is None or now.day > work.world.day:
        return None
    try:
        recipe = Recipe.of(bundle.manifest_of(work.settings, now.bundle_id))
        if recipe == gate.now(work.settings, work.judgement.serving, work.fits.made_with):
            return None
        return gate.served_now(work.settings, work.world, recipe, work.fits, work.judgement)
    except (ModelError, NotFoundError) as error:
        receipt.warnings.append(f"the new bundle was not compared with {now.bundle_id}: {error}")
        return None


def _kept_back(work: Work, made: Made, decision: Decision, receipt: Receipt) -> tuple[Made, Decision]:
    """Says what is served instead of a refused bundle; makes it of counts where there is nothing else."""
    receipt.warnings += decision.reasons
    call = f"`advocate models promote {made.bundle_id}` serves it all the same"
    standing = registry.standing(work.settings, work.world.day)
    if standing is not None:
        receipt.warnings.append(f"{made.bundle_id} was refused, {standing} goes on being served; {call}")
        return made, decision
    receipt.warnings.append(f"{made.bundle_id} was refused, tables of counts are served; {call}")
    counted, passed = publishing.make(work.counted()), Decision("counts")
    registry.register(work.settings, counted.bundle_id, counted.manifest, passed)
    return counted, passed


def _warn_of_less(settings: Settings, judgement: Judgement, receipt: Receipt) -> None:
    """Warns where models that were judged give way to counts because too few customers bought of late."""
    now = registry.current(settings)
    if now and judgement.verdict == "counts" and registry.entry(settings, now.bundle_id).verdict == "judged":
        receipt.warnings.append(
            f"too few customers bought of late to judge anything, so tables of counts take the place of "
            f"{now.bundle_id}; is the feed complete? `advocate models rollback` serves what was there before"
        )


def _warn_of_no_challenger(settings: Settings, receipt: Receipt) -> None:
    named = settings.recs.experiment.challenger
    if named and not any(row.bundle_id == named for row in registry.bundles(settings)):
        receipt.warnings.append(
            f"recs.experiment.challenger is {named}, which is no bundle; see `advocate models list`"
        )


def _publish(settings: Settings, made: Made, receipt: Receipt) -> None:
    if not registry.publish(settings, made.bundle_id, by="nightly"):
        receipt.notes.append(f"{made.bundle_id} is kept but not served: the current bundle is of a later day")


def _numbers(judgement: Judgement) -> dict[str, Any]:
    return {"verdict": judgement.verdict, "serving": judgement.serving, "metrics": judgement.metrics}
