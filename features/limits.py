"""What ids and moments must keep at every door: feeds pass it as frames, live events one by one."""

import re
from datetime import timedelta

ID_LENGTH = 128
"""In bytes of UTF-8."""

AHEAD = timedelta(days=1)
"""How far ahead of the clock an observed event may lie: clocks of shops differ."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def flaw_of_id(value: str, longest: int = ID_LENGTH) -> str | None:
    """What is wrong with an id, in words to follow its name; `None` where it is one.

    The same rule as that of `features.columns.identifier`, without a frame.
    """
    if not value.strip():
        return "is empty"
    if _CONTROL.search(value):
        return "has control characters"
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        return "is not Unicode text"
    return f"is longer than {longest} bytes" if length > longest else None
