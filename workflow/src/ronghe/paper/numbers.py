"""Writes every number that the manuscript quotes into one Typst file, so that text and tables cannot disagree."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.files import write_text
from ronghe.frames import read_csv, read_panel, write_csv
from ronghe.paper import cells
from ronghe.paper.formats import escape
from ronghe.paper.labels import Labels
from ronghe.paper.results import Fit
from ronghe.paper.stored_rows import select
from ronghe.paper.variable_statistics import summarise
from ronghe.places import placed, stored
from ronghe.provenance import hash_files


def write_numbers(
    quotes: dict,
    path: str | Path,
    panel: list[str] = (),
    facts: dict | None = None,
    captions: dict | None = None,
    models: str | Path = "",
    places: dict[str, str] | None = None,
    listing: str | Path | None = None,
    story: dict | None = None,
) -> None:
    """Write the quoted results as Typst dictionaries: `fits`, `panel`, `cells`, `facts`, figures' `captions`, `story`.

    `listing` is a CSV that says where every number comes from.
    """
    fits = {name: quote_fit(Fit.read(name, models)) for name in quotes.get("specifications", [])}
    frame = read_panel(*panel) if quotes.get("panel") else None
    columns = {}
    for variable in quotes.get("panel", []):
        require_known(variable, frame.columns, "variable", "quotes.panel")
        columns[variable] = {k: number(v) for k, v in summarise(frame[variable]).items()}
    found = {
        name: quote_cell(name, entry, placed(stored(entry["file"]), places or {}))
        for name, entry in quotes.get("cells", {}).items()
    }
    text = "// The numbers that the manuscript quotes, taken from the stored results; made by a rule, not by hand.\n"
    for name, content in (
        ("fits", fits),
        ("panel", columns),
        ("cells", found),
        ("facts", facts or {}),
        ("captions", captions or {}),
        ("story", story or {}),
    ):
        text += f"#let {name} = {to_typst(content)}\n"
    write_text(path, text)
    if listing is not None:
        write_csv(origins(quotes, models, places, panel), listing)


def origins(
    quotes: dict, models: str | Path, places: dict[str, str] | None = None, panel: Sequence[str] = ()
) -> pd.DataFrame:
    """Return for every number that the manuscript may quote the file, row and column that it comes from."""
    rows = []
    for name in quotes.get("specifications", []):
        fit = Fit.read(name, models)
        quoted = quote_fit(fit)
        rows += _places(name, f"{fit.folder}/coefficients.csv", quoted["terms"])
        effects = {f"{v}, {e}": row for v, found in quoted["impacts"].items() for e, row in found.items()}
        rows += _places(name, f"{fit.folder}/impacts.csv", effects)
        rows += _places(name, f"{fit.folder}/tests.csv", quoted["tests"])
        rows += [(f"{name}: {k}", f"{fit.folder}/fit.json", "", k, x["text"]) for k, x in quoted["fit"].items()]
    for variable in quotes.get("panel", []):
        frame = read_panel(*panel)
        # A column NAME.x is the column x of the measure NAME.
        measure, _, column = variable.rpartition(".")
        file = next((path for path in panel if measure and Path(path).parent.name == measure), next(iter(panel)))
        for statistic, value in summarise(frame[variable]).items():
            rows.append((f"{variable}: {statistic}", file, f"all ({statistic})", column, number(value)["text"]))
    for name, entry in quotes.get("cells", {}).items():
        where = "; ".join(f"{k} = {v}" for k, v in entry.get("where", {}).items()) or "all"
        chosen = [entry[key] for key in ("pick",) if key in entry]
        chosen += [f"{key} {entry[key]}" for key in ("sort", "head") if key in entry]
        row = f"{where} ({', '.join(map(str, chosen))})" if chosen else where
        file = placed(stored(entry["file"]), places or {})
        rows.append((name, file, row, entry["value"], quote_cell(name, entry, file)["text"]))
    return pd.DataFrame(rows, columns=["quotation", "file", "row", "column", "printed"])


def _places(name: str, file: str, found: dict[str, dict]) -> list[tuple[str, str, str, str, str]]:
    """Return a row for every number of every row of a stored table."""
    return [
        (f"{name}: {row}, {column}", file, row, column, value["text"])
        for row, values in found.items()
        for column, value in values.items()
    ]


def number(value: cells.Value, digits: int = 3, form: str = "fixed") -> dict:
    """Return a number with the text that tables would print for it."""
    value = None if value is None or (isinstance(value, float) and math.isnan(value)) else value
    text = cells.FORMATS[form](value, digits)
    return {"value": float(value) if isinstance(value, (int, float)) else None, "text": text}


def quote_fit(fit: Fit) -> dict:
    """Return a specification's coefficients, effects, tests and size."""
    out: dict[str, dict] = {"terms": {}, "impacts": {}, "tests": {}, "fit": {}}
    for term, row in fit.coefficients.iterrows():
        out["terms"][term] = _estimate(row)
    if (fit.folder / "impacts.csv").is_file():
        for (variable, effect), row in fit.impacts.iterrows():
            out["impacts"].setdefault(variable, {})[effect] = _estimate(row)
    if (fit.folder / "tests.csv").is_file():
        for test, row in fit.tests.iterrows():
            out["tests"][test] = {
                "statistic": number(_float(row.get("statistic")), 2),
                "pvalue": number(_float(row.get("pvalue")), 3, "pvalue"),
            }
    for key, value in fit.description.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            out["fit"][key] = number(value, 0 if isinstance(value, int) else 3)
    return out


def quote_cell(name: str, entry: dict, file: str | Path) -> dict:
    """Return one cell of a stored table, or one value of a JSON file, in the format that the entry asks for."""
    where, path = f"quotes.cells.{name}", Path(file)
    digits, form = entry.get("digits", 3), entry.get("format", "fixed")
    if path.suffix == ".json":
        value = json.loads(path.read_text(encoding="utf-8"))
        for key in entry["value"].split("."):
            require_known(key, value, "key", f"{where} ({path})")
            value = value[key]
        return number(value, digits, form)
    frame = select(read_csv(path), entry, where)
    require_known(entry["value"], frame.columns, "column", f"{where} ({path})")
    column = frame[entry["value"]]
    pick = entry.get("pick", "only")
    if pick == "only" and len(column) != 1:
        raise RongheError(
            f"{where}: {len(column)} rows of {path} fit; narrow `where` to one row or say which with `pick`"
        )
    picked = {"only": 0, "first": 0, "last": -1}
    value = column.iloc[picked[pick]] if pick in picked else getattr(column, pick)()
    return number(value.item() if hasattr(value, "item") else value, digits, form)


def _estimate(row: pd.Series) -> dict:
    return {
        "estimate": number(row["estimate"]),
        "std_error": number(row["std_error"]),
        "statistic": number(row["statistic"], 2),
        "pvalue": number(row["pvalue"], 3, "pvalue"),
        "lower": number(row["lower"]),
        "upper": number(row["upper"]),
    }


def _float(value: cells.Value) -> float | None:
    return None if value is None or value == "" else float(value)


def to_typst(value: dict | list | tuple | cells.Value) -> str:
    """Write nested dictionaries, numbers and texts as a Typst literal."""
    if isinstance(value, dict):
        inner = ", ".join(f"{escape.typst(key)}: {to_typst(item)}" for key, item in value.items())
        return f"({inner})" if value else "(:)"
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(to_typst, value))}{',' if len(value) == 1 else ''})"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return ("float.inf" if value > 0 else "-float.inf") if math.isinf(value) else repr(value)
    return escape.typst(value)


def footer_facts(panel: list[str], code: list[str], seed: int, dataset: str) -> dict:
    """Return what the footer of the paper says: short hashes of panel and code, the last year, seed, data set."""
    frame = read_panel(*panel)
    years, regions = (frame.index.get_level_values(level) for level in ("year", "region"))
    return {
        "panel": hash_files(panel[:1])[:12],
        "code": hash_files(code)[:12],
        "data": str(years.max()),
        "first": str(years.min()),
        "years": str(years.nunique()),
        "regions": str(regions.nunique()),
        "observations": str(len(frame)),
        "seed": str(seed),
        "dataset": dataset,
    }


def tell(story: dict, labels: Labels) -> dict:
    """Return what a template must know of a dataset: its texts in one language, its variables each with its label."""
    names = ("variables", "specifications", "exhibits")
    said = {key: value if key in names else labels.text(value) for key, value in story.items()}
    variables = story.get("variables", {})
    return {**said, "labels": {role: labels.variable(name) for role, name in variables.items()}}


def figure_captions(figures: dict, labels: Labels, finished: bool = False) -> dict:
    """Return caption and note of every figure in the language of the paper; a `finished` note opens and ends as one."""
    said = {
        name: {"caption": labels.text(entry["caption"]), "notes": labels.text(entry.get("notes")) or None}
        for name, entry in figures.items()
    }
    if finished:
        for entry in said.values():
            if entry["notes"]:
                entry["notes"] = f"{labels.word('notes.opening')}{entry['notes']}{labels.word('notes.end')}"
    return said
