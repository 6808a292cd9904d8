"""What goes with what, as a bundle keeps it: for visitors, and beside single products.

affinity/visitors.<kind>/<array>.npy     see `recs.visitors`
affinity/similar/<array>.npy             see `recs.similar`
"""

from pathlib import Path

from recs.arrays import read_mapped, write_mapped
from recs.similar import Similar
from recs.visitors import Visitors, restored
from warehouse.errors import NotFoundError

_FOLDER = "affinity"
_VISITORS = "visitors."


def write(folder: Path, visitors: Visitors, similar: Similar) -> None:
    """Writes both into a bundle's folder."""
    place = folder / _FOLDER
    place.mkdir()
    write_mapped(place / f"{_VISITORS}{visitors.kind}", visitors.arrays())
    write_mapped(place / "similar", {"items": similar.items, "scores": similar.scores})


def read(folder: Path) -> tuple[Visitors, Similar]:
    """Opens what `write` wrote; arrays are mapped.

    Raises:
        NotFoundError: it is missing or incomplete.
    """
    place = folder / _FOLDER
    try:
        (kept,) = place.glob(f"{_VISITORS}*")
        similar = Similar(**read_mapped(place / "similar"))
        return restored(kept.name.removeprefix(_VISITORS), read_mapped(kept), len(similar.items)), similar
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFoundError(
            f"what goes with what is missing in the bundle at {folder} ({error}); it may be of an earlier "
            "version: run the night again"
        ) from error
