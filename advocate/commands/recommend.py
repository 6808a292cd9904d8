"""`recommend`, `evaluate` and `models`."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from advocate.commands.options import Json, Moment, as_day, as_user, opened
from advocate.printing import print_json, print_receipt, print_table, progress, say
from recs import registry
from recs.scoring import Scorer
from recs.steps import evaluate as judge

models = typer.Typer(help="The bundles that were published, and which one is served.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(recommend)
    app.command()(evaluate)
    app.add_typer(models, name="models", no_args_is_help=True)


def recommend(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The customer's id; an unknown one gets what is popular.")],
    slate: Annotated[
        Literal["for_you", "buy_again", "discover"], typer.Option(help="Which list.")
    ] = "for_you",
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many at most.")] = 10,
    json: Json = False,
) -> None:
    """Show what a customer would want next, with the reason for each product."""
    found = Scorer.open(opened(context)).recommend(customer, slate, n)
    if json:
        print_json([asdict(item) for item in found])
        return
    if not found:
        say(f"there is nothing in {slate} for {customer}")
    print_table(
        ("rank", "product", "title", "reason"),
        [(item.rank, item.product_id, item.title, item.reason) for item in found],
    )


def evaluate(context: typer.Context, day: Moment, json: Json = False) -> None:
    """Judge every model and slate on the weeks before a day, trained on what was before them."""
    settings = opened(context)
    with progress("evaluate"):
        receipt = judge(settings, as_day(day))
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)


@models.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the bundles, newest day first, and mark the one that is served."""
    settings = opened(context)
    now = registry.current(settings)
    found = [
        {
            "bundle_id": row.bundle_id,
            "day": row.day,
            "verdict": row.verdict,
            "published_at": row.published_at,
            "current": now is not None and now.bundle_id == row.bundle_id,
        }
        for row in registry.bundles(settings)
    ]
    if json:
        print_json(found)
        return
    print_table(
        ("bundle", "day", "verdict", "published", "served"),
        [
            (b["bundle_id"], b["day"], b["verdict"], b["published_at"], "yes" if b["current"] else "")
            for b in found
        ],
    )


@models.command()
def rollback(
    context: typer.Context,
    bundle: Annotated[str | None, typer.Argument(help="A bundle id; by default the one before.")] = None,
    as_: Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")] = None,
    json: Json = False,
) -> None:
    """Serve the bundle before, or the one named, again; storefronts notice within a second."""
    now = registry.roll_back(opened(context), bundle, by=as_user(as_))
    if json:
        print_json(vars(now))
    else:
        say(f"{now.bundle_id} of {now.day} is served now")
