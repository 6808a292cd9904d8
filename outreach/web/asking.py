"""Filters as addresses and forms have them."""

from collections.abc import Mapping
from decimal import Decimal, DecimalException
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.money import EXPONENTS, MOST_MINOR
from outreach.listing import SORTS, Filter
from warehouse.errors import SettingsError

Word = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
"""PostgreSQL has no text with a zero in it."""


class Asking(BaseModel):
    """What a list is asked for, as an address says it; amounts are decimal, like 12.50."""

    model_config = ConfigDict(extra="ignore")

    state: Word = ""
    kind: Word = ""
    channel: Word = ""
    purpose: Word = ""
    market: Word = ""
    currency: Word = ""
    risk: Word = ""
    least: Word = ""
    most: Word = ""
    text: Word = ""
    sort: Word = "risk"
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    sample: Word = ""

    def filter(self, *, hides: bool = False) -> Filter:
        """The filter.

        Args:
            hides: whether who asks sees no ids and addresses; then the text is looked for in subjects only,
                so that nobody finds out by searching what is hidden.

        Raises:
            SettingsError: an amount is none, or the order is not known.
        """
        if self.sort not in SORTS:
            raise SettingsError(f"there is no order {self.sort!r}; there are {', '.join(SORTS)}")
        names = ("state", "kind", "channel", "purpose", "market", "currency", "risk")
        return Filter(
            **{name: getattr(self, name).strip() for name in names},
            **{"subject" if hides else "text": self.text.strip()},
            least_minor=self._minor("least"),
            most_minor=self._minor("most"),
        )

    def _minor(self, name: str) -> int | None:
        text = getattr(self, name).strip()
        if not text:
            return None
        try:
            minor = Decimal(text).scaleb(EXPONENTS.get(self.currency, 2))
            is_amount = minor.is_finite()
        except DecimalException:
            is_amount = False
        if not is_amount:
            raise SettingsError(f"{text!r} is no amount; write it like 12.50")
        if abs(minor) >= MOST_MINOR:  # before it is written out in digits
            raise SettingsError(f"{text} is more than any amount here; write a smaller one")
        return int(minor)

    def address(self, **other: Any) -> str:
        """The query of an address that asks for this, with other values in place of some."""
        given = self.model_dump(exclude_defaults=True) | other
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})


def asking(given: Annotated[Asking, Query()]) -> Asking:
    """What an address asks for."""
    return given


def from_form(form: Mapping[str, Any]) -> Asking:
    """What the hidden fields of a form ask for: the list that was seen.

    Raises:
        SettingsError: they are not what a page wrote into them.
    """
    known = {name: form[name] for name in Asking.model_fields if isinstance(form.get(name), str)}
    try:
        return Asking(**known)
    except ValidationError as error:
        names = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise SettingsError(f"the form asks for no list of ours ({names}); load the page again") from error
