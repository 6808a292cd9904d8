"""Ids that come from content: the same subject has the same id on every night and every machine."""

import json
from uuid import UUID, uuid5

NAMESPACE = UUID("6f0d5f5e-8f0c-5b0a-9c3b-3a1f5b1d7c42")


def content_id(*parts: str | None) -> str:
    """The UUID (version 5) of some texts in their order; no two different lists share one."""
    return str(uuid5(NAMESPACE, json.dumps(parts, separators=(",", ":"), ensure_ascii=False)))
