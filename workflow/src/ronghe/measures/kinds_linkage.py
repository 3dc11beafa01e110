"""What measures of linkage, value chains, technology and productivity use and yield; standard library only."""

from __future__ import annotations

from ronghe.measures.kinds import PANEL, Kind


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


KINDS = {
    "linkage": Kind(
        tables={
            "content.csv": "a supplier set in a user set in a year: direct and complete content, both directions",
            "dispersion.csv": "a sector in a year: power and sensitivity of dispersion",
            "integration.csv": "a service set and a manufacturing set in a year: exchange in both directions together",
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
