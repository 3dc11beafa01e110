"""What the configuration may say about distributions, convergence, transitions and gravity; standard library only."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.errors import RongheError, require_known
from ronghe.measures import declaration as measure
from ronghe.weights import declaration as weight

FOLDER = "results/explore"
TABLES = {
    "distribution": {
        "dagum": "a year: Gini ratio with its parts within groups, net between them, and of their overlap",
        "dagum_groups": "a group in a year: its Gini ratio, shares and contribution",
        "dagum_pairs": "two groups in a year: Gini ratio between them, relative affluence and contributions",
        "theil": "a year: Theil index with its parts within and between groups",
        "theil_groups": "a group in a year: its Theil index, share and contributions",
        "densities": "a point of the grid in a year: kernel density",
        "shapes": "a year: bandwidth, moments and peaks of the density",
    },
    "convergence": {
        "spread": "a group in a year: standard deviation of logarithms, coefficient of variation, standard deviation",
        "trend": "a group and a measure of spread: its linear trend over the years",
        "coefficients": "a term of a growth regression",
        "speeds": "a growth regression: beta, speed of convergence and half-life",
    },
    "transitions": {
        "probabilities": "a move from class to class, by class of the neighbours: count and probability",
        "steady_states": "a class: its share in the long run, by class of the neighbours",
        "tests": "a test of independence or homogeneity: likelihood ratio and chi-squared",
        "classes": "a region in a year: its class and that of its neighbours",
        "cutoffs": "the upper bound of a class",
        "mobility": "a class of the neighbours: Shorrocks's mobility",
    },
    "gravity": {"path": "a year: centre of gravity, its move, and the standard deviational ellipse"},
}


def entries(config: dict, section: str) -> dict[str, dict]:
    """Return the entries of one section."""
    return config.get(section) or {}


def tables(section: str) -> dict[str, str]:
    """Return table name -> path pattern of a section; its wildcard has the section's name."""
    return {name: f"{FOLDER}/{section}/{{{section}}}/{name}.csv" for name in TABLES[section]}


def variables(entry: dict) -> list[str]:
    """Return every variable that an entry uses."""
    return [entry["variable"], *entry.get("controls", []), *([entry["population"]] if "population" in entry else [])]


def inputs(config: dict, section: str, name: str) -> list[str]:
    """Return the files that hold the variables of an entry."""
    return measure.sources(config, variables(config[section][name]))


def edges(config: dict, section: str, name: str) -> list[str]:
    """Return the edge list of the weights that an entry names, or nothing."""
    weights = config[section][name].get("weights")
    return [weight.edges(weights)] if weights else []


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
            if "weights" in entry:
                require_known(entry["weights"], weight.entries(config), "weights", where)
            if "classes" in entry and "cutoffs" in entry:
                raise RongheError(f"{where}: 'cutoffs' say how many classes there are; leave 'classes' out")
            count = len(entry["cutoffs"]) + 1 if "cutoffs" in entry else entry.get("classes", 4)
            if "names" in entry and len(entry["names"]) != count:
                raise RongheError(f"{where}: {count} classes need as many names, there are {len(entry['names'])}")
