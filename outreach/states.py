"""The states of a notice and the ways between them."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"approved", "rejected", "held"}),
    "held": frozenset({"approved", "rejected"}),
    "approved": frozenset({"rejected", "handed", "expired"}),
    "handed": frozenset({"sent", "approved", "failed", "expired"}),
    "rejected": frozenset(),
    "sent": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
}
TAKEN_BACK = ("approved", "held", "rejected")
"""States that a decision led to and that `outreach.review.undo` leads back from, while nothing was sent."""
UNDECIDED = ("proposed", "held")
REVOCABLE = (*UNDECIDED, "approved")
"""What a person can still reject: nothing of it was handed over."""
NO_CHANNEL = "none"
"""The channel of notices that are no messages: money that is owed to those who cannot be told."""
TOLD = ("approved", "handed", "sent")
"""A notice in one of these has told its customer, or is about to."""


def may_become(state: str, target: str) -> bool:
    """Whether a notice may go from one state straight to another."""
    return target in TRANSITIONS[state]
