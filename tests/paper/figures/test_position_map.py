"""Maps by position: what stands where, on which scale, and what the map says of itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.paper.declaration import check_places
from ronghe.paper.draw_figure import draw_figure
from ronghe.paper.figures import position_map
from ronghe.paper.figures.canvas import canvas
from ronghe.paper.figures.position_map import class_map, number_map
from ronghe.paper.labels import Labels

YEARS = [2019, 2020]


def regions(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    names = pd.Index([f"r{k:03d}" for k in range(n)], name="region")
    return pd.DataFrame({"longitude": rng.uniform(100, 110, n), "latitude": rng.uniform(30, 40, n)}, names)


def values(n: int) -> pd.Series:
    index = pd.MultiIndex.from_product([regions(n).index, YEARS], names=["region", "year"])
    return pd.Series(np.arange(len(index), dtype=float), index)


@pytest.fixture(autouse=True)
def drawing():
    with canvas():
        yield
        import matplotlib.pyplot as plt

        plt.close("all")


def squares(axis) -> list:
    return [c for c in axis.collections if len(c.get_offsets())]


def test_a_number_is_darker_the_greater_it_is_and_a_gap_is_a_cross():
    shown = values(12)
    shown[("r003", 2019)] = np.nan
    figure = number_map(shown, regions(12), YEARS, "quality", Labels({}, "en"))
    first, gap = squares(figure.axes[0])
    assert len(first.get_offsets()) == 11 and len(gap.get_offsets()) == 1
    lightness = first.get_facecolors()[:, 0]
    assert (np.diff(lightness) < 0).all()
    assert "One square for each of 12 regions, at its position." in figure.axes[-1].get_xlabel()
    assert "percentile" not in figure.axes[-1].get_xlabel()


def test_places_are_in_the_order_of_the_table_and_north_is_up():
    table = regions(12)
    figure = number_map(values(12), table, YEARS, "quality", Labels({}, "en"))
    (drawn,) = squares(figure.axes[0])
    places = np.asarray(drawn.get_offsets())
    assert np.corrcoef(places[:, 1], table["latitude"])[0, 1] > 0.999
    assert np.corrcoef(places[:, 0], table["longitude"])[0, 1] > 0.95


def test_many_regions_end_the_scale_at_percentiles_and_become_one_picture(monkeypatch):
    monkeypatch.setattr(position_map, "MANY", 50)
    shown = values(60)
    shown.iloc[-1] = 1e6
    figure = number_map(shown, regions(60), YEARS, "quality", Labels({}, "zh"))
    (drawn,) = squares(figure.axes[1])
    assert drawn.get_rasterized()
    assert len(np.unique(drawn.get_facecolors()[:, 0].round(6))) > 30
    with canvas():
        said = number_map(shown, regions(60), YEARS, "quality", Labels({}, "en")).axes[-1].get_xlabel()
    assert "The scale ends at the 1st and 99th percentile." in said


def test_classes_have_their_greys_in_order_and_unknown_ones_are_refused():
    index = values(6).index
    classes = pd.Series(["low", "high"] * 6, index, dtype=object)
    classes.iloc[0] = None
    figure = class_map(classes, regions(6), YEARS, ["low", "high"], {"low": "Low"}, Labels({}, "en"))
    high, gap = (squares(figure.axes[k])[0] for k in (1, 0))
    assert {to_hex(c) for c in high.get_facecolors()} == {"#0d0d0d"} and len(gap.get_offsets()) == 5
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["Low", "high"]
    with pytest.raises(RongheError, match="classes high are not in the figure's `order`"):
        class_map(classes, regions(6), YEARS, ["low"], {}, Labels({}, "en"))


def test_regions_without_tiles_are_drawn_where_they_lie(tmp_path):
    table = regions(9).assign(in_sample=True, tile_row=np.nan, tile_column=np.nan)
    write_csv(table.reset_index(), tmp_path / "regions.csv")
    values(9).rename("v").reset_index().to_parquet(tmp_path / "panel.parquet")
    entry = {"kind": "tile_map", "caption": "A map", "variable": "v"}
    given = {"panel": [str(tmp_path / "panel.parquet")], "regions": str(tmp_path / "regions.csv")}
    draw_figure("by_position", entry, Labels({"v": {"en": "quality"}}, "en"), tmp_path, **given)
    table.assign(tile_row=range(9), tile_column=0).reset_index().pipe(write_csv, tmp_path / "regions.csv")
    draw_figure("tiled", entry, Labels({"v": {"en": "quality"}}, "en"), tmp_path, **given)
    assert (tmp_path / "tiled.pdf").read_bytes() != (tmp_path / "by_position.pdf").read_bytes()


def test_a_map_needs_tiles_or_positions():
    config = {"figures": {"m": {"kind": "tile_map", "variable": "v"}}}
    check_places(config, ["longitude", "latitude"])
    check_places(config, ["tile_row", "tile_column"])
    with pytest.raises(RongheError, match="needs tile_column.* or longitude and latitude"):
        check_places(config, ["tile_row", "longitude"])
