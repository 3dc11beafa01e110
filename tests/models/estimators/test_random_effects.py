"""Random effects and the regression form of the Hausman test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import REGRESSORS, munnell_frame, regression
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


@pytest.fixture(scope="module")
def munnell() -> pd.DataFrame:
    return munnell_frame()


def test_random_effects_equal_linearmodels(munnell):
    from linearmodels.panel import RandomEffects

    theirs = RandomEffects(munnell["ln_gsp"], munnell[REGRESSORS].assign(const=1.0)).fit(debiased=True)
    ours = fit(regression(kind="random_effects", effects="units", covariance="homoskedastic"), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov, rtol=1e-8)
    assert ours.fit["sigma2_units"] == pytest.approx(theirs.variance_decomposition["Effects"], rel=1e-9)
    assert ours.fit["theta"] == pytest.approx(theirs.theta.iloc[0, 0], rel=1e-9)


def test_hausman_regression_form_compares_within_and_between(munnell):
    """Mundlak: beside the means, the regressors have their within coefficients; the test is of the difference."""
    ours = fit(regression(kind="random_effects", effects="units"), Data(munnell))
    row = ours.tests.set_index("test").loc["Hausman, regression form"]
    means = munnell[REGRESSORS].groupby(level=0).transform("mean").add_prefix("mean_")
    panel = munnell.join(means)
    mundlak = regression(kind="random_effects", effects="units", controls=REGRESSORS[1:] + list(means))
    with_means = fit(mundlak, Data(panel)).coefficients.set_index("term")["estimate"]
    within = fit(regression(effects="units"), Data(munnell)).coefficients.set_index("term")["estimate"]
    np.testing.assert_allclose(with_means[REGRESSORS], within, rtol=1e-6)
    assert row["df"] == 4 and row["statistic"] > 0 and row["pvalue"] < 0.05
