"""Which bundles there are and which one is served. Publishing and rolling back are one update of one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recs.bundle import folder_of
from recs.models import REFUSED, BundleRow, CurrentBundleRow
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

if TYPE_CHECKING:  # the storefront reads this register, and needs no gate
    from recs.gate import Decision

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


def register(settings: Settings, bundle_id: str, manifest: dict[str, Any], decision: "Decision") -> None:
    """Enters a written bundle with what the gate decided.

    One that is already entered stays as it is, but for a decision that differs: it depends on what is served,
    and the newest counts. What is served itself was decided when it was published.
    """
    with writing(engine_for(settings)) as session:
        row, now = session.get(BundleRow, bundle_id), session.get(CurrentBundleRow, _SLOT)
        if row is None:
            row = BundleRow(
                bundle_id=bundle_id,
                day=date.fromisoformat(manifest["day"]),
                path=f"bundles/{bundle_id}",
                data_hash=manifest["data_hash"],
                metrics=manifest["metrics"],
                registered_at=clock.now(),
            )
            session.add(row)
        elif now is not None and now.bundle_id == bundle_id:
            return
        row.verdict, row.gate = decision.verdict, decision.as_json()


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


def promote(settings: Settings, bundle_id: str, *, by: str) -> Current:
    """Serves the bundle named, whatever its day and whatever the gate said: a person decides.

    Raises:
        NotFoundError: there is none of that name.
        ConflictError: the bundle's folder is gone.
    """
    with writing(engine_for(settings)) as session:
        _serve(settings, session, bundle_id, by)
    return _current(settings)


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
        _serve(settings, session, target, by)
    return _current(settings)


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


def entry(settings: Settings, bundle_id: str) -> BundleRow:
    """What the register says of a bundle.

    Raises:
        NotFoundError: there is none of that name.
    """
    with reading(engine_for(settings)) as session:
        return _registered(session, bundle_id)


def bundles(settings: Settings) -> list[BundleRow]:
    """All registered bundles, newest day first, of one day the newest first."""
    with reading(engine_for(settings)) as session:
        return list(session.scalars(select(BundleRow).order_by(*_NEWEST)))


def of_day(settings: Settings, day: date) -> str:
    """The bundle of a day: the current one if it is of that day, else the newest that was not refused.

    Where all of that day were refused, what goes on being served.

    Raises:
        NotFoundError: there is none.
    """
    now, of_that_day = current(settings), [row for row in bundles(settings) if row.day == day]
    if now is not None and now.day == day:
        return now.bundle_id
    passed = [row.bundle_id for row in of_that_day if row.verdict != REFUSED]
    found = passed[0] if passed else standing(settings, day) if of_that_day else None
    if found is None:
        raise NotFoundError(f"there is no bundle for {day}; run `advocate nightly --day {day}` first")
    return found


def standing(settings: Settings, day: date) -> str | None:
    """What is served where the bundles of a day are refused: `None` where there is nothing of up to that day.

    The current bundle, or where that is of a later day the newest that was not refused.
    """
    now = current(settings)
    if now is not None and now.day <= day:
        return now.bundle_id
    return next((r.bundle_id for r in bundles(settings) if r.day <= day and r.verdict != REFUSED), None)


def old(settings: Settings) -> list[str]:
    """All but the newest `recs.keep_bundles`; never the current and the previous one, nor a challenger."""
    now = current(settings)
    kept = {settings.recs.experiment.challenger} | ({now.bundle_id, now.previous_id} if now else set())
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


def _serve(settings: Settings, session: Session, bundle_id: str, by: str) -> None:
    chosen = _registered(session, bundle_id)
    if not folder_of(settings, bundle_id).is_dir():
        raise ConflictError(f"the folder of bundle {bundle_id} is gone; choose another bundle")
    _point(session, session.get(CurrentBundleRow, _SLOT), chosen, by)


def _current(settings: Settings) -> Current:
    found = current(settings)
    assert found is not None
    return found


def _point(session: Session, now: CurrentBundleRow | None, chosen: BundleRow, by: str) -> None:
    if now is not None and now.bundle_id == chosen.bundle_id:
        return
    at = clock.now()
    chosen.published_at = at
    if now is None:
        session.add(CurrentBundleRow(slot=_SLOT, bundle_id=chosen.bundle_id, previous_id=None, at=at, by=by))
        return
    now.previous_id, now.bundle_id, now.at, now.by = now.bundle_id, chosen.bundle_id, at, by
