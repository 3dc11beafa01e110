"""What the configuration may say about spatial dependence, local clusters and residual tests; standard library only."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.errors import require_known
from ronghe.measures import declaration as measure
from ronghe.weights import declaration as weight

FOLDER = "results/explore"
TABLES = {
    "dependence": {
        "global": "a statistic of a variable in a year: Moran's I, Geary's C, Getis and Ord's G with their tests",
        "bivariate": "a pair of variables in a year: bivariate Moran, also with the neighbours' past",
    },
    "local_dependence": {
        "local": "a region in a year: local statistics, quadrant of the Moran scatter, cluster",
        "transitions": "a move between clusters or quadrants: how often, from one year to the next",
        "moves": "a pair of years: regions that stay, that move, whose neighbours move, and both",
    },
    "residual_tests": {
        "lagrange": "an LM or robust LM test on residuals with one kind of effects",
        "moran": "Moran's I of the residuals with its exact moments",
        "cross_section": "Pesaran's CD of the residuals, among all regions and among neighbours",
    },
}


def entries(config: dict, section: str) -> dict[str, dict]:
    """Return the entries of one section."""
    return config.get(section) or {}


def tables(section: str) -> dict[str, str]:
    """Return table name -> path pattern of a section; its wildcard has the section's name."""
    return {name: f"{FOLDER}/{section}/{{{section}}}/{name}.csv" for name in TABLES[section]}


def variables(entry: dict) -> list[str]:
    """Return every variable that an entry uses."""
    alone = [entry["outcome"]] if "outcome" in entry else []
    paired = [variable for pair in entry.get("pairs", []) for variable in pair]
    return list(dict.fromkeys([*alone, *entry.get("variables", []), *entry.get("regressors", []), *paired]))


def inputs(config: dict, section: str, name: str) -> list[str]:
    """Return the files that hold the variables of an entry."""
    return measure.sources(config, variables(config[section][name]))


def weights(entry: dict) -> list[str]:
    """Return the weights that an entry names."""
    return entry["weights"] if isinstance(entry["weights"], list) else [entry["weights"]]


def edges(config: dict, section: str, name: str) -> list[str]:
    """Return the edge lists of the weights that an entry names."""
    return [weight.edges(other) for other in weights(config[section][name])]


def targets(config: dict) -> list[str]:
    """Return one file of every entry: asking for these builds them all."""
    return [
        next(iter(tables(section).values())).format(**{section: name})
        for section in TABLES
        for name in entries(config, section)
    ]


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that an entry uses is a variable of the clean panel."""
    known = list(known)
    for section in TABLES:
        for name, entry in entries(config, section).items():
            for variable in variables(entry):
                if "." not in variable:
                    require_known(variable, known, "variable of the panel", f"{section}.{name}")


def check(config: dict) -> None:
    """Check every entry against the measures and weights that are declared."""
    columns = measure.columns(config)
    for section in TABLES:
        for name, entry in entries(config, section).items():
            where = f"{section}.{name}"
            for variable in variables(entry):
                if "." in variable:
                    require_known(variable, columns, "column of a measure", where)
            for other in weights(entry):
                require_known(other, weight.entries(config), "weights", where)
