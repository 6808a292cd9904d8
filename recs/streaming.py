"""Frames that are made while they are read, a piece at a time, however many rows they have."""

from collections.abc import Callable, Iterator, Mapping

import polars as pl
from polars.datatypes import DataType, DataTypeClass
from polars.io.plugins import register_io_source


def streamed(
    pieces: Callable[[], Iterator[pl.DataFrame]], schema: Mapping[str, DataType | DataTypeClass]
) -> pl.LazyFrame:
    """A lazy frame of pieces; each reading asks for them anew.

    Args:
        pieces: gives the pieces in their order, the same ones each time.
        schema: the columns of each.
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for piece in pieces():
            frame = piece if left is None else piece.head(left)
            left = None if left is None else left - frame.height
            if predicate is not None:
                frame = frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if left == 0:
                return

    return register_io_source(read, schema=pl.Schema(schema), is_pure=True)
