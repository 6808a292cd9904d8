"""Arrays on disk, the same bytes for the same content, and never pickled."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse.errors import ModelError

_FIXED = (1980, 1, 1, 0, 0, 0)
"""`np.savez` writes the time of day into the archive; this is the earliest date a zip file can say."""


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Writes named arrays as an uncompressed `.npz`, in the order of their names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", _FIXED)
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(arrays[name], order="C"), allow_pickle=False)
    return path


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Reads what `write_npz` wrote.

    Raises:
        ModelError: the file is missing, broken, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"the model at {path} cannot be read ({error}); run the night again") from error


def write_mapped(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes named arrays as one `.npy` each, to be mapped into memory."""
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_mapped(folder: Path) -> dict[str, NDArray[Any]]:
    """Maps what `write_mapped` wrote; nothing is read before it is asked for.

    Raises:
        OSError: the folder is missing, or a file cannot be mapped.
        ValueError: a file is broken, or holds pickled objects.
    """
    return {path.stem: mapped(path) for path in sorted(folder.glob("*.npy"))}


def mapped(path: Path) -> NDArray[Any]:
    """An array on disk, mapped; as a plain array, for each piece taken of a `memmap` costs ten times as much.

    Raises:
        OSError: the file is missing or cannot be mapped.
        ValueError: it is broken, or holds pickled objects.
    """
    found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found.view(np.ndarray)


def fetch(folder: Path) -> None:
    """Asks the system, where it can be asked, to have a folder's arrays in memory soon; does not wait."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in sorted(folder.rglob("*.npy")):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(handle)


def require_finite(what: str, *arrays: NDArray[Any]) -> None:
    """Raises `ModelError`, naming `what`, when a value is NaN or infinite."""
    for array in arrays:
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise ModelError(
                f"{what} hold {bad} values that are NaN or infinite; look for broken quantities or dates "
                "in the purchases, or lower recs.als_factors and raise recs.als_reg"
            )
