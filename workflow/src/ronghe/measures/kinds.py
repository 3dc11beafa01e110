"""The kinds of measure: what each uses, the tables it writes and the columns it yields; standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ronghe.errors import listing, nearest

PANEL = "panel.csv"


def _nothing(entry: dict) -> list[str]:
    return []


def _no_columns(entry: dict) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Kind:
    """What may be known of a kind of measure before any job runs.

    `tables` says of each file what one row of it is; `yields` gives the columns of panel.csv with their
    definitions; `uses` the variables (of the clean panel, or NAME.column of another measure); `reads` the
    measures whose other tables are read as well, and `reads_kinds` the kinds that these must have.
    """

    tables: Mapping[str, str]
    yields: Callable[[dict], dict[str, str]] = _no_columns
    uses: Callable[[dict], list[str]] = _nothing
    reads: Callable[[dict], list[str]] = _nothing
    reads_kinds: tuple[str, ...] = ()
    faults: Callable[[dict], list[str]] = field(default=_nothing)

    @property
    def main(self) -> str:
        """Return the file that stands for the whole measure: panel.csv where there is one."""
        return next(iter(self.tables))


def groups_of(sectors: Mapping[str, list[str]]) -> list[str]:
    """Return every variable that named groups of columns name."""
    return [variable for group in sectors.values() for variable in group]


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


def _coagglomeration_columns(entry: dict) -> dict[str, str]:
    columns = {"location_quotient_industry": "location quotient of the industry: (e_ir/e_r)/(E_i/E), per year"}
    for suffix, who in [("", "all partners"), *((f"_{b}", b) for b in entry.get("branches", {}))]:
        columns |= {
            f"index{suffix}": f"co-agglomeration of the industry and {who}: quality + height",
            f"quality{suffix}": f"1 - |LQ_i - LQ_p|/(LQ_i + LQ_p), p: {who}",
            f"height{suffix}": f"LQ_i + LQ_p, p: {who}",
            f"location_quotient{suffix or '_partner'}": f"location quotient of {who}",
        }
    return columns


def _coagglomeration_uses(entry: dict) -> list[str]:
    return [*entry["industry"], *entry["partner"], *groups_of(entry.get("branches", {})), entry["total"]]


def _coagglomeration_faults(entry: dict) -> list[str]:
    shared = sorted(set(entry["industry"]) & set(entry["partner"]))
    clash = {"industry", "partner"} & set(entry.get("branches", {}))
    return [f"'{v}' is on both sides" for v in shared] + [f"a branch may not be called '{b}'" for b in sorted(clash)]


def _structure_columns(entry: dict) -> dict[str, str]:
    columns = {
        "specialisation": "sum over sectors of |share here - share in all other regions| (Ezcurra et al. 2006)",
        "diversification": "relative diversity seen by each sector, weighted by its share (Combes 2000)",
        "dissimilarity": "Krugman dissimilarity of the sector structure from that of all other regions, 0 to 2",
        "herfindahl": "sum of squared sector shares in the region",
    }
    if "area" in entry:
        columns["density"] = f"employment of the sectors per unit of {entry['area']}"
    return columns


def _sector_pairs_faults(entry: dict) -> list[str]:
    sectors = list(entry["sectors"])
    return [
        f"groups.{group}: unknown sector '{sector}'{nearest(sector, sectors)} (allowed: {listing(sectors, 40)})"
        for group, members in entry.get("groups", {}).items()
        for sector in members
        if sector not in sectors
    ]


def _with(entry: dict, *optional: str) -> list[str]:
    return groups_of(entry["sectors"]) + [entry[key] for key in optional if key in entry]


def _linkage_faults(entry: dict) -> list[str]:
    services, makers = entry["services"], entry["manufacturing"]
    grouped = [s for key in ("groups", "service_groups") for group in entry.get(key, {}).values() for s in group]
    return [
        *(f"'{s}' is both a service and a manufacturing sector" for s in services if s in makers),
        *(f"'{s}' is in a group but not among the sectors" for s in grouped if s not in [*services, *makers]),
        *(f"'{s}' is in more than one group" for s in sorted({s for s in grouped if grouped.count(s) > 1})),
    ]


def _variables(entry: dict) -> list[str]:
    return [*entry["inputs"], *entry["outputs"], *entry.get("bads", [])]


def _productivity_faults(entry: dict) -> list[str]:
    names = _variables(entry)
    faults = [f"'{name}' has more than one part" for name in sorted({n for n in names if names.count(n) > 1})]
    if entry.get("distance") == "directional" and entry.get("returns") == "variable":
        faults.append("the directional distance is for constant returns")
    return faults


def _productivity_columns(entry: dict) -> dict[str, str]:
    how = "1/(1 + directional distance)" if entry.get("distance") == "directional" else "slacks-based measure"
    scale = f"{entry.get('returns', 'constant')} returns"
    return {
        "efficiency": f"{how} against the frontier of all years, {scale}, between 0 and 1",
        "efficiency_own_year": f"{how} against the frontier of the same year, {scale}",
        "index": "global Malmquist-Luenberger index on the year before; none in the first year",
        "efficiency_change": "the part of the index that is catching up with the year's frontier",
        "technical_change": "the part of the index that is movement of the frontier",
        "cumulative": "product of the indices since the first year, where it is 1",
    }


KINDS: dict[str, Kind] = {
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
    "location_quotient": Kind(
        tables={PANEL: "a region in a year: location quotient of every sector"},
        yields=lambda entry: {s: f"(e_ir/e_r)/(E_i/E) of {s}, per year" for s in entry["sectors"]},
        uses=lambda entry: _with(entry, "total"),
    ),
    "coagglomeration": Kind(
        tables={PANEL: "a region in a year: co-agglomeration with its parts and the location quotients"},
        yields=_coagglomeration_columns,
        uses=_coagglomeration_uses,
        faults=_coagglomeration_faults,
    ),
    "sector_pairs": Kind(
        tables={
            "pairs.csv": "two sectors in a year: pairwise co-agglomeration (Ellison, Glaeser and Kerr 2010)",
            "matrix.csv": "a sector: its mean co-agglomeration over the years with every sector",
            "groups.csv": "a group of sectors in a year: co-agglomeration within it (Ellison and Glaeser 1997)",
        },
        uses=_with,
        faults=_sector_pairs_faults,
    ),
    "structure": Kind(
        tables={PANEL: "a region in a year: how specialised and how varied its sectors are"},
        yields=_structure_columns,
        uses=lambda entry: _with(entry, "total", "area"),
    ),
    "concentration": Kind(
        tables={"sectors.csv": "a sector in a year: spatial and locational Gini, Herfindahl of its regional shares"},
        uses=lambda entry: _with(entry, "total"),
    ),
    "plant_concentration": Kind(
        tables={
            "industries.csv": "an industry in a year: Ellison-Glaeser gamma with its parts",
            "pairs.csv": "two industries in a year: Ellison-Glaeser co-agglomeration net of plants, and its strength",
        },
    ),
    "plant_locations": Kind(
        tables={
            "curves.csv": "a distance: K-density of the plants' distances with simulated local and global bands",
            "test.csv": "the one test: what was chosen, global p-values, verdict (Duranton and Overman 2005)",
        },
    ),
    "linkage": Kind(
        tables={
            "content.csv": "a supplier set in a user set in a year: direct and complete content, both directions",
            "dispersion.csv": "a sector in a year: power and sensitivity of dispersion",
            "integration.csv": "a service set and a manufacturing set in a year: exchange in both directions together",
            "decomposition.csv": "a service and a manufacturing set in a year: parts of the change of integration",
        },
        faults=_linkage_faults,
    ),
    "value_chain": Kind(
        tables={
            "participation.csv": "a country's sector: exports by origin, participation and position in value chains"
        }
    ),
    "technology_convergence": Kind(
        tables={
            PANEL: "a region in a year: how alike two industries' patents are over technology classes",
            "years.csv": "a year: the same with all regions' patents added up",
        },
        yields=lambda entry: {
            "correlation": "Pearson correlation of the two industries' class shares",
            "proximity": "uncentred correlation of the class shares (Jaffe 1986)",
            "herfindahl": "how far classes belong to one industry each: 1/2 (shared evenly) to 1 (apart)",
            "convergence": "2 (1 - herfindahl), 0 to 1",
            "concentration": "Herfindahl index of both portfolios as one over classes",
        },
    ),
    "productivity": Kind(
        tables={
            PANEL: "a region in a year: efficiency, and productivity index with its two parts",
            "slacks.csv": "a region in a year: how far every variable is from the global frontier, as a share",
        },
        yields=_productivity_columns,
        uses=_variables,
        faults=_productivity_faults,
    ),
    "growth": Kind(
        tables={PANEL: "a region in a year: growth of a variable and its initial level"},
        yields=lambda entry: {
            "growth": f"ln({entry['variable']} / {entry['variable']} of the year before); none in the first year",
            "initial": f"ln {entry['variable']} of the year before",
        },
        uses=lambda entry: [entry["variable"]],
    ),
}
