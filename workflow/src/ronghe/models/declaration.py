"""What the configuration may say about the models stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ronghe.errors import RongheError, listing, require_known
from ronghe.measures.declaration import KINDS as MEASURE_KINDS
from ronghe.measures.declaration import columns as measure_columns
from ronghe.models.kinds import KINDS, REGRESSION, TERM_KEYS, WEIGHTS_KEYS, Kind, estimator
from ronghe.models.terms import Term, parse_all

FOLDER = "results/models"


def check(config: dict) -> None:
    """Check every specification against the names that are declared; raise RongheError at the first fault."""
    for kind, defaults in config.get("specification_defaults", {}).get("by_kind", {}).items():
        where = "specification_defaults: by_kind"
        require_known(kind, KINDS, "kind", where)
        for key in defaults:
            require_known(key, KINDS[kind].allowed, f"key for the kind {kind}", where)
    for name in config.get("samples", {}):
        _check_sample(name, config)
    for name in entries(config):
        _check_entry(name, config)
    _check_validation(config)


def _check_validation(config: dict) -> None:
    """Check that the Monte Carlo draws from a spatial specification."""
    validation = config.get("validation")
    if validation:
        require_known(validation.get("of", ""), config.get("specifications", {}), "specification", "validation: of")
        kind = config["specifications"][validation["of"]]["kind"]
        if kind != "spatial":
            raise RongheError(f"validation: of: '{validation['of']}' is of the kind {kind}; name a spatial one")


def check_variables(config: dict, panel: Iterable[str], tables: Iterable[str]) -> None:
    """Check every variable and long table of every specification against the columns that the dataset declares."""
    panel, tables = list(panel), list(tables)
    for name, specification in specifications(config).items():
        for variable in variables(specification):
            if "." not in variable:
                require_known(variable, panel, "variable", f"specification '{name}'")
        for table in long_tables(specification):
            require_known(table, tables, "long table", f"specification '{name}'")


def entries(config: dict) -> dict[str, dict]:
    """Return the specifications declared for the dataset of this run, or for any dataset."""
    here = config.get("dataset")
    general = config.get("specification_defaults", {}).get("dataset", here)
    declared = config.get("specifications", {})
    return {name: entry for name, entry in declared.items() if entry.get("dataset", general) == here}


def specifications(config: dict) -> dict[str, dict]:
    """Return every specification complete: defaults filled in, its sample and the entries it builds on written out."""
    return {name: complete(name, config) for name in entries(config)}


def complete(name: str, config: dict) -> dict:
    """Return one specification as the estimator receives it; what is only for readers (`about`) stays out."""
    entry = config["specifications"][name]
    kind = KINDS[entry["kind"]]
    defaults = dict(config.get("specification_defaults", {}))
    defaults |= defaults.pop("by_kind", {}).get(entry["kind"], {})
    merged = {k: v for k, v in {**defaults, **entry}.items() if k in kind.allowed and k not in ("about", "dataset")}
    sample = merged.get("sample", "all")
    rows = {k: v for k, v in config.get("samples", {}).get(sample, {}).items() if k != "about"}
    result = {**merged, "name": name, "sample_name": sample, "sample": rows}
    shared = shared_indicators(result, config)
    if shared:
        result["shared_indicators"] = shared
    if "of" in entry:
        result["of"] = complete(entry["of"], config)
    if "family" in entry:
        result["family"] = [complete(member, config) for member in entry["family"]]
    return result


def shared_indicators(specification: dict, config: dict) -> list[str]:
    """Return the variables of the panel that both the outcome and a variable of interest are made of.

    Where there are some, outcome and treatment move together by construction, and fit.json says so.
    """
    made_of = {
        key: {v for t in _terms_of(specification, key) for name in t.variables for v in base_variables(name, config)}
        for key in ("outcome", "treatment", "mediator")
    }
    return sorted(made_of["outcome"] & (made_of["treatment"] | made_of["mediator"]))


def base_variables(variable: str, config: dict) -> set[str]:
    """Return the variables of the clean panel that a column of a measure rests on, through other measures too."""
    measure = variable.partition(".")[0]
    entry = config.get("measures", {}).get(measure)
    if "." not in variable or entry is None:
        return {variable}
    return {base for used in MEASURE_KINDS[entry["kind"]].uses(entry) for base in base_variables(used, config)}


def parts(specification: dict) -> Iterator[dict]:
    """Return a complete specification and those it builds on."""
    yield specification
    if "of" in specification:
        yield from parts(specification["of"])
    for member in specification.get("family", []):
        yield from parts(member)


def variables(specification: dict) -> list[str]:
    """Return every variable that a complete specification reads, as the panel and the measures name them."""
    found: dict[str, None] = {}
    for part in parts(specification):
        for term in terms(part):
            found.update(dict.fromkeys(term.variables))
        for holder in (part["sample"], part.get("groups", {})):
            if "level" in holder:
                found[holder["level"]["of"]] = None
    return list(found)


def measures(specification: dict) -> list[str]:
    """Return the measures that a complete specification names."""
    return sorted({v.partition(".")[0] for v in variables(specification) if "." in v})


def weights(specification: dict) -> list[str]:
    """Return the weights that a complete specification names."""
    found = set()
    for part in parts(specification):
        for key in WEIGHTS_KEYS:
            value = part.get(key, [])
            found.update(value if isinstance(value, list) else [value])
    return sorted(found)


def long_tables(specification: dict) -> list[str]:
    """Return the long tables (such as employment by sector) that shift-share terms of a specification read."""
    shares = [t for part in parts(specification) for t in terms(part) if t.operation == "shift_share"]
    return sorted({str(dict(t.options)["table"]) for t in shares})


def modules(specification: dict) -> list[str]:
    """Return the modules whose code a complete specification runs: those of its kind and of what it builds on."""
    found = {estimator(part["kind"]) for part in parts(specification)}
    if long_tables(specification):
        found.add("ronghe.models.design.shift_share")
    return sorted(found)


def needs_regions(specification: dict) -> bool:
    """Return whether a specification looks at attributes or positions of the regions."""
    return any(
        part.get("covariance") == "conley" or "where" in part["sample"] or "attribute" in part.get("groups", {})
        for part in parts(specification)
    )


def needs_flags(specification: dict) -> bool:
    """Return whether a specification leaves out flagged cells."""
    return any("without_flags" in part["sample"] for part in parts(specification))


def inputs(specification: dict) -> dict[str, str | list[str]]:
    """Return the files that a complete specification reads, by the names under which its script knows them."""
    return {
        "panel": "data/processed/panel.parquet",
        "measures": [f"results/measures/{name}/panel.csv" for name in measures(specification)],
        "weights": [f"results/weights/{name}/edges.csv" for name in weights(specification)],
        "tables": [f"data/processed/{name}.csv" for name in long_tables(specification)],
        "regions": ["data/processed/regions.csv"] if needs_regions(specification) else [],
        "flags": ["data/processed/flags.csv"] if needs_flags(specification) else [],
    }


def outputs(*further: str) -> dict[str, str]:
    """Return the files that every kind writes, and the further tables of some, for the wildcard `spec`."""
    tables = ("coefficients", "covariance", "impacts", "tests", *further)
    return {"fit": f"{FOLDER}/{{spec}}/fit.json", **{name: f"{FOLDER}/{{spec}}/{name}.csv" for name in tables}}


def pattern(config: dict, table: str | None = None) -> str:
    """Return the pattern of the specifications whose kind writes this further table; without one, those with none."""
    names = [
        name
        for name, entry in entries(config).items()
        if (table in KINDS[entry["kind"]].tables if table else not KINDS[entry["kind"]].tables)
    ]
    return "|".join(map(re.escape, names)) or "(?!)"


def terms(specification: dict) -> list[Term]:
    """Return every term of a complete specification, of all its keys."""
    return [term for key in TERM_KEYS for term in _terms_of(specification, key)]


def _terms_of(specification: dict, key: str) -> list[Term]:
    if not specification.get(key):
        return []
    return parse_all(specification[key], f"specification '{specification['name']}': {key}")


def _check_entry(name: str, config: dict) -> None:
    where = f"specification '{name}'"
    entry = config["specifications"][name]
    if "kind" not in entry:
        raise RongheError(f"{where}: the key 'kind' is missing (allowed: {listing(KINDS, 40)})")
    require_known(entry["kind"], KINDS, "kind", where)
    kind = KINDS[entry["kind"]]
    for key in entry:
        require_known(key, kind.allowed, f"key for the kind {entry['kind']}", where)
    for key in ("of", *(["family"] if "family" in entry else [])):
        for other in _as_list(entry.get(key)):
            require_known(other, entries(config), "specification", where)
            require_known(config["specifications"][other].get("kind"), kind.bases, f"kind for '{key}'", where)
    require_known(entry.get("sample", "all"), ["all", *config.get("samples", {})], "sample", where)
    specification = complete(name, config)
    _check_required(specification, kind, where)
    _check_names(specification, config, where)
    _check_combination(specification, kind, config, where)


def _check_required(specification: dict, kind: Kind, where: str) -> None:
    for key in kind.required:
        if not specification.get(key):
            raise RongheError(
                f"{where}: the kind {specification['kind']} needs the key '{key}'; "
                "add it to the entry or to specification_defaults"
            )


def _check_names(specification: dict, config: dict, where: str) -> None:
    """Check variables, weights, covariance and effects of a complete specification against what is declared."""
    columns = measure_columns(config)
    for variable in variables(specification):
        if "." in variable:
            require_known(variable.partition(".")[0], config.get("measures", {}), f"measure (in '{variable}')", where)
            require_known(variable, columns, "variable", where)
    for name in weights(specification):
        require_known(name, config.get("weights", {}), "weights", where)
    kind = KINDS[specification["kind"]]
    if kind.covariances and "covariance" in specification:
        require_known(specification["covariance"], kind.covariances, f"covariance for {specification['kind']}", where)
    if kind.effects and "effects" in specification:
        require_known(specification["effects"], kind.effects, f"effects for {specification['kind']}", where)


def _check_combination(specification: dict, kind: Kind, config: dict, where: str) -> None:
    """Refuse combinations that no estimator can carry out."""
    if "outcome" in specification and "treatment" in specification:
        outcome = parse_all(specification["outcome"], where)[0].name
        names = [t.name for key in REGRESSION[1:3] if specification.get(key) for t in parse_all(specification[key])]
        if outcome in names:
            raise RongheError(f"{where}: '{outcome}' is both the outcome and a regressor; take it out of one of them")
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise RongheError(f"{where}: {listing(twice)}: the same regressor twice; a treatment is no control")
    if specification.get("covariance") == "conley" and "cutoff_km" not in specification:
        raise RongheError(f"{where}: a conley covariance needs cutoff_km, beyond which regions are unrelated")
    _check_standardisation(specification, kind, config, where)
    if kind.fault:
        fault = kind.fault(specification)
        if fault:
            raise RongheError(f"{where}: {fault}")


def _check_standardisation(specification: dict, kind: Kind, config: dict, where: str) -> None:
    """Refuse period effects by Lee and Yu's transformation where the rows of W do not sum to one."""
    effects = specification.get("effects", "twoways")
    if "method" not in kind.allowed or effects not in ("time", "twoways") or specification.get("method") == "lsdv":
        return
    if specification.get("model") in ("ols", "slx"):
        return
    for name in weights(specification):
        way = config["weights"][name].get("standardise", "row")
        if way != "row":
            raise RongheError(
                f"{where}: weights '{name}' are standardised '{way}', and with {effects} effects the method lee_yu "
                "needs rows that sum to one; choose method: lsdv, effects: units, or other weights"
            )


def _check_sample(name: str, config: dict) -> None:
    where = f"sample '{name}'"
    sample = config["samples"][name]
    if name == "all":
        raise RongheError(f"{where}: this name stands for the whole panel; choose another")
    years = sample.get("years")
    if years and years[0] > years[1]:
        raise RongheError(f"{where}: years: {years[0]} comes after {years[1]}; write the first year first")


def _as_list(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]
