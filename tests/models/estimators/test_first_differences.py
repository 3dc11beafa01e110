"""First differences against a regression on changes."""

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


@pytest.mark.parametrize("covariance", ["homoskedastic", "clustered"])
def test_first_differences_equal_linearmodels(munnell, covariance):
    from linearmodels.panel import PooledOLS

    changes = munnell.groupby(level=0).diff().dropna()
    options = {"cov_type": "unadjusted"} if covariance == "homoskedastic" else {"cov_type": "clustered"}
    if covariance == "clustered":
        options |= {"cluster_entity": True, "group_debias": True}
    theirs = PooledOLS(changes["ln_gsp"], changes[REGRESSORS].assign(const=1.0)).fit(debiased=True, **options)
    ours = fit(regression(kind="first_differences", effects="units", covariance=covariance), Data(munnell))
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params[REGRESSORS], rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov.loc[REGRESSORS, REGRESSORS], rtol=1e-8)
    assert ours.fit["nobs"] == 48 * 16
