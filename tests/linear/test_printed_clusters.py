"""CR1, CR2 and Satterthwaite's degrees of freedom against digits of clubSandwich and Stata and closed forms."""

import json

import numpy as np
import pytest
from linearmodels.datasets import munnell
from ronghe.linear.covariance import Choice
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import fit_panel
from scipy.stats import ttest_ind

CLUSTERED = Choice("clustered", ("units",))


@pytest.fixture(scope="module")
def printed(recorded) -> dict:
    return json.loads((recorded / "few_clusters.json").read_text())


@pytest.mark.parametrize("cluster", ["state", "region"])
def test_cr2_of_munnell_s_panel_is_what_clubsandwich_prints(printed, cluster):
    rows = munnell.load()
    states = list(dict.fromkeys(rows["ST_ABB"]))
    division = {state: place for place, names in enumerate(printed["divisions"]) for state in names.split()}
    assert sorted(division) == sorted(states)
    layout = Layout(rows["ST_ABB"].map(states.index).to_numpy(), rows["YR"].to_numpy() - 1970)
    X = np.column_stack([*np.log(rows[["P_CAP", "PC", "EMP"]].to_numpy(float).T), rows["UNEMP"]])
    fit = fit_panel(np.log(rows["GSP"].to_numpy(float)), X, layout, "units", CLUSTERED)
    codes = "units" if cluster == "state" else rows["ST_ABB"].map(division).to_numpy()
    found = LinearClusters(fit, layout, "units", codes).covariance("CR2")
    # Seven digits are printed, six where R aligns a column.
    np.testing.assert_allclose(found, printed["produc_cr2"][cluster], rtol=5e-7)


def regression(clusters):
    """Twenty rows of sines and tangents, as the tests of dfadjust have them; the constant is swept out."""
    y = np.concatenate([np.cos(np.arange(10)), np.tan(np.arange(1, 11))])
    x = np.concatenate([np.sin(np.arange(1, 11)), np.sin(np.arange(2, 12))])
    sizes = np.zeros(clusters.max() + 1, int)
    times = np.empty(20, int)
    for row, g in enumerate(clusters):
        times[row], sizes[g] = sizes[g], sizes[g] + 1
    layout = Layout(clusters, times)
    fit = fit_panel(y, x[:, None], layout, "pooled", CLUSTERED)
    return fit, LinearClusters(fit, layout, "pooled")


def test_cr1_and_hc2_are_stata_s(printed):
    stata = printed["stata"]
    codes = np.tile(np.array([2, 1, 3, 2, 2, 3, 3, 1, 1, 2]) - 1, 2)
    for clusters, kind, name in ((codes, "CR1", "cluster"), (np.arange(20), "CR2", "hc2")):
        fit, few = regression(clusters)
        np.testing.assert_allclose(fit.coefficients, stata["estimates"][1:], rtol=1e-9)
        np.testing.assert_allclose(few.covariance(kind)[0, 0] ** 0.5, stata[name][1], rtol=1e-9)
    # One row a cluster: CR1 is Stata's robust but for a factor, G/(G-1) (n-1)/(n-K) in place of n/(n-K): equal.
    np.testing.assert_allclose(few.covariance("CR1")[0, 0] ** 0.5, stata["robust"][1], rtol=1e-9)


@pytest.mark.parametrize(("controls", "treated"), [(4, 9), (3, 12), (10, 11)])
def test_two_periods_two_groups_is_welch_s_test(controls, treated):
    # Differences in differences with two-way effects and CR2: t is Welch's, and Satterthwaite's degrees of freedom are
    # m^2 (m0-1) (m1-1) / (m0^2 (m0-1) + m1^2 (m1-1)) (Pustejovsky and Tipton 2018; so do clubSandwich's tests).
    m = controls + treated
    layout = Layout(np.repeat(np.arange(m), 2), np.tile([0, 1], m))
    treatment = (layout.units >= controls) * (layout.times == 1) * 1.0
    y = np.random.default_rng(5).normal(size=2 * m) + 0.4 * treatment
    fit = fit_panel(y, treatment[:, None], layout, "twoways", CLUSTERED)
    clusters = LinearClusters(fit, layout, "twoways")
    change = y[1::2] - y[::2]
    welch = ttest_ind(change[controls:], change[:controls], equal_var=False)
    found = fit.coefficients[0] / np.sqrt(clusters.covariance("CR2")[0, 0])
    np.testing.assert_allclose(found, welch.statistic, rtol=1e-10)
    a, b = controls, treated
    expected = m**2 * (a - 1) * (b - 1) / (a**2 * (a - 1) + b**2 * (b - 1))
    np.testing.assert_allclose(clusters.freedom("CR2", np.ones((1, 1)), "satterthwaite")[1][0], expected, rtol=1e-10)
    # CR3 leaves each unit out: (G-1)/G times squared gaps of means, by hand.
    gaps = [(change[controls:].mean() - change[i]) / (b - 1) for i in range(controls, m)]
    gaps += [(change[:controls].mean() - change[i]) / (a - 1) for i in range(controls)]
    np.testing.assert_allclose(clusters.covariance("CR3")[0, 0], (m - 1) / m * np.sum(np.square(gaps)), rtol=1e-10)
