"""What composite indices, couplings and the comparisons of them use and yield; standard library only."""

from __future__ import annotations

from ronghe.measures.kinds import PANEL, Kind

RESERVED = ("index", "rank")


def _dimensions(entry: dict) -> list[str]:
    return list(dict.fromkeys(i["dimension"] for i in entry["indicators"].values() if "dimension" in i))


def _index_columns(entry: dict) -> dict[str, str]:
    weighting = entry.get("weighting", "entropy")
    aggregation = entry.get("aggregation", "additive")
    bounds = "over all years" if entry.get("scaling", "pooled") == "pooled" else "within each year"
    shift = f" (shift {entry.get('shift', 0.0001)})" if weighting == "entropy" else ""
    columns = {
        "index": f"{aggregation} index in [0, 1] of indicators scaled by min-max {bounds}, {weighting} weights{shift}",
        "rank": "rank of the index within its year, 1 the highest",
    }
    return columns | {d: f"sub-index of the dimension {d}, its weights scaled to one" for d in _dimensions(entry)}


def _index_faults(entry: dict) -> list[str]:
    return [f"a dimension may not be called '{d}'" for d in _dimensions(entry) if d in RESERVED]


def _coupling_columns(entry: dict) -> dict[str, str]:
    return {
        "coupling": "C = k (product of U_i)^(1/k) / sum of U_i",
        "development": "T = weighted mean of the U_i",
        "coordination": "D = sqrt(C T)",
        "coupling_modified": "Wang et al. (2021): sqrt((1 - mean |U_i - U_j|) (product of U_i/max U)^(1/(k-1)))",
        "coordination_modified": "D = sqrt(C T) with the modified C",
        "grade": "1 (extreme imbalance) to 10 (high-quality coordination): steps of 0.1 of coordination",
        "grade_modified": "the same steps of coordination_modified",
    }


def _coupling_faults(entry: dict) -> list[str]:
    names, weights = list(entry["subsystems"]), entry.get("weights")
    if weights is None:
        return []
    if sorted(weights) != sorted(names):
        return [f"weights are for {', '.join(weights)}, the subsystems are {', '.join(names)}"]
    total = sum(weights.values())
    return [] if abs(total - 1) < 1e-9 else [f"weights of the subsystems add to {total}, not to 1"]


KINDS = {
    "index": Kind(
        tables={
            PANEL: "a region in a year: the index, its rank and its sub-indices",
            "weights.csv": "an indicator: its direction, dimension, bounds and weight",
            "scores.csv": "a region in a year: every indicator scaled to [0, 1], more is better",
            "contributions.csv": "a region in a year: what every indicator adds to the index",
            "intervals.csv": "a region in a year: interval of index and rank from resampling regions",
        },
        yields=_index_columns,
        uses=lambda entry: list(entry["indicators"]),
        faults=_index_faults,
    ),
    "weighting_comparison": Kind(
        tables={
            "summary.csv": "two indices: mean Spearman and Kendall correlation over years, and over all region-years",
            "correlations.csv": "two indices in a year: Spearman and Kendall correlation of their ranks",
            "shifts.csv": "an index against the first: mean and largest change of rank, and the region concerned",
        },
        uses=lambda entry: [f"{name}.index" for name in entry["indices"]],
        reads=lambda entry: list(entry["indices"]),
        reads_kinds=("index",),
    ),
    "coupling": Kind(
        tables={
            PANEL: "a region in a year: coupling, development, coordination and grade",
            "states.csv": "a region in a year: grades in words, the lagging subsystem and its gap",
            "obstacles.csv": "a region in a year: share of every indicator in the shortfall of all subsystems",
            "obstacle_ranking.csv": "an indicator in a year: its mean share over regions and its rank",
        },
        yields=_coupling_columns,
        uses=lambda entry: list(entry["subsystems"].values()),
        faults=_coupling_faults,
    ),
    "pair_comparison": Kind(
        tables={
            "comparison.csv": "a coupling in a year and group of regions: mean coordination, spread, lagging side",
            "correlations.csv": "two couplings: correlation of coordination over all region-years",
        },
        uses=lambda entry: [f"{name}.coordination" for name in entry["couplings"]],
        reads=lambda entry: list(entry["couplings"]),
        reads_kinds=("coupling",),
    ),
    "grey_relation": Kind(
        tables={
            PANEL: "a region in a year: mean grey relational coefficient of all indicator pairs",
            "grades.csv": "a pair of indicators, one of each system: grey relational grade",
        },
        yields=lambda entry: {
            "relation": "mean over indicator pairs of (min + rho max)/(gap + rho max), gaps of scaled indicators"
        },
        reads=lambda entry: [entry["first"], entry["second"]],
        reads_kinds=("index",),
    ),
    "synergy": Kind(
        tables={PANEL: "a region in a year: synergy degree of the composite system since the base year"},
        yields=lambda entry: {
            "synergy": "geometric mean of the absolute changes of order degree, negative unless all subsystems rose"
        },
        uses=lambda entry: list(entry["subsystems"].values()),
    ),
}
