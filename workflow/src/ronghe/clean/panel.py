"""The whole of cleaning: a declared folder of raw tables in, a checked panel and its records out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.checks import run_checks
from ronghe.clean.checksums import verify_checksums
from ronghe.clean.derive import derive
from ronghe.clean.flags import Flags, cells, flag_jumps
from ronghe.clean.gaps import fill_gaps, refuse_gaps
from ronghe.clean.input_output import read_input_output
from ronghe.clean.plausible import check_bands, flag_oddities
from ronghe.clean.regions import Names, read_adjacency, read_regions, sample_regions
from ronghe.clean.tables import Series, check_covered, read_table
from ronghe.clean.variables import derivations, expand, families, raw_files, sample_years, variables
from ronghe.errors import RongheError, require_known
from ronghe.frames import KEYS, check_panel, write_csv, write_panel

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Cleaned:
    """A cleaned dataset: `panel` is the sample, `series` every figure of every year, `tables` the rest by name."""

    panel: pd.DataFrame
    series: pd.DataFrame
    flags: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    def write(self, paths: Mapping[str, str]) -> None:
        """Write each part to the path given under its name."""
        parts = {"series": self.series, "flags": self.flags, **self.tables}
        for name, path in paths.items():
            if name == "panel":
                write_panel(self.panel, path)
            else:
                write_csv(parts[name], path)


def clean_dataset(dataset: dict, root: str | Path = ".") -> Cleaned:
    """Read, check and derive everything that a dataset declares; a fault is raised as RongheError."""
    folder, flags = Path(root, dataset["folder"]), Flags()
    _verify(dataset, root, folder)
    regions, names = read_regions(dataset, folder)
    with _naming(dataset):
        sample, years = sample_regions(dataset, regions), sample_years(dataset)
    regions["in_sample"] = regions["region"].isin(sample)
    frames = _fill(_read_series(dataset, Path(root), names), names.regions, sample, years, flags)
    with _naming(dataset):
        plausible = check_bands(dataset, frames)
        for derivation in derivations(dataset):
            frames[derivation.name] = derive(derivation, frames, sample, years, flags)
        parts = [part for part in (run_checks(dataset, frames, flags), plausible) if len(part)]
        checks = pd.concat(parts, ignore_index=True) if parts else plausible
        flag_oddities(dataset, {name: frames[name] for name in variables(dataset)}, flags)
        _flag(dataset, frames, flags)
    tables = {
        "regions": regions,
        "adjacency": read_adjacency(dataset.get("adjacency"), folder, names),
        "input_output": read_input_output(dataset.get("input_output"), folder),
        "sectors": _sectors(dataset),
        "checks": checks,
        **{family: _long(frames, family, sectors) for family, sectors in families(dataset).items()},
    }
    panel = check_panel(_panel(frames, sample, years), dataset.get("name", "panel"))
    logging.info("%d regions x %d years, %d variables", len(sample), len(years), panel.shape[1])
    return Cleaned(panel, _all_series(frames, sample, years), flags.frame(), tables)


@contextmanager
def _naming(dataset: dict) -> Iterator[None]:
    """Let messages about entries of the declaration say whose declaration it is."""
    try:
        yield
    except RongheError as error:
        raise RongheError(f"dataset {dataset.get('name', dataset['folder'])}: {error}") from None


def _verify(dataset: dict, root: str | Path, folder: Path) -> None:
    if "checksums" in dataset:
        sums = folder / dataset["checksums"]
        verify_checksums(sums, [file for file in (Path(root, f) for f in raw_files(dataset)) if file != sums])
    else:
        logging.info("%s: no 'checksums' declared, the raw files are taken as they are", folder)


def _read_series(dataset: dict, root: Path, names: Names) -> dict[str, Series]:
    declared = variables(dataset)
    found: dict[str, Series] = {}
    for table, entry in dataset["tables"].items():
        # The cells of microdata are not among the raw files.
        folder = root if "microdata" in entry else root / dataset["folder"]
        found |= read_table(entry, [v for v in declared.values() if v.table == table], folder, names, dataset["units"])
    return found


def _fill(series: dict[str, Series], regions: list[str], sample: list[str], years: list[int], flags: Flags) -> Frames:
    """Bring every variable to all regions and years, to its unit, and through its treatment of gaps."""
    first = min(min(years), *(int(one.values.columns.min()) for one in series.values()))
    last = max(max(years), *(int(one.values.columns.max()) for one in series.values()))
    frames: Frames = {}
    for name, one in series.items():
        check_covered(one, sample, years)
        written = one.values.reindex(index=regions, columns=range(first, last + 1)).astype(float)
        frames[name] = _convert(one, written, flags)
    filled = {
        name: fill_gaps(one.variable, frames[name], _in_unit(one, series, frames), flags)
        for name, one in series.items()
    }
    for name, one in series.items():
        refuse_gaps(one, filled[name], sample, years)
    return filled


def _in_unit(one: Series, series: dict[str, Series], frames: Frames) -> Frames:
    """Return the series that fills another's gaps, which must be in the same unit."""
    gap = one.variable.gap
    if gap == "refuse" or "series" not in gap:
        return {}
    other = series[gap["series"]].variable
    if other.unit != one.variable.unit:
        raise RongheError(
            f"{one.variable.entry}.gap: '{other.name}' is in {other.unit}, '{one.variable.name}' in "
            f"{one.variable.unit}; give both the same 'target'"
        )
    return {other.name: frames[other.name]}


def _convert(one: Series, written: pd.DataFrame, flags: Flags) -> pd.DataFrame:
    """Bring figures to the unit wanted, those of each file by its own factor where every year has a file."""
    converted = written.copy()
    for years, part in [([year], part) for year, part in one.parts.items()] or [(list(written), one)]:
        variable = part.variable
        if variable.factor != 1:
            before, after = written[years], written[years] * variable.factor
            down, across, keys = cells(before.notna())
            why = f"from {variable.written_unit} to {variable.unit}"
            figures = (frame.to_numpy()[down, across] for frame in (before, after))
            flags.add("converted", variable.name, keys, *figures, why)
            converted[years] = after
    return converted


def _flag(dataset: dict, frames: Frames, flags: Flags) -> None:
    """Flag jumps beyond the bounds stated and the breaks declared; no figure changes."""
    for one in [*variables(dataset).values(), *derivations(dataset)]:
        if one.jump is not None:
            flag_jumps(flags, one.name, frames[one.name], one.jump, getattr(one, "jump_above", 0.0))
    for number, entry in enumerate(dataset.get("breaks", [])):
        place = f"breaks[{number}]"
        for name in expand(dataset, entry["variables"], place):
            frame = frames[name]
            regions = entry.get("regions", list(frame.index))
            for region in regions:
                require_known(region, frame.index, "region", f"{place}.regions")
            for year in entry["years"]:
                require_known(year, list(frame.columns), "year", f"{place}.years")
            keys = [(r, y) for r in regions for y in entry["years"] if y in frame and np.isfinite(frame.at[r, y])]
            figures = [frame.at[key] for key in keys]
            flags.add("break", name, keys, figures, figures, entry["why"])


def _stacked(frames: Frames) -> pd.DataFrame:
    """Return all variables side by side, keyed by region and year."""
    first = next(iter(frames.values()))
    index = pd.MultiIndex.from_product([first.index, first.columns.astype(int)], names=KEYS)
    return pd.DataFrame({name: frame.to_numpy().ravel() for name, frame in frames.items()}, index=index)


def _panel(frames: Frames, regions: list[str], years: list[int]) -> pd.DataFrame:
    return _stacked({name: frame.loc[regions, years] for name, frame in frames.items()})


def _all_series(frames: Frames, regions: list[str], years: list[int]) -> pd.DataFrame:
    """Return every figure of every region and year as (variable, region, year, value, in_sample)."""
    stacked = _stacked(frames)
    keys = stacked.index.to_frame(index=False)
    keys["in_sample"] = (keys["region"].isin(regions) & keys["year"].isin(years)).to_numpy()
    parts = [keys.assign(variable=name, value=stacked[name].to_numpy()).dropna(subset="value") for name in stacked]
    return pd.concat(parts, ignore_index=True)[["variable", "region", "year", "value", "in_sample"]]


def _long(frames: Frames, family: str, sectors: list[str]) -> pd.DataFrame:
    """Return a family as (region, year, sector, value), every region and year there is."""
    stacked = _stacked({sector: frames[f"{family}_{sector}"] for sector in sectors})
    long = stacked.rename_axis(columns="sector").stack().rename("value").reset_index()
    return long.dropna(ignore_index=True)


def _sectors(dataset: dict) -> pd.DataFrame:
    """Return the names of sectors in print: of the families, then of the input-output tables."""
    declared = {"families": dataset.get("sectors", {})}
    declared["input_output"] = dataset.get("input_output", {}).get("sectors", {})
    rows = [(t, s, n["en"], n.get("zh", n["en"])) for t, sectors in declared.items() for s, n in sectors.items()]
    return pd.DataFrame(rows, columns=["table", "sector", "en", "zh"])
