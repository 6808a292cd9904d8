"""`models`: the bundles and which one is served; `tune`: searches for better parameters."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from advocate.commands.options import Json, as_day, as_user, opened
from advocate.printing import heading, print_json, print_receipt, print_table, progress, say
from recs import bundle, registry
from recs.models import BundleRow
from recs.registry import Current
from warehouse.errors import NotFoundError
from warehouse.settings import Settings

models = typer.Typer(help="The bundles that were made, how good they are, and which one is served.")

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]
BundleId = Annotated[str, typer.Argument(help="A bundle id, as `models list` prints it.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(models, name="models", no_args_is_help=True)
    app.command()(tune)


@models.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the bundles, newest day first, and mark the one that is served."""
    settings = opened(context)
    now = registry.current(settings)
    found = [_entry(row, now) for row in registry.bundles(settings)]
    if json:
        print_json(found)
        return
    print_table(
        ("bundle", "day", "verdict", "published", "served"),
        [
            (
                b["bundle_id"],
                b["day"],
                b["verdict"],
                b["published_at"] and f"{b['published_at']:%Y-%m-%d %H:%M}",
                "yes" if b["current"] else "",
            )
            for b in found
        ],
    )


@models.command()
def show(context: typer.Context, bundle_id: BundleId, json: Json = False) -> None:
    """Show what a bundle was made with, how good it was, and what the gate said."""
    told = _told(opened(context), bundle_id)
    if json:
        print_json(told)
    else:
        _show(told)


@models.command()
def promote(context: typer.Context, bundle_id: BundleId, as_: AsUser = None, json: Json = False) -> None:
    """Serve a bundle, whatever its day and whatever the gate said; storefronts notice within a second."""
    _served(registry.promote(opened(context), bundle_id, by=as_user(as_)), json)


@models.command()
def rollback(
    context: typer.Context,
    bundle_id: Annotated[str | None, typer.Argument(help="A bundle id; by default the one before.")] = None,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Serve the bundle before, or the one named, again; storefronts notice within a second.

    Doing it twice serves the first one again; name a bundle to go further back.
    """
    _served(registry.roll_back(opened(context), bundle_id, by=as_user(as_)), json)


def tune(
    context: typer.Context,
    seconds: Annotated[
        int | None, typer.Option(min=1, help="How long it may take.  [default: recs.tune_seconds]")
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The last UTC day to learn from.  [default: that of the bundle served]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Search for the model parameters that would have ranked best in the past; nights use them from then on.

    A search that was killed, or had no time left, goes on where it was.
    """
    from recs.steps import tune as search  # slow to import, and the only command here that computes

    settings = opened(context)
    with progress("tune"):
        receipt = search(settings, as_day(day) if day else _newest_day(settings), seconds)
    if json:
        print_json(receipt.as_json())
        return
    print_receipt(receipt)
    _show_tuning(receipt.numbers["tuning"])


def _newest_day(settings: Settings) -> Any:
    now = registry.current(settings)
    if now is None:
        raise NotFoundError("nothing is published yet; run `advocate nightly` first, or give a --day")
    return now.day


def _served(now: Current, json: bool) -> None:
    if json:
        print_json(vars(now))
    else:
        say(f"{now.bundle_id} of {now.day} is served now")


def _entry(row: BundleRow, now: Current | None) -> dict[str, Any]:
    return {
        "bundle_id": row.bundle_id,
        "day": row.day,
        "verdict": row.verdict,
        "published_at": row.published_at,
        "current": now is not None and now.bundle_id == row.bundle_id,
    }


def _told(settings: Settings, bundle_id: str) -> dict[str, Any]:
    """All that is known of a bundle, as plain values."""
    row = registry.entry(settings, bundle_id)
    manifest, folder = bundle.manifest_of(settings, bundle_id), bundle.folder_of(settings, bundle_id)
    page = folder / "quality.html"
    named = ("serving", "parameters", "models", "tuning", "metrics", "notes", "customers", "products")
    return (
        _entry(row, registry.current(settings))
        | {name: manifest.get(name) for name in named}
        | {"gate": row.gate, "folder": str(folder), "quality": str(page) if page.exists() else None}
    )


def _show(told: dict[str, Any]) -> None:
    served = "served now" if told["current"] else "not served"
    heading(f"bundle {told['bundle_id']} of {told['day']}: {told['verdict']}, {served}")
    say(f"{told['customers']:,} customers, {told['products']:,} products, in {told['folder']}")
    print_table(
        ("slate", "served by", "NDCG@10", "95 % interval", "made with"),
        [(slate, model, *_quality(told, model, slate)) for slate, model in told["serving"].items()],
    )
    for note in told["notes"]:
        say(f"  note: {note}")
    if told["tuning"]:
        _show_tuning(told["tuning"])
    _show_gate(told["gate"])
    if told["quality"]:
        say(f"\nHow good every model was: {Path(told['quality']).as_uri()}")


def _quality(told: dict[str, Any], model: str, slate: str) -> tuple[str, str, str]:
    found = told["metrics"].get(model, {}).get(slate)
    made_with = _parameters((told["models"] or {}).get(model, {}))
    if found is None:
        return "not judged", "", made_with
    ends = found.get("intervals", {}).get("ndcg@10")
    interval = f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else ""
    return f"{found['ndcg@10']:.4f}", interval, made_with


def _show_tuning(tuning: dict[str, Any]) -> None:
    if not tuning["found"]:
        return
    heading(
        f"tuned on what was known on {tuning['day']}: {tuning['finished']} of {tuning['planned']} trials "
        "(NDCG@10 on two folds)"
    )
    print_table(
        ("model", "slate", "trials", "its own", "chosen", "parameters"),
        [
            (
                model,
                found["slate"],
                found["trials"],
                _scores(found["own"]),
                _scores(found["chosen"]),
                _parameters(tuning["models"].get(model, {})) or "its own",
            )
            for model, found in tuning["found"].items()
        ],
    )


def _parameters(given: dict[str, Any]) -> str:
    words = ((k, " + ".join(v) if isinstance(v, list) else v) for k, v in sorted(given.items()))
    return ", ".join(f"{k} {v}" for k, v in words)


def _scores(scores: list[float]) -> str:
    return ", ".join(f"{score:.4f}" for score in scores)


def _show_gate(gate: dict[str, Any]) -> None:
    if gate.get("compared"):
        heading("what the gate compared it with (differences in NDCG@10)")
        print_table(
            ("slate", "served by", "compared with", "which is", "difference", "95 % interval"),
            [
                (c["slate"], c["model"], c["other"], c["against"], f"{c['mean']:+.4f}", _interval(c))
                for c in gate["compared"]
            ],
        )
    for reason in gate.get("reasons", []):
        say(f"  refused: {reason}")


def _interval(compared: dict[str, Any]) -> str:
    return f"{compared['low']:+.4f} to {compared['high']:+.4f}"
