"""The demo: a year of real purchases, one night, and what a newcomer should see of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

import outreach.export
from advocate.database import upgrade
from advocate.night import Night, run_night
from advocate.printing import as_called, heading, money, print_table, say
from features.contract import CONTRACTS
from features.feeds import Delivery
from features.feeds.complete_journey import read_complete_journey
from features.importing import bring_in
from outreach.policy import REASONS
from recs.scoring import Scorer
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import Settings

DAY = date(2017, 11, 30)
SHOWN = 3

_CONSENT = (
    "the households of this data were never asked: the demo itself records their consent to service and "
    "marketing messages on the file channel, and UTC as their time zone, as of 1 January 2017"
)


_SHOP = {
    "opt_out": "Answer this message with STOP",
    "postal_address": "The demo shop, High Street, Springfield",
}
_IMPRINT = (
    "advice has to say how to end it and where the shop is: the demo wrote an opt-out and an address, both "
    "made up, into {}"
)


@dataclass(frozen=True)
class Demo:
    """What the demo did."""

    imported: Receipt
    consented: Receipt
    night: Night

    def as_json(self) -> dict[str, Any]:
        """The demo as plain JSON values."""
        return {
            "import": self.imported.as_json(),
            "consents": self.consented.as_json(),
            "night": self.night.as_json(),
        }


def run_demo(
    settings: Settings,
    day: date,
    *,
    households: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Demo:
    """Imports the demo's data, perhaps of some households only, and runs a night; both can be run again."""
    say("import")
    imported, consented = bring_in_demo(settings, households)
    named = name_shop(settings, consented)
    return Demo(imported, consented, run_night(named, day, say=say))


def name_shop(settings: Settings, receipt: Receipt) -> Settings:
    """Gives a home without settings of its own an opt-out and address that later commands read too."""
    file = settings.home.absolute() / "settings.toml"
    if file.exists() or settings.outreach.opt_out or settings.outreach.postal_address:
        return settings
    lines = ["[outreach]", *(f"{name} = {json.dumps(value)}" for name, value in _SHOP.items())]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    receipt.notes.append(_IMPRINT.format(file))
    return settings.model_copy(update={"outreach": settings.outreach.model_copy(update=_SHOP)})


def bring_in_demo(settings: Settings, households: int | None = None) -> tuple[Receipt, Receipt]:
    """Imports the Complete Journey, and the consents that only the demo gives."""
    upgrade(settings)
    journey = read_complete_journey()
    imported = bring_in(settings, journey if households is None else _some(journey, households))
    return imported, bring_in(settings, _consents(Lake.of(settings)))


def _some(delivery: Delivery, households: int) -> Delivery:
    """What a delivery says of so many households, drawn always alike; of products and prices all."""
    everybody = delivery.tables["purchases"].select("customer_id").unique()
    drawn = everybody.sort(pl.col("customer_id").hash(seed=1), "customer_id").head(households).collect()

    def theirs(rows: pl.LazyFrame) -> pl.LazyFrame:
        about = "customer_id" in rows.collect_schema().names()
        return rows.join(drawn.lazy(), on="customer_id", how="semi") if about else rows

    kept = {name: theirs(rows) for name, rows in delivery.tables.items()}
    refused = {name: theirs(rows) for name, rows in delivery.refused.items()}
    return replace(delivery, tables=kept, refused=refused)


def _consents(lake: Lake) -> Delivery:
    households = lake.scan(CONTRACTS["customers"].table).select("customer_id").sort("customer_id")
    granted = pl.LazyFrame({"purpose": ["service", "marketing"]})
    return Delivery(
        "the demo's consents",
        {
            "customers": households.with_columns(timezone=pl.lit("UTC")),
            "consents": households.join(granted, how="cross").with_columns(
                channel=pl.lit("file"),
                recorded_at=pl.lit(datetime(2017, 1, 1, tzinfo=UTC)),
                granted=pl.lit(True),
            ),
        },
        notes=[_CONSENT],
    )


def show_demo(settings: Settings, demo: Demo) -> None:
    """Prints what was found, for somebody who sees this for the first time."""
    _show_import(demo)
    _show_quality(demo.night)
    if "recommendations" not in demo.night.failed:
        _show_slates(settings)
    if "outreach" not in demo.night.failed:
        _show_savings(settings, demo.night)
        _show_silence(settings, demo.night.day)
    _show_next(settings, demo.night)


def _show_import(demo: Demo) -> None:
    heading("What came in")
    receipt = demo.imported
    print_table(
        ("table", "rows in the feed", "new in the lake"),
        [(name, rows, receipt.rows_out.get(name, 0)) for name, rows in receipt.rows_in.items()],
    )
    if receipt.rejected:
        heading("What was quarantined, and why")
        print_table(("reason", "rows"), list(receipt.rejected.items()))
    for note in [*receipt.notes, *demo.consented.notes]:
        say(f"  note: {note}")


def _show_quality(night: Night) -> None:
    receipt = night.receipt("recommend")
    if receipt is None:
        return
    heading("How good the slates are, judged on the weeks before this day (NDCG@10; more is better)")
    metrics, serving = receipt.numbers["metrics"], receipt.numbers["serving"]
    print_table(
        ("slate", "served by", "its NDCG@10", "popularity's"),
        [
            (
                slate,
                model,
                *(_ndcg(metrics, served, slate) for served in (model, "popularity")),
            )
            for slate, model in serving.items()
        ],
    )
    for note in receipt.notes:
        say(f"  note: {note}")


def _ndcg(metrics: dict[str, Any], model: str, slate: str) -> str:
    judged = metrics.get(model, {}).get(slate)
    return f"{judged['ndcg@10']:.3f}" if judged else "not judged"


def _show_slates(settings: Settings) -> None:
    scorer = Scorer.open(settings, watch=False)
    for customer in _households(settings):
        heading(f"What household {customer} would want next")
        for slate in ("buy_again", "discover"):
            rows = scorer.recommend(customer, slate, SHOWN)
            print_table(
                (slate, "title", "why"), [(item.product_id, item.title, item.reason) for item in rows]
            )


def _households(settings: Settings) -> list[str]:
    """The first households, in the order of their numbers."""
    return (
        Lake.of(settings)
        .scan(CONTRACTS["customers"].table)
        .select("customer_id")
        .sort(pl.col("customer_id").str.zfill(8))
        .head(SHOWN)
        .collect()["customer_id"]
        .to_list()
    )


def _show_savings(settings: Settings, night: Night) -> None:
    heading("Money found for customers")
    found = outreach.export.opportunities(settings, night.day).collect()
    summed = (
        found.group_by("kind", "owed", "currency")
        .agg(
            customers=pl.col("customer_id").n_unique(),
            opportunities=pl.len(),
            held=pl.col("held").sum(),
            amount=pl.col("amount_minor").sum(),
            known=pl.col("amount_minor").count(),
        )
        .sort("kind", "currency")
    )
    print_table(
        ("kind", "owed", "customers", "opportunities", "held for a person", "amount"),
        [
            (
                row["kind"],
                row["owed"],
                row["customers"],
                row["opportunities"],
                row["held"],
                money(row["amount"] if row["known"] else None, row["currency"]),
            )
            for row in summed.iter_rows(named=True)
        ],
    )
    for receipt in night.receipts:
        if receipt.step.startswith("outreach"):
            for line in [*receipt.notes, *receipt.warnings]:
                say(f"  note: {line}")


def _show_silence(settings: Settings, day: date) -> None:
    heading("What was decided for every customer, and why")
    decided = outreach.export.decisions(settings, day).group_by("outcome", "reason").len()
    rows = decided.sort("outcome", "len", "reason", descending=[False, True, False]).collect()
    print_table(
        ("outcome", "reason", "meaning", "customers"),
        [(outcome, reason, REASONS[reason], count) for outcome, reason, count in rows.iter_rows()],
    )


def _show_next(settings: Settings, night: Night) -> None:
    heading("What to try next")
    first = outreach.export.notices(settings, night.day).select("customer_id").head(1).collect()
    customer = first.item() if first.height else "1"
    call = as_called(settings)
    for command, why in (
        ("batch show latest", "read the messages beside their evidence"),
        (f"explain {customer} --day {night.day}", "why this household hears from us, or does not"),
        ("batch approve latest", "promises the money"),
        ("send --allow-old", "15 minutes later: hands the messages over, as files in the outbox"),
        ("recommend 1 --slate discover", "a slate, with reasons"),
        (f"export recommendations --day {night.day} --out recommendations.parquet", "all slates"),
    ):
        say(f"  {call} {command}   # {why}")
