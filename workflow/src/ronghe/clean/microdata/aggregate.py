"""From one declared file of microdata to the tables that its kind makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ronghe.clean.checksums import verify_checksums
from ronghe.clean.microdata.database import Limits
from ronghe.clean.microdata.patents import aggregate_patents
from ronghe.clean.microdata.plants import aggregate_plants
from ronghe.clean.regions import read_regions
from ronghe.frames import write_csv


def aggregate(dataset: Mapping, name: str, paths: Mapping[str, str], limits: Limits, root: str | Path = ".") -> None:
    """Verify, read and sum up a file of microdata, and write each table to the path given under its name."""
    folder, entry = Path(root, dataset["folder"]), dataset["microdata"][name]
    path = folder / entry["file"]
    if "checksums" in dataset:
        verify_checksums(folder / dataset["checksums"], [path, folder / dataset["regions"]["file"]])
    _, names = read_regions(dataset, folder)
    where = f"microdata.{name}"
    if entry["kind"] == "plants":
        tables = aggregate_plants(path, entry, names, limits, where, paths.get("points"))
    else:
        tables = aggregate_patents(path, entry, names, limits, where)
    for table, frame in tables.items():
        write_csv(frame, paths[table])
