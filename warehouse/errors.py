"""Every error this house explains to a person.

AdvocateError            something the caller can act on; the CLI prints it and exits 1
├── SettingsError        a setting is missing, unknown or out of range
├── FeedError            nothing of a feed could be imported; the lake is unchanged
├── LakeError            the lake's files are not what its commits say
├── LeaseHeldError       another run is at work in this home
├── PausedError          the pause switch is on; nothing is sent
├── NotFoundError        no such customer, product, batch, notice, bundle or night
├── ErasedError          the customer was erased, and nothing is kept of them
├── ConflictError        the thing exists, but its state forbids what was asked
├── FlawedListError      rows of a list cannot be carried out, and nothing was
├── TamperedError        what was written once is not what is there
├── ForbiddenError       somebody asked for what their role does not allow
├── SignInNeededError    nobody is signed in
├── UnavailableError     something this needs does not answer; the same may succeed later
└── ModelError           a model could not be trained, saved or read
"""

from collections.abc import Sequence
from typing import Any


class AdvocateError(Exception):
    """Says what happened, with which value, and what to do next."""


class SettingsError(AdvocateError):
    """A setting is missing, unknown or out of range."""


class FeedError(AdvocateError):
    """Nothing of a feed could be imported; the lake is unchanged."""


class LakeError(AdvocateError):
    """The lake's files are not what its commits say."""


class LeaseHeldError(AdvocateError):
    """Another run is at work in this home."""


class PausedError(AdvocateError):
    """The pause switch is on; nothing is sent."""


class NotFoundError(AdvocateError):
    """No such customer, product, batch, notice, bundle or night."""


class ErasedError(NotFoundError):
    """The customer was erased, and nothing is kept of them."""


class ConflictError(AdvocateError):
    """The thing exists, but its state forbids what was asked."""


class FlawedListError(ConflictError):
    """Rows of a list cannot be carried out, and nothing was."""

    def __init__(self, message: str, flaws: Sequence[Any]) -> None:
        """Makes the error.

        Args:
            message: for people.
            flaws: what is wrong with each row, by row.
        """
        super().__init__(message)
        self.flaws = list(flaws)


class TamperedError(AdvocateError):
    """What was written once is not what is there."""


class ForbiddenError(AdvocateError):
    """Somebody asked for what their role does not allow."""


class SignInNeededError(AdvocateError):
    """Nobody is signed in."""

    def __init__(self, back: str) -> None:
        """Makes the error.

        Args:
            back: the page they wanted to go to.
        """
        super().__init__("nobody is signed in; sign in, then ask again")
        self.back = back


class UnavailableError(AdvocateError):
    """Something this needs does not answer; the same may succeed later."""

    def __init__(self, message: str, told: str = "") -> None:
        """Makes the error.

        Args:
            message: for people of the house.
            told: what strangers may know instead, where the message names what they should not.
        """
        super().__init__(message)
        self.told = told or message


class ModelError(AdvocateError):
    """A model could not be trained, saved or read."""
