"""Amounts that people write are whole minor units, or are refused with what to write instead."""

import pytest

from features.money import as_minor
from warehouse.errors import SettingsError


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("5.00", "USD", 500), ("0.01", "EUR", 1), ("7", "JPY", 7), ("1.250", "KWD", 1250), (" 5 ", "USD", 500)],
)
def test_an_amount_is_read_exactly(amount: str, currency: str, minor: int) -> None:
    assert as_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *((amount, "USD") for amount in ("", "five", "5,00", "0", "-1", "0.001", "NaN", "sNaN", "Infinity")),
        *((amount, "USD") for amount in ("1e16", "1e999999", "9e999999999", "1e-999999")),
        ("1.5", "JPY"),
        ("5.00", "XXX"),
        ("5.00", "usd"),
    ],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(SettingsError, match="is not a"):
        as_minor(amount, currency)
