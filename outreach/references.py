"""References: the short names of promises that messages give, so that customers can name them to a person."""

from outreach.ledger import Entry

_LETTERS = 12
_GROUP = 4


def reference_of(notice_id: str, opportunity_id: str) -> str:
    """The reference of the promise that approving a notice opens, like `3F9A-61C2-0B7D`.

    The first 12 digits of the ledger entry's id, known before there is one; whoever is asked for a
    reference looks for the entry whose id begins with them.
    """
    return shortened(Entry("promised", "", "", 0, opportunity_id, notice_id).entry_id)


def shortened(entry_id: str) -> str:
    """A ledger id as a reference."""
    digits = entry_id.replace("-", "")[:_LETTERS].upper()
    return "-".join(digits[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))
