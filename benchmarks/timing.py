"""Times work beside a peer in the same run, in one form of table for all stages."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ["task", "size", "seconds", "best", "cpu", "repeats", "peer", "peer_task", "peer_seconds", "times_faster"]


@dataclass(frozen=True)
class Peer:
    """Another program's work on the same data: its name and version, what it computes, and how to run it."""

    name: str
    task: str
    work: Callable[[], object]
    repeats: int | None = None


def timed(work: Callable[[], object], repeats: int = 3) -> tuple[float, float, float]:
    """Return the median and the least seconds of some runs, and the least of this process's processor time.

    On a busy machine the least is the better measure, and processor time the better still.
    """
    seconds, processor = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return sorted(seconds)[repeats // 2], min(seconds), min(processor)


def measure(task: str, size: str, work: Callable[[], object], repeats: int = 3, peer: Peer | None = None) -> dict:
    """Return one row: our seconds, the peer's beside them, and how many times faster the best of ours is than its."""
    median, best, cpu = timed(work, repeats)
    row = {"task": task, "size": size, "seconds": median, "best": best, "cpu": cpu, "repeats": repeats}
    if peer is not None:
        _, theirs, _ = timed(peer.work, peer.repeats or repeats)
        row |= {"peer": peer.name, "peer_task": peer.task, "peer_seconds": theirs, "times_faster": theirs / best}
    return row


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return the most memory that Python held at once during the work."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def record(rows: list[dict], path: str | Path, extra: tuple[str, ...] = (), keep: bool = False) -> None:
    """Write the rows, rounded, and show them; with `keep`, earlier rows of sizes not measured now stay."""
    import pandas as pd

    digits = {"seconds": 5, "best": 5, "cpu": 5, "times_plain": 2, "peer_seconds": 5, "times_faster": 2}
    table = pd.DataFrame(rows).reindex(columns=[*COLUMNS, *extra]).round(digits)
    if keep and Path(path).exists():
        earlier = pd.read_csv(path, dtype={"size": str})
        table = pd.concat([table, earlier[~earlier["size"].isin(table["size"])]], ignore_index=True)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    sys.stdout.write(f"{table.to_string(index=False)}\n{path}\n")
