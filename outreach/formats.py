"""Money, numbers and dates as a reader's locale and zone write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from features.money import EXPONENTS, as_decimal

_CODE_AT_NUMBER = re.compile(r"(?<=[A-Z])(?=\d)")
"""Unicode's locale data asks for a space in `KWD1`, which Babel does not write."""


@dataclass(frozen=True)
class Reader:
    """Whom a message is written for.

    Attributes:
        locale: like `de_AT` or `de-AT`; one of an unknown country is read as its language alone, one of an
            unknown language as American English.
        zone: an IANA zone name.
    """

    @property
    def language(self) -> str:
        """The language of the locale, like `de`."""
        return str(_locale(self.locale).language)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`: where lines begin."""
        return str(_locale(self.locale).text_direction)

    def in_language(self, language: str) -> "Reader":
        """The same reader of a text in another language: as it is written where they live, where known.

        Somebody in Zurich who reads English gets English as in Switzerland; where there is none, the
        international one.
        """
        locale = _locale(self.locale)
        if locale.language == language:
            return self
        return Reader(_nearest(language, locale.territory), self.zone)

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

    def share(self, share: float) -> str:
        """A share from 0 to 1 in percent."""
        return format_percent(Decimal(repr(share)), locale=_locale(self.locale), decimal_quantization=False)

    def form(self, count: int) -> str:
        """Which plural form a number asks for: `one`, `other`, or another of the reader's language."""
        return str(_locale(self.locale).plural_form(count))

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
    whole = name.replace("-", "_")
    return _known(whole) or _known(whole.partition("_")[0]) or Locale("en", "US")


@lru_cache(maxsize=512)
def _nearest(language: str, territory: str | None) -> str:
    """The name of a language's locale in a territory, else of the language as it is written anywhere."""
    international = f"{language}_001"
    wanted = f"{language}_{territory}" if territory else international
    found = _known(wanted) or _known(international) or _known(language) or Locale("en", "001")
    return str(found)


def _known(name: str) -> Locale | None:
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return None


@lru_cache(maxsize=65_536)
def _money(amount: Decimal, currency: str, locale: Locale) -> str:
    whole_minor = amount == round(amount, EXPONENTS[currency])
    written = format_currency(amount, currency, locale=locale, decimal_quantization=whole_minor)
    return _CODE_AT_NUMBER.sub("\N{NO-BREAK SPACE}", written)
