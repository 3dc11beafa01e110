"""Every refusal of config/multiverse.yaml, before any job starts."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.errors import RongheError, listing, require_known
from ronghe.measures.declaration import columns as measure_columns
from ronghe.models.multiverse.declaration import CHOICES, MOST_CONTROLS, Multiverse
from ronghe.models.terms import parse

WHERE = "multiverse"


def check(config: dict) -> None:
    """Check the choices against the names that are declared elsewhere; raise RongheError at the first fault."""
    multiverse = Multiverse.of(config)
    if multiverse is None:
        return
    entry = multiverse.entry
    for key in ("treatments", "outcomes", "models"):
        if key not in entry:
            raise RongheError(f"{WHERE}: the key '{key}' is missing; name at least one of its levels")
    for name in entry["weights"]:
        require_known(name, config.get("weights", {}), "weights", f"{WHERE}: weights")
        way = config["weights"][name].get("standardise", "row")
        if way != "row" and set(entry["fixed_effects"]) & {"time", "twoways"}:
            raise RongheError(
                f"{WHERE}: weights '{name}' are standardised '{way}', and fixed effects of time need rows that sum to "
                "one; choose other weights, or fixed_effects: [units]"
            )
    for name in entry["samples"]:
        require_known(name, ["all", *config.get("samples", {})], "sample", f"{WHERE}: samples")
    columns = measure_columns(config)
    for variable in multiverse.variables:
        if "." in variable:
            require_known(variable, columns, "column of a measure", WHERE)
    _check_terms(multiverse)
    _check_controls(multiverse)
    _check_exclusions(multiverse)
    multiverse.require_some()


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name is a variable of the clean panel."""
    multiverse, known = Multiverse.of(config), list(known)
    for variable in multiverse.variables if multiverse else []:
        if "." not in variable:
            require_known(variable, known, "variable", WHERE)


def _check_terms(multiverse: Multiverse) -> None:
    for choice, key in CHOICES.items():
        levels = multiverse.levels(choice)
        twice = sorted({str(level) for level in levels if levels.count(level) > 1})
        if twice:
            raise RongheError(f"{WHERE}: {key}: {listing(twice)} is given twice; keep one")
    for term in multiverse.terms.values():
        if term.operation == "shift_share":
            raise RongheError(f"{WHERE}: '{term.name}' is an instrument; name variables, lags, logs or products")
    both = sorted(set(multiverse.levels("treatment")) & set(multiverse.levels("outcome")))
    if both:
        raise RongheError(f"{WHERE}: {listing(both)} is treatment and outcome at once; leave it out of one of the two")


def _check_controls(multiverse: Multiverse) -> None:
    controls, n = multiverse.entry.get("controls", {}), len(multiverse.choose)
    both = sorted(set(multiverse.always) & set(multiverse.choose))
    if both:
        raise RongheError(f"{WHERE}: controls: {listing(both)} stands under always and under choose; keep one")
    taken = set(multiverse.levels("treatment")) | set(multiverse.levels("outcome"))
    for name in (*multiverse.always, *multiverse.choose):
        if name in taken:
            raise RongheError(f"{WHERE}: controls: '{name}' is a treatment or an outcome too; leave it out of one")
    if n > MOST_CONTROLS and not controls.get("sampled"):
        raise RongheError(
            f"{WHERE}: controls: {n} controls have 2^{n} subsets; say with `sampled` how many of them to draw, or name "
            f"at most {MOST_CONTROLS}"
        )


def _check_exclusions(multiverse: Multiverse) -> None:
    for k, exclusion in enumerate(multiverse.entry["exclude"], 1):
        where = f"{WHERE}: exclude, number {k}"
        for choice in CHOICES:
            named = exclusion.get(choice, [])
            for level in named if isinstance(named, list) else [named]:
                require_known(level, multiverse.levels(choice), choice, where)
        for term in exclusion.get("controls", []):
            require_known(parse(term).name, multiverse.choose, "control to choose from", where)
        if "covariance" in exclusion:
            raise RongheError(f"{where}: a covariance changes no estimate; leave it out of `covariances` instead")
        if not set(exclusion) & {*CHOICES, "controls"}:
            raise RongheError(f"{where}: it names no choice, so that it would take everything; name at least one")
