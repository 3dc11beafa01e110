"""`ronghe check NAME`: every fault of the data and the configuration of a dataset at once, without running anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ronghe.configuration import (
    check_configuration,
    check_files,
    check_names,
    check_printed,
    fit_stages,
    replace_stages,
    require_dataset,
)
from ronghe.errors import RongheError
from ronghe.yaml_files import load_yaml

STAGES = ("config", "measures", "weights", "explore", "specifications", "tables", "figures", "quotes", "labels")


class Faults(list[str]):
    """The faults found so far; a step that needs what failed is left out."""

    def of(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a step returns, or keep its fault and return None."""
        try:
            return step(*arguments)
        except RongheError as error:
            if str(error) not in self:
                self.append(str(error))
            return None


def check(name: str, project: str | Path = ".") -> list[str]:
    """Return every fault of a dataset: of the configuration of its stages, its declaration and each of its tables."""
    project, faults = Path(project), Faults()
    schemas, datasets = project / "workflow/schemas", project / "config/datasets"
    faults.of(check_files, project / "config", schemas, project)
    config: dict = {}
    files = [project / f"config/{stage}.yaml" for stage in STAGES]
    for path in files:
        config |= faults.of(load_yaml, path) or {}
    config["dataset"] = name
    faults.of(require_dataset, config, datasets)
    if faults:
        return list(faults)
    files += faults.of(replace_stages, config, datasets / name, schemas) or []
    faults.of(check_configuration, config, files, schemas)
    dataset = faults.of(_declaration, name, datasets, schemas)
    if dataset:
        from ronghe.clean.labels import check_labels
        from ronghe.clean.variables import labels

        if faults.of(fit_stages, config, dataset, datasets / name, schemas):
            faults.of(check_configuration, config, files, schemas)
        merged = {**config, "labels": {**config["labels"], **labels(dataset)}}
        faults.of(check_names, merged, files, dataset)
        # A misspelt name has no label either: one fault, not two.
        if not faults:
            faults.of(check_printed, merged, dataset)
        faults.of(check_labels, merged["labels"], dataset, f"config/datasets/{name}.yaml")
        check_data(dataset, faults)
    return list(faults)


def _declaration(name: str, datasets: Path, schemas: Path) -> dict:
    from ronghe.clean.declaration import load_dataset

    return load_dataset(name, datasets, schemas / "dataset.schema.yaml")


def check_data(dataset: dict, faults: Faults) -> None:
    """Read every table and every variable of it on its own; where all is well, clean the whole as a run does."""
    from ronghe.clean.gaps import interpolate, refuse_gaps
    from ronghe.clean.panel import clean_dataset
    from ronghe.clean.regions import read_regions, sample_regions
    from ronghe.clean.tables import check_covered, read_table
    from ronghe.clean.variables import sample_years, variables
    from ronghe.clean.yearly import single_files

    if "microdata" in dataset:
        faults.of(clean_dataset, dataset)
        return
    folder, before = Path(dataset["folder"]), len(faults)
    read = faults.of(read_regions, dataset, folder)
    if read is None:
        return
    regions, names = read
    sample, years = faults.of(sample_regions, dataset, regions) or list(regions["region"]), sample_years(dataset)
    known_variables = variables(dataset)
    found = {}
    for table, declared in dataset["tables"].items():
        wanted, trial = [v for v in known_variables.values() if v.table == table], Faults()
        series = trial.of(read_table, declared, wanted, folder, names, dataset["units"])
        # Only a table with a fault is read once for each variable, and each file alone, to find the others.
        for part in [[v] for v in wanted] if series is None else []:
            for alone in single_files(declared):
                one = faults.of(read_table, alone, part, folder, names, dataset["units"]) or {}
                found |= one if alone is declared else {}
        found |= series or {}
    for one in found.values():
        variable = one.variable
        known = len(faults)
        faults.of(check_covered, one, sample, years)
        if len(faults) == known and "series" not in variable.gap:
            longest = variable.gap["interpolate"] if isinstance(variable.gap, dict) else 0
            columns = range(min(years[0], one.values.columns.min()), max(years[-1], one.values.columns.max()) + 1)
            faults.of(refuse_gaps, one, interpolate(one.values.reindex(columns=columns), longest), sample, years)
    if len(faults) == before:
        faults.of(clean_dataset, dataset)
