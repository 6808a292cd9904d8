"""Small retailers to run whole nights on: seeded, so that two homes can be given the same one."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

DAY = date(2017, 11, 30)
END = datetime(2017, 12, 1, tzinfo=UTC)


def write_feed(
    folder: Path,
    *,
    customers: int = 30,
    products: int = 40,
    days: int = 120,
    prices: bool = True,
    seed: int = 7,
) -> Path:
    """Writes a feed folder of a small grocer whose customers have habits.

    Product `p0` costs 2.00 and is bought by customer `c0` at 2.00 five days before the night's day; two days
    before, its list price falls to 1.50. Customer `c1` holds a coupon for a product they buy all the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _purchases(customers, products, days, seed).write_csv(folder / "purchases.csv")
    people = [f"c{number}" for number in range(customers)]
    pl.DataFrame({"customer_id": people, "timezone": "Europe/Berlin"}).write_csv(folder / "customers.csv")
    pl.DataFrame(
        {
            "customer_id": people * 2,
            "channel": "file",
            "purpose": ["service"] * customers + ["marketing"] * customers,
        }
    ).with_columns(recorded_at=pl.lit("2017-01-01T00:00:00Z"), granted=pl.lit("true")).write_csv(
        folder / "consents.csv"
    )
    items = [f"p{number}" for number in range(products)]
    pl.DataFrame(
        {
            "product_id": items,
            "title": [f"Müsli № {number}" for number in range(products)],
            "category": "food",
        }
    ).write_csv(folder / "products.csv")
    if prices:
        listed = [(f"p{number}", "2.00", "2017-01-01T00:00:00Z") for number in range(products)]
        listed.append(("p0", "1.50", "2017-11-29T00:00:00Z"))
        pl.DataFrame(listed, schema=["product_id", "price", "effective_at"], orient="row").with_columns(
            currency=pl.lit("EUR")
        ).write_csv(folder / "prices.csv")
    _coupon(folder)
    return folder


def _purchases(customers: int, products: int, days: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        liked = rng.choice(np.arange(2, products), 6, replace=False)
        for day in sorted(rng.choice(days, 12, replace=False)):
            moment = END - timedelta(days=float(day) + 0.5)
            for line, product in enumerate(rng.choice(liked, 3, replace=False)):
                rows.append(
                    (f"o{customer}-{day}", str(line), f"c{customer}", f"p{product}", "1", "2.00", moment)
                )
    rows.append(("claim", "1", "c0", "p0", "1", "2.00", END - timedelta(days=5)))
    rows += [(f"habit-{n}", "1", "c1", "p1", "1", "2.00", END - timedelta(days=10 * n)) for n in (1, 2, 3)]
    names = ["order_id", "line_id", "customer_id", "product_id", "quantity", "unit_price", "purchased_at"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("purchased_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), currency=pl.lit("EUR")
    )


def _coupon(folder: Path) -> None:
    pl.DataFrame(
        {
            "offer_id": ["half"],
            "kind": ["coupon"],
            "name": ["half a euro off"],
            "value": ["0.50"],
            "currency": ["EUR"],
        }
    ).write_csv(folder / "offers.csv")
    pl.DataFrame({"offer_id": ["half"], "product_id": ["p1"]}).write_csv(folder / "offer_products.csv")
    pl.DataFrame(
        {
            "entitlement_id": ["e1"],
            "customer_id": ["c1"],
            "offer_id": ["half"],
            "starts_at": ["2017-11-01T00:00:00Z"],
            "expires_at": ["2017-12-31T00:00:00Z"],
            "uses_allowed": ["1"],
        }
    ).write_csv(folder / "entitlements.csv")
