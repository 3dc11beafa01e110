"""Times the measures: `python -m benchmarks.all_measures` writes results/benchmarks/measures.csv."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from ronghe.errors import RongheError
from ronghe.frames import read_csv, read_panel
from ronghe.measures.formulas.coagglomeration import coagglomeration
from ronghe.measures.formulas.coupling import couple
from ronghe.measures.formulas.index import composite_index
from ronghe.measures.run import Measures
from ronghe.places import folders
from ronghe.yaml_files import load_yaml

from benchmarks.timing import measure, record

OUTPUT = "results/benchmarks/measures.csv"


def large_panel(n_regions: int = 3000, n_years: int = 30, seed: int = 1) -> pd.DataFrame:
    """Return a simulated panel with two systems of four indicators and the employment of three sectors."""
    rng = np.random.default_rng(seed)
    regions = [f"region {i:05}" for i in range(n_regions)]
    index = pd.MultiIndex.from_product([regions, range(1990, 1990 + n_years)], names=["region", "year"])
    names = [f"indicator_{i}" for i in range(8)] + ["industry", "services", "rest"]
    panel = pd.DataFrame(rng.gamma(2, size=(len(index), len(names))), index=index, columns=names)
    return panel.assign(total=panel["industry"] + panel["services"] + panel["rest"])


def measure_large(panel: pd.DataFrame) -> None:
    """Build two entropy indices, their coupling, and the co-agglomeration of two sectors."""
    systems = {"a": panel.columns[:4], "b": panel.columns[4:8]}
    indices = {
        name: composite_index(panel, {c: {"direction": "positive"} for c in columns}, floor=0.01).panel["index"]
        for name, columns in systems.items()
    }
    couple(pd.DataFrame(indices), {"a": "a", "b": "b"})
    coagglomeration(panel, ["industry"], ["services"], "total")


def measure_default(config: dict, *tables: pd.DataFrame) -> dict[str, float]:
    """Compute every declared measure but frontiers once; return the seconds of each."""
    measures, times = Measures(config, *tables, seed=config["seed"]), {}
    for name in measures.order():
        start = time.perf_counter()
        measures.compute(name)
        times[name] = time.perf_counter() - start
    return times


def main() -> None:
    """Time the default panel and a large simulated one."""
    config = load_yaml("config/config.yaml") | load_yaml("config/measures.yaml")
    folder = folders(config["dataset"], config["language"])["processed"]
    panel = f"{folder}/panel.parquet"
    if not Path(panel).exists():
        raise RongheError(f"{panel}: not there yet; run `snakemake clean` first")
    regions = read_csv(f"{folder}/regions.csv").set_index("region")
    tables = read_panel(panel), regions, read_csv(f"{folder}/input_output.csv")
    each = sorted(measure_default(config, *tables).items(), key=lambda item: -item[1])
    large = large_panel()
    size = f"{len(tables[0].index.levels[0])} regions, {len(each)} measures"
    default = measure("all declared measures (frontiers apart)", size, lambda: measure_default(config, *tables))
    at_scale = measure(
        "two entropy indices, coupling, co-agglomeration", "3000 regions x 30 years", lambda: measure_large(large)
    )
    parts = [{"task": f"of all declared: {name}", "seconds": time_taken} for name, time_taken in each[:5]]
    record([default | {"limit": 3.0}, at_scale | {"limit": 1.0}, *parts], OUTPUT, ("limit",))


if __name__ == "__main__":
    main()
