"""Channels: how a message leaves the house.

A channel delivers under an idempotency key, the notice's id: delivering twice under one key must reach the
customer once. Every channel is served by the file channel in this version, the safe default.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from warehouse.settings import Settings


@dataclass(frozen=True)
class Delivery:
    """A message on its way.

    `notice_id` is the idempotency key. One POST to `unsubscribe_url`, where there is one, ends the customer's
    advice (RFC 8058).
    """

    notice_id: str
    batch_id: str
    to: str
    channel: str
    purpose: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Header fields of an e-mail with which mail programs offer to end advice with one click."""
        if not self.unsubscribe_url:
            return {}
        return {
            "List-Unsubscribe": f"<{self.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }


class Channel(Protocol):
    """Something that delivers messages, each key once."""

    def delivered(self, delivery: Delivery) -> bool:
        """Whether a message under this key was handed over before; asked after a run was killed."""

    def deliver(self, delivery: Delivery) -> None:
        """Hands a message over; again under the same key, it changes nothing for the customer.

        Raises:
            OSError: nothing was handed over, and it may be tried again.
        """


class FileChannel:
    """Writes each message to `<outbox>/<batch_id>/<notice_id>.json`, whole or not at all."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox

    def delivered(self, delivery: Delivery) -> bool:
        """Whether its file is there."""
        return self._target(delivery).exists()

    def deliver(self, delivery: Delivery) -> None:
        """Writes beside the target and renames, so that the same message twice is one file."""
        target = self._target(delivery)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".{delivery.notice_id}.partial"  # one run sends at a time
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(asdict(delivery), file, ensure_ascii=False, indent=2)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _target(self, delivery: Delivery) -> Path:
        return self._outbox / delivery.batch_id / f"{delivery.notice_id}.json"


def forget(settings: Settings, batch_id: str, notice_id: str) -> bool:
    """Removes the message of a notice from the outbox; whether it was there."""
    folder = settings.outbox_folder / batch_id
    (folder / f".{notice_id}.partial").unlink(missing_ok=True)
    file = folder / f"{notice_id}.json"
    there = file.exists()
    file.unlink(missing_ok=True)
    return there


def channel_for(settings: Settings, name: str) -> Channel:  # noqa: ARG001  one channel serves every name yet
    """The channel that serves a name like `email`."""
    return FileChannel(settings.outbox_folder)
