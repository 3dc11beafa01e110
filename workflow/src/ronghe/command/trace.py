"""`ronghe trace`: the chain from a printed number to the cells of the raw tables that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.variables import derivations, variables
from ronghe.command.check import STAGES
from ronghe.configuration import fit_stages, replace_stages, require_dataset
from ronghe.errors import require_known
from ronghe.measures.declaration import KINDS
from ronghe.models import declaration as models
from ronghe.paper import declaration as paper
from ronghe.places import folders, placed
from ronghe.yaml_files import load_yaml


def trace(what: str, dataset: str | None = None, project: str | Path = ".") -> list[str]:
    """Return the lines of a chain, each step further down indented by two; what was shown above is not shown again."""
    return list(Chain(dataset, Path(project)).begin(what))


class Chain:
    """The configuration of a dataset, asked where a number comes from."""

    def __init__(self, dataset: str | None, project: Path) -> None:
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

    def begin(self, what: str) -> Iterator[str]:
        """Yield the chain of paper:NAME, table:NAME, figure:NAME, a specification, or a variable."""
        part, _, name = what.partition(":")
        if part == "paper":
            yield from self.quoted(name)
        elif part in ("table", "figure"):
            entries = self.config[f"{part}s"]
            require_known(name, entries, part, what)
            yield f"{self.named['paper']}/{part}s/{name}.*, declared at {part}s.{name}"
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
        require_known(name, [*cells, *specifications], "quoted number", f"paper:{name}")
        for file in paper.manuscript_files(self.config):
            path = self.project / file
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if f'"{name}"' in line and path.suffix == ".typ":
                    at = line.index(f'"{name}"')
                    yield f"{file}, line {number}: ... {line[max(0, at - 60) : at + 60].strip()} ..."
        if name in specifications:
            yield from self.specification(name, 1)
            return
        cell = cells[name]
        where = ", ".join(f"{key} = {value}" for key, value in cell.get("where", {}).items())
        yield f"  quotes.cells.{name}: {cell.get('pick', 'the')} {cell['value']} where {where or 'all rows'}"
        path = paper.quoted_files({"cells": {name: cell}})[0]
        yield from self.stored(placed(path, self.named), 2)

    def stored(self, path: str, depth: int) -> Iterator[str]:
        """Yield a stored table, and what stands behind it."""
        if path in self.shown:
            return
        self.shown.add(path)
        yield "  " * depth + path
        parts = Path(path).relative_to(self.named["results"]).parts if path.startswith(self.named["results"]) else ()
        stage, names = (parts[0], parts[1:-1]) if parts else ("", ())
        if stage == "models" and names and names[0] in self.specifications:
            yield from self.specification(names[0], depth + 1)
        elif stage == "measures" and names and names[0] in self.config["measures"]:
            yield from self.measure(names[0], depth + 1)
        elif stage == "weights":
            yield "  " * (depth + 1) + f"weights.{names[0]}" if names else "  " * (depth + 1) + "every entry of weights"
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
        said = f"specification '{name}' ({entry['kind']}): {entry['outcome']} on {entry['treatment']}"
        yield "  " * depth + f"{said}; {self.named['results']}/models/{name}/"
        for weights in models.weights(entry):
            yield "  " * (depth + 1) + f"weights '{weights}': {self.named['results']}/weights/{weights}/edges.csv"
        for variable in models.variables(entry):
            yield from self.variable(variable, depth + 1)

    def measure(self, name: str, depth: int) -> Iterator[str]:
        """Yield a measure and what it is made of."""
        if name in self.shown:
            return
        self.shown.add(name)
        entry = self.config["measures"][name]
        yield "  " * depth + f"measure '{name}' ({entry['kind']}): {self.named['results']}/measures/{name}/"
        for variable in KINDS[entry["kind"]].uses(entry):
            yield from self.variable(variable, depth + 1)

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
            yield "  " * depth + f"{name} = {derived.operation} of {', '.join(derived.operands)} [{derived.unit}]"
            for operand in derived.operands:
                yield from self.variable(operand, depth + 1)
            return
        variable = self.read[name]
        table = self.dataset["tables"][variable.table]
        file = f"{self.dataset['folder']}/{table['file']}" if "file" in table else f"microdata {table['microdata']}"
        places = [variable.column or f"columns {table.get('key', {}).get('year', '')}", variable.indicator]
        unit = variable.written_unit + (f" -> {variable.unit}" if variable.unit != variable.written_unit else "")
        yield "  " * depth + f"{name} [{unit}]: {file}: {', '.join(filter(None, places))}"
