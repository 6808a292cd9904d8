"""Roles of people, each with all that the ones before it may."""

from enum import StrEnum

from warehouse.errors import ForbiddenError


class Role(StrEnum):
    """What a person may do.

    A viewer looks, with personal data masked; a reviewer edits, holds, rejects and grants goodwill; an
    approver approves; an admin changes accounts, rules and switches, and answers requests for erasure.
    """

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role includes another."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


def require(role: Role, needed: Role, what: str) -> None:
    """Refuses what a role does not include.

    Raises:
        ForbiddenError: it does not.
    """
    if not role.may(needed):
        raise ForbiddenError(f"to {what} takes the role {needed}; yours is {role}: ask an admin")
