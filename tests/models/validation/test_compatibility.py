"""Tests of other packages' conventions: the figures they print come out, and ours stand beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.models.validation.compatibility import convention_table
from ronghe.models.validation.package_comparison import compare_packages, munnell_panel
from ronghe.spatial import SpatialPanel
from ronghe.spatial.random_effects.serial import SerialComponents, ar_covariance


def table(munnell, package, effects="twoways", model="sdm", **options):
    panel = SpatialPanel(*munnell, model=model, effects=effects, **options)
    with pytest.warns(UserWarning, match="conventions of .*for comparison with older numbers") as warned:
        found = convention_table(panel, package).set_index("quantity")
    assert len(warned) == 1
    return found


def test_splm(munnell):
    """splm 1.6-5 prints rho = 0.368846 for two-way effects and a total effect of 1.467 through slag()."""
    two_way, units = table(munnell, "splm", "twoways"), table(munnell, "splm", "units")
    assert two_way.loc["rho", "convention"] == pytest.approx(0.368846, abs=5e-7)
    assert two_way.loc["rho", "ours"] == pytest.approx(0.3701681685089, rel=1e-8)
    assert "rho" not in units.index
    total = units.loc["total effect of emp"]
    assert total["convention"] == pytest.approx(1.467, abs=5e-4)
    assert total["ours"] == pytest.approx(0.657181516969346, rel=1e-8)
    y, X, W = munnell
    fit = SpatialPanel(y, X, W, model="sem", effects="units", method="lsdv").fit()
    nobs = 816
    without = fit.loglik + nobs / 2 * np.log(2 * np.pi * fit.sigma2) + nobs / 2 - nobs / 2 * np.log(nobs * fit.sigma2)
    error = table(munnell, "splm", "units", "sem")
    assert error.loc["loglik of the error model", "convention"] == pytest.approx(without, rel=1e-10)


def test_splm_errors_of_effects_without_the_covariance_with_rho(munnell):
    y, X, W = munnell
    fit = SpatialPanel(y, X, W, model="sdm", effects="units", method="lsdv").fit()
    V, a = fit.cov, 1 / (1 - fit.rho)
    b, t = fit.params["emp"], fit.params["W*emp"]
    pair = V.loc[["emp", "W*emp"], ["emp", "W*emp"]].to_numpy().sum()
    expected = np.sqrt(a**2 * pair + (b + t) ** 2 * a**4 * V.loc["rho", "rho"])
    found = table(munnell, "splm", "units").loc["std_error of the total effect of emp", "convention"]
    assert found == pytest.approx(expected, rel=1e-10)


def test_spreg(munnell):
    """spreg 1.9 prints a direct effect of 0.7996."""
    direct = table(munnell, "spreg", "units").loc["direct effect of emp"]
    assert direct["convention"] == pytest.approx(0.7996, abs=5e-5)
    assert direct["ours"] == pytest.approx(0.7365422566228854, rel=1e-8)


def test_sdpdmod(munnell):
    """The unprojected error of rho is the reference's `se`, 0.040366729; rho moves to a point of the grid."""
    found = table(munnell, "sdpdmod", "twoways")
    assert found.loc["std_error of rho", "convention"] == pytest.approx(0.040366729, abs=5e-9)
    assert found.loc["std_error of rho", "ours"] == pytest.approx(0.0404808803805, rel=1e-8)
    assert 0 < abs(found.loc["rho", "difference"]) <= 0.0005
    # Same regressors: only the integral differs. One coefficient more: half of ln 2 in its favour.
    bayes = found.loc["log Bayes factor of sdm against sar"]
    gaps = found.loc["log-marginal of sdm", "difference"] - found.loc["log-marginal of sar", "difference"]
    assert bayes["difference"] == pytest.approx(gaps, rel=1e-9)
    assert 0.5 < bayes["difference"] < 4 * np.log(2) / 2


def test_why_the_conditional_test_for_spatial_error_of_splm_is_off(munnell, recorded):
    """BSJK's formula for C.1 gives ours at the estimated variances, and splm's 0.26 at u'u / NT split by phi."""
    printed = json.loads((recorded / "tests.json").read_text())["entries"]["bsjktest_C.1"]
    y, X, W = munnell
    n_periods, n = 17, 48
    order = list(W.labels)
    Y = np.ascontiguousarray(y.unstack().loc[order].to_numpy().T)
    Z = np.array([np.ones_like(Y), *(X[c].unstack().loc[order].to_numpy().T for c in X)])
    dense = W.sparse.toarray()
    errors = SerialComponents(Y, Z, dense)
    fit = errors.maximise(("psi", "phi"))
    u, psi = Y - np.einsum("k,ktn->tn", fit["beta"], Z), fit["psi"]

    def formula(sigma2, sigma2_units):
        """Baltagi, Song, Jung and Koh (2007, eq. 3.6)."""
        d2 = (1 + psi) / (1 - psi) + n_periods - 1
        c = sigma2 * sigma2_units / (d2 * (1 - psi) ** 2 * sigma2_units + sigma2)
        g = (1 - psi) / sigma2 * (2 + (n_periods - 2) * (1 - psi))
        inverse = np.linalg.inv(sigma2 * ar_covariance(psi, n_periods))
        ones = inverse @ np.ones((n_periods, n_periods))
        A = inverse - 2 * c * ones @ inverse + c**2 * ones @ ones @ inverse
        D = 0.5 * np.sum((A @ u) * (u @ (dense + dense.T)))
        b = np.trace(dense @ dense + dense.T @ dense)
        return D**2 / (b * (n_periods - 2 * c * g + c**2 * g**2))

    ours = errors.score_test(fit, ("lambda",))
    assert formula(fit["sigma2"], fit["sigma2_units"]) == pytest.approx(ours, rel=1e-7)
    whole, phi = np.mean(u**2), fit["sigma2_units"] / fit["sigma2"]
    theirs = formula(whole / (phi + 1), whole * phi / (phi + 1))
    assert theirs == pytest.approx(printed["statistic"]["data"][0][0], rel=1e-5)
    # The likelihood ratio says which of the two is right.
    ratio = 2 * (errors.maximise(("psi", "lambda", "phi"))["loglik"] - fit["loglik"])
    assert n == 48 and 250 < ratio < 350


@pytest.mark.parametrize("method", ["lsdv", "lee_yu"])
def test_both_columns_are_of_least_squares_with_dummies(munnell, method):
    rho = table(munnell, "splm", method=method).loc["rho"]
    assert rho["convention"] == pytest.approx(0.368846, abs=5e-7)
    assert rho["ours"] == pytest.approx(0.3701681685089, rel=1e-8)
    assert rho["difference"] == pytest.approx(rho["convention"] - rho["ours"])


def test_conventions_of_an_error_model(munnell):
    """The same lambda as `demean_first`, and a log-likelihood that lacks n/2 ln(2 pi / n) + n/2."""
    found = table(munnell, "splm", model="sem", method="lsdv")
    theirs = SpatialPanel(*munnell, model="sem", method="lsdv", demean_first=True).fit()
    ours = SpatialPanel(*munnell, model="sem", method="lsdv").fit()
    assert found.loc["lambda", "convention"] == theirs.params["lambda"]
    assert found.loc["lambda", "ours"] == ours.params["lambda"] != theirs.params["lambda"]
    gap = theirs.loglik - found.loc["loglik of the error model", "convention"]
    assert gap == pytest.approx(-816 / 2 * (np.log(2 * np.pi / 816) + 1), rel=1e-12)


def test_conventions_of_a_lag_model_and_of_durbin_terms_for_some(munnell):
    assert list(table(munnell, "sdpdmod", "units", "sar").index) == ["rho", "log-marginal of sar"]
    assert list(table(munnell, "spreg", durbin=["emp"]).index) == ["direct effect of emp"]


def test_what_has_no_conventions_is_refused(munnell):
    with pytest.raises(RongheError, match="nothing to compare for model 'gns'"):
        convention_table(SpatialPanel(*munnell, model="gns"), "splm")
    with pytest.raises(RongheError, match="fixed effects"):
        convention_table(SpatialPanel(*munnell, effects="pooled"), "splm")
    with pytest.raises(RongheError, match="unknown package 'stata'"):
        convention_table(SpatialPanel(*munnell), "stata")


def test_package_comparison(project, munnell, tmp_path):
    found = compare_packages(project / "data/raw/package_figures.csv", project / "data/raw/us_states/borders.csv")
    assert found["difference"].abs().gt(1e-3).sum() == len(found) - 2
    ours = found.set_index("quantity")["ours"]
    assert ours["sdm_twoways_lee_yu_rho"] == pytest.approx(0.4124031458250, rel=1e-8)
    y, X, W = munnell_panel(project / "data/raw/us_states/borders.csv")
    W0 = munnell[2]
    assert W.n == W0.n == 48 and W.sparse.nnz == W0.sparse.nnz
    other = tmp_path / "figures.csv"
    other.write_text("quantity,package,version,value,source,note\nsdm_rho,x,1,0.4,,\n", encoding="utf-8")
    with pytest.raises(RongheError, match="unknown quantity 'sdm_rho'"):
        compare_packages(other, project / "data/raw/us_states/borders.csv")
