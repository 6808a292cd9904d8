import polars as pl
import pytest

from outreach.finders.measures import LARGEST, measured, plain_name


def read(size: str | None) -> tuple[str | None, int | None]:
    measure, amount = measured(pl.col("size"))
    table = pl.LazyFrame({"size": [size]}, schema={"size": pl.String})
    return table.select(measure=measure, amount=amount).collect().row(0)


def name(title: str | None, brand: str | None = None) -> str | None:
    table = pl.LazyFrame(
        {"title": [title], "brand": [brand]}, schema={"title": pl.String, "brand": pl.String}
    )
    return table.select(plain_name(pl.col("title"), pl.col("brand"))).collect().item()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("size", "measure", "amount"),
    [
        ("500 g", "weight", 50_000_000_000),
        ("0.5 kg", "weight", 50_000_000_000),
        ("2 LB", "weight", 90_718_474_000),
        ("1.5 L", "volume", 1_500_000),
        ("1,5 l", "volume", 1_500_000),
        ("1 LT", "volume", 1_000_000),
        ("750 ML", "volume", 750_000),
        ("75cl", "volume", 750_000),
        ("6 x 330 ml", "volume", 1_980_000),
        ("6X330ML", "volume", 1_980_000),
        ("32 OZ", "ounces", 32_000),
        (".5 OZ", "ounces", 500),
        ("12.7     oz.", "ounces", 12_700),
        ("10.1 FL OZ", "fluid ounces", 10_100),
        ("1/2 GAL", "pints", 4000),
        ("GALLON", "pints", 8000),
        ("2 QT", "pints", 4000),
        ("12 CT", "count", 12_000),
        ("1 DZ", "count", 12_000),
    ],
)
def test_a_package_size_is_read_exactly(size: str, measure: str, amount: int) -> None:
    assert read(size) == (measure, amount)


@pytest.mark.parametrize(
    "size",
    [
        None,
        "",
        "LARGE",
        "OZ",
        "LB",
        "0 OZ",
        "12 PK/12 OZ",
        "12/12 OZ",
        "3/4 LB",
        "10 CT/12 OZ",
        "2 LB 11 OZ",
        "60-90 LB",
        "3 LB BAG",
        "6 PK",
        "500 MG",
        "18 IN",
        "3 X5 FT",
        "6 x GAL",
        "1,000 ML",
        "1.2345 OZ",
        "-5 OZ",
        "45 KG",
    ],
)
def test_a_size_that_may_mean_two_things_is_unknown(size: str | None) -> None:
    assert read(size) == (None, None)


def test_sizes_stay_small_enough_to_compare_prices_exactly() -> None:
    assert read("43.98 KG")[1] == 4_398_000_000_000 < LARGEST


@pytest.mark.parametrize(
    ("title", "brand", "left"),
    [
        ("Acme Whole Milk 1.5 L", "Acme", "whole milk"),
        ("Whole Milk, 6 x 330ml", "ACME", "whole milk"),
        ("Cocoa 500g", "Co", "cocoa"),
        ("Fresh Acme & Sons' jam", "Acme & Sons", "fresh jam"),
        ("2% Milk 1/2 gal", None, "2% milk"),
        ("Cola 12 oz 6 ct", None, "cola"),
        ("Paint no. 5", None, "paint no 5"),
        ("Äpfel 1kg", None, "äpfel"),
        ("Acme 1 L", "Acme", None),
        ("500 g", None, None),
        (None, "Acme", None),
    ],
)
def test_a_name_is_a_title_without_brand_and_sizes(
    title: str | None, brand: str | None, left: str | None
) -> None:
    assert name(title, brand) == left
