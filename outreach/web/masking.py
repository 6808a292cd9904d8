"""Personal data, hidden from viewers: they see how much of what, and not whose."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import escape

from outreach.choices.links import PATH
from outreach.slots.values import title
from outreach.web.frame import Asked
from outreach.web.wording import masked
from warehouse.access.secret import key_for

_PERSONAL = ("customer_id", "person", "recipient", "order_id", "line_id", "entitlement_id", "incident_id")
_OWN_LINK = re.compile(rf"/{PATH}/[A-Za-z0-9._=-]+")


class Mask:
    """Hides what identifies people, where who asks is a viewer.

    Args:
        asked: by whom.
    """

    def __init__(self, asked: Asked) -> None:
        self._key = key_for(asked.settings, "masks") if asked.masked else None

    @property
    def hides(self) -> bool:
        """Whether anything is hidden."""
        return self._key is not None

    def one(self, value: str) -> str:
        """A stand-in for an id or address, where anything is hidden."""
        return value if self._key is None else str(masked(self._key, value))

    def message(self, text: str, told: Sequence[Mapping[str, Any]], *, html: bool = False) -> str:
        """A message without the ids of orders, and whose customer's own link leads nowhere.

        Whoever has that link may choose in the customer's place.

        Args:
            text: the message.
            told: what it tells of, each with its `evidence`.
            html: whether it is HTML.
        """
        if self._key is None:
            return text
        for order in sorted(_orders_of(told), key=len, reverse=True):
            shown = title(order) or order
            words = re.escape(escape(shown) if html else shown)
            text = re.sub(rf"(?<![\w.,]){words}(?!\w|[.,]\d)", self.one(order), text)
        return _OWN_LINK.sub(f"/{PATH}/hidden", text)

    def notice(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with its ids and addresses replaced by stand-ins, the same for the same one."""
        if self._key is None:
            return dict(row)
        key = self._key
        return {
            name: masked(key, value) if name in _PERSONAL and isinstance(value, str) else value
            for name, value in row.items()
        }

    def evidence(self, facts: Any) -> Any:
        """Evidence without the ids of people and their records, however deep they lie."""
        if self._key is None:
            return facts
        if isinstance(facts, Mapping):
            return {
                name: masked(self._key, str(value))
                if name.endswith("_id") and name != "product_id" and value is not None
                else self.evidence(value)
                for name, value in facts.items()
            }
        return [self.evidence(one) for one in facts] if isinstance(facts, list) else facts


def _orders_of(told: Sequence[Mapping[str, Any]]) -> set[str]:
    """The ids of orders that a message may name: those are in the evidence that it was written from."""
    return {
        str(value)
        for one in told
        for name, value in one["evidence"].items()
        if name.endswith("order_id") and value is not None
    }
