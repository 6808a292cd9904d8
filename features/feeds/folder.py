"""A folder with one file, or one folder of files, per table of the feed contract; CSV or Parquet."""

from pathlib import Path

import polars as pl
import polars.selectors as cs

from features.contract import CONTRACTS
from features.feeds import Delivery
from warehouse.errors import FeedError

ENDINGS = (".csv", ".parquet")


def read_folder(path: Path) -> Delivery:
    """Finds the tables in a folder.

    Raises:
        FeedError: the folder is missing or has no table, a file is empty, broken or not UTF-8, or a table
            or column stands there twice.
    """
    if not path.is_dir():
        raise FeedError(
            f"there is no folder {path}; give the folder that holds purchases.csv or purchases.parquet"
        )
    found: dict[str, list[Path]] = {}
    notes: list[str] = []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        files = _files(entry)
        if entry.stem not in CONTRACTS:
            notes.append(f"{entry.name} is not a table of the feed contract and was not read")
            continue
        if not files:
            notes.append(f"{entry.name} holds no CSV or Parquet file and was not read")
            continue
        if entry.stem in found:
            raise FeedError(
                f"{path} holds the table {entry.stem} twice; "
                f"keep one of {found[entry.stem][0].name} and {entry.name}"
            )
        found[entry.stem] = files
    if not found:
        raise FeedError(
            f"{path} holds no table of the feed contract; "
            "it needs at least purchases.csv or purchases.parquet"
        )
    return Delivery(f"folder {path.name}", {name: _scan(files) for name, files in found.items()}, notes=notes)


def read_file(file: Path) -> pl.LazyFrame:
    """One table from one CSV or Parquet file.

    Raises:
        FeedError: it is missing, has another ending, or is empty, broken or not UTF-8.
    """
    if not file.is_file() or file.suffix.lower() not in ENDINGS:
        raise FeedError(f"there is no file {file} that ends in .csv or .parquet; nothing was read")
    return _scan([file])


def _files(entry: Path) -> list[Path]:
    if entry.is_dir():
        return sorted(
            file
            for file in entry.iterdir()
            if file.suffix.lower() in ENDINGS and not file.name.startswith((".", "_"))
        )
    return [entry] if entry.suffix.lower() in ENDINGS else []


def _scan(files: list[Path]) -> pl.LazyFrame:
    """One table from its files; a column that only some of them have is null in the others."""
    frames = [_scan_csv(file) if file.suffix.lower() == ".csv" else _scan_parquet(file) for file in files]
    if len(frames) == 1:
        return frames[0]
    kinds = {name: dtype for frame in frames for name, dtype in frame.collect_schema().items()}
    if all(
        frame.collect_schema().get(name, dtype) == dtype for frame in frames for name, dtype in kinds.items()
    ):
        return pl.concat(frames, how="diagonal")
    return pl.concat([_as_text(frame) for frame in frames], how="diagonal")


def _as_text(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Every column as the text that the same values have in a CSV, whatever types a file gave them."""
    whole = cs.float().cast(pl.String).str.replace(r"\.0$", "")
    moments = cs.datetime().dt.to_string("iso:strict").str.replace(r"\.0+([+-]|$)", "$1")
    return frame.select(whole, moments, (~cs.float() & ~cs.datetime()).cast(pl.String)).select(
        frame.collect_schema().names()
    )


def _scan_csv(file: Path) -> pl.LazyFrame:
    if file.stat().st_size == 0:
        raise FeedError(f"{file.name} is empty; a table without rows still needs its header line")
    _refuse_other_encodings(file)
    try:
        header = pl.read_csv(file, infer_schema=False, has_header=False, n_rows=1, glob=False)
    except pl.exceptions.PolarsError as error:
        raise FeedError(f"{file.name} cannot be read as CSV: {_first_line(error)}") from error
    names = [name for name in header.row(0) if name]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FeedError(f"{file.name} has the column {', '.join(twice)} twice; keep the one that is meant")
    return pl.scan_csv(file, infer_schema=False, glob=False)


def _refuse_other_encodings(file: Path) -> None:
    line = 1
    with file.open("rb") as content:
        while block := content.readlines(1 << 24):
            for raw in block:
                try:
                    raw.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise FeedError(
                        f"{file.name} is not UTF-8 (line {line}, byte {error.start + 1}); "
                        f"write it again as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 {file.name}"
                    ) from error
                line += 1


def _scan_parquet(file: Path) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(file, hive_partitioning=False, glob=False)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FeedError(f"{file.name} cannot be read as Parquet: {_first_line(error)}") from error
    return frame


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
