"""References: the short names of promises that messages give, so that customers can name them to a person."""

import re

from outreach.promises.ledger import promise_id_of
from warehouse.errors import NotFoundError

_LETTERS = 12
_GROUP = 4


def subject_of(notice_id: str, opportunity_id: str) -> tuple[str, str, str]:
    """What tells a promise apart that a notice makes."""
    return ("notice", notice_id, opportunity_id)


def reference_of(notice_id: str, opportunity_id: str) -> str:
    """The reference of the promise that approving a notice opens, like `3F9A-61C2-0B7D`, known before."""
    return shortened(promise_id_of(subject_of(notice_id, opportunity_id)))


def shortened(promise_id: str) -> str:
    """A promise as a customer names it: the first 12 digits of its id."""
    digits = promise_id.replace("-", "")[:_LETTERS].upper()
    return "-".join(digits[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def beginning_of(reference: str) -> str:
    """What the id of a promise begins with, by the reference somebody names, however they write it.

    Raises:
        NotFoundError: it is no reference.
    """
    digits = re.sub(r"[\s-]", "", reference).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{_LETTERS}}}", digits):
        raise NotFoundError(f"{reference!r} is no reference; one has {_LETTERS} digits, like 3F9A-61C2-0B7D")
    return f"{digits[:8]}-{digits[8:]}"
