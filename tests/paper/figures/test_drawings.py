"""Figures: what is drawn is what is stored, nothing is cut off, and two runs give the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper.builders import LABELS, write_fit
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.measures.bounds import bounds_of
from ronghe.paper.draw_figure import draw_figure
from ronghe.paper.figures import estimates, impacts
from ronghe.paper.figures.canvas import WIDTHS, canvas, installed_chinese_fonts
from ronghe.paper.figures.curve import draw_curve
from ronghe.paper.figures.intervals import draw_intervals
from ronghe.paper.figures.lines import draw_lines
from ronghe.paper.figures.matrix import draw_matrix
from ronghe.paper.figures.network import LINKS, draw_network
from ronghe.paper.figures.ridges import draw_ridges
from ronghe.paper.figures.scatter import draw_scatter
from ronghe.paper.figures.specification_curve import draw_specification_curve, level_name
from ronghe.paper.figures.tile_map import class_map, number_map
from ronghe.paper.figures.trends import draw_trends, interval_of_mean
from ronghe.paper.figures.vibration import draw_vibration
from ronghe.paper.figures.workflow import draw_workflow, read_rules
from ronghe.paper.labels import Labels
from ronghe.paper.sources import Sources

REGIONS = pd.DataFrame(
    {"tile_row": [0, 0, 1, 1], "tile_column": [0, 1, 0, 1], "macro_region": ["E", "E", "W", "W"]},
    index=pd.Index(["A", "B", "C", "D"], name="region"),
)
YEARS = [2013, 2014, 2015]


def panel(seed: int = 1) -> pd.Series:
    index = pd.MultiIndex.from_product([REGIONS.index, YEARS], names=["region", "year"])
    return pd.Series(np.random.default_rng(seed).normal(size=len(index)), index=index, name="quality")


@pytest.fixture
def drawing():
    with canvas():
        yield
        import matplotlib.pyplot as plt

        plt.close("all")


def cut_off(figure) -> list[str]:
    """Return where the drawing reaches over the edge of the figure, and whether it is wider than the page."""
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    drawn = figure.get_tightbbox()
    sides = {"left": -drawn.x0, "bottom": -drawn.y0, "right": drawn.x1 - width, "top": drawn.y1 - height}
    over = [f"{side} {gap:.3f} in" for side, gap in sides.items() if gap > 0.01]
    return over + ([f"{width} in wide"] if width > WIDTHS["full"] + 1e-9 else [])


def test_a_tile_map_prints_every_value_once(drawing) -> None:
    values = panel()
    figure = number_map(values, REGIONS, YEARS, {"A": "a"}, title="Quality")
    assert cut_off(figure) == []
    for axis, year in zip(figure.axes, YEARS, strict=False):
        texts = [t.get_text() for t in axis.texts]
        assert texts[::2] == ["a", "B", "C", "D"]
        assert texts[1::2] == [f"{v:.2f}" for v in values.xs(year, level="year")]


def test_darker_tiles_are_larger_values(drawing) -> None:
    values = panel()
    figure = number_map(values, REGIONS, [2013], {}, title="Quality")
    shades = [sum(patch.get_facecolor()[:3]) for patch in figure.axes[0].patches]
    assert np.argsort(shades).tolist() == np.argsort(-values.xs(2013, level="year").to_numpy()).tolist()


def test_a_class_that_no_legend_names_is_refused(drawing) -> None:
    classes = panel().map(lambda v: "high" if v > 0 else "low")
    figure = class_map(classes, REGIONS, YEARS, {}, ["low", "high"], {})
    assert cut_off(figure) == []
    with pytest.raises(RongheError, match="classes high are not in the figure's `order`: low"):
        class_map(classes, REGIONS, YEARS, {}, ["low"], {})


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.0, None), (None, 1.0), None])
def test_intervals_of_bounded_means_stay_inside_and_agree_to_first_order(bounds) -> None:
    mean, wide, narrow = np.array([0.05, 0.5, 0.97]), np.array([0.2, 0.7, 0.3]), np.full(3, 1e-5)
    lower, upper = interval_of_mean(mean, wide, bounds)
    assert (lower < mean).all() and (upper > mean).all()
    if bounds:
        assert bounds[0] is None or (lower > bounds[0]).all()
        assert bounds[1] is None or (upper < bounds[1]).all()
    lower, upper = interval_of_mean(mean, narrow, bounds)
    assert np.allclose(mean - lower, 1e-5, rtol=1e-3) and np.allclose(upper - mean, 1e-5, rtol=1e-3)


def test_a_mean_on_its_bound_has_no_interval_beyond() -> None:
    ends = interval_of_mean(np.array([0.0, 1.0]), np.zeros(2), (0.0, 1.0))
    assert np.allclose(ends, [[0, 1], [0, 1]])


def test_bounds_follow_from_the_kind_of_measure() -> None:
    measures = {"q": {"kind": "index", "indicators": {}}, "c": {"kind": "coagglomeration"}}
    config = {"measures": measures}
    assert bounds_of(config, "q.index") == (0.0, 1.0) and bounds_of(config, "q.rank") is None
    assert bounds_of(config, "c.index") == (0.0, None) and bounds_of(config, "c.quality") == (0.0, 1.0)
    assert bounds_of(config, "gdp") is None and bounds_of(config, "q.absent") is None


def test_trends_are_means_with_student_intervals(drawing) -> None:
    from scipy.stats import t

    values = panel()
    figure = draw_trends({"Quality": values}, REGIONS["macro_region"], ["E", "W"], {})
    assert cut_off(figure) == []
    east = values.loc[["A", "B"]].unstack("region")
    line = figure.axes[0].containers[0]
    assert line[0].get_ydata() == pytest.approx(east.mean(axis=1).to_numpy())
    half = t.ppf(0.975, 1) * east.std(axis=1) / np.sqrt(2)
    ends = np.array([segment[:, 1] for segment in line[2][0].get_segments()])
    assert ends[:, 1] - ends[:, 0] == pytest.approx(2 * half.to_numpy())


def test_ridges_lines_and_curves_show_all_of_their_rows(drawing) -> None:
    grid = np.linspace(0, 1, 20)
    frame = pd.concat([pd.DataFrame({"year": y, "value": grid, "density": grid * (1 - grid)}) for y in YEARS])
    figure = draw_ridges(frame, "value", "density", "year", "Quality")
    assert cut_off(figure) == [] and len(figure.axes[0].collections) == 3
    figure = draw_lines(frame, "value", "density", "year", {}, "x", "y")
    assert cut_off(figure) == [] and len(figure.axes[0].lines) == 3
    band = pd.DataFrame({"x": grid, "y": grid, "lower": grid - 1, "upper": grid + 1})
    figure = draw_curve(band, "x", "y", "lower", "upper", "x", "y", level=0.5, mark=0.2, level_label="critical")
    assert cut_off(figure) == [] and figure.axes[0].lines[0].get_ydata() == pytest.approx(grid)


def test_the_line_of_a_moran_scatter_has_the_slope_of_least_squares(drawing) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=30), "region": [f"r{i}" for i in range(30)], "year": 2013})
    frame["y"] = 0.4 * frame["x"] + rng.normal(size=30)
    figure = draw_scatter(frame, "x", "y", "region", "year", "own", "neighbours", {}, labelled=3)
    line = figure.axes[0].lines[-1]
    slope = np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0]
    assert slope == pytest.approx(np.polyfit(frame["x"], frame["y"], 1)[0])
    farthest = frame.assign(d=frame["x"] ** 2 + frame["y"] ** 2).nlargest(8, "d")["region"]
    assert {t.get_text() for t in figure.axes[0].texts} <= set(farthest)


def test_intervals_keep_rows_and_ends(drawing) -> None:
    frame = pd.DataFrame({"label": ["one", "two"], "estimate": [0.1, -0.2], "lower": [0.0, -0.5], "upper": [0.2, 0.1]})
    figure = draw_intervals(frame, "label", None, "Effect", {"one": "First"}, (0.0, -0.1, 0.1))
    axis = figure.axes[0]
    assert cut_off(figure) == []
    assert [t.get_text() for t in axis.get_yticklabels()] == ["First", "two"]
    segments = next(c for c in axis.collections if len(c.get_paths()) == 2).get_segments()
    assert [tuple(s[:, 0]) for s in segments] == [(0.0, 0.2), (-0.5, 0.1)]


def test_a_matrix_refuses_classes_outside_its_order(drawing) -> None:
    frame = pd.DataFrame({"from": ["low", "high"], "to": ["high", "high"], "share": [0.3, 0.9]})
    figure = draw_matrix(frame, "from", "to", "share", ["low", "high"], {})
    assert cut_off(figure) == []
    assert [t.get_text() for t in figure.axes[0].texts] == ["0.30", "0.90"]
    with pytest.raises(RongheError, match="matrix: low are not in the figure's `order`"):
        draw_matrix(frame, "from", "to", "share", ["high"], {})


def test_the_workflow_lists_each_stage_and_its_rules(project: Path, drawing) -> None:
    stages = ["clean", "measures", "weights", "explore", "models", "paper"]
    rules = read_rules([str(project / "workflow" / "rules" / f"{stage}.smk") for stage in stages])
    assert {"render_tables_section", "draw_figures_section", "write_word"} <= set(
        rules.loc[rules["stage"] == "paper", "rule"]
    )
    # Rules of a loop and rules inside a condition are rules too: no stage is empty.
    assert {"estimate_kind", "validate_estimators"} <= set(rules.loc[rules["stage"] == "models", "rule"])
    assert set(rules["stage"]) == set(stages)
    assert not set(rules["rule"]) & set(stages)
    assert cut_off(draw_workflow(rules, stages, {})) == []


def test_signs_of_mathematics_in_a_name_are_printed_as_they_stand(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1, 2], "y": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    entry = {"kind": "curve", "caption": "A", "file": str(tmp_path / "a.csv"), "x": "x", "y": "y"}
    entry |= {"xlabel": "A $a_{$ & b $^$ <c> %", "ylabel": "$1 and $2"}
    draw_figure("a", entry, Labels({}, "en"), files=[str(tmp_path / "a.csv")], folder=tmp_path)
    assert (tmp_path / "a.pdf").stat().st_size > 1000


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.4, 0.2]}), tmp_path / "curve.csv")
    entry = {"kind": "curve", "caption": "c", "file": "curve.csv", "x": "x", "y": "y"}
    for run in ("one", "two"):
        draw_figure("curve", entry, Labels(LABELS), files=[str(tmp_path / "curve.csv")], folder=tmp_path / run)
    for ending in ("pdf", "svg", "png"):
        first, second = ((tmp_path / run / f"curve.{ending}").read_bytes() for run in ("one", "two"))
        assert first == second and len(first) > 500


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"value": [1], "density": [2]}), tmp_path / "d.csv")
    entry = {"kind": "curve", "caption": "c", "file": "d.csv", "x": "valeu", "y": "density"}
    with pytest.raises(RongheError, match="figures.d.x: unknown column 'valeu'; did you mean 'value'"):
        draw_figure("d", entry, Labels(LABELS), files=[str(tmp_path / "d.csv")], folder=tmp_path)
    entry = {"kind": "scatter", "caption": "c", "file": "d.csv", "x": "value", "y": "density"}
    with pytest.raises(RongheError, match="figures.d.label: unknown column 'region'"):
        draw_figure("d", entry, Labels(LABELS), files=[str(tmp_path / "d.csv")], folder=tmp_path)


def test_impacts_and_estimates_come_from_the_fits(tmp_path: Path, drawing) -> None:
    effects = {"direct": (0.1, 0.05), "indirect": (0.3, 0.1), "total": (0.4, 0.1)}
    write_fit(tmp_path, "sdm", {"coagglomeration": (0.03, 0.01)}, {"coagglomeration": effects})
    entry = {"kind": "impacts", "caption": "c", "columns": ["sdm"], "variable": "coagglomeration"}
    figure = impacts.draw(Sources("figures", "f", entry, Labels(LABELS), models=tmp_path))
    assert [axis.get_title() for axis in figure.axes] == ["Direct", "Indirect", "Total"]
    shown = [axis.lines[-1].get_xdata()[0] for axis in figure.axes]
    assert shown == pytest.approx([0.1, 0.3, 0.4])
    entry = {**entry, "kind": "estimates", "variable": "coaglomeration"}
    with pytest.raises(RongheError, match="unknown term 'coaglomeration'; did you mean 'coagglomeration'"):
        estimates.draw(Sources("figures", "f", entry, Labels(LABELS), models=tmp_path))


def test_the_workflow_lists_rules_that_inherit(tmp_path: Path) -> None:
    text = 'rule fit:\n    """Fit."""\n    input: "a"\n\n\nuse rule fit as fit_twice with:\n    output:\n        "b",\n'
    (tmp_path / "models.smk").write_text(text + '\n\nrule models:\n    """All."""\n', encoding="utf-8")
    rules = read_rules([str(tmp_path / "models.smk")])
    assert list(rules["rule"]) == ["fit", "fit_twice"] and list(rules["says"]) == ["Fit.", ""]


def multiverse_curve(places: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A curve from -1 to 1 with two models, the second of which has the upper half."""
    estimate = np.linspace(-1, 1, places)
    curve = pd.DataFrame({"place": range(places), "estimate": estimate})
    curve["lower"], curve["upper"] = estimate - 0.5, estimate + 0.5
    curve["significant_positive"], curve["significant_negative"] = (estimate > 0.5) * 1.0, (estimate < -0.5) * 1.0
    upper = (estimate > 0) * 1.0
    shares = {"sar": 1 - upper, "sdm": upper}
    rows = [
        pd.DataFrame({"choice": "model", "level": k, "place": range(places), "share": v}) for k, v in shares.items()
    ]
    return curve, pd.concat(rows, ignore_index=True)


def test_a_specification_curve_shades_levels_where_they_stand(drawing) -> None:
    curve, choices = multiverse_curve()
    named = {("model", "sar"): "SAR", ("model", "sdm"): "SDM"}
    words = {"model": "Model", "significant": "Significant", "interval": "95% interval"}
    figure = draw_specification_curve(curve, choices, named, words, "Effect")
    assert cut_off(figure) == []
    line, _, models = figure.axes
    assert line.lines[1].get_ydata() == pytest.approx(curve["estimate"].to_numpy())
    assert [t.get_text() for t in models.get_yticklabels()] == ["SAR", "SDM"]
    # Half of all specifications have each level: where all of a place do, it stands twice as often, which is black.
    greys = models.images[0].get_array()
    assert greys[:, 0].tolist() == [2.0, 0.0] and greys[:, -1].tolist() == [0.0, 2.0]


def test_stored_files_of_a_multiverse_are_drawn_with_their_names(tmp_path: Path) -> None:
    curve, choices = multiverse_curve()
    paths = [tmp_path / "curve.csv", tmp_path / "choices.csv", tmp_path / "densities.csv"]
    write_csv(curve, paths[0])
    write_csv(choices, paths[1])
    axis = np.linspace(-1, 1, 50)
    write_csv(pd.DataFrame({"choice": "weights", "level": "none", "estimate": axis, "density": 1 - axis**2}), paths[2])
    labels = Labels(LABELS)
    entry = {"kind": "specification_curve", "file": {"curve": str(paths[0]), "choices": str(paths[1])}}
    draw_figure("curve", entry, labels, files=[str(p) for p in paths[:2]], folder=tmp_path)
    entry = {"kind": "effect_densities", "file": str(paths[2]), "variables": ["weights"]}
    draw_figure("densities", entry, labels, files=[str(paths[2])], folder=tmp_path)
    assert all((tmp_path / f"{name}.svg").stat().st_size for name in ("curve", "densities"))
    source = Sources("figures", "curve", {"names": {"late": "Late years"}}, labels)
    said = [("model", "ols"), ("model", "sdm"), ("winsorise", "0"), ("winsorise", "0.01"), ("weights", "none"),
            ("sample", "all"), ("sample", "late"), ("weights", "contiguity"), ("fixed_effects", "twoways")]  # fmt: skip
    assert [level_name(source, *pair) for pair in said] == [
        "FE, no space", "SDM", "as they are", "clipped at 1%", "no weights", "all regions and years", "Late years",
        "contiguity", "region and year",
    ]  # fmt: skip


def test_chinese_names_in_an_english_figure(tmp_path):
    """A Chinese name is drawn with a Chinese font; a sign that no font has is an error, not an empty box."""
    for sign, name in (("昆明市", "shown"), ("\U00012000", "boxed")):
        write_csv(pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.4, 0.2]}), tmp_path / f"{name}.csv")
        entry = {"kind": "curve", "caption": "c", "file": f"{name}.csv", "x": "x", "y": "y", "xlabel": f"R {sign}"}
        if name == "shown" and installed_chinese_fonts():
            draw_figure(name, entry, Labels(LABELS), tmp_path, files=[str(tmp_path / f"{name}.csv")])
            assert (tmp_path / "shown.pdf").exists()
        else:
            with pytest.raises(RongheError, match=f"figures.{name}: no installed font has a sign"):
                draw_figure(name, entry, Labels(LABELS), tmp_path, files=[str(tmp_path / f"{name}.csv")])


def test_the_network_joins_each_pair_once_and_larger_values_are_larger_nodes(drawing) -> None:
    places = pd.DataFrame({"longitude": [100.0, 110.0, 120.0], "latitude": [30.0, 35.0, 40.0]}, index=["A", "B", "C"])
    edges = pd.DataFrame(
        {"focal": ["A", "B", "B", "C"], "neighbor": ["B", "A", "C", "B"], "weight": [1.0, 0.5, 0.5, 0.25]}
    )
    figure = draw_network(edges, places, pd.Series([1.0, 2.0, 3.0], index=["A", "B", "C"]), {r: r for r in "ABC"})
    links, nodes = figure.axes[0].collections[:2]
    # The pair A-B has weights 1 and 0.5, B-C 0.5 and 0.25: widths follow the larger of the two.
    assert list(links.get_linewidths()) == pytest.approx([LINKS[1], LINKS[0] + (LINKS[1] - LINKS[0]) / 2])
    assert (np.diff(nodes.get_sizes()) > 0).all()
    assert cut_off(figure) == []


def test_a_region_outside_of_the_sample_is_drawn_without_a_value(drawing) -> None:
    regions = REGIONS.assign(in_sample=[True, True, True, False])
    values = panel().drop("D", level="region")
    figure = number_map(values, regions, YEARS, {r: r for r in regions.index})
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "D" in words and words.count("–") == 1


def test_a_vibration_plot_has_a_panel_for_each_level_and_a_cross_at_its_medians(drawing) -> None:
    rows = [
        (level, x, y, 0.25, 0.5, 1.0)
        for level in ("ring", "pairs")
        for x, y in ((0.0, 0.5), (1.0, 0.5), (0.0, 1.5), (1.0, 1.5))
    ]
    columns = ["level", "estimate", "height", "share", "median_estimate", "median_height"]
    figure = draw_vibration(pd.DataFrame(rows, columns=columns), {"ring": "Ring", "pairs": "Pairs"}, "Effect", "Height")
    assert cut_off(figure) == []
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["Ring", "Pairs"]
    assert [axis.lines[-1].get_xydata().tolist() for axis in panels] == [[[0.5, 1.0]]] * 2
