"""A shelf holds files under one address, local or `s3://`; every write appears whole or not at all.

Listing, small files and deletions go through `obstore`, which speaks to local folders and S3 alike.
Frames are written by Polars. Credentials come from the usual `AWS_*` variables, never from settings.
"""

import os
from pathlib import Path
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

    def list(self, prefix: str) -> list[str]:
        """The paths under a folder, sorted; unfinished writes are not among them."""
        found = [meta["path"] for batch in obstore.list(self._store, prefix=prefix) for meta in batch]
        return sorted(path for path in found if not path.endswith(".partial"))

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`."""
        try:
            obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """A small file, whole."""
        return obstore.get(self._store, path).bytes().to_bytes()

    def create(self, path: str, content: bytes) -> None:
        """Writes a small file that must not exist yet.

        Raises:
            ConflictError: somebody else has created it in the meantime.
        """
        try:
            obstore.put(self._store, path, content, mode="create")
        except AlreadyExistsError as error:
            raise ConflictError(f"{self.address(path)} was written by another run; run this again") from error

    def replace(self, path: str, content: bytes) -> None:
        """Writes a small file, in one move over what was there."""
        obstore.put(self._store, path, content, mode="overwrite")

    def delete(self, path: str) -> None:
        """Removes a file; one that is already gone is fine."""
        try:
            obstore.delete(self._store, path)
        except FileNotFoundError:
            return

    def write_frame(self, path: str, frame: pl.DataFrame | pl.LazyFrame) -> None:
        """Writes a frame as Parquet, in one move over what was there; a lazy one is streamed."""
        if self._local is None:  # an S3 upload appears when it is complete
            self._sink(frame, self.address(path))
            return
        target = self._local / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid4().hex}.partial")
        try:
            self._sink(frame, str(partial))
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _sink(self, frame: pl.DataFrame | pl.LazyFrame, address: str) -> None:
        frame.lazy().sink_parquet(
            address,
            compression="zstd",
            row_group_size=ROW_GROUP,
            maintain_order=True,
            storage_options=self.options,
            engine="streaming",
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
