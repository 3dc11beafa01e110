"""What the configuration may say about the paper stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ronghe.errors import RongheError, require_known
from ronghe.measures.bounds import bounds_of
from ronghe.measures.declaration import columns as measure_columns
from ronghe.paper.exhibit_order import numbered
from ronghe.places import folders, require_inside, require_made, stored

# The kinds of tables and figures whose columns or rows are specifications.
COMPARING = ("regression", "impacts", "estimates")
# What may stand below the estimates of a regression table: a statistic of fit.json that has a name in print.
STATISTICS = ("observations", "regions", "years", "rsquared_within", "rsquared", "loglik", "sigma2")
STATISTICS += ("instruments", "instrument_strength", "anderson_rubin_set")
PANEL = "<processed>/panel.parquet"
REGIONS = "<processed>/regions.csv"
RULES = [f"workflow/rules/{stage}.smk" for stage in ("clean", "measures", "weights", "explore", "models", "paper")]
# What a manuscript consists of: its key in the configuration, and the PDF that it becomes.
DOCUMENTS = {"source": "paper", "supplement": "supplement", "summary": "summary"}


def check(config: dict) -> None:
    """Check every table and figure entry against the names that are declared; raise RongheError at the first fault."""
    columns = measure_columns(config)
    named = folders(config.get("dataset", ""), config.get("language", "en"))
    if "main" in config.get("tables", {}):
        raise RongheError("tables.main: the name is taken by the document that holds every table; choose another")
    for part in ("tables", "figures"):
        for name, entry in config.get(part, {}).items():
            where = f"{part}.{name}"
            for statistic in entry.get("fit", []):
                require_known(statistic, STATISTICS, "statistic", f"{where}.fit")
            for spec in specifications_of(entry):
                require_known(spec, config.get("specifications", {}), "specification", where)
            for variable in variables_of(entry):
                if "." in variable:
                    require_known(variable, columns, "column of a measure", where)
            for file in _named_files(entry):
                require_inside(file, f"{where}.file", named)
            if entry["kind"] in COMPARING and not entry.get("columns"):
                raise RongheError(f"{where}.columns: no specification is named; name at least one")
    for variable in config.get("quotes", {}).get("panel", []):
        if "." in variable:
            require_known(variable, columns, "column of a measure", "quotes.panel")
    for name, cell in config.get("quotes", {}).get("cells", {}).items():
        require_inside(cell["file"], f"quotes.cells.{name}.file", named)
    for spec in config.get("quotes", {}).get("specifications", []):
        require_known(spec, config.get("specifications", {}), "specification", "quotes.specifications")


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that a table, a figure or the manuscript uses is a variable of the clean panel."""
    known = list(known)
    shown = [(f"{p}.{name}", variables_of(e)) for p in ("tables", "figures") for name, e in config.get(p, {}).items()]
    for where, variables in [*shown, ("quotes.panel", config.get("quotes", {}).get("panel", []))]:
        for variable in variables:
            if "." not in variable:
                require_known(variable, known, "variable of the panel", where)


def check_years(config: dict, years: list[int]) -> None:
    """Check that the years which a table or figure names are years of the panel."""
    for part in ("tables", "figures"):
        for name, entry in config.get(part, {}).items():
            if variables_of(entry):
                for year in entry.get("years", []):
                    require_known(year, years, "year of the panel", f"{part}.{name}.years")


def check_places(config: dict, columns: Iterable[str]) -> None:
    """Check that regions have tiles, or at least positions, where a map draws them."""
    absent, placed = (
        [column for column in pair if column not in columns]
        for pair in (("tile_row", "tile_column"), ("longitude", "latitude"))
    )
    for name, entry in config.get("figures", {}).items():
        if entry["kind"] == "tile_map" and "boundaries" not in entry and absent and placed:
            raise RongheError(
                f"figures.{name}: a tile map needs {' and '.join(absent)} under regions.columns of the dataset; name "
                "those columns, or longitude and latitude, give the figure `boundaries`, or leave it out"
            )


def specifications_of(entry: dict) -> list[str]:
    """Return the specifications of this dataset whose results a table or figure shows, in order, each once."""
    return [name for name, dataset in _shown(entry) if not dataset]


def _shown(entry: dict) -> list[tuple[str, str]]:
    """Return each specification that an entry shows, with the other dataset that it belongs to, if it does."""
    columns = entry.get("columns", []) if entry["kind"] in COMPARING else []
    return list(
        dict.fromkeys((c, "") if isinstance(c, str) else (c["specification"], c.get("dataset", "")) for c in columns)
    )


def variables_of(entry: dict) -> list[str]:
    """Return the variables of the panel or of measures that a table or figure shows."""
    if entry["kind"] in ("summary", "correlations"):
        members = [[v] if isinstance(v, str) else v["members"] for v in entry["variables"]]
        return [variable for group in members for variable in group]
    if entry["kind"] == "trends":
        return list(entry["variables"])
    return [entry["variable"]] if entry["kind"] in ("tile_map", "network") and "variable" in entry else []


def panel_files(entry: dict) -> list[str]:
    """Return the panel and the measures' tables that hold the variables of an entry."""
    variables = variables_of(entry)
    names = dict.fromkeys(v.split(".")[0] for v in variables if "." in v)
    return [PANEL, *(f"<results>/measures/{name}/panel.csv" for name in names)] if variables else []


def stored_files(entry: dict) -> list[str]:
    """Return the paths of the stored tables that an entry names in `file`."""
    return [stored(file) for file in _named_files(entry)]


def _named_files(entry: dict) -> list[str]:
    """Return what an entry writes under `file`: one name, or a mapping to names."""
    files = entry.get("file", [])
    return [files] if isinstance(files, str) else list(files.values()) if isinstance(files, dict) else list(files)


def result_files(entry: dict) -> list[str]:
    """Return the result files of the specifications that an entry shows."""
    tests = ("tests.csv",) if "tests" in entry else ()
    wanted = {
        "regression": ("coefficients.csv", "fit.json", *tests),
        "impacts": ("coefficients.csv", "impacts.csv", "fit.json"),
        "estimates": ("coefficients.csv",),
    }.get(entry["kind"], ())
    return [
        f"{f'results/{dataset}' if dataset else '<results>'}/models/{spec}/{file}"
        for spec, dataset in _shown(entry)
        for file in wanted
    ]


def sections(entries: dict[str, dict]) -> dict[str, dict[str, dict]]:
    """Return tables or figures by the section that one job makes; an entry without one stands under its own name."""
    found: dict[str, dict[str, dict]] = {}
    for name, entry in entries.items():
        found.setdefault(entry.get("section", name), {})[name] = entry
    return found


def reads(entries: dict[str, dict]) -> dict[str, dict[str, list[str]]]:
    """Return by name what each table or figure reads besides the specifications that it shows."""
    return {
        name: {
            "panel": panel_files(entry),
            "files": RULES if entry["kind"] == "workflow" else stored_files(entry),
            "regions": region_files(entry),
        }
        for name, entry in entries.items()
    }


def section_files(part: str, entries: dict[str, dict], _wildcards: object = None) -> list[str]:
    """Return the files that the tables or figures of a section are made from, each once."""
    found: dict[str, None] = {}
    for name, read in reads(entries).items():
        made = require_made([*read["files"], *result_files(entries[name])], f"{part}.{name}")
        found.update(dict.fromkeys([*read["panel"], *made, *read["regions"]]))
    return list(found)


def drawn(config: dict, name: str) -> dict:
    """Return the entry of a figure, with the bounds of the variables whose intervals it draws."""
    entry = config["figures"][name]
    if entry["kind"] != "trends":
        return entry
    found = {variable: bounds_of(config, variable) for variable in variables_of(entry)}
    return {**entry, "bounds": {variable: list(bounds) for variable, bounds in found.items() if bounds}}


def region_files(entry: dict) -> list[str]:
    """Return the table of regions, and their outlines, for the figures that place or group regions."""
    return [REGIONS, *outline_files(entry)] if entry["kind"] in ("tile_map", "network", "trends") else []


def outline_files(entry: dict) -> list[str]:
    """Return the file of polygons that a map draws."""
    return [entry["boundaries"]["file"]] if "boundaries" in entry else []


def drawn_on(entries: dict[str, dict]) -> list[str]:
    """Return what figures show that no rule makes, so that its content decides: outlines, and the rules themselves."""
    shown = [RULES if entry["kind"] == "workflow" else outline_files(entry) for entry in entries.values()]
    return list(dict.fromkeys(path for paths in shown for path in paths))


def manuscript_files(config: dict, document: str = "source") -> list[str]:
    """Return the files of a document of the manuscript in its language, the one that is compiled first."""
    manuscript = config.get("manuscript") or {}
    parts = [part.replace("{language}", config["language"]) for part in manuscript.get("parts", [])]
    return [manuscript[document], *parts] if document in manuscript else []


def exhibit_numbers(config: dict) -> dict[str, dict[str, str]]:
    """Return tables and figures in the order of the manuscript, each with its number there.

    A text whose name begins with that of the supplement belongs to it, every other to the article.
    """
    manuscript = config.get("manuscript") or {}
    supplement = Path(manuscript.get("supplement", "supplement")).stem
    texts = {True: "", False: ""}
    for path in map(Path, dict.fromkeys([*manuscript_files(config), *manuscript_files(config, "supplement")])):
        if path.suffix == ".typ" and path.is_file():
            texts[path.stem.startswith(supplement)] += path.read_text(encoding="utf-8")
    return numbered(texts[False], texts[True], {part: list(config.get(part, {})) for part in ("tables", "figures")})


def quoted_panel(quotes: dict) -> list[str]:
    """Return the panel files that hold the variables which the manuscript quotes."""
    return panel_files({"kind": "trends", "variables": quotes.get("panel", [])}) or [PANEL]


def quoted_files(quotes: dict) -> list[str]:
    """Return the results that the manuscript quotes: whole fits, and single cells of stored tables."""
    fits = [
        f"<results>/models/{spec}/{file}"
        for spec in quotes.get("specifications", [])
        for file in ("coefficients.csv", "impacts.csv", "tests.csv", "fit.json")
    ]
    return [*fits, *dict.fromkeys(stored(cell["file"]) for cell in quotes.get("cells", {}).values())]


def documents(manuscript: dict) -> list[str]:
    """Return the documents that a manuscript consists of, by the name of their PDF."""
    return [name for key, name in DOCUMENTS.items() if key in manuscript]


def explored(config: dict, others: list[str], fallback: Iterable[str] = ()) -> dict:
    """Return the variables that the explorer shows, as an entry: those of exhibits and `others`, else the first."""
    entries = [*config.get("tables", {}).values(), *config.get("figures", {}).values()]
    shown = [v for e in entries for v in variables_of(e)]
    return {"kind": "trends", "variables": list(dict.fromkeys([*shown, *others])) or list(fallback)[:12]}


def explorer_files(config: dict, variables: list[str], specifications: dict[str, dict]) -> dict[str, list[str]]:
    """Return what the explorer reads beside panel, regions and tables: measures behind variables, fits, multiverse."""
    declared = config.get("measures", {})
    shown = [name for name in dict.fromkeys(v.partition(".")[0] for v in variables if "." in v) if name in declared]
    parts = {"index": ["scores.csv", "weights.csv"], "coupling": ["obstacles.csv"]}
    spatial = [name for name, entry in specifications.items() if entry["kind"] == "spatial"]
    weights = dict.fromkeys(specifications[name]["weights"] for name in spatial)
    drawn = [name for name in shown if declared[name].get("draws")]
    fits = {name: ["coefficients.csv", "impacts.csv", "fit.json"] for name in specifications}
    for name in spatial:
        fits[name] += ["impact_matrix.csv", "unit_impacts.csv"]
    judged = ("specifications.parquet", "curve.csv", "summary.csv", "joint_test.csv", "variances.csv")
    return {
        "measures": [f"<results>/measures/{n}/{f}" for n in shown for f in parts.get(declared[n]["kind"], [])]
        + [f"<results>/measures/{n}/intervals.csv" for n in drawn],
        "fits": [f"<results>/models/{name}/{file}" for name, files in fits.items() for file in files],
        "weights": [f"<results>/weights/{name}/edges.csv" for name in weights],
        "multiverse": [f"<results>/multiverse/{name}" for name in judged] if config.get("multiverse") else [],
    }


def page_files() -> list[str]:
    """Return what the page of the explorer is put together from, beside its modules."""
    folder = Path(__file__).with_name("explorer")
    kept = (
        path for path in folder.rglob("*") if path.suffix in (".html", ".css", ".js", ".yaml") or path.parent != folder
    )
    return sorted(os.path.relpath(path) for path in kept if path.is_file() and path.suffix != ".pyc")


def sources(config: dict) -> dict[str, list[str]]:
    """Return for every exhibit, as `tables/NAME` or `figures/NAME`, the stored results that it is made from."""
    return {
        f"{part}/{name}": [*panel_files(entry), *stored_files(entry), *result_files(entry), *region_files(entry)]
        for part in ("tables", "figures")
        for name, entry in config.get(part, {}).items()
    }


def section_names(config: dict) -> dict[str, str]:
    """Return for every exhibit, as `tables/NAME` or `figures/NAME`, the section that one job makes it with."""
    return {
        f"{part}/{name}": section
        for part in ("tables", "figures")
        for section, entries in sections(config.get(part, {})).items()
        for name in entries
    }
