"""Stages for a dataset that brings none of its own: measures, weights, specifications and tables for its variables."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from ronghe.clean.units import Units
from ronghe.clean.variables import derivations, families, variables
from ronghe.errors import RongheError

MARK = "# GUESS: "
OUTCOMES = ("log_gdp_per_head", "log_gdp")
# Of producer services: what the first measure sets beside manufacturing, in the names of sectors that we know.
PRODUCER_SERVICES = ("transport", "information", "finance", "leasing_business", "research_technical")
CONTROLS = 2


def stages(dataset: dict, where: str, weights: Iterable[str] = (), islands: bool = False) -> dict[str, str]:
    """Return the text of each stage's file for a dataset; `weights` are lines of further entries of weights.yaml.

    A variable is what is explained, and what explains it, by its form alone: logarithms first, then shares, then the
    rest in the order of the declaration. Every choice of that kind is marked as a guess.
    """
    measures, index = _measures(dataset)
    own, main = _weights(dataset, weights, islands)
    ranked = [*index, *_ranked(dataset, where)]
    if len(ranked) < 2:
        raise RongheError(
            f"{where}: one variable only ({', '.join(ranked) or 'none'}): a model needs another that explains it; "
            "declare more, or write stages of your own (docs/own-data.md)"
        )
    outcome = next((name for name in OUTCOMES if name in ranked), next(n for n in ranked if n not in index))
    others = [name for name in ranked if name != outcome and name not in ("log_gdp", "log_population")]
    others = others or [name for name in ranked if name != outcome]
    treatment, controls = others[0], others[1 : 1 + CONTROLS]
    # Few regions: the intervals that hold best on panels unlike ours (docs/inference.md).
    kinds = ["fixed_effects: { small_sample: corrected }"]
    kinds += [f"spatial: {{ weights: {main}, small_sample: CR3, df: working }}"] if main else []
    specifications = [
        "specification_defaults:",
        f"  outcome: {outcome} {MARK}what is explained",
        f"  treatment: {treatment} {MARK}what explains it",
        f"  controls: [{', '.join(controls)}] {MARK}what is held constant",
        *("  effects: twoways", "  covariance: clustered", "  cluster: units"),
        f"  by_kind: {{ {', '.join(kinds)} }}",
        "\nspecifications:\n  baseline: { kind: fixed_effects }",
        *(["  durbin: { kind: spatial }"] if main else []),
    ]
    tables = [
        "tables:\n  summary:\n    kind: summary",
        "    caption: { en: Summary statistics, zh: 描述性统计 }",
        f"    variables: [{', '.join([outcome, treatment, *controls])}]",
        "  baseline:\n    kind: regression\n    caption: { en: Regressions, zh: 回归结果 }",
        f"    columns: [{'baseline, durbin' if main else 'baseline'}]",
    ]
    if main:
        tables.append(
            "  effects:\n    kind: impacts\n    caption: { en: Direct and indirect effects, zh: 直接与间接效应 }"
        )
        tables.append("    columns: [durbin]")
    return {
        "measures": measures,
        "weights": "\n".join(["weights:", *own]) if own else "weights: {}",
        "specifications": "\n".join(specifications),
        "tables": "\n".join(tables),
    }


def _ranked(dataset: dict, where: str) -> list[str]:
    """Return the variables that a model may take: logarithms, then plain numbers, then all others."""
    units = Units(dataset["units"], where)
    sectors = {f"{family}_{sector}" for family, members in families(dataset).items() for sector in members}
    derived = derivations(dataset, where)
    logs = [one.name for one in derived if one.operation == "log"]
    rest = [one for one in (*variables(dataset, where).values(), *derived) if one.name not in {*sectors, *logs}]
    plain = [one.name for one in rest if not units.resolve(one.unit, one.entry)[0]]
    # The operands of a logarithm would say the same again.
    known = {operand for one in derived if one.operation == "log" for operand in one.operands}
    return [*logs, *plain, *(one.name for one in rest if one.name not in {*plain, *known})]


def _measures(dataset: dict) -> tuple[str, list[str]]:
    """Return the text of the measures, and the column that models can take: co-agglomeration where sectors allow it."""
    known = {*variables(dataset), *(one.name for one in derivations(dataset))}
    for family, members in families(dataset).items():
        partners = [f"{family}_{sector}" for sector in PRODUCER_SERVICES if sector in members]
        if "manufacturing" in members and partners and f"{family}_total" in known:
            entry = f"    kind: coagglomeration\n    total: {family}_total\n    industry: [{family}_manufacturing]\n"
            return f"measures:\n  coagglomeration:\n{entry}    partner: [{', '.join(partners)}]", [
                "coagglomeration.index"
            ]
    return "measures: {}", []


def _weights(dataset: dict, further: Iterable[str], islands: bool) -> tuple[list[str], str | None]:
    """Return the lines of the weights that regions and their borders allow, and the name that models take."""
    lines = []
    if "adjacency" in dataset:
        keep = f", islands: keep }} {MARK}a region without neighbour keeps an empty row" if islands else " }"
        lines.append(f"  contiguity: {{ kind: contiguity{keep}")
    if {"longitude", "latitude"} <= set(dataset["regions"]["columns"]):
        lines.append("  inverse_distance: { kind: inverse_distance }")
    lines += further
    return lines, lines[0].split(":")[0].strip() if lines else None


def in_memory(dataset: dict, where: str) -> dict[str, dict]:
    """Return the same stages as the configuration has them once their files are read."""
    return {name: yaml.safe_load(text) for name, text in stages(dataset, where).items()}
