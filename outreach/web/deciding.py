"""What can be decided about notices, and by whom."""

from collections.abc import Callable

from outreach import review
from warehouse.access.roles import Role

ACTIONS: dict[str, tuple[Role, Callable[..., review.Outcome]]] = {
    "approve": (Role.APPROVER, review.approve),
    "hold": (Role.REVIEWER, review.hold),
    "reject": (Role.REVIEWER, review.reject),
}
"""The role that each decision takes, and what carries it out."""
