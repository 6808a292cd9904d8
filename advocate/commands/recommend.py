"""`recommend` and `evaluate`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from advocate.commands.options import Json, Moment, as_day, opened
from advocate.printing import heading, print_json, print_receipt, print_table, progress, say
from recs.scoring import Scorer

if TYPE_CHECKING:
    from recs.report import Row


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(recommend)
    app.command()(evaluate)


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
    found = Scorer.open(opened(context), watch=False).recommend(customer, slate, n)
    if json:
        print_json([asdict(item) for item in found])
        return
    if not found:
        say(f"there is nothing in {slate} for {customer}")
    print_table(
        ("rank", "product", "title", "reason"),
        [(item.rank, item.product_id, item.title, item.reason) for item in found],
    )


def evaluate(
    context: typer.Context,
    day: Moment,
    out: Annotated[
        Path | None, typer.Option(help="A folder for quality.html, a page to look at, and quality.json.")
    ] = None,
    json: Json = False,
) -> None:
    """Judge every model and slate on the weeks before a day, trained on what was before them."""
    from recs.report import rows  # these are slow to import, and `recommend` needs none of them
    from recs.steps import evaluate as judge

    settings = opened(context)
    with progress("evaluate"):
        receipt = judge(settings, as_day(day), out)
    if json:
        print_json(receipt.as_json())
        return
    print_receipt(receipt)
    for slate, serves in receipt.numbers["serving"].items():
        _print_slate(slate, rows(receipt.numbers["metrics"], serves, slate))
    if out:
        say(f"\nto look at: {receipt.artifacts['page']}")


def _print_slate(slate: str, judged: "list[Row]") -> None:
    """The models of one slate, best first; nothing where it could not be judged."""
    if not judged:
        return
    counts = next(row.model for row in judged if row.counts)
    heading(slate)
    print_table(
        ("model", "NDCG@10", "95 %", "recall@10", "MAP@10", f"to {counts}", "95 %",
         "coverage", "novelty", "diversity", ""),
        [
            (r.model, r.ndcg, r.interval, r.recall, r.precision, r.difference, r.difference_interval,
             r.coverage, r.novelty, r.diversity, "serves" if r.serves else "")
            for r in judged
        ],
    )  # fmt: skip
