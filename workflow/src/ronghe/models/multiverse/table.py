"""The table of all specifications: its columns, and how blocks of it are written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ronghe.files import replacing
from ronghe.models.multiverse.declaration import CHOICES, Multiverse

NUMBERS = (
    "estimate", "std_error", "pvalue", "direct", "direct_error", "indirect", "indirect_error", "total", "total_error",
    "spatial", "loglik", "log_marginal",
)  # fmt: skip
# Why a specification has no numbers; the first is for those that have.
REASONS = ("", "absorbed", "collinear", "too_few_rows", "edge", "explained", "unbalanced", "islands")
# Rows of one group of the merged table: bounded memory for whoever reads it in parts.
GROUP = 131_072


def schema(multiverse: Multiverse) -> pa.Schema:
    """Return the columns: number, choices, controls as bits, numbers, and why there are none."""
    text = pa.dictionary(pa.int8(), pa.string())
    return pa.schema(
        [
            ("specification", pa.int64()),
            *((choice, text) for choice in CHOICES),
            ("controls", pa.int64()),
            ("n_controls", pa.int8()),
            *((name, pa.float64()) for name in NUMBERS),
            ("refused", text),
        ]
    )


def to_table(multiverse: Multiverse, columns: dict[str, np.ndarray]) -> pa.Table:
    """Return a block as a table; choices come as codes of their levels, `refused` as codes of the reasons."""
    arrays = []
    for field in schema(multiverse):
        values = columns[field.name]
        if pa.types.is_dictionary(field.type):
            levels = REASONS if field.name == "refused" else [str(v) for v in multiverse.levels(field.name)]
            values = pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), pa.array(levels, pa.string()))
        arrays.append(pa.array(values, field.type) if isinstance(values, np.ndarray) else values)
    return pa.Table.from_arrays(arrays, schema=schema(multiverse))


def write(blocks: Iterable[pa.Table], path: str | Path, multiverse: Multiverse, size: int | None = None) -> None:
    """Write blocks as they come, one row group each, or regrouped to a size."""
    with replacing(path, seal=False) as part, pq.ParquetWriter(part, schema(multiverse), compression="zstd") as writer:
        for block in blocks if size is None else _regrouped(blocks, size):
            writer.write_table(block, row_group_size=max(block.num_rows, 1))


def _regrouped(blocks: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    held, rows = [], 0
    for block in blocks:
        held.append(block)
        rows += block.num_rows
        while rows >= size:
            joined = pa.concat_tables(held)
            yield joined.slice(0, size).combine_chunks()
            held, rows = [joined.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held).combine_chunks()


def read(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Return the table, or some of its columns, choices and reasons as categories."""
    return pq.read_table(path, columns=columns).to_pandas()


def merge(paths: list[str], path: str | Path, multiverse: Multiverse) -> None:
    """Join shards: setting k is the next block of shard k modulo the number of shards."""
    files = [pq.ParquetFile(p) for p in paths]
    taken = [0] * len(files)

    def blocks() -> Iterator[pa.Table]:
        for k in range(sum(f.num_row_groups for f in files)):
            shard = k % len(files)
            yield files[shard].read_row_group(taken[shard])
            taken[shard] += 1

    write(blocks(), path, multiverse, GROUP)


def controls_in_words(multiverse: Multiverse, bits: int) -> str:
    """Return the names of a subset of controls."""
    return " + ".join(name for k, name in enumerate(multiverse.choose) if bits >> k & 1)
