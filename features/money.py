"""Money: whole minor units of an ISO 4217 currency, computed exactly.

Decimals are kept with six places and computed as 128-bit integers of a millionth ("micros"); floats are
never involved.
"""

from decimal import Decimal, DecimalException

import polars as pl
from iso4217 import Currency

from warehouse.errors import SettingsError

EXPONENTS: dict[str, int] = {c.code: c.exponent for c in Currency if c.exponent is not None}
"""How many decimal places each ISO 4217 currency has, by code; funds and metals without any are not money."""

MICRO = 1_000_000
MOST_MINOR = 10**15
"""No amount that a person writes is so large."""


def micros(decimal: pl.Expr) -> pl.Expr:
    """A decimal as a whole number of millionths (Int128)."""
    return decimal.cast(pl.Decimal(38, 6)).to_physical()


def minor_per_major(currency: pl.Expr) -> pl.Expr:
    """How many minor units one unit of a currency has (Int64); null for an unknown currency."""
    powers = {code: 10**exponent for code, exponent in EXPONENTS.items()}
    return currency.replace_strict(powers, default=None, return_dtype=pl.Int64)


def half_up(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """The quotient of two whole numbers rounded half up, exactly; the denominator is above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def as_decimal(minor: int, currency: str) -> Decimal:
    """An amount in minor units as a decimal of the currency, for showing it to people."""
    return Decimal(minor).scaleb(-EXPONENTS[currency])


def as_minor(amount: str, currency: str) -> int:
    """An amount that somebody wrote, like 5.00, in minor units, exactly.

    Raises:
        SettingsError: it is none above 0 in whole minor units, or the currency is not one.
    """
    if currency not in EXPONENTS:
        raise SettingsError(f"{currency!r} is not a currency with minor units; use an ISO 4217 code like USD")
    try:
        minor = Decimal(amount).scaleb(EXPONENTS[currency])
    except DecimalException as error:
        raise SettingsError(f"{amount!r} is not an amount; write it like 5.00") from error
    if not minor.is_finite() or not 0 < minor < MOST_MINOR or minor != int(minor):
        raise SettingsError(
            f"{amount} {currency} is not an amount above 0 in whole minor units; write it like 5.00"
        )
    return int(minor)
