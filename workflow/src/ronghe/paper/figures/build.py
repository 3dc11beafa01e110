"""Turns one figure entry of the configuration into a drawing, from stored results only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.explore.maps import read_boundaries
from ronghe.frames import read_csv, read_panel
from ronghe.paper.figures import flow, maps, matrices, points, series
from ronghe.paper.figures.canvas import canvas, save
from ronghe.paper.labels import Labels
from ronghe.paper.results import Fit
from ronghe.paper.tables.stored import select, stack

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_figure(
    name: str,
    entry: dict,
    labels: Labels,
    *,
    panel: list[str] = (),
    files: list[str] = (),
    regions: str | None = None,
    folder: str | Path = "paper/figures",
) -> None:
    """Draw the figure that an entry declares and save it as PDF, SVG and PNG."""
    sources = Sources(name, entry, labels, list(panel), list(files), regions)
    with canvas(labels.language):
        save(DRAWERS[entry["kind"]](sources), name, folder)


class Sources:
    """The entry of one figure with the tables that it may read, and its words in one language."""

    def __init__(
        self, name: str, entry: dict, labels: Labels, panel: list[str], files: list[str], regions: str | None
    ) -> None:
        self.name, self.entry, self.labels = name, entry, labels
        self._panel, self._files, self._regions = panel, files, regions

    def get(self, key: str, default: object = None) -> object:
        """Return a key of the entry."""
        return self.entry.get(key, default)

    def text(self, key: str) -> str:
        """Return a text of the entry in the language of the paper."""
        return self.labels.text(self.entry.get(key))

    def panel(self) -> pd.DataFrame:
        """Return the panel with the measures that the entry names."""
        return read_panel(*self._panel)

    def frame(self) -> pd.DataFrame:
        """Return the entry's stored table, rows chosen by `where`."""
        where = f"figures.{self.name}"
        frame = select(stack(self.entry, self._files, where), self.entry, where)
        for key in ("x", "y", "row", "column", "value", "series", "panel", "label", "estimate", "lower", "upper"):
            if key in self.entry:
                require_known(self.entry[key], frame.columns, "column", f"{where}.{key}")
        return frame

    def regions(self) -> pd.DataFrame:
        """Return the table of regions by name."""
        return read_csv(self._regions).set_index("region")

    def short_names(self, regions: list[str]) -> dict[str, str]:
        """Return the codes that stand for regions in small print."""
        return {r: self.labels.variable(f"short.{r}") if self.labels.knows(f"short.{r}") else r for r in regions}

    def names(self, values: object) -> dict[str, str]:
        """Return what each value is called: by the entry, by the labels, by the terms, else as it stands."""
        own = self.entry.get("names", {})
        out = {}
        for value in dict.fromkeys(map(str, values)):
            if value in own:
                out[value] = self.labels.text(own[value])
                continue
            try:
                out[value] = self.labels.variable(value)
            except RongheError:
                out[value] = self.labels.named("", value)
        return out


def _tile_map(s: Sources) -> Figure:
    regions = s.regions()
    if "file" in s.entry:
        values = s.frame().set_index(["region", "year"])[s.get("value")]
    else:
        panel = s.panel()
        require_known(s.get("variable"), panel.columns, "variable", f"figures.{s.name}.variable")
        values = panel[s.get("variable")]
    years = s.get("years") or sorted(values.index.get_level_values("year").unique())
    short = s.short_names(list(regions.index))
    outlines = None
    if "boundaries" in s.entry:
        drawn = [r for r in regions.index if r in set(values.index.get_level_values("region"))]
        outlines = read_boundaries(s.get("boundaries")["file"], s.get("boundaries")["key"], drawn)
    if "order" in s.entry:
        order = [str(c) for c in s.get("order")]
        return maps.class_map(values, regions, years, short, order, s.names(order), outlines)
    title = s.text("title") or s.labels.variable(s.get("variable"))
    return maps.tile_map(values, regions, years, short, title=title, digits=s.get("digits", 2), outlines=outlines)


def _trends(s: Sources) -> Figure:
    panel, regions = s.panel(), s.regions()
    for variable in s.get("variables"):
        require_known(variable, panel.columns, "variable", f"figures.{s.name}.variables")
    group = regions[s.get("group", "macro_region")].astype(str)
    present = set(group[group.index.isin(panel.index.get_level_values("region"))])
    order = [g for g in s.get("order", sorted(present)) if g in present]
    frames = {s.labels.variable(v): panel[v] for v in s.get("variables")}
    return series.trends(frames, group, order, s.names(order))


def _lines(s: Sources) -> Figure:
    frame = s.frame()
    values = [v for key in ("series", "panel") if s.get(key) for v in frame[s.get(key)]]
    return series.lines(
        frame,
        s.get("x"),
        s.get("y"),
        s.get("series"),
        s.names(values),
        s.text("xlabel"),
        s.text("ylabel"),
        s.get("panel"),
    )


def _ridges(s: Sources) -> Figure:
    return series.ridges(s.frame(), s.get("x"), s.get("y"), s.get("row"), s.text("xlabel"))


def _curve(s: Sources) -> Figure:
    frame = s.frame()
    level = s.get("level")
    level = float(frame[level].iloc[0]) if isinstance(level, str) else level
    mark = float(frame.loc[frame[s.get("y")].idxmin(), s.get("x")]) if s.get("mark") == "minimum" else s.get("mark")
    return series.curve(
        frame, s.get("x"), s.get("y"), s.get("lower"), s.get("upper"), s.text("xlabel"), s.text("ylabel"),
        level, mark, s.text("level_label"),
    )  # fmt: skip


def _scatter(s: Sources) -> Figure:
    frame, label = s.frame(), s.get("label", "region")
    require_known(label, frame.columns, "column", f"figures.{s.name}.label")
    return points.scatter(
        frame, s.get("x"), s.get("y"), label, s.get("panel"), s.text("xlabel"), s.text("ylabel"),
        s.short_names(list(frame[label])), s.get("labelled", 6),
    )  # fmt: skip


def _intervals(s: Sources) -> Figure:
    frame = s.frame().rename(
        columns={s.get(key, key): key for key in ("estimate", "lower", "upper") if s.get(key, key) != key}
    )
    if s.get("sorted"):
        frame = frame.sort_values("estimate", kind="stable")
    values = [v for key in ("label", "series", "panel") if s.get(key) for v in frame[s.get(key)]]
    reference = s.get("reference")
    if isinstance(reference, str):
        base = frame[frame[s.get("label")].astype(str) == reference]
        frame = frame[frame[s.get("label")].astype(str) != reference]
        reference = tuple(base[["estimate", "lower", "upper"]].iloc[0])
    return points.intervals(
        frame, s.get("label"), s.get("series"), s.text("xlabel"), s.names(values), reference, s.get("panel")
    )


def _impacts(s: Sources) -> Figure:
    """Effects of one or more variables over specifications, an effect per panel."""
    rows = []
    effects = s.get("effects", ["direct", "indirect", "total"])
    names = {}
    for column in s.get("columns"):
        spec = column if isinstance(column, str) else column["specification"]
        names[spec] = spec if isinstance(column, str) else s.labels.text(column["heading"])
        fit = Fit.read(spec)
        variable = s.get("variable") if isinstance(column, str) else column.get("variable", s.get("variable"))
        for effect in effects:
            row = fit.impacts.loc[(variable, effect)]
            rows.append({"specification": spec, "effect": effect, **row[["estimate", "lower", "upper"]]})
    names |= {e: s.labels.term(e) for e in effects}
    return points.intervals(pd.DataFrame(rows), "specification", None, s.text("xlabel"), names, panel="effect")


def _estimates(s: Sources) -> Figure:
    """One coefficient over specifications, each with its interval; the first may be the band behind the others."""
    rows, names = [], {}
    for column in s.get("columns"):
        spec = column if isinstance(column, str) else column["specification"]
        term = s.get("variable") if isinstance(column, str) else column.get("variable", s.get("variable"))
        fit = Fit.read(spec)
        require_known(term, fit.coefficients.index, "term", f"figures.{s.name}: {spec}")
        names[spec] = spec if isinstance(column, str) else s.labels.text(column.get("heading", spec))
        rows.append({"specification": spec, **fit.coefficients.loc[term, ["estimate", "lower", "upper"]]})
    frame, reference = pd.DataFrame(rows), None
    if s.get("reference"):
        require_known(s.get("reference"), names, "specification", f"figures.{s.name}.reference")
        base = frame[frame["specification"] == s.get("reference")].iloc[0]
        reference = (base["estimate"], base["lower"], base["upper"])
    return points.intervals(frame, "specification", None, s.text("xlabel"), names, reference)


def _matrix(s: Sources) -> Figure:
    frame = s.frame()
    order = [str(o) for o in s.get("order") or dict.fromkeys([*frame[s.get("row")], *frame[s.get("column")]])]
    values = [*order, *(frame[s.get("panel")] if s.get("panel") else [])]
    return matrices.matrix(
        frame, s.get("row"), s.get("column"), s.get("value"), order, s.names(values), s.text("xlabel"),
        s.text("ylabel"), s.get("digits", 2), s.get("panel"),
    )  # fmt: skip


def _workflow(s: Sources) -> Figure:
    stages = s.get("order", ["clean", "measures", "weights", "explore", "models", "paper"])
    return flow.workflow(flow.read_rules(s._files), stages, s.names(stages))


DRAWERS: dict[str, Callable[[Sources], Figure]] = {
    "tile_map": _tile_map,
    "trends": _trends,
    "lines": _lines,
    "ridges": _ridges,
    "curve": _curve,
    "scatter": _scatter,
    "intervals": _intervals,
    "impacts": _impacts,
    "estimates": _estimates,
    "matrix": _matrix,
    "workflow": _workflow,
}
