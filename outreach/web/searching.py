"""Lists of promises as addresses ask for them."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from outreach.promises.browsing import ALL, OWED, Wanted
from outreach.references import beginning_of
from outreach.web.asking import Word


class Search(BaseModel):
    """What the list of promises is asked for, as an address says it."""

    model_config = ConfigDict(extra="ignore")

    state: Word = OWED
    kind: Word = ""
    age: Word = ""
    customer: Word = ""
    reference: Word = ""
    sort: Word = "urgent"
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    def wanted(self) -> Wanted:
        """The promises that are meant; who names one by its reference means it in any state."""
        reference = self.reference.strip()
        state = ALL if reference and self.state in ("", OWED) else self.state
        beginning = beginning_of(reference) if reference else ""
        return Wanted(state or OWED, self.kind, self.age, self.customer.strip(), beginning)

    def address(self, **other: Any) -> str:
        """The query of an address that asks for this, with other values in place of some."""
        given = self.model_dump(exclude_defaults=True) | other
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})


def searching(given: Annotated[Search, Query()]) -> Search:
    """What an address asks for."""
    return given
