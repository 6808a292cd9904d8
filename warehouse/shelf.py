"""A shelf holds files under one address, local or `s3://`; every write appears whole or not at all.

Listing, small files and deletions go through `obstore`, which speaks to local folders and S3 alike.
Frames are written by Polars. Credentials come from the usual `AWS_*` variables, never from settings.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import obstore
import polars as pl
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from warehouse.errors import ConflictError, LakeError

ROW_GROUP = 262_144
_S3_VARIABLES = {
    "AWS_ENDPOINT_URL": "aws_endpoint_url",
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
    "AWS_REGION": "aws_region",
    "AWS_ALLOW_HTTP": "aws_allow_http",
}


class Shelf:
    """Files under one address. Paths are relative, with `/`."""

    def __init__(self, root: str, store: LocalStore | S3Store) -> None:
        self.root = root
        self._store = store
        self._local = Path(root) if isinstance(store, LocalStore) else None
        self.options = None if self._local else _s3_options()

    def address(self, path: str) -> str:
        """Where Polars finds a file."""
        return f"{self.root}/{path}"

    def scan(self, *paths: str) -> pl.LazyFrame:
        """The rows of Parquet files, one file after the other; `[` and `*` in an address are just letters."""
        return pl.scan_parquet(
            [self.address(path) for path in paths],
            glob=False,
            hive_partitioning=False,
            storage_options=self.options,
        )

    def list(self, prefix: str, *, unfinished: bool = False) -> list[str]:
        """The paths under a folder, sorted; what a killed write left behind only where `unfinished`."""
        with self._explained():
            found = [meta["path"] for batch in obstore.list(self._store, prefix=prefix) for meta in batch]
        return sorted(path for path in found if unfinished or not path.endswith(".partial"))

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`."""
        try:
            with self._explained():
                obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """A small file, whole."""
        with self._explained():
            return obstore.get(self._store, path).bytes().to_bytes()

    def create(self, path: str, content: bytes) -> None:
        """Writes a small file that must not exist yet.

        Raises:
            ConflictError: somebody else has created it in the meantime.
        """
        try:
            with self._explained():
                obstore.put(self._store, path, content, mode="create")
        except AlreadyExistsError as error:
            raise ConflictError(f"{self.address(path)} was written by another run; run this again") from error

    def replace(self, path: str, content: bytes) -> None:
        """Writes a small file, in one move over what was there."""
        with self._explained():
            obstore.put(self._store, path, content, mode="overwrite")

    def delete(self, path: str) -> None:
        """Removes a file; one that is already gone is fine."""
        try:
            with self._explained():
                obstore.delete(self._store, path)
        except FileNotFoundError:
            return

    def write_frame(
        self, path: str, frame: pl.DataFrame | pl.LazyFrame, *, row_group: int = ROW_GROUP
    ) -> None:
        """Writes a frame as Parquet, in one move over what was there; a lazy one is streamed.

        Args:
            path: of the file.
            frame: what it holds.
            row_group: rows that are read together; fewer make it quicker to find one of a sorted frame.
        """
        if self._local is None:
            self._upload(path, frame, row_group)
            return
        target = self._local / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid4().hex}.partial")
        try:
            with partial.open("wb") as written:
                self._sink(frame, written, row_group)
                written.flush()
                os.fsync(written.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (AlreadyExistsError, FileNotFoundError):
            raise
        except (BaseError, OSError) as error:
            reason = str(error).split("\n", 1)[0]
            raise LakeError(f"the files at {self.root} could not be read or written: {reason}") from error

    def _upload(self, path: str, frame: pl.DataFrame | pl.LazyFrame, row_group: int) -> None:
        """Makes the file here first: a sink that fails half way completes its upload all the same."""
        with tempfile.TemporaryDirectory(prefix="advocate-") as folder:
            made = Path(folder) / "frame.parquet"
            with made.open("wb") as written:
                self._sink(frame, written, row_group)
            with self._explained():
                obstore.put(self._store, path, made)

    @staticmethod
    def _sink(frame: pl.DataFrame | pl.LazyFrame, file: IO[bytes], row_group: int) -> None:
        """Streams a frame into an open file: given a path, a sink that fails may make the file afterwards."""
        frame.lazy().sink_parquet(
            file, compression="zstd", row_group_size=row_group, maintain_order=True, engine="streaming"
        )


def open_shelf(location: str) -> Shelf:
    """The shelf at a local folder (made when missing) or an `s3://bucket/prefix` address.

    Raises:
        LakeError: the address is neither, or does not answer.
    """
    try:
        if location.startswith("s3://"):
            return Shelf(location.rstrip("/"), S3Store.from_url(location))
        if "://" in location:
            raise LakeError(f"the lake at {location!r} is neither a folder nor an s3:// address")
        folder = Path(location).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return Shelf(str(folder), LocalStore(folder))
    except (BaseError, OSError) as error:
        raise LakeError(f"the lake at {location} could not be opened: {error}") from error


def _s3_options() -> dict[str, str]:
    return {option: os.environ[name] for name, option in _S3_VARIABLES.items() if os.environ.get(name)}
