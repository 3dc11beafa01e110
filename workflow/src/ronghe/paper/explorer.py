"""Writes explorer.html: one page, without network access, to look through panel, estimates and tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd

from ronghe.files import write_text
from ronghe.frames import read_csv, read_panel
from ronghe.models.terms import read_name
from ronghe.paper.cells import Value
from ronghe.paper.labels import Labels
from ronghe.paper.results import Fit
from ronghe.paper.tables.estimates import heading_of

PAGE = Path(__file__).with_name("explorer.html")
PLACE = "/*DATA*/"


def write_explorer(
    path: str | Path,
    labels: Labels,
    *,
    panel: list[str],
    regions: str | Path,
    variables: list[str],
    fits: list[str],
    tables: dict[str, dict],
    tables_folder: str | Path,
    models: str | Path,
    source: str = "",
) -> None:
    """Write the page with all data inside it."""
    frame = read_panel(*panel)
    data = {
        "language": labels.language,
        "title": labels.word("explorer.title"),
        "source": source,
        "words": {key: labels.word(f"explorer.{key}") for key in WORDS},
        **_panel(frame, read_csv(regions).set_index("region"), variables, labels),
        **_fits([Fit.read(name, models) for name in fits], labels),
        "tables": [_table(name, entry, labels, Path(tables_folder)) for name, entry in tables.items()],
    }
    # Inside a script element "</script" ends the data, and "<!--<script" hides their end.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    page = PAGE.read_text(encoding="utf-8").replace(PLACE, text, 1)
    write_text(path, page)


WORDS = (
    "map", "estimates", "tables", "table", "download", "variable", "year", "region", "group", "missing", "all",
    "specification", "model", "outcome", "treatment", "weights", "term", "effect", "estimate", "error", "pvalue",
    "interval", "lower", "upper", "coefficient", "direct", "indirect", "total", "estimates_caption", "none",
)  # fmt: skip


def _panel(frame: pd.DataFrame, regions: pd.DataFrame, variables: list[str], labels: Labels) -> dict:
    here = [r for r in regions.index if r in set(frame.index.get_level_values("region"))]
    years = sorted(int(y) for y in frame.index.get_level_values("year").unique())
    held = []
    for variable in variables:
        wide = frame[variable].unstack("region")
        values = [[_number(wide.at[year, region]) for region in here] for year in years]
        held.append({"key": variable, "label": labels.value(variable), "values": values})
    return {
        "years": years,
        "variables": held,
        "regions": [_region(r, row, labels) for r, row in _tiled(regions.loc[here]).iterrows()],
    }


def _tiled(regions: pd.DataFrame) -> pd.DataFrame:
    """Return the regions with their tiles; where the dataset gives none, in rows of their order."""
    if {"tile_row", "tile_column"} <= set(regions) and regions[["tile_row", "tile_column"]].notna().all(axis=None):
        return regions
    columns = math.ceil(math.sqrt(len(regions)))
    order = range(len(regions))
    return regions.assign(tile_row=[i // columns for i in order], tile_column=[i % columns for i in order])


def _region(name: str, row: pd.Series, labels: Labels) -> dict:
    printed = row["name_zh"] if labels.language == "zh" and "name_zh" in row else name
    short = labels.variable(f"short.{name}") if labels.knows(f"short.{name}") else name[:3]
    group = labels.value(str(row["macro_region"])) if "macro_region" in row else ""
    return {
        "key": name,
        "name": str(printed),
        "short": short,
        "group": group,
        "row": int(row["tile_row"]),
        "column": int(row["tile_column"]),
    }


def _fits(fits: list[Fit], labels: Labels) -> dict:
    names: dict[str, str] = {"none": labels.word("effects.none")}
    out = []
    for fit in fits:
        treatment = main_variable(fit)
        outcome, weights = str(fit.get("outcome")), str(fit.get("weights") or "none")
        for key in (outcome, treatment, weights):
            names.setdefault(key, labels.value(key))
        rows = [_row(term, "", row, term == treatment, labels) for term, row in fit.coefficients.iterrows()]
        if not any(row["main"] for row in rows):
            for row in rows:
                row["main"] = _split(row["term"]) == treatment
        if (fit.folder / "impacts.csv").is_file():
            rows += [_row(v, e, row, v == treatment, labels) for (v, e), row in fit.impacts.iterrows()]
        facts = [labels.word("notes.size", fit.get("n_units"), fit.get("n_periods")), labels.covariance(fit)]
        out.append(
            {
                "name": fit.name,
                "model": heading_of(fit, labels),
                "outcome": outcome,
                "treatment": treatment,
                "weights": weights,
                "about": labels.join([f for f in facts if f]),
                "rows": rows,
            }
        )
    return {"fits": out, "names": names}


def main_variable(fit: Fit) -> str:
    """Return the variable that a specification is about: its treatment, else its first regressor."""
    entry = fit.get("entry") or {}
    treatment = entry.get("treatment")
    treatment = treatment[0] if isinstance(treatment, list) and treatment else treatment
    if isinstance(treatment, str) and treatment:
        return treatment
    regressors = fit.get("regressors") or list(fit.coefficients.index)
    return str(regressors[0])


def _split(name: str) -> str:
    """Return the variable whose slope differs between groups or regimes; nothing for another term."""
    term = read_name(name)
    return term.variables[0] if term.operation in ("group", "regime") else ""


def _row(term: str, effect: str, row: pd.Series, main: bool, labels: Labels) -> dict:
    printed = labels.value(term)
    if effect and main:
        printed = f"{printed}: {labels.word(effect)}"
    return {
        "term": term,
        "label": printed,
        "effect": effect,
        "estimate": _number(row["estimate"]),
        "error": _number(row["std_error"]),
        "pvalue": _number(row["pvalue"]),
        "lower": _number(row["lower"]),
        "upper": _number(row["upper"]),
        "main": main,
    }


def _table(name: str, entry: dict, labels: Labels, folder: Path) -> dict:
    frame = read_csv(folder / f"{name}.csv", dtype=str, na_values=[])
    header = [column.split(".")[0] if column.rpartition(".")[2].isdigit() else column for column in frame.columns]
    return {
        "name": name,
        "caption": labels.text(entry["caption"]),
        "notes": labels.text(entry.get("notes")),
        "header": header,
        "rows": frame.to_numpy().tolist(),
    }


def _number(value: Value) -> float | None:
    if value is None or value == "" or pd.isna(value) or math.isinf(float(value)):
        return None
    return float(f"{float(value):.10g}")
