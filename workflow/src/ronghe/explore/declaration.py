"""What the configuration may say about the explore stage; standard library only, because the Snakefile imports it.

A section of config/explore.yaml and the module of its name in this package belong together.
"""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.errors import RongheError, require_known
from ronghe.measures import declaration as measure
from ronghe.weights import declaration as weight

FOLDER = "<results>/explore"
# Section -> table -> what one row of it is.
SECTIONS = {
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


def all_entries(config: dict) -> dict[tuple[str, str], dict]:
    """Return the entries of all sections, by section and name."""
    return {(section, name): entry for section in SECTIONS for name, entry in entries(config, section).items()}


def tables(section: str) -> dict[str, str]:
    """Return table name -> path pattern of a section; its wildcard has the section's name."""
    return {name: f"{FOLDER}/{section}/{{{section}}}/{name}.csv" for name in SECTIONS[section]}


def variables(entry: dict) -> list[str]:
    """Return every variable that an entry uses."""
    alone = [entry[key] for key in ("variable", "outcome", "population") if key in entry]
    several = [variable for key in ("variables", "regressors", "controls") for variable in entry.get(key, [])]
    paired = [variable for pair in entry.get("pairs", []) for variable in pair]
    return list(dict.fromkeys([*alone, *several, *paired]))


def weights(entry: dict) -> list[str]:
    """Return the weights that an entry names: one, several, or none."""
    named = entry.get("weights", [])
    return named if isinstance(named, list) else [named]


def inputs(config: dict, section: str, name: str) -> list[str]:
    """Return the files that hold the variables of an entry."""
    return measure.sources(config, variables(config[section][name]))


def edges(config: dict, section: str, name: str) -> list[str]:
    """Return the edge lists of the weights that an entry names."""
    return [weight.edges(other) for other in weights(config[section][name])]


def targets(config: dict) -> list[str]:
    """Return one file of every entry: asking for these builds them all."""
    return [next(iter(tables(section).values())).format(**{section: name}) for section, name in all_entries(config)]


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that an entry uses is a variable of the clean panel."""
    known = list(known)
    for (section, name), entry in all_entries(config).items():
        for variable in variables(entry):
            if "." not in variable:
                require_known(variable, known, "variable of the panel", f"{section}.{name}")


def check(config: dict) -> None:
    """Check every entry against the measures and weights declared; raise RongheError at the first fault."""
    columns = measure.columns(config)
    for (section, name), entry in all_entries(config).items():
        where = f"{section}.{name}"
        for variable in variables(entry):
            if "." in variable:
                require_known(variable, columns, "column of a measure", where)
        for other in weights(entry):
            require_known(other, weight.entries(config), "weights", where)
        if section == "transitions":
            _check_classes(entry, where)


def _check_classes(entry: dict, where: str) -> None:
    """Check that the classes of a Markov chain are counted once, and named all or not at all."""
    if "classes" in entry and "cutoffs" in entry:
        raise RongheError(f"{where}: 'cutoffs' say how many classes there are; leave 'classes' out")
    count = len(entry["cutoffs"]) + 1 if "cutoffs" in entry else entry.get("classes", 4)
    if "names" in entry and len(entry["names"]) != count:
        raise RongheError(f"{where}: {count} classes need as many names, there are {len(entry['names'])}")
