"""Linear panel models against linearmodels, plm's figures and identities."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import PanelOLS
from ronghe.errors import RongheError
from ronghe.linear.covariance import Choice
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import least_squares
from ronghe.linear.bootstrap import wild_pvalue
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit

REGRESSORS = ["ln_pcap", "ln_pc", "ln_emp", "unemp"]


@pytest.fixture(scope="module")
def munnell() -> pd.DataFrame:
    from linearmodels.datasets import munnell as source

    raw = source.load()
    columns = {"ln_gsp": np.log(raw["GSP"]), "ln_pcap": np.log(raw["P_CAP"]), "ln_pc": np.log(raw["PC"])}
    columns |= {"ln_emp": np.log(raw["EMP"]), "unemp": raw["UNEMP"]}
    keys = pd.MultiIndex.from_arrays([raw["ST_ABB"], raw["YR"].astype(int)], names=["region", "year"])
    return pd.DataFrame({k: v.to_numpy(float) for k, v in columns.items()}, index=keys).sort_index()


def entry(**changes: object) -> dict:
    base = {"name": "test", "kind": "fixed_effects", "outcome": "ln_gsp", "treatment": "ln_pcap"}
    return base | {"controls": REGRESSORS[1:], "effects": "twoways"} | changes


def by_linearmodels(panel: pd.DataFrame, effects: str, dummies: bool = False, **options: object) -> object:
    X = panel[REGRESSORS].assign(const=1.0)
    if dummies:
        years = pd.get_dummies(panel.index.get_level_values(1), drop_first=True, dtype=float)
        years.columns = [f"y{c}" for c in years]
        X = pd.concat([X, years.set_index(panel.index)], axis=1)
    kinds = {
        "entity_effects": effects in ("units", "twoways") or dummies,
        "time_effects": effects in ("time", "twoways"),
    }
    return PanelOLS(panel["ln_gsp"], X, **kinds).fit(**options)


@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
def test_homoskedastic_equals_linearmodels(munnell, effects):
    ours = fit(entry(effects=effects, covariance="homoskedastic"), Data(munnell))
    theirs = by_linearmodels(munnell, effects, debiased=True)
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params[REGRESSORS], rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-8)
    np.testing.assert_allclose(ours.coefficients["pvalue"], theirs.pvalues[REGRESSORS], rtol=1e-6, atol=1e-14)
    assert ours.fit["loglik"] == pytest.approx(theirs.loglik, rel=1e-12)


@pytest.mark.parametrize("cov_type", ["robust", "driscoll_kraay"])
def test_robust_and_driscoll_kraay_equal_linearmodels(munnell, cov_type):
    ours = fit(entry(covariance=cov_type), Data(munnell))
    their_type = {"robust": "robust", "driscoll_kraay": "kernel"}[cov_type]
    theirs = by_linearmodels(munnell, "twoways", cov_type=their_type, debiased=True)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-8)


def test_clustered_equals_linearmodels_with_explicit_year_dummies(munnell):
    options = {"cov_type": "clustered", "cluster_entity": True, "debiased": True, "group_debias": True}
    theirs = by_linearmodels(munnell, "units", dummies=True, **options)
    ours = fit(entry(covariance="clustered", cluster="units"), Data(munnell))
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-8)


def test_two_way_clustered_equals_linearmodels(munnell):
    options = {"cov_type": "clustered", "cluster_entity": True, "cluster_time": True, "group_debias": True}
    theirs = by_linearmodels(munnell, "twoways", debiased=True, **options)
    ours = fit(entry(covariance="clustered", cluster=["units", "time"]), Data(munnell))
    n, k = len(munnell), len(REGRESSORS)
    absorbed = 48 + 17 - 1
    # linearmodels counts all effects even where they are nested in the clusters; we count one constant.
    factor = (n - k - absorbed) / (n - k - 1)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS] * factor, rtol=1e-8)


def test_unbalanced_two_way_equals_linearmodels(munnell):
    keep = np.random.default_rng(1).random(len(munnell)) > 0.15
    panel = munnell[keep]
    ours = fit(entry(covariance="homoskedastic"), Data(panel))
    theirs = by_linearmodels(panel, "twoways", debiased=True)
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params[REGRESSORS], rtol=1e-8)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-7)


@pytest.mark.reference
def test_plm_within_and_its_clusters(munnell, reference):
    entries = json.loads((reference / "produc" / "fixed_effects.json").read_text())["entries"]
    plain = entries["within_individual"]
    ours = fit(entry(effects="units", covariance="homoskedastic"), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], list(plain["coefficients"].values()), rtol=1e-9)
    np.testing.assert_allclose(ours.coefficients["std_error"], list(plain["se"].values()), rtol=1e-9)
    n, k, groups = len(munnell), 4, 48
    clustered = fit(entry(effects="units"), Data(munnell)).coefficients["std_error"]
    factor = groups / (groups - 1) * (n - 1) / (n - k - 1)
    hc0 = list(entries["within_individual_vcovHC_arellano_HC0_group"]["se"].values())
    np.testing.assert_allclose(clustered / np.sqrt(factor), hc0, rtol=1e-9)


def test_conley_limits(munnell):
    """A cutoff below every distance leaves units alone; with all lags and one place it is the period sums."""
    states = munnell.index.unique(0)
    rng = np.random.default_rng(0)
    far = pd.DataFrame({"longitude": rng.uniform(-120, -70, 48), "latitude": rng.uniform(30, 45, 48)}, index=states)
    alone = fit(entry(covariance="conley", cutoff_km=1e-3, bandwidth=0), Data(munnell, regions=far))
    robust = fit(entry(covariance="robust"), Data(munnell))
    np.testing.assert_allclose(alone.covariance, robust.covariance, rtol=1e-10)
    wide = fit(entry(covariance="conley", cutoff_km=1e12, bandwidth=0), Data(munnell, regions=far))
    together = fit(entry(covariance="driscoll_kraay", bandwidth=0), Data(munnell))
    np.testing.assert_allclose(wide.covariance, together.covariance, rtol=1e-5)


def test_lags_drop_the_first_years_and_say_so(munnell):
    result = fit(entry(lag_regressors=2), Data(munnell))
    assert result.fit["rows_dropped"] == {"lags before the first year": 96}
    assert result.fit["nobs"] == 48 * 15
    lagged = munnell[REGRESSORS].groupby(level=0).shift(2).assign(ln_gsp=munnell["ln_gsp"]).dropna()
    direct = fit(entry(), Data(lagged))
    np.testing.assert_allclose(result.coefficients["estimate"], direct.coefficients["estimate"], rtol=1e-12)


def test_rows_in_any_order_and_scaled_outcome(munnell):
    base = fit(entry(), Data(munnell))
    mixed = munnell.sample(frac=1, random_state=3)
    mixed["ln_gsp"] *= 1000
    other = fit(entry(), Data(mixed))
    np.testing.assert_allclose(other.coefficients["estimate"], 1000 * base.coefficients["estimate"], rtol=1e-10)
    np.testing.assert_allclose(other.coefficients["statistic"], base.coefficients["statistic"], rtol=1e-10)


@pytest.mark.parametrize("effects", ["units", "twoways", "time"])
def test_wild_bootstrap_by_refitting_every_draw(munnell, effects):
    panel = munnell[munnell.index.get_level_values(1) > 1980]
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    y, X = panel["ln_gsp"].to_numpy(), panel[REGRESSORS].to_numpy()
    t, p = wild_pvalue(y, X, layout, effects, 0, 25, seed=4)
    choice = Choice("clustered")

    def statistic(outcome: np.ndarray) -> float:
        found = least_squares(outcome, X, layout, effects, choice)
        G, n, K = 48, len(y), 4 + {"units": 1, "twoways": 6, "time": 6}[effects]
        bare = found.covariance[0, 0] / (G / (G - 1) * (n - 1) / (n - K))
        return found.coefficients[0] / np.sqrt(bare)

    null = least_squares(y, X[:, 1:], layout, effects, choice)
    signs = np.random.default_rng(4).choice([-1.0, 1.0], size=(25, 48))
    fitted = null.X @ null.coefficients
    draws = np.array([statistic(fitted + s[layout.units] * null.residuals) for s in signs])
    assert t == pytest.approx(statistic(y), rel=1e-8)
    assert p == pytest.approx((1 + np.sum(np.abs(draws) >= abs(t))) / 26)


def test_wild_bootstrap_keeps_its_size_with_twelve_clusters():
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        layout = Layout(np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12))
        x = rng.normal(size=72) * np.repeat(rng.uniform(0.3, 2, 12), 6)
        y = np.repeat(rng.normal(size=12), 6) * x + rng.normal(size=72)
        rejected.append(wild_pvalue(y, x[:, None], layout, "twoways", 0, 199, seed)[1] <= 0.05)
    assert 0.01 < np.mean(rejected) < 0.105


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
        fit(entry(**change), Data(panel))


def test_random_effects_equal_linearmodels(munnell):
    from linearmodels.panel import RandomEffects

    theirs = RandomEffects(munnell["ln_gsp"], munnell[REGRESSORS].assign(const=1.0)).fit(debiased=True)
    ours = fit(entry(kind="random_effects", effects="units", covariance="homoskedastic"), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov, rtol=1e-8)
    assert ours.fit["sigma2_units"] == pytest.approx(theirs.variance_decomposition["Effects"], rel=1e-9)
    assert ours.fit["theta"] == pytest.approx(theirs.theta.iloc[0, 0], rel=1e-9)


def test_hausman_regression_form_compares_within_and_between(munnell):
    """Mundlak: beside the means, the regressors have their within coefficients; the test is of the difference."""
    ours = fit(entry(kind="random_effects", effects="units"), Data(munnell))
    row = ours.tests.set_index("test").loc["Hausman, regression form"]
    means = munnell[REGRESSORS].groupby(level=0).transform("mean").add_prefix("mean_")
    panel = munnell.join(means)
    mundlak = entry(kind="random_effects", effects="units", controls=REGRESSORS[1:] + list(means))
    with_means = fit(mundlak, Data(panel)).coefficients.set_index("term")["estimate"]
    within = fit(entry(effects="units"), Data(munnell)).coefficients.set_index("term")["estimate"]
    np.testing.assert_allclose(with_means[REGRESSORS], within, rtol=1e-6)
    assert row["df"] == 4 and row["statistic"] > 0 and row["pvalue"] < 0.05


@pytest.mark.parametrize("covariance", ["homoskedastic", "clustered"])
def test_first_differences_equal_linearmodels(munnell, covariance):
    from linearmodels.panel import PooledOLS

    changes = munnell.groupby(level=0).diff().dropna()
    options = {"cov_type": "unadjusted"} if covariance == "homoskedastic" else {"cov_type": "clustered"}
    if covariance == "clustered":
        options |= {"cluster_entity": True, "group_debias": True}
    theirs = PooledOLS(changes["ln_gsp"], changes[REGRESSORS].assign(const=1.0)).fit(debiased=True, **options)
    ours = fit(entry(kind="first_differences", effects="units", covariance=covariance), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params[REGRESSORS], rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-8)
    assert ours.fit["nobs"] == 48 * 16
