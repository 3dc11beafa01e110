"""What measures of agglomeration and co-agglomeration use and yield; standard library only."""

from __future__ import annotations

from ronghe.errors import listing, nearest
from ronghe.measures.kinds import PANEL, Kind, groups_of


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


KINDS = {
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
        },
    ),
}
