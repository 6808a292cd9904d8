"""Package sizes as whole numbers, and what a product is called without them.

    "12 OZ", "1.5 L", "0,75 l", "6 x 330 ml", "1/2 GAL", "GALLON", "24 CT"

A size that does not read wholly like one of these is unknown: "12 PK/12 OZ" may be twelve times twelve ounces
or twelve ounces in all, "2 LB 11 OZ" is two sizes. Ounces may be of weight or of volume, and pints and fluid
ounces differ between countries, so each of these is a measure of its own, compared only with itself.
"""

import polars as pl

UNITS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "gram": ("weight", 100_000, ("g", "gm", "gram", "grams")),
    "kilogram": ("weight", 100_000_000, ("kg", "kilogram", "kilograms")),
    "pound": ("weight", 45_359_237, ("lb", "lbs", "pound", "pounds")),
    "millilitre": ("volume", 1, ("ml", "milliliter", "milliliters", "millilitre", "millilitres")),
    "centilitre": ("volume", 10, ("cl",)),
    "litre": ("volume", 1000, ("l", "lt", "ltr", "liter", "liters", "litre", "litres")),
    "ounce": ("ounces", 1, ("oz", "ounce", "ounces")),
    "fluid ounce": ("fluid ounces", 1, ("fl oz", "fl. oz", "fluid ounce", "fluid ounces")),
    "pint": ("pints", 1, ("pt", "pint", "pints")),
    "quart": ("pints", 2, ("qt", "quart", "quarts")),
    "gallon": ("pints", 8, ("ga", "gal", "gallon", "gallons")),
    "piece": ("count", 1, ("ct", "count", "pc", "pcs", "piece", "pieces")),
    "dozen": ("count", 12, ("dz", "dozen")),
}
"""Units: what they measure, how many of its smallest units they are, and how they are written.

The smallest unit of weight is 10 µg, of which a pound (0.45359237 kg) has a whole number.
"""

LARGEST = 2**42
"""Sizes from here on, in thousandths of the smallest unit, are unknown: prices per unit fit into 128 bits."""

_ALONE = ("gallon", "quart", "pint")
"""Units that mean one of them where no number is given."""

_THOUSAND = 1000
_NUMBER = r"(?:\d{0,6}\.\d{1,3}|\d{1,6}(?:,\d{1,2})?)"
_SPELLINGS = {spelling: unit for unit, (_, _, spellings) in UNITS.items() for spelling in spellings}
_ANY_UNIT = "|".join(word.replace(".", r"\.") for word in sorted(_SPELLINGS, key=len, reverse=True))
_SIZE = (
    rf"(?:(?P<times>\d{{1,3}}) ?[x×] ?)?(?:(?P<half>1/[24])|(?P<number>{_NUMBER}))? ?(?P<unit>{_ANY_UNIT})"
)
_IN_TITLES = (
    rf"(?i)(^|[^\p{{L}}\d.,/])(?:\d{{1,3}} ?[x×] ?)?(?:1/[24]|{_NUMBER}) ?(?:{_ANY_UNIT})(?:[^\p{{L}}\d]|$)"
)


def measured(size: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """What a package size measures and how much it is, in thousandths of the smallest unit (Int64).

    Args:
        size: text as feeds have it.

    Returns:
        the measure and the amount; both null where the size is unknown or 0.
    """
    text = size.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" ").str.strip_suffix(".")
    parts = text.str.extract_groups(f"^{_SIZE}$")
    unit = parts.struct.field("unit").replace_strict(_SPELLINGS, default=None, return_dtype=pl.String)
    number = pl.coalesce(
        parts.struct.field("half").replace_strict(
            {"1/2": 500, "1/4": 250}, default=None, return_dtype=pl.Int64
        ),
        _thousandths(parts.struct.field("number")),
        pl.when(unit.is_in(_ALONE) & (parts.struct.field("times").is_null())).then(pl.lit(_THOUSAND)),
    )
    times = parts.struct.field("times").cast(pl.Int64).fill_null(1)
    factor = unit.replace_strict(
        {u: f for u, (_, f, _) in UNITS.items()}, default=None, return_dtype=pl.Int64
    )
    amount = times.cast(pl.Int128) * number.cast(pl.Int128) * factor.cast(pl.Int128)
    known = (amount > 0) & (amount < LARGEST)
    measure = unit.replace_strict(
        {u: m for u, (m, _, _) in UNITS.items()}, default=None, return_dtype=pl.String
    )
    return pl.when(known).then(measure), pl.when(known).then(amount).cast(pl.Int64)


def _thousandths(number: pl.Expr) -> pl.Expr:
    """A decimal number of at most three places, with a point or a comma, as a whole number of thousandths."""
    pieces = number.str.replace(",", ".", literal=True).str.split_exact(".", 1)
    whole, rest = pieces.struct.field("field_0"), pieces.struct.field("field_1")
    digits = rest.fill_null("").str.pad_end(3, "0")
    return (whole + digits).cast(pl.Int64, strict=False)


def plain_name(title: pl.Expr, brand: pl.Expr) -> pl.Expr:
    """A title in small letters without sizes, without its brand, and with one space between words.

    Null where nothing is left: such a title does not say what a thing is.
    """
    without_sizes = title.str.replace_all(_IN_TITLES, "$1 ").str.replace_all(_IN_TITLES, "$1 ")
    nothing = pl.lit("\n")  # is in no title by then
    name = _words(without_sizes).str.split(pl.coalesce(_words(brand), nothing)).list.join(" ")
    left = name.str.replace_all(" +", " ").str.strip_chars(" ")
    return pl.when(left != "").then(left)


def _words(text: pl.Expr) -> pl.Expr:
    """Small letters, digits and per cent signs, with a space before and after each word; null where none."""
    words = pl.concat_str(
        pl.lit(" "),
        text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}%]+", " ").str.strip_chars(" "),
        pl.lit(" "),
    )
    return pl.when(words.str.strip_chars(" ") != "").then(words)
