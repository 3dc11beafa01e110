"""`ronghe trace`: the chain from a printed number to the cells of the raw tables that it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.variables import derivations, variables
from ronghe.clean.variables import labels as dataset_labels
from ronghe.clean.yearly import told as files_of
from ronghe.command.check import STAGES
from ronghe.command.raw_cells import RawCells
from ronghe.command.stored_numbers import FILES, NUMBER, in_column, let_in, printed_as, printed_cell, rows_of
from ronghe.configuration import fit_stages, replace_stages, require_dataset
from ronghe.errors import RongheError, require_known
from ronghe.measures import declaration as measures
from ronghe.measures.declaration import KINDS
from ronghe.messages import step, told
from ronghe.models import declaration as models
from ronghe.paper import declaration as paper
from ronghe.paper.labels import Labels
from ronghe.places import folders, placed
from ronghe.yaml_files import load_yaml


def trace(
    what: str, dataset: str | None = None, project: str | Path = ".", region: str | None = None,
    year: int | None = None, cells: int = 3,
) -> list[str]:  # fmt: skip
    """Return the lines of a chain, each step further down indented by two; what was shown above is not shown again.

    At its end stand raw cells: how many, and the first `cells` of them; `region` and `year` choose others.
    """
    return list(Chain(dataset, Path(project), region, year, cells).begin(what))


class Chain:
    """The configuration of a dataset, asked where a number comes from."""

    def __init__(
        self, dataset: str | None, project: Path, region: str | None = None, year: int | None = None, cells: int = 3
    ) -> None:
        self.config: dict = {}
        for stage in STAGES:
            self.config |= load_yaml(project / f"config/{stage}.yaml")
        self.config["dataset"] = dataset or self.config["dataset"]
        datasets, schemas = project / "config/datasets", project / "workflow/schemas"
        require_dataset(self.config, datasets)
        replace_stages(self.config, datasets / self.config["dataset"], schemas)
        self.dataset = load_dataset(self.config["dataset"], datasets, schemas / "dataset.schema.yaml")
        fit_stages(self.config, self.dataset, datasets / self.config["dataset"], schemas)
        self.read = variables(self.dataset)
        self.derived = {d.name: d for d in derivations(self.dataset)}
        self.specifications = models.specifications(self.config)
        self.named = folders(self.config["dataset"], self.config["language"])
        self.project, self.shown = project, set()
        self.raw = RawCells(self.dataset, project, region, year, cells)

    def begin(self, what: str) -> Iterator[str]:
        """Yield the chain of paper:NAME, table:NAME, figure:NAME, a specification, or a variable."""
        part, _, name = what.partition(":")
        name, *place = name.split("/", 2)
        specification, *inside = what.split("/")
        if part == "table" and len(place) == 2:
            yield from self.printed(name, *place)
        elif specification in self.specifications and inside:
            yield from self.estimate(specification, inside)
        elif part == "paper":
            yield from self.quoted(name)
        elif part in ("table", "figure"):
            entries = self.config[f"{part}s"]
            require_known(name, entries, part, what)
            yield step(0, f"{self.named['paper']}/{part}s/{name}.*, declared at {part}s.{name}")
            for specification in paper.specifications_of(entries[name]):
                yield from self.specification(specification, 1)
            for file in [*paper.stored_files(entries[name]), *paper.result_files(entries[name])]:
                yield from self.stored(placed(file, self.named), 1)
            for variable in paper.variables_of(entries[name]):
                yield from self.variable(variable, 1)
        elif what in self.specifications:
            yield from self.specification(what, 0)
        else:
            yield from self.variable(what, 0)

    def quoted(self, name: str) -> Iterator[str]:
        """Yield the sentences that quote a number, and where the number is stored."""
        cells, specifications = self.config["quotes"].get("cells", {}), self.config["quotes"].get("specifications", [])
        taken = self.taken(name)
        if name not in cells and name not in specifications and taken:
            yield from taken
            return
        require_known(name, [*cells, *specifications], "quoted number", f"paper:{name}")
        for file in paper.manuscript_files(self.config):
            path = self.project / file
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if f'"{name}"' in line and path.suffix == ".typ":
                    at = line.index(f'"{name}"')
                    yield step(0, f"{file}, line {number}: ... {line[max(0, at - 60) : at + 60].strip()} ...")
        if name in specifications:
            yield from self.specification(name, 1)
            return
        cell = cells[name]
        where = ", ".join(f"{key} = {value}" for key, value in cell.get("where", {}).items())
        yield step(1, f"quotes.cells.{name}: {cell.get('pick', 'the')} {cell['value']} where {where or 'all rows'}")
        path = paper.quoted_files({"cells": {name: cell}})[0]
        yield from self.stored(placed(path, self.named), 2)

    def taken(self, name: str) -> list[str]:
        """Return the chain of a number that the manuscript takes out of a fit under a name of its own."""
        for file in paper.manuscript_files(self.config):
            found = let_in((self.project / file).read_text(encoding="utf-8"), name)
            if found:
                number, line, function, (specification, *names) = found
                path = f"{self.named['results']}/models/{specification}/{FILES[function]}"
                return [
                    step(0, f"{file}, line {number}: {line.strip()}"),
                    *self.number(path, tuple(names), specification),
                ]
        return []

    def estimate(self, specification: str, inside: list[str]) -> Iterator[str]:
        """Yield the chain of SPECIFICATION/VARIABLE (a coefficient) or SPECIFICATION/VARIABLE/EFFECT (an impact)."""
        file = "impacts.csv" if len(inside) > 1 else "coefficients.csv"
        path = f"{self.named['results']}/models/{specification}/{file}"
        yield from self.number(path, tuple(inside), specification)

    def number(self, path: str, names: tuple[str, ...], specification: str) -> Iterator[str]:
        """Yield a stored estimate and the fit behind it."""
        if not (self.project / path).is_file():
            raise RongheError(f"{path}: no such file; make it first: snakemake {path}")
        found = list(in_column(self.project / path, names))
        if not found:
            known = dict.fromkeys(name for row in rows_of(self.project / path) for name in row.values())
            for one in names:
                require_known(one, known, "name", path)
            raise RongheError(f"{path}: no row holds {' and '.join(names)}; look at the file")
        yield from (step(1, one) for one in found)
        yield from self.fit(specification, 2)
        yield from self.specification(specification, 2)

    def printed(self, name: str, row: str, column: str) -> Iterator[str]:
        """Yield what a cell of a printed table shows, the stored numbers that round to it, and what is behind them."""
        require_known(name, self.config["tables"], "table", f"table:{name}")
        entry = self.config["tables"][name]
        path = f"{self.named['paper']}/tables/{name}.csv"
        shown, label, number, heading = printed_cell(self.project / path, row, column)
        yield f"{path}: {label}, {heading}: {shown}"
        columns = entry.get("columns", []) if entry["kind"] in paper.COMPARING else []
        chosen = columns[number] if number < len(columns) else None
        only = chosen if isinstance(chosen, str) or chosen is None else chosen["specification"]
        labels = Labels(self.config["labels"] | dataset_labels(self.dataset), self.config["language"])
        called = {
            name
            for name in self.read | self.derived | measures.columns(self.config)
            if labels.has(name) and labels.variable(name) in label
        }
        files = [*paper.stored_files(entry), *paper.result_files(entry)]
        files = [placed(f, self.named) for f in files]
        files = [f for f in files if only is None or f"/models/{only}/" in f]
        for figure in NUMBER.findall(shown):
            for file in files:
                hits = [
                    h for n in (called or {None}) for h in printed_as(self.project / file, figure, (n,) if n else ())
                ]
                yield from (step(1, f"{figure}: {hit}") for hit in hits)
        if only is not None:
            yield from self.fit(only, 1)
            yield from self.specification(only, 1)
            return
        for file in files:
            yield from self.stored(file, 1)
        for variable in paper.variables_of(entry):
            if not called or variable in called:
                yield from self.variable(variable, 1)

    def fit(self, specification: str, depth: int) -> Iterator[str]:
        """Yield what a fit rests on: its equation, its rows, and the hashes of panel, code and weights."""
        path = f"{self.named['results']}/models/{specification}/fit.json"
        if not (self.project / path).is_file():
            return
        fit = json.loads((self.project / path).read_text(encoding="utf-8"))
        said = [told(f"{fit['nobs']} rows")] if "nobs" in fit else []
        said += [told(f"{fit['n_units']} regions x {fit['n_periods']} years")] if "n_periods" in fit else []
        said += [f"{key} {fit[key]}" for key in ("model", "method", "effects", "cov_type") if fit.get(key)]
        yield step(depth, f"{path}: {', '.join(said)}")
        if "regressors" in fit:
            yield step(depth + 1, f"design: {fit.get('outcome')} on {', '.join(fit['regressors'])}")
        hashes = {key: value for key, value in fit.get("hashes", {}).items() if isinstance(value, str)}
        if hashes:
            shortened = ", ".join(f"{key} {value[:12]}" for key, value in hashes.items())
            yield step(depth + 1, f"hashes: {shortened}")

    def stored(self, path: str, depth: int) -> Iterator[str]:
        """Yield a stored table, and what stands behind it."""
        if path in self.shown:
            return
        self.shown.add(path)
        yield step(depth, path)
        parts = Path(path).relative_to(self.named["results"]).parts if path.startswith(self.named["results"]) else ()
        stage, names = (parts[0], parts[1:-1]) if parts else ("", ())
        if stage == "models" and names and names[0] in self.specifications:
            yield from self.specification(names[0], depth + 1)
        elif stage == "measures" and names and names[0] in self.config["measures"]:
            yield from self.measure(names[0], depth + 1)
        elif stage == "weights":
            yield step(depth + 1, f"weights.{names[0]}" if names else "every entry of weights")
        elif stage == "explore" and len(names) > 1:
            from ronghe.explore.declaration import variables as explored

            for variable in explored(self.config[names[0]][names[1]]):
                yield from self.variable(variable, depth + 1)

    def specification(self, name: str, depth: int) -> Iterator[str]:
        """Yield a specification and the variables of its equation."""
        if name in self.shown:
            return
        self.shown.add(name)
        entry = self.specifications[name]
        outcome, treatment, folder = entry["outcome"], entry["treatment"], f"{self.named['results']}/models/{name}/"
        yield step(depth, f"specification '{name}' ({entry['kind']}): {outcome} on {treatment}; {folder}")
        for weights in models.weights(entry):
            yield from self.weights(weights, depth + 1)
        for variable in models.variables(entry):
            yield from self.variable(variable, depth + 1)

    def weights(self, name: str, depth: int) -> Iterator[str]:
        """Yield a weights matrix and the raw files behind it."""
        if f"weights {name}" in self.shown:
            return
        self.shown.add(f"weights {name}")
        entry = self.config["weights"][name]
        path = f"{self.named['results']}/weights/{name}/edges.csv"
        stored = self.project / path
        if stored.is_file():
            edges = sum(1 for _ in stored.open(encoding="utf-8")) - 1
            yield step(depth, f"weights '{name}' ({entry['kind']}): {path}, {edges} edges")
        else:
            yield step(depth, f"weights '{name}' ({entry['kind']}): {path}")
        folder = self.dataset["folder"]
        raw = [entry[key] for key in ("file", "boundaries") if key in entry]
        if entry["kind"] == "contiguity" and not raw:
            raw = [f"{folder}/{self.dataset['adjacency']['file']}"] if "adjacency" in self.dataset else []
        elif not raw and "variable" not in entry:
            raw = [f"{folder}/{self.dataset['regions']['file']}"]
        yield from (step(depth + 1, f"from {file}") for file in raw)
        for part in (entry.get("geographic"), entry.get("economic")):
            if part in self.config["weights"]:
                yield from self.weights(part, depth + 1)
        if "variable" in entry:
            yield from self.variable(entry["variable"], depth + 1)

    def measure(self, name: str, depth: int) -> Iterator[str]:
        """Yield a measure and what it is made of."""
        if name in self.shown:
            return
        self.shown.add(name)
        entry = self.config["measures"][name]
        folder = f"{self.named['results']}/measures/{name}/"
        yield step(depth, f"measure '{name}' ({entry['kind']}): {folder}")
        panel = self.project / f"{self.named['results']}/measures/{name}/panel.csv"
        if panel.is_file():
            yield from ("  " * (depth + 1) + line for line in self.rows(panel))
        for variable in KINDS[entry["kind"]].uses(entry):
            yield from self.variable(variable, depth + 1)

    def rows(self, path: Path) -> Iterator[str]:
        """Yield how many rows a panel has for the regions and years asked for, and the first of them."""
        regions, years = self.raw.chosen()
        rows = [row for row in rows_of(path) if row["region"] in regions and int(row["year"]) in years]
        yield told(f"{len(rows)} rows of {path.relative_to(self.project)}")
        for row in rows[: self.raw.most]:
            figures = [
                f"{key} {float(value):.6g}" for key, value in row.items() if value and key not in ("region", "year")
            ]
            yield f"  {row['region']} {row['year']}: {', '.join(figures[:6])}"

    def variable(self, name: str, depth: int) -> Iterator[str]:
        """Yield a variable: the column of a measure, one derived from others, or one read from a raw table."""
        if "." in name:
            yield from self.measure(name.partition(".")[0], depth)
            return
        require_known(name, [*self.read, *self.derived], "variable, specification or quoted number", "trace")
        if name in self.shown:
            return
        self.shown.add(name)
        if name in self.derived:
            derived = self.derived[name]
            yield step(depth, f"{name} = {derived.operation} of {', '.join(derived.operands)} [{derived.unit}]")
            for operand in derived.operands:
                yield from self.variable(operand, depth + 1)
            return
        variable = self.read[name]
        table = self.dataset["tables"][variable.table]
        file = (
            f"microdata {table['microdata']}" if "microdata" in table else f"{self.dataset['folder']}/{files_of(table)}"
        )
        places = [variable.column or f"columns {table.get('key', {}).get('year', '')}", variable.indicator]
        unit = variable.written_unit + (f" -> {variable.unit}" if variable.unit != variable.written_unit else "")
        yield step(depth, f"{name} [{unit}]: {file}: {', '.join(filter(None, places))}")
        yield from ("  " * (depth + 1) + line for line in self.raw.lines(variable))
