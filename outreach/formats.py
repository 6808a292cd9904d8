"""Money, numbers and dates as a reader's locale and zone write them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from features.money import EXPONENTS, as_decimal


@dataclass(frozen=True)
class Reader:
    """Whom a message is written for.

    Attributes:
        locale: like `de_AT` or `de-AT`; one that Babel does not know is read as American English.
        zone: an IANA zone name.
    """

    locale: str
    zone: str

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units."""
        return _money(as_decimal(minor, currency), currency, _locale(self.locale))

    def price(self, amount: str, currency: str) -> str:
        """A unit price given as decimal text; one finer than a minor unit keeps its places."""
        return _money(Decimal(amount), currency, _locale(self.locale))

    def number(self, amount: str) -> str:
        """A quantity given as decimal text."""
        return format_decimal(Decimal(amount), locale=_locale(self.locale), decimal_quantization=False)

    def date(self, moment: str) -> str:
        """The reader's calendar day of a UTC moment given as ISO 8601 text."""
        return self._date(datetime.fromisoformat(moment))

    def last_date(self, end: str) -> str:
        """The reader's calendar day of the last moment before a UTC moment given as ISO 8601 text."""
        return self._date(datetime.fromisoformat(end) - timedelta(microseconds=1))

    def _date(self, moment: datetime) -> str:
        local = moment.astimezone(UTC).astimezone(ZoneInfo(self.zone))
        return format_date(local.date(), format="long", locale=_locale(self.locale))


@lru_cache(maxsize=512)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale("en", "US")


@lru_cache(maxsize=65_536)
def _money(amount: Decimal, currency: str, locale: Locale) -> str:
    whole_minor = amount == round(amount, EXPONENTS[currency])
    return format_currency(amount, currency, locale=locale, decimal_quantization=whole_minor)
