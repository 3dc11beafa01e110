"""Several models in one table, here and in maketables."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import RandomEffectsPanel, SpatialPanel, SpatialTwoStage, compare, etable


@pytest.fixture(scope="module")
def pair(munnell):
    return {m.upper(): SpatialPanel(*munnell, model=m, effects="units").fit() for m in ("sar", "sdm")}


def test_one_table_of_two_models(pair):
    table = compare(pair, impacts=True)
    assert list(table.columns) == ["SAR", "SDM"] and table.index.is_unique
    for name, result in pair.items():
        assert table.loc[("rho", "estimate"), name] == result.params["rho"]
        assert table.loc[("pc", "std_error"), name] == result.std_errors["pc"]
        assert table.loc[("pc: total", "estimate"), name] == result.impacts().loc[("pc", "total"), "estimate"]
        assert table.loc[("fit", "bic"), name] == result.bic
    assert np.isnan(table.loc[("W*pc", "estimate"), "SAR"])
    order = list(dict.fromkeys(table.index.get_level_values("term")))
    assert order.index("unemp") < order.index("W*pcap") < order.index("rho") < order.index("pcap: direct") < 99
    assert order[-1] == "fit"
    with pytest.raises(RongheError, match="no results"):
        compare({})


def test_maketables_prints_them(pair):
    maketables = pytest.importorskip("maketables")
    tex = maketables.ETable(list(pair.values()), coef_fmt="b:.4f \n (se:.4f)", model_stats=["N", "r2", "ll"]).make(
        "tex"
    )
    row = next(line for line in tex.splitlines() if line.startswith("rho"))
    shown = re.findall(r"-?\d+\.\d+", row)
    assert shown == [f"{v:.4f}" for r in pair.values() for v in (r.params["rho"], r.std_errors["rho"])]
    assert "{gsp}" in tex and "1534" in tex.replace(",", "") and "816" in tex


def test_rows_of_effects_and_errors(munnell, pair):
    """Which effects each model has, fixed or random, and how its errors were computed, beside the same numbers."""
    pytest.importorskip("maketables")
    y, X, W = munnell
    both = ("units", "time")
    fits = pair | {
        "RE": RandomEffectsPanel(y, X, W, model="sar", effects="twoways").fit(),
        "2SLS": SpatialTwoStage(y, X, W, effects="time").fit("clustered", cluster=both),
        "OLS": SpatialPanel(y, X, model="ols", effects="pooled").fit("clustered"),
    }
    frame = etable(fits, coef_fmt="b:.4f").df
    frame.columns = list(fits)
    assert frame.loc[("fe", "Unit effects")].to_list() == ["x", "x", "-", "-", "-"]
    assert frame.loc[("fe", "Time effects")].to_list() == ["-", "-", "x", "x", "-"]
    errors = ["expected", "expected", "expected", "clustered by STATE, YR", "clustered by STATE"]
    assert frame.loc[("stats", "Standard errors")].to_list() == errors
    assert frame.loc[("stats", "Random effects")].to_list() == ["-", "-", "STATE (baltagi)", "-", "-"]
    for name, result in fits.items():
        assert frame.loc[("coef", "emp"), name].strip("*") == f"{result.params['emp']:.4f}"
    with pytest.raises(RongheError, match="no results"):
        etable({})


def test_its_plug_in_attributes(pair):
    """What a model says of itself to maketables, read by its own extractor."""
    pytest.importorskip("maketables")
    from maketables.extractors import PluginExtractor

    result, reader = pair["SDM"], PluginExtractor()
    table = reader.coef_table(result)
    np.testing.assert_allclose(table[["b", "se", "p"]].to_numpy(), result.tidy()[["estimate", "std_error", "pvalue"]])
    assert (reader.depvar(result), reader.fixef_string(result)) == ("gsp", "STATE")
    assert [reader.stat(result, key) for key in ("N", "ll", "aic", "G")] == [816, result.loglik, result.aic, 48]
    assert reader.vcov_info(result)["vcov_type"] == "expected"
    assert set(reader.default_stat_keys(result)) <= set(reader.stat_labels(result))
