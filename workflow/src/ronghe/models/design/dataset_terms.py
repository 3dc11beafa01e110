"""Checks what samples and specifications say of flags, sectors, attributes and years against the dataset."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.clean.variables import FLAG_KINDS, families, sample_years
from ronghe.errors import RongheError, require_known
from ronghe.models.declaration import parts, specifications, terms


def check(config: dict, dataset: dict, known: Iterable[str]) -> None:
    """Check samples, groups and shift-share terms; raise RongheError at the first fault."""
    known, years = list(known), sample_years(dataset)
    for name, sample in config.get("samples", {}).items():
        _check_sample(sample, f"sample '{name}'", dataset, known, years)
    for name, specification in specifications(config).items():
        for part in parts(specification):
            _check_part(part, f"specification '{name}'", dataset, years)


def _check_sample(sample: dict, where: str, dataset: dict, known: list[str], years: list[int]) -> None:
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
    for term in terms(part):
        if term.operation == "shift_share":
            options = dict(term.options)
            sectors = families(dataset)[options["table"]]
            for sector in (*options["sectors"], *([options["total"]] if "total" in options else [])):
                require_known(sector, sectors, "sector", f"{where}: shift_share")
            if options["base_year"] not in years:
                raise RongheError(f"{where}: shift_share: base_year {options['base_year']} is not in {_span(years)}")


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
