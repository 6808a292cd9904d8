"""`recommend`, `evaluate` and `models`."""

from typing import Annotated, Literal

import typer

from advocate.commands.options import Json, Moment, as_day, as_user, opened
from advocate.printing import print_json, print_receipt, print_table, progress, say
from recs import registry
from recs.scoring import Scorer
from recs.steps import evaluate as judge
from warehouse import clock

models = typer.Typer(help="The bundles that were published, and which one is served.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(recommend)
    app.command()(evaluate)
    app.add_typer(models, name="models", no_args_is_help=True)


def recommend(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The customer's id; an unknown one gets what is popular.")],
    slate: Annotated[Literal["for_you", "buy_again", "discover"], typer.Option(help="Which list.")] = "for_you",
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many at most.")] = 10,
    json: Json = False,
) -> None:
    """Show what a customer would want next, with the reason for each product."""
    found = Scorer.open(opened(context)).recommend(customer, slate, n)
    if json:
        print_json([vars(item) if hasattr(item, "__dict__") else item for item in found])
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
