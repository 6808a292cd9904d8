"""What a batch says, as one digest."""

import hashlib
from collections.abc import Iterable


def digest_of(hashes: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over the content hashes of notices (id, hash) in order of their ids: what a batch says."""
    return hashlib.sha256("".join(content for _, content in sorted(hashes)).encode()).hexdigest()
