"""Dynamic panels by generalised moments, differences and levels together (Blundell and Bond 1998)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.gmm import fit_moments, require_full_rank, serial_correlation
from ronghe.linear.gmm_system import Arrays, assemble
from ronghe.linear.inference import chi2_pvalue, coefficient_table, covariance_table, t_pvalue, test_table
from ronghe.models.design.design import column, terms_of
from ronghe.models.design.sample import sample_mask
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts


def estimate(specification: dict, data: Data) -> Estimate:
    """Differences and levels together, the latter instrumented by earlier differences (Blundell and Bond 1998)."""
    return estimate_moments(specification, data, levels=True)


def estimate_moments(specification: dict, data: Data, levels: bool) -> Estimate:
    """Fit the moments and put them in the form of the results contract."""
    arrays = read_arrays(specification, data)
    system = assemble(
        arrays,
        levels,
        instrument_lags=specification["instrument_lags"],
        collapse=specification["collapse"],
        dummies=specification["effects"] == "twoways",
    )
    n_instruments = system.Z[0].shape[1]
    if n_instruments < len(system.names):
        raise RongheError(f"{len(system.names)} coefficients need as many instruments; there are {n_instruments}")
    require_full_rank(system)
    steps = specification["steps"]
    fitted = fit_moments(system, steps)
    k = len(system.reported)
    table = coefficient_table(system.reported, fitted.beta[:k], fitted.covariance[:k, :k])
    df = n_instruments - len(system.names)
    tests = [
        {
            "test": "Hansen J" if steps == 2 else "Sargan",
            "statistic": fitted.overidentification,
            "df": df,
            "pvalue": chi2_pvalue(fitted.overidentification, df) if df else None,
            "note": f"{n_instruments} instruments for {len(system.Z)} units"
            + ("; more instruments than units weaken the test" if n_instruments > len(system.Z) else ""),
        }
    ]
    for order in (1, 2):
        m = serial_correlation(system, fitted, order)
        note = "should reject" if order == 1 else "should not reject"
        row = {"test": f"Arellano-Bond m{order}", "statistic": m, "pvalue": float(t_pvalue(m)), "note": note}
        tests.append(row)
    return Estimate(
        coefficients=table,
        covariance=covariance_table(system.reported, fitted.covariance[:k, :k]),
        tests=test_table(tests),
        fit=facts(
            specification,
            "system_gmm" if levels else "difference_gmm",
            {
                "outcome": arrays.outcome,
                "regressors": system.reported,
                "nobs": int(sum(system.n_differences)),
                "n_units": len(system.Z),
                "n_periods": arrays.y.shape[1],
            },
            "dynamic",
            covariance={"cov_type": "windmeijer" if steps == 2 else "robust"},
            steps=steps,
            n_instruments=n_instruments,
        ),
    )


def read_arrays(specification: dict, data: Data) -> Arrays:
    """Lay out the columns of a specification over all units and periods of the sample; nothing is dropped here."""
    outcome = terms_of(specification, "outcome")[0]
    regressors = [t for key in ("treatment", "controls") for t in terms_of(specification, key)]
    own = terms_of(specification, "predetermined")
    order = specification["outcome_lags"]
    frame = pd.DataFrame({t.name: column(t, data) for t in (outcome, *regressors, *own)})
    frame = frame[sample_mask(specification["sample"], frame, data)].sort_index()
    wide = {name: frame[name].unstack(level=1).to_numpy(float) for name in frame}
    y = wide[outcome.name]
    lags = []
    for lag in range(1, order + 1):
        shifted = np.full_like(y, np.nan)
        shifted[:, lag:] = y[:, :-lag]
        lags.append(shifted)
    names = [f"L{lag}.{outcome.name}" for lag in range(1, order + 1)] + [t.name for t in regressors]
    X = np.stack([*lags, *(wide[t.name] for t in regressors)], axis=2)
    kept = np.stack([y, *(wide[t.name] for t in own)], axis=2)
    return Arrays(y, X, names, kept, [outcome.name, *(t.name for t in own)], outcome.name)
