"""Builds one declared weights matrix: raw weights by kind, islands settled, standardised, described."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.regions import Names, names_of
from ronghe.errors import RongheError, listing, require_known
from ronghe.files import write_text
from ronghe.frames import KEYS, read_csv, read_panel
from ronghe.weights import contiguity, distance, economic
from ronghe.weights.islands import settle_islands
from ronghe.weights.matrix import Weights
from ronghe.weights.positions import Positions
from ronghe.weights.received import read_received, within

log = logging.getLogger(__name__)
# Of kinds that weigh all pairs: above so many regions each keeps the nearest only, unless the entry says otherwise.
# The weights of all pairs of 3,000 regions are 9 million lines of text, and no sparse factorisation helps.
MANY_REGIONS, KEPT = 1000, 50
ALL_PAIRS = ("inverse_distance", "exponential", "economic")


@dataclass
class Sources:
    """What weights are built from: regions, borders, variables, a file of the user, other weights."""

    regions: pd.DataFrame
    borders: pd.DataFrame | None = None
    variable: pd.Series | None = None
    sample_years: tuple[int, ...] = ()
    file: str | None = None
    names: Names | None = None
    weights: dict[str, Weights] = field(default_factory=dict)

    @property
    def units(self) -> list[str]:
        """Regions in the order of their table."""
        return list(self.regions.index)

    @property
    def positions(self) -> Positions:
        """Where the regions lie."""
        return Positions.from_table(self.regions)


def read_sources(entry: dict, files: dict, spellings: dict | None = None) -> Sources:
    """Read the files that one entry needs, as `declaration.files` names them.

    `spellings` are the names that regions go by, as the declaration of the dataset has them: aliases, suffixes, ignore.
    """
    regions = files["regions"]
    table = read_csv(regions).set_index("region")
    if table.index.has_duplicates:
        twice = listing(table.index[table.index.duplicated()].unique())
        raise RongheError(f"{regions}: stands twice: {twice}; keep one row each")
    known = set(table.index)
    names = names_of(table.reset_index().astype({"region": str}), spellings or {})
    table = table[table["in_sample"].astype(bool)] if "in_sample" in table else table
    for region in entry.get("leave_out", []):
        require_known(region, table.index, "region to leave out", "weights")
    table = table.drop(index=entry.get("leave_out", []))
    found = Sources(table, file=files.get("file"), names=names)
    if "borders" in files:
        found.borders = _within(read_csv(files["borders"]), known, list(table.index), files["borders"])
    if "variable" in files:
        series, found.sample_years = _read_variable(entry["variable"], files["variable"])
        found.variable = series[series.index.get_level_values("region").isin(table.index)]
    found.weights = {Path(path).parent.name: Weights.read(path) for path in files["weights"]}
    return found


def _within(borders: pd.DataFrame, known: set[str], units: list[str], path: str) -> pd.DataFrame:
    """Keep the borders between the units; a name that the table of regions lacks is refused."""
    ends = borders[["region", "neighbor"]]
    unknown = sorted(set(ends.to_numpy().ravel()) - known, key=str)
    if unknown:
        raise RongheError(f"{path}: not in the table of regions: {listing(unknown)}")
    return borders[ends.isin(units).all(axis=1)]


def _read_variable(name: str, path: str) -> tuple[pd.Series, tuple[int, ...]]:
    """Read a (region, year) series from the clean series (all years) or from a measure, and the sample's years."""
    if "." in name:
        series = read_panel(path)[name]
        return series, tuple(sorted(map(int, series.index.get_level_values("year").unique())))
    table = read_csv(path)
    require_known(name, sorted(set(table["variable"])), "variable", path)
    sample = tuple(sorted(map(int, table.loc[table["in_sample"].astype(bool), "year"].unique())))
    return table[table["variable"] == name].set_index(KEYS)["value"].rename(name), sample


def build(name: str, entry: dict, sources: Sources) -> tuple[Weights, dict]:
    """Build the weights of one entry and their summary."""
    require_known(entry["kind"], BUILDERS, "kind", f"weights '{name}'")
    raw = BUILDERS[entry["kind"]](name, entry, sources)
    decay = _decay(entry)
    positions = sources.positions if entry.get("islands") == "attach" else None
    settled = settle_islands(raw, entry.get("islands", "refuse"), positions, decay)
    result = settled.standardise(entry.get("standardise", "row"))
    facts = {"attached": _attached(raw, settled), "endogenous_years": []}
    kept = nearest_kept(entry, len(sources.units))
    if kept is not None and "nearest" not in entry:
        note = f"{name}: {len(sources.units)} regions, of which each keeps the {kept} nearest; nearest: all keeps all"
        log.warning(note)
        facts["notes"] = [note]
    if sources.variable is not None:
        facts["endogenous_years"] = economic.endogenous_years(entry.get("years"), sources.sample_years)
    return result, {**describe(result), **facts, **_as_declared(entry, settled)}


def nearest_kept(entry: dict, n: int) -> int | None:
    """Return how many others each of n regions keeps under weights among all pairs; None where all of them."""
    if entry["kind"] not in ALL_PAIRS or entry.get("nearest") == "all":
        return None
    return entry.get("nearest", KEPT if n > MANY_REGIONS and "cutoff_km" not in entry else None)


def _attached(raw: Weights, settled: Weights) -> list[str]:
    """Return the islands that have a neighbour now."""
    return sorted(str(unit) for unit in set(raw.islands) - set(settled.islands))


def _as_declared(entry: dict, raw: Weights) -> dict:
    """Return what the entry says, and the scale of the weights before standardisation."""
    return {"standardise": entry.get("standardise", "row"), "raw_spectral_radius": raw.spectral_radius, "entry": entry}


def describe(W: Weights) -> dict:
    """Return the facts about a matrix that a reader asks for."""
    counts = np.diff(W.sparse.indptr)
    low, high = W.eigenvalue_bounds()
    return {
        "name": W.name,
        "n": W.n,
        "edges": int(W.sparse.nnz),
        "density": W.sparse.nnz / (W.n * (W.n - 1)) if W.n > 1 else 0.0,
        "mean_neighbors": float(counts.mean()),
        "min_neighbors": int(counts.min()),
        "max_neighbors": int(counts.max()),
        "islands": [str(unit) for unit in W.islands],
        "components": W.n_components,
        "symmetric": W.is_symmetric,
        "row_standardised": W.is_row_standardised,
        "smallest_eigenvalue": low,
        "largest_eigenvalue": high,
        "hash": W.hash,
    }


def save(W: Weights, summary: dict, edges: str, path: str) -> None:
    """Write the edge list and the summary."""
    W.write(edges)
    write_text(path, json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n")


def _contiguity(name: str, entry: dict, sources: Sources) -> Weights:
    if "boundaries" in entry:
        rule = entry.get("rule", "queen")
        return contiguity.from_polygons(entry["boundaries"], entry["key"], sources.units, rule, name)
    if sources.borders is None or sources.borders.empty:
        raise RongheError(f"{name}: the dataset has no table of borders; add one, or name a file of boundaries")
    return contiguity.from_borders(sources.borders, sources.units, entry.get("links"), name)


def _nearest(name: str, entry: dict, sources: Sources) -> Weights:
    if entry["k"] >= sources.positions.n:
        most = sources.positions.n - 1
        raise RongheError(f"{name}: k: {entry['k']} nearest of {most} other regions; choose from 1 to {most}")
    return distance.nearest_neighbors(sources.positions, entry["k"], name)


def _band(name: str, entry: dict, sources: Sources) -> Weights:
    threshold = entry.get("threshold_km", "least")
    return distance.distance_band(
        sources.positions, None if threshold == "least" else threshold, name, entry.get("from_km", 0)
    )


def _by_distance(name: str, entry: dict, sources: Sources) -> Weights:
    kept = nearest_kept(entry, len(sources.units))
    return distance.by_distance(sources.positions, _decay(entry), entry.get("cutoff_km"), name, kept)


def _decay(entry: dict) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the weight as a function of distance, for kinds that have one."""
    if entry["kind"] == "inverse_distance":
        return distance.inverse(entry.get("power", 1))
    if entry["kind"] == "exponential":
        return distance.exponential(entry["scale_km"])
    return None


def _mean_variable(name: str, entry: dict, sources: Sources) -> pd.Series:
    mean = economic.mean_over(sources.variable, entry.get("years"), sources.sample_years, name)
    absent = sorted(set(sources.units) - set(mean.index))
    if absent:
        raise RongheError(f"{name}: {sources.variable.name} is missing for {listing(absent)}")
    return mean.loc[sources.units].rename(sources.variable.name)


def _economic(name: str, entry: dict, sources: Sources) -> Weights:
    kept = nearest_kept(entry, len(sources.units))
    return economic.economic_distance(_mean_variable(name, entry, sources), name, kept)


def _nested(name: str, entry: dict, sources: Sources) -> Weights:
    first, second = (sources.weights[part].align(sources.units) for part in (entry["geographic"], entry["economic"]))
    if entry.get("combine", "sum") == "product":
        return economic.product(first, second, name)
    return economic.weighted_sum(first, second, entry.get("share", 0.5), name)


def _size(name: str, entry: dict, sources: Sources) -> Weights:
    geographic = sources.weights[entry["geographic"]].align(sources.units)
    return economic.scaled_by_size(geographic, _mean_variable(name, entry, sources), name)


def _received(entry: dict, sources: Sources) -> pd.DataFrame:
    edges = read_received(sources.file, entry, sources.names or Names(list(map(str, sources.units)), {}))
    # Regions that are called by a number are text in the file of the user.
    numbered = {str(unit): unit for unit in sources.units if not isinstance(unit, str)}
    return edges.replace({"focal": numbered, "neighbor": numbered}) if numbered else edges


def _flows(name: str, entry: dict, sources: Sources) -> Weights:
    flows = economic.over_years(_received(entry, sources), entry.get("years"), f"{name}: {sources.file}")
    flows = economic.directed(within(flows, sources.units, sources.file), entry.get("direction", "sent"), name)
    return economic.from_flows(flows, sources.units, entry.get("own_flows", "refuse"), name)


def _file(name: str, entry: dict, sources: Sources) -> Weights:
    edges = within(_received(entry, sources), sources.units, sources.file)
    if entry.get("values") == "distances":
        edges = distance.inverse_of(edges, f"{name}: {sources.file}")
    return Weights.from_edges(edges, sources.units, name)


BUILDERS = {
    "contiguity": _contiguity,
    "knn": _nearest,
    "band": _band,
    "inverse_distance": _by_distance,
    "exponential": _by_distance,
    "economic": _economic,
    "nested": _nested,
    "size": _size,
    "flows": _flows,
    "file": _file,
}
