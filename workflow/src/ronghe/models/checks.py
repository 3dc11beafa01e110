"""Every refusal of a specification, before any job starts: names, combinations, samples, and what the dataset lacks."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.clean.variables import FLAG_KINDS, families, sample_years
from ronghe.errors import RongheError, listing, require_known
from ronghe.measures.declaration import columns as measure_columns
from ronghe.models.declaration import (
    complete,
    entries,
    long_tables,
    parts,
    specifications,
    terms,
    variables,
    weights,
)
from ronghe.models.kinds import FEW_CLUSTERS, KINDS, REGRESSION, Kind, as_list, one_way
from ronghe.models.terms import parse_all


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


def check_against_dataset(config: dict, dataset: dict, known: Iterable[str]) -> None:
    """Check samples, groups and shift-share terms; raise RongheError at the first fault."""
    known, years = list(known), sample_years(dataset)
    for name, sample in config.get("samples", {}).items():
        _check_sample_of_dataset(sample, f"sample '{name}'", dataset, known, years)
    for name, specification in specifications(config).items():
        for part in parts(specification):
            _check_part(part, f"specification '{name}'", dataset, years)


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
        for other in as_list(entry.get(key)):
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
        own = {t.name for t in parse_all(specification.get("instruments", []), where)}
        names = [t.name for key in REGRESSION[1:3] if specification.get(key) for t in parse_all(specification[key])]
        if outcome in names:
            raise RongheError(f"{where}: '{outcome}' is both the outcome and a regressor; take it out of one of them")
        if own & {outcome, *names}:
            raise RongheError(
                f"{where}: {listing(sorted(own & {outcome, *names}))}: an instrument is neither the outcome nor a "
                "regressor; take it out of one of them"
            )
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise RongheError(f"{where}: {listing(twice)}: the same regressor twice; a treatment is no control")
    if specification.get("covariance") == "conley" and "cutoff_km" not in specification:
        raise RongheError(f"{where}: a conley covariance needs cutoff_km, beyond which regions are unrelated")
    _check_few_clusters(specification, where)
    _check_standardisation(specification, kind, config, where)
    if kind.fault:
        fault = kind.fault(specification)
        if fault:
            raise RongheError(f"{where}: {fault}")


def _check_few_clusters(specification: dict, where: str) -> None:
    """Refuse small-sample settings where they would be ignored."""
    given = [key for key in FEW_CLUSTERS if key in specification]
    if given and not one_way(specification):
        raise RongheError(
            f"{where}: {listing(given)}: for errors clustered by units alone; set covariance: clustered and "
            "cluster: units, or leave the keys out"
        )
    spatial = specification["kind"] in ("spatial", "spatial_threshold")
    if not spatial and specification.get("small_sample") in ("none", "parameters", "working_pairs"):
        instead = "corrected" if specification["small_sample"] == "working_pairs" else "CR1"
        raise RongheError(
            f"{where}: small_sample: '{specification['small_sample']}' is for the kinds spatial and "
            f"spatial_threshold; choose {instead}"
        )


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


def _check_sample_of_dataset(sample: dict, where: str, dataset: dict, known: list[str], years: list[int]) -> None:
    flags = sample.get("without_flags", {})
    for variable in flags.get("variables", []):
        require_known(variable, known, "variable", f"{where}: without_flags")
    for kind in flags.get("kinds", []):
        require_known(kind, FLAG_KINDS, "kind of flag", f"{where}: without_flags")
    for attribute in sample.get("where", {}):
        require_known(attribute, _attributes(dataset), "column of the regions table", f"{where}: where")
    if "years" in sample:
        _check_period(sample["years"], years, f"{where}: years")


def _check_part(part: dict, where: str, dataset: dict, years: list[int]) -> None:
    groups = part.get("groups", {})
    if "attribute" in groups:
        require_known(groups["attribute"], _attributes(dataset), "column of the regions table", f"{where}: groups")
    for period, ends in groups.get("periods", {}).items():
        _check_period(ends, years, f"{where}: groups: {period}")
    require_disjoint(groups, f"{where}: groups")
    for term in terms(part):
        if term.operation == "shift_share":
            options = dict(term.options)
            sectors = families(dataset)[options["table"]]
            for sector in (*options["sectors"], *([options["total"]] if "total" in options else [])):
                require_known(sector, sectors, "sector", f"{where}: shift_share")
            if options["base_year"] not in years:
                raise RongheError(f"{where}: shift_share: base_year {options['base_year']} is not in {_span(years)}")


def require_disjoint(groups: dict, where: str) -> None:
    """Refuse groups of which a year or a region would belong to two."""
    owner: dict[object, str] = {}
    members = {name: range(first, last + 1) for name, (first, last) in groups.get("periods", {}).items()}
    for name, held in {**members, **groups.get("regions", {})}.items():
        if "regions" in groups and name == "other":
            raise RongheError(f"{where}: 'other' is the group of all regions that no group names; choose another name")
        for member in held:
            if member in owner:
                both = f"'{owner[member]}' and '{name}'" if owner[member] != name else f"'{name}' twice"
                raise RongheError(f"{where}: {member} stands in {both}; keep it in one")
            owner[member] = name


def _attributes(dataset: dict) -> list[str]:
    return [key for key in dataset["regions"]["columns"] if key != "region"]


def _check_period(ends: list[int], years: list[int], where: str) -> None:
    first, last = ends
    if first > last:
        raise RongheError(f"{where}: {first} comes after {last}; write the first year first")
    if last < years[0] or first > years[-1]:
        raise RongheError(f"{where}: {first}-{last} has no year of {_span(years)}")


def _span(years: list[int]) -> str:
    return f"the panel's {years[0]}-{years[-1]} (sample.years of the dataset)"
