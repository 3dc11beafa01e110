"""Fixed effects: plm's figures, dense formulas, samples, and regressors that must be refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from panel_builders import REGRESSORS, munnell_frame, null_panel, regression
from ronghe.errors import RongheError
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


@pytest.fixture(scope="module")
def munnell() -> pd.DataFrame:
    return munnell_frame()


def test_plm_within_and_its_clusters(munnell, recorded):
    entries = json.loads((recorded / "fixed_effects.json").read_text())["entries"]
    plain = entries["within_individual"]
    ours = fit(regression(effects="units", covariance="homoskedastic"), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], list(plain["coefficients"].values()), rtol=1e-9)
    np.testing.assert_allclose(ours.coefficients["std_error"], list(plain["se"].values()), rtol=1e-9)
    n, k, groups = len(munnell), 4, 48
    clustered = fit(regression(effects="units"), Data(munnell)).coefficients["std_error"]
    factor = groups / (groups - 1) * (n - 1) / (n - k - 1)
    hc0 = list(entries["within_individual_vcovHC_arellano_HC0_group"]["se"].values())
    np.testing.assert_allclose(clustered / np.sqrt(factor), hc0, rtol=1e-9)


def test_lags_drop_the_first_years_and_say_so(munnell):
    result = fit(regression(lag_regressors=2), Data(munnell))
    assert result.fit["rows_dropped"] == {"lags before the first year": 96}
    assert result.fit["nobs"] == 48 * 15
    lagged = munnell[REGRESSORS].groupby(level=0).shift(2).assign(ln_gsp=munnell["ln_gsp"]).dropna()
    direct = fit(regression(), Data(lagged))
    np.testing.assert_allclose(result.coefficients["estimate"], direct.coefficients["estimate"], rtol=1e-12)


def test_rows_in_any_order_and_scaled_outcome(munnell):
    base = fit(regression(), Data(munnell))
    mixed = munnell.sample(frac=1, random_state=3)
    mixed["ln_gsp"] *= 1000
    other = fit(regression(), Data(mixed))
    np.testing.assert_allclose(other.coefficients["estimate"], 1000 * base.coefficients["estimate"], rtol=1e-10)
    np.testing.assert_allclose(other.coefficients["statistic"], base.coefficients["statistic"], rtol=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controls": ["ln_pc", "ln_emq"]}, "unknown variable 'ln_emq'; did you mean 'ln_emp'"),
        ({"controls": ["ln_pc", "still"]}, "no variation is left in still"),
        ({"sample": {"regions": ["AL", "AZ"], "years": [1970, 1971]}}, "4 rows are too few for 4 coefficients and 3"),
        ({"controls": ["ln_pc", "twice"]}, "'twice' is a combination"),
        ({"controls": ["ln_pc", "twice"], "kind": "random_effects", "effects": "units"}, "'twice' is a combination"),
        ({"covariance": "driscoll_kraay", "bandwidth": 17}, "bandwidth 17 must lie between 0 and 16, for 17 periods"),
        ({"controls": ["ln_pc", "hole"]}, r"hole: no value for \('AL', 1970\)"),
    ],
)
def test_bad_regressors_are_named(munnell, change, message):
    panel = munnell.assign(still=munnell["unemp"].groupby(level=0).transform("mean"), twice=2 * munnell["ln_pc"])
    panel["hole"] = panel["unemp"].where(panel.index != ("AL", 1970))
    with pytest.raises(RongheError, match=f"specification 'test': .*{message}"):
        fit(regression(**change), Data(panel))


def test_leads_lose_the_last_years_and_a_gap_elsewhere_is_refused():
    panel = null_panel()
    ahead = regression(outcome="y", treatment=["x0", {"lead": 2, "of": "x0"}], controls=[])
    result = fit(ahead, Data(panel))
    assert result.fit["rows_dropped"] == {"lags or leads outside the years": 60}
    assert list(result.coefficients["term"]) == ["x0", "F2.x0"]
    panel.loc[("r02", 2003), "x0"] = np.nan
    with pytest.raises(RongheError, match="no value for"):
        fit(ahead, Data(panel))


def test_corrected_errors_are_the_engines(munnell):
    given = fit(regression(small_sample="corrected", wild_repetitions=99), Data(munnell))
    plain = fit(regression(), Data(munnell))
    np.testing.assert_array_equal(given.coefficients["estimate"], plain.coefficients["estimate"])
    y, X = munnell["ln_gsp"].to_numpy(), munnell[REGRESSORS].to_numpy()
    units, times = (pd.factorize(munnell.index.get_level_values(i))[0] for i in (0, 1))
    layout = Layout(units, times)
    table = LinearClusters(fit_least_squares(y, X, layout, "twoways"), layout, "twoways").tidy(REGRESSORS)
    columns = ["std_error", "df", "pvalue", "lower", "upper"]
    np.testing.assert_allclose(given.coefficients[columns], table[columns], rtol=1e-7)
    assert (given.fit["small_sample"], given.fit["df"]) == ("corrected", "satterthwaite")
    assert (given.coefficients["std_error"] > plain.coefficients["std_error"]).all()
    assert (plain.coefficients["df"] == 47).all()
    assert any(given.tests["test"].str.startswith("wild cluster bootstrap"))
    with pytest.raises(RongheError, match="clustered one way"):
        fit(regression(covariance="driscoll_kraay", small_sample="CR2"), Data(munnell))


def test_driscoll_kraay_says_that_periods_are_few(munnell):
    few = fit(regression(covariance="driscoll_kraay"), Data(munnell))
    assert "there are 17 (fewer than 20)" in few.fit["notes"][0]
    assert "notes" not in fit(regression(), Data(munnell)).fit


@pytest.mark.parametrize("longitude", [np.nan, 1000.0])
def test_conley_names_the_region_that_has_no_place(munnell, longitude):
    states = munnell.index.unique(0)
    regions = pd.DataFrame({"longitude": -90.0, "latitude": 40.0}, index=states)
    regions.loc[states[3], "longitude"] = longitude
    with pytest.raises(RongheError, match=f"covariance: conley.* for {states[3]}; complete the places"):
        fit(regression(covariance="conley", cutoff_km=500.0), Data(munnell, regions))
