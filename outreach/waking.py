"""Waking hours: when a person may be written to, in their own zone, also on days that clocks change."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.settings import OutreachSettings


def is_waking(moment: datetime, zone: str, settings: OutreachSettings) -> bool:
    """Whether a UTC moment lies in waking hours of a zone."""
    local = moment.astimezone(ZoneInfo(zone))
    return settings.waking_from <= local.hour < settings.waking_until


def next_waking(moment: datetime, zone: str, settings: OutreachSettings) -> datetime:
    """The first moment from `moment` on, in UTC, that lies in waking hours of a zone."""
    if is_waking(moment, zone, settings):
        return moment
    local = moment.astimezone(ZoneInfo(zone))
    today = local.date() if local.hour < settings.waking_from else local.date() + timedelta(days=1)
    opening = datetime.combine(today, time(settings.waking_from), tzinfo=ZoneInfo(zone))
    return opening.astimezone(moment.tzinfo)


def send_after(moment: datetime, zone: pl.Expr, zones: list[str], settings: OutreachSettings) -> pl.Expr:
    """`next_waking(moment, …)` for a column of zones, of which `zones` are the distinct ones."""
    openings = {name: next_waking(moment, name, settings) for name in zones}
    kind = pl.Datetime("us", "UTC")
    if not openings:
        return pl.lit(None, dtype=kind)
    return zone.replace_strict(openings, default=None, return_dtype=kind)
