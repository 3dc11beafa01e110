"""Times microdata on generated plants: `python -m benchmarks.microdata [all|rows|locations] [million] [simulations]`.

Every plant and every position here is generated, with a fixed seed; nothing is observed. The file is written to
results/scratch and removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
import psutil
from ronghe.clean.microdata.database import Limits, open_database, text
from ronghe.clean.microdata.plants import aggregate_plants
from ronghe.clean.regions import Names
from ronghe.measures.point_patterns.k_density import Density, Options, Sites, colocation, localisation

from benchmarks.timing import record

OUTPUT = "results/benchmarks/microdata.csv"
SCRATCH = Path("results/scratch/benchmark")
REGIONS, SECTORS, THREADS, MEGABYTES = 31, 33, 2, 6000
HEADINGS = ["plant", "region", "sector", "year", "employment", "revenue", "service_revenue", "longitude", "latitude"]
EXTRA = ("peak_megabytes", "cpu_seconds", "load")
ENTRY = {
    "kind": "plants",
    "columns": {heading: heading for heading in HEADINGS},
    "sectors": {f"sector_{10 + s}": [f"C{10 + s}"] for s in range(SECTORS)},
    "service_revenue": {"threshold": 30},
}


def generate(rows: int, path: Path) -> None:
    """Write about this many plant-years, of plants that live one to ten years between 2009 and 2018."""
    plants = rows * 10 // 89
    with open_database(Limits(SCRATCH, MEGABYTES, THREADS)) as (database, _):
        database.execute(f"""
            COPY (
                SELECT 'P' || lpad(CAST(p AS VARCHAR), 9, '0') AS plant,
                    'region ' || lpad(CAST(hash(p) % {REGIONS} AS VARCHAR), 2, '0') AS region,
                    'C' || CAST(10 + hash(p * 7) % {SECTORS} AS VARCHAR) AS sector, 2009 + y AS year,
                    1 + CAST(hash(p * 13 + y) % 500 AS INTEGER) AS employment,
                    1000.0 + hash(p * 17 + y) % 100000 AS revenue, (hash(p * 19 + y) % 1000) * 1.0 AS service_revenue,
                    100 + (hash(p * 23) % 2000000) / 100000.0 AS longitude,
                    22 + (hash(p * 29) % 2000000) / 100000.0 AS latitude
                FROM range({plants}) a(p), range(10) b(y)
                WHERE y >= CAST(hash(p * 31) % 5 AS INTEGER) - 2 AND y <= 13 - CAST(hash(p * 37) % 7 AS INTEGER)
            ) TO {text(path)} (FORMAT parquet)""")


def sum_up(path: Path, results: SimpleQueue) -> None:
    """Sum up the file in a process of its own, so that its memory is its own."""
    names = Names([f"region {r:02}" for r in range(REGIONS)], {})
    start = time.perf_counter()
    tables = aggregate_plants(path, ENTRY, names, Limits(SCRATCH, MEGABYTES, THREADS), "microdata.benchmark")
    seconds = time.perf_counter() - start
    rows = int(tables["records"].set_index("record").at["used", "rows"])
    results.put((rows, seconds, psutil.Process().cpu_times().user))


def peak_while(process: BaseProcess) -> float:
    """Return the most megabytes that a process held, asked twenty times a second."""
    most, watched = 0.0, psutil.Process(process.pid)
    while process.is_alive():
        try:
            most = max(most, watched.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    return most


def towns(n: int, seed: int) -> np.ndarray:
    """Return generated positions about two hundred towns in a country of 20 by 20 degrees."""
    rng = np.random.default_rng(seed)
    centres, sizes = rng.uniform([100, 22], [120, 42], (200, 2)), rng.dirichlet(np.full(200, 0.5))
    return centres[rng.choice(200, n, p=sizes)] + rng.normal(0, 0.3, (n, 2))


def k_density_row(task: str, work: partial, simulations: int) -> dict:
    """Return the row of one K-density."""
    start, before = time.perf_counter(), time.process_time()
    result: Density = work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    size = f"100000 plants each, 400000 sites, {simulations} simulations, cells of {result.summary['cell_km']:.2f} km"
    row = {"task": task, "size": size, "seconds": seconds, "best": seconds, "repeats": 1}
    return row | {"cpu_seconds": round(cpu, 1), "load": os.getloadavg()[0]}


def time_rows(million: float) -> list[dict]:
    """Return the row of one large file of plants."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    path = SCRATCH / "generated.parquet"
    try:
        generate(int(million * 1e6), path)
        context = get_context("spawn")
        results = context.SimpleQueue()
        process = context.Process(target=sum_up, args=(path, results))
        process.start()
        peak = peak_while(process)
        process.join()
        used, seconds, cpu = results.get()
        size = f"{used} generated plant-years, {path.stat().st_size / 1e9:.2f} GB of Parquet, {THREADS} threads"
    finally:
        shutil.rmtree(SCRATCH)
    task = f"plants to cells with entry and exit (DuckDB {version('duckdb')})"
    row = {"task": task, "size": size, "seconds": seconds, "best": seconds, "repeats": 1}
    return [row | {"peak_megabytes": round(peak), "cpu_seconds": round(cpu, 1), "load": os.getloadavg()[0]}]


def time_locations(simulations: int) -> list[dict]:
    """Return the rows of the K-densities of two large industries."""
    sites, options = Sites(towns(400_000, 1), True), Options(simulations, threads=THREADS)
    chosen = np.random.default_rng(2).choice(400_000, 200_000, replace=False)
    first, second = chosen[:100_000], chosen[100_000:]
    works = {
        "K-density of one industry": partial(localisation, sites, first, options),
        "K-density of two industries": partial(colocation, sites, first, second, options),
    }
    return [k_density_row(task, work, simulations) for task, work in works.items()]


def main(what: str = "all", million: float = 100.0, simulations: int = 1000) -> None:
    """Time one large file of plants, two large industries, or both."""
    rows = time_rows(million) if what in ("all", "rows") else []
    rows += time_locations(simulations) if what in ("all", "locations") else []
    record(rows, OUTPUT, EXTRA, keep=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*given[:1], *map(float, given[1:2]), *map(int, given[2:3]))
