"""Time zone names, as the IANA database has them."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """The names a zone may have: `Area/City` and `UTC`, not the deprecated three-letter ones."""
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def is_zone(name: str) -> bool:
    """Whether `name` is a zone this machine can compute with."""
    return name in known_zones()
