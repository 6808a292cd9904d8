"""What is wrong with the rows of a list: with how they are filled in, and with the notices they are about."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from outreach.states import TOLD, may_become

TARGETS = {"reject": "rejected", "hold": "held", "approve": "approved"}
"""The decisions a list can hold, in the order they are carried out, and the states they lead to."""
_THERE = {name: {state, *(TOLD if name == "approve" else ())} for name, state in TARGETS.items()}
"""Notices in these states are where a decision leads to, or beyond."""
LONGEST_REASON = 500
_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_VERSION = r"^([0-9]{1,9})(?:\.0+)?$"
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a row.

    Attributes:
        row: its number in the file, from 1.
        notice_id: as it stands there, shortened.
        what: is wrong, and what to do.
        is_conflict: the row is well filled in, but the notice is another one by now.
    """

    row: int
    notice_id: str
    what: str
    is_conflict: bool = False


@dataclass(frozen=True)
class Known:
    """A notice as it is now: its batch, state and version."""

    batch_id: str
    state: str
    version: int


def decided_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that decide something.

    Args:
        rows: of `outreach.lists.reading.read_list`.

    Returns:
        `row, notice_id, decision` (in small letters)`, reason, version` (null where it is no number), and
        `copies` (rows of the list about the same notice).
    """
    return (
        rows.with_columns(
            copies=pl.len().over("notice_id"),
            decision=pl.col("decision").str.to_lowercase(),
            version=pl.col("version").str.extract(_VERSION).cast(pl.Int64),
        )
        .filter(pl.col("decision") != "")
        .select("row", "notice_id", "decision", "reason", "version", "copies")
    )


def flaws_of_rows(decided: pl.DataFrame) -> list[Flaw]:
    """What is wrong with how rows are filled in, whatever the notices are."""
    blank = pl.col("reason") == ""
    rules = (
        (~pl.col("notice_id").str.contains(_ID), "is about no notice: its notice_id is none"),
        (pl.col("copies") > 1, "is one of several rows about this notice; leave one"),
        (
            ~pl.col("decision").is_in(list(TARGETS)),
            f"has a decision that is none; write {', '.join(TARGETS)}, or nothing",
        ),
        (pl.col("version").is_null(), "has a version that is no number; export the list again"),
        (
            blank & pl.col("decision").is_in(["reject", "hold"]),
            "has no reason; rejecting and holding take one",
        ),
        (
            pl.col("reason").str.len_chars() > LONGEST_REASON,
            f"has a reason of more than {LONGEST_REASON} letters",
        ),
        (pl.col("reason").str.contains(_CONTROL), "has a reason with characters that are no text"),
    )
    return [
        Flaw(row, notice_id[:40], what)
        for wrong, what in rules
        for row, notice_id in decided.filter(wrong).select("row", "notice_id").iter_rows()
    ]


def flaws_of_notices(decided: pl.DataFrame, batch_id: str, known: Mapping[str, Known]) -> list[Flaw]:
    """What keeps notices from being decided as rows without flaws of their own say.

    Args:
        decided: of `decided_rows`.
        batch_id: the batch that the list is for.
        known: all notices of these ids that there are.
    """
    found = []
    columns = decided.select("row", "notice_id", "decision", "version")
    for row, notice_id, decision, version in columns.iter_rows():
        notice, target = known.get(notice_id), TARGETS[decision]
        if notice is None:
            found.append(Flaw(row, notice_id, "is about a notice that there is not"))
        elif notice.batch_id != batch_id:
            found.append(Flaw(row, notice_id, "is about a notice of another batch; bring it to that one"))
        elif notice.version != version:
            what = f"was changed since the list was made (version {version}, now {notice.version})"
            found.append(Flaw(row, notice_id, f"{what}; look again", True))
        elif notice.state not in _THERE[decision] and not may_become(notice.state, target):
            what = f"is {notice.state} and cannot become {target} any more"
            found.append(Flaw(row, notice_id, what, True))
    return found
