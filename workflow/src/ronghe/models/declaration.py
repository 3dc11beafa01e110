"""What the configuration may say about the models stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ronghe.measures.declaration import KINDS as MEASURE_KINDS
from ronghe.models.kinds import KINDS, TERM_KEYS, WEIGHTS_KEYS, as_list, estimator, without_idle
from ronghe.models.terms import Term, parse_all

FOLDER = "<results>/models"


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
    general = dict(config.get("specification_defaults", {}))
    said = {**general, **general.pop("by_kind", {}).get(entry["kind"], {}), **entry}
    said = {k: v for k, v in said.items() if k in kind.allowed and k not in ("about", "dataset")}
    merged = without_idle({**kind.defaults, **said}, entry)
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
            found.update(as_list(part.get(key)))
    return sorted(found)


def long_tables(specification: dict) -> list[str]:
    """Return the long tables (such as employment by sector) that shift-share terms of a specification read."""
    shares = [t for part in parts(specification) for t in terms(part) if t.operation == "shift_share"]
    return sorted({str(dict(t.options)["table"]) for t in shares})


def modules(specification: dict) -> list[str]:
    """Return the modules whose code a complete specification runs: those of its kind and of what it builds on."""
    return sorted({estimator(part["kind"]) for part in parts(specification)})


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
        "panel": "<processed>/panel.parquet",
        "measures": [f"<results>/measures/{name}/panel.csv" for name in measures(specification)],
        "weights": [f"<results>/weights/{name}/edges.csv" for name in weights(specification)],
        "tables": [f"<processed>/{name}.csv" for name in long_tables(specification)],
        "regions": ["<processed>/regions.csv"] if needs_regions(specification) else [],
        "flags": ["<processed>/flags.csv"] if needs_flags(specification) else [],
    }


def outputs(kind: str) -> dict[str, str]:
    """Return the files that a kind writes, those of every kind and its own further tables, for the wildcard `spec`."""
    tables = ("coefficients", "covariance", "impacts", "tests", *KINDS[kind].tables)
    return {"fit": f"{FOLDER}/{{spec}}/fit.json", **{name: f"{FOLDER}/{{spec}}/{name}.csv" for name in tables}}


def kinds_used(config: dict) -> dict[str, str]:
    """Return the kinds that the specifications of this run name, each with a line on what it does."""
    used = {entry["kind"] for entry in entries(config).values()}
    return {name: kind.about for name, kind in KINDS.items() if name in used}


def pattern(config: dict, kind: str) -> str:
    """Return the pattern of the names of all specifications of a kind."""
    names = [name for name, entry in entries(config).items() if entry["kind"] == kind]
    return "|".join(map(re.escape, names)) or "(?!)"


def terms(specification: dict) -> list[Term]:
    """Return every term of a complete specification, of all its keys."""
    return [term for key in TERM_KEYS for term in _terms_of(specification, key)]


def _terms_of(specification: dict, key: str) -> list[Term]:
    if not specification.get(key):
        return []
    return parse_all(specification[key], f"specification '{specification['name']}': {key}")
