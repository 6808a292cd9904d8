"""Which bundles there are and which one is served. Publishing and rolling back are one update of one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recs.bundle import folder_of
from recs.models import BundleRow, CurrentBundleRow
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

_SLOT = 1
_NEWEST = (BundleRow.day.desc(), BundleRow.registered_at.desc(), BundleRow.bundle_id)


@dataclass(frozen=True)
class Current:
    """The bundle that is served, and the one that was before."""

    bundle_id: str
    previous_id: str | None
    day: date
    at: datetime
    by: str


def register(settings: Settings, bundle_id: str, manifest: dict[str, Any]) -> None:
    """Enters a written bundle; one that is already entered stays as it is."""
    with writing(engine_for(settings)) as session:
        if session.get(BundleRow, bundle_id) is None:
            session.add(
                BundleRow(
                    bundle_id=bundle_id,
                    day=date.fromisoformat(manifest["day"]),
                    path=f"bundles/{bundle_id}",
                    data_hash=manifest["data_hash"],
                    metrics=manifest["metrics"],
                    verdict=manifest["verdict"],
                    registered_at=clock.now(),
                )
            )


def publish(settings: Settings, bundle_id: str, *, by: str) -> bool:
    """Makes a bundle the current one, unless a bundle of a later day is.

    Returns:
        whether it is the current one now.

    Raises:
        NotFoundError: it is not registered.
    """
    with writing(engine_for(settings)) as session:
        chosen, now = _registered(session, bundle_id), session.get(CurrentBundleRow, _SLOT)
        if now is not None and _registered(session, now.bundle_id).day > chosen.day:
            return False
        _point(session, now, chosen, by)
        return True


def roll_back(settings: Settings, bundle_id: str | None = None, *, by: str) -> Current:
    """Serves the previous bundle again, or the one named, whatever its day.

    Raises:
        NotFoundError: nothing is published, there is no previous bundle, or none of that name.
        ConflictError: the bundle's folder is gone.
    """
    with writing(engine_for(settings)) as session:
        now = session.get(CurrentBundleRow, _SLOT)
        if now is None:
            raise NotFoundError("nothing is published yet; run `advocate nightly` first")
        target = bundle_id or now.previous_id
        if target is None:
            raise NotFoundError(f"there is no bundle before {now.bundle_id}; name one to roll back to")
        chosen = _registered(session, target)
        if not folder_of(settings, target).is_dir():
            raise ConflictError(f"the folder of bundle {target} is gone; choose another bundle")
        _point(session, now, chosen, by)
    found = current(settings)
    assert found is not None
    return found


def current(settings: Settings) -> Current | None:
    """The bundle that is served; `None` before the first is published."""
    query = select(CurrentBundleRow, BundleRow.day).join(
        BundleRow, BundleRow.bundle_id == CurrentBundleRow.bundle_id
    )
    with reading(engine_for(settings)) as session:
        row = session.execute(query).one_or_none()
        if row is None:
            return None
        now, day = row
        return Current(now.bundle_id, now.previous_id, day, now.at, now.by)


def bundles(settings: Settings) -> list[BundleRow]:
    """All registered bundles, newest day first, of one day the newest first."""
    with reading(engine_for(settings)) as session:
        return list(session.scalars(select(BundleRow).order_by(*_NEWEST)))


def of_day(settings: Settings, day: date) -> str:
    """The bundle of a day: the current one if it is of that day, else the newest.

    Raises:
        NotFoundError: there is none.
    """
    now = current(settings)
    if now is not None and now.day == day:
        return now.bundle_id
    of_that_day = [row.bundle_id for row in bundles(settings) if row.day == day]
    if not of_that_day:
        raise NotFoundError(f"there is no bundle for {day}; run `advocate nightly --day {day}` first")
    return of_that_day[0]


def old(settings: Settings) -> list[str]:
    """All but the newest `recs.keep_bundles`; never the current and the previous one."""
    now = current(settings)
    kept = {now.bundle_id, now.previous_id} if now else set()
    beyond = [row.bundle_id for row in bundles(settings)[settings.recs.keep_bundles :]]
    return [bundle_id for bundle_id in beyond if bundle_id not in kept]


def forget(settings: Settings, bundle_ids: Sequence[str]) -> None:
    """Takes bundles out of the register, after their folders are gone."""
    with writing(engine_for(settings)) as session:
        session.execute(delete(BundleRow).where(BundleRow.bundle_id.in_(bundle_ids)))


def _registered(session: Session, bundle_id: str) -> BundleRow:
    row = session.get(BundleRow, bundle_id)
    if row is None:
        there = list(session.scalars(select(BundleRow.bundle_id).order_by(*_NEWEST).limit(10)))
        raise NotFoundError(f"there is no bundle {bundle_id}; choose one of {', '.join(there) or 'none yet'}")
    return row


def _point(session: Session, now: CurrentBundleRow | None, chosen: BundleRow, by: str) -> None:
    if now is not None and now.bundle_id == chosen.bundle_id:
        return
    at = clock.now()
    chosen.published_at = at
    if now is None:
        session.add(CurrentBundleRow(slot=_SLOT, bundle_id=chosen.bundle_id, previous_id=None, at=at, by=by))
        return
    now.previous_id, now.bundle_id, now.at, now.by = now.bundle_id, chosen.bundle_id, at, by
