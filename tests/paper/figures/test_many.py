"""Figures of thousands of regions: what is left out is said, and what stays is right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.frames import write_csv
from ronghe.paper.figures import network, scatter
from ronghe.paper.figures.canvas import canvas
from ronghe.paper.figures.intervals import ENDS, draw
from ronghe.paper.figures.trends import draw as draw_trends
from ronghe.paper.labels import Labels
from ronghe.paper.sources import Sources

LABELS = {"v": {"en": "Quality", "zh": "质量"}}


@pytest.fixture(autouse=True)
def drawing():
    with canvas():
        yield
        import matplotlib.pyplot as plt

        plt.close("all")


def given(tmp_path, entry: dict, groups: int = 2, n: int = 40) -> tuple[Sources, pd.Series, pd.DataFrame]:
    names = [f"r{k:02d}" for k in range(n)]
    rng = np.random.default_rng(4)
    table = pd.DataFrame({
        "region": names, "macro_region": [f"g{k % groups:02d}" for k in range(n)],
        "longitude": rng.uniform(100, 110, n), "latitude": rng.uniform(30, 40, n),
    })  # fmt: skip
    write_csv(table, tmp_path / "regions.csv")
    index = pd.MultiIndex.from_product([names, [2018, 2019, 2020]], names=["region", "year"])
    values = pd.Series(rng.normal(size=len(index)), index, name="v")
    values.reset_index().to_parquet(tmp_path / "panel.parquet")
    files = [str(tmp_path / entry["file"])] if "file" in entry else []
    source = Sources("figures", "f", entry, Labels(LABELS, "en"), [str(tmp_path / "panel.parquet")], files,
                     str(tmp_path / "regions.csv"))  # fmt: skip
    return source, values, table.set_index("region")


def test_of_many_groups_each_is_a_thin_line_behind_the_mean_of_all(tmp_path):
    source, values, table = given(tmp_path, {"kind": "trends", "variables": ["v"]}, groups=9)
    figure = draw_trends(source)
    means = values.groupby([values.index.get_level_values(0).map(table["macro_region"]), "year"]).mean().unstack(0)
    thin = [line for line in figure.axes[0].lines if line.get_color() == "0.75"]
    np.testing.assert_allclose(np.array([line.get_ydata() for line in thin], float), means.to_numpy().T)
    whole = figure.axes[0].lines[0]
    np.testing.assert_allclose(np.asarray(whole.get_ydata(), float), values.groupby("year").mean())
    low, high = figure.axes[0].get_ylim()
    assert low < means.to_numpy().min() and means.to_numpy().max() < high
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(figure.legends) == 1
    assert sorted(texts) == ["All regions, with 95% interval of the mean", "Means of 9 larger regions"]


def test_few_groups_are_told_apart(tmp_path):
    figure = draw_trends(given(tmp_path, {"kind": "trends", "variables": ["v"]})[0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["g00", "g01"]


def test_of_many_intervals_both_ends_are_drawn(tmp_path):
    frame = pd.DataFrame({"region": [f"r{k:02d}" for k in range(90)], "rank": np.arange(90.0)[::-1], "lower": 7.0})
    write_csv(frame.assign(rank_lower=frame["rank"] - 1, rank_upper=frame["rank"] + 2), tmp_path / "ranks.csv")
    entry = {"kind": "intervals", "file": "ranks.csv", "label": "region", "estimate": "rank", "lower": "rank_lower",
             "upper": "rank_upper", "sorted": True, "xlabel": "Rank"}  # fmt: skip
    axis = draw(given(tmp_path, entry)[0]).axes[0]
    (points,) = [line for line in axis.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(points.get_xdata(), [*range(ENDS), *range(90 - ENDS, 90)])
    assert axis.get_xlabel() == "Rank\nOf 90 rows the first and the last 20"


def test_a_large_network_names_nobody_and_moves_nobody(tmp_path, monkeypatch):
    write_csv(pd.DataFrame({"focal": ["r00", "r01"], "neighbor": ["r01", "r02"], "weight": [1.0, 0.5]}),
              tmp_path / "edges.csv")  # fmt: skip
    entry = {"kind": "network", "file": "edges.csv", "variable": "v", "years": [2020], "title": "Quality"}
    source, _, table = given(tmp_path, entry)
    assert len(network.draw(source).axes[0].texts) == 40
    monkeypatch.setattr(network, "MANY", 39)
    axis = network.draw(source).axes[0]
    assert not axis.texts and axis.get_legend().get_title().get_text() == "Quality\n40 regions, not named"
    np.testing.assert_allclose(axis.collections[1].get_offsets()[:, 1], table["latitude"])


def test_many_points_of_a_scatter_become_one_picture(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    points = {"region": [f"r{k:02d}" for k in range(40)], "x": rng.normal(size=40), "y": rng.normal(size=40)}
    write_csv(pd.DataFrame(points), tmp_path / "points.csv")
    entry = {"kind": "scatter", "file": "points.csv", "x": "x", "y": "y"}
    source = given(tmp_path, entry)[0]
    assert not scatter.draw(source).axes[0].lines[0].get_rasterized()
    monkeypatch.setattr(scatter, "MANY", 39)
    axis = scatter.draw(source).axes[0]
    assert axis.lines[0].get_rasterized() and len(axis.texts) == 6
