"""Computes every declared measure in one process, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter

import pandas as pd

from ronghe.measures import declaration
from ronghe.measures.formulas.coagglomeration import coagglomeration
from ronghe.measures.formulas.concentration import concentration
from ronghe.measures.formulas.coupling import couple, obstacles
from ronghe.measures.formulas.grey_relation import grey_relation
from ronghe.measures.formulas.growth import growth
from ronghe.measures.formulas.index import composite_index
from ronghe.measures.formulas.linkage import linkage
from ronghe.measures.formulas.location_quotient import location_quotients
from ronghe.measures.formulas.pair_comparison import compare_pairs
from ronghe.measures.formulas.sector_pairs import sector_pairs
from ronghe.measures.formulas.structure import structure
from ronghe.measures.formulas.synergy import synergy
from ronghe.measures.formulas.weighting_comparison import compare_weightings
from ronghe.measures.input_output import tables_by_year
from ronghe.measures.inputs import options

Tables = dict[str, pd.DataFrame]


class Measures:
    """Tables of every measure computed so far, and the columns that later ones may use.

    `regions` is the regions table by region, `flows` the long table of input-output flows. Measures of frontier
    productivity and of a user's own files are left to their jobs: they solve programs or read what may not be here.
    """

    def __init__(
        self, config: dict, panel: pd.DataFrame, regions: pd.DataFrame, flows: pd.DataFrame, seed: int = 0
    ) -> None:
        self.config, self.regions, self.flows, self.seed = config, regions, flows, seed
        self.columns: dict[str, pd.Series] = {name: panel[name] for name in panel}
        self.tables: dict[str, Tables] = {}

    def order(self) -> list[str]:
        """Return the names of the measures that can be computed here, those that others need first."""
        known = declaration.entries(self.config, *COMPUTE)
        needs = {name: declaration.needs(self.config, name) & set(known) for name in known}
        return list(TopologicalSorter(needs).static_order())

    def compute(self, name: str) -> Tables:
        """Compute one measure, whose needs must be there, and keep its tables."""
        entry = self.config["measures"][name]
        used = declaration.KINDS[entry["kind"]].uses(entry)
        result = COMPUTE[entry["kind"]](self, entry, pd.DataFrame({v: self.columns[v] for v in used}))
        self.tables[name] = result
        for column in result.get("panel", pd.DataFrame()):
            self.columns[f"{name}.{column}"] = result["panel"][column]
        return result


def _index(measures: Measures, entry: Mapping, panel: pd.DataFrame) -> Tables:
    return composite_index(panel, **options(entry), seed=measures.seed)._asdict()


def _coupling(measures: Measures, entry: Mapping, panel: pd.DataFrame) -> Tables:
    behind = {s: v.removesuffix(".index") for s, v in entry["subsystems"].items()}
    tables = {s: measures.tables[name] for s, name in behind.items() if name in measures.tables}
    scores = {s: t["scores"] for s, t in tables.items()}
    weights = {s: t["weights"].set_index("indicator")["weight"] for s, t in tables.items()}
    result = couple(panel, **options(entry))._asdict()
    return result | obstacles(scores, weights, entry.get("weights"))


def _pairs(measures: Measures, entry: Mapping, panel: pd.DataFrame) -> Tables:
    names = entry["couplings"]
    columns = [f"{name}.{column}" for name in names for column in ("coordination", "coordination_modified")]
    joined = pd.DataFrame({column: measures.columns[column] for column in columns})
    states = {name: measures.tables[name]["states"] for name in names}
    return compare_pairs(joined, states, measures.regions, entry.get("group", "macro_region"))


def _relation(measures: Measures, entry: Mapping, panel: pd.DataFrame) -> Tables:
    first, second = (measures.tables[entry[key]]["scores"] for key in ("first", "second"))
    return grey_relation(first, second, entry.get("distinguishing", 0.5))._asdict()


def _linkage(measures: Measures, entry: Mapping, panel: pd.DataFrame) -> Tables:
    settings = options(entry)
    return linkage(tables_by_year(measures.flows, settings.pop("tolerance", 1e-5)), **settings)


def _plain(function: Callable[..., pd.DataFrame], table: str = "panel") -> Callable[..., Tables]:
    return lambda measures, entry, panel: {table: function(panel, **options(entry))}


COMPUTE: dict[str, Callable[[Measures, Mapping, pd.DataFrame], Tables]] = {
    "index": _index,
    "weighting_comparison": lambda measures, entry, panel: compare_weightings(panel.set_axis(entry["indices"], axis=1)),
    "coupling": _coupling,
    "pair_comparison": _pairs,
    "grey_relation": _relation,
    "synergy": _plain(synergy),
    "location_quotient": _plain(location_quotients),
    "coagglomeration": _plain(coagglomeration),
    "sector_pairs": lambda measures, entry, panel: sector_pairs(panel, **options(entry))._asdict(),
    "structure": _plain(structure),
    "concentration": _plain(concentration, "sectors"),
    "growth": lambda measures, entry, panel: {"panel": growth(panel[entry["variable"]])},
    "linkage": _linkage,
}
