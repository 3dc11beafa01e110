"""Puts every fit in the form of the results contract: coefficients, covariance, tests, and the facts of fit.json."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear.clusters import MANY_CLUSTERS
from ronghe.linear.covariance import Choice, few_periods, two_ways
from ronghe.linear.inference import (
    COEFFICIENT_COLUMNS,
    coefficient_table,
    covariance_table,
    test_table,
    wald_test,
)
from ronghe.linear.panel_models import Fit, fit_panel
from ronghe.linear.wild_bootstrap import joint_pvalue
from ronghe.models.design.design import Design
from ronghe.models.estimate import Estimate
from ronghe.models.kinds import FEW_CLUSTERS, as_list

# Draws of the signs of joint tests.
JOINT_DRAWS = 1999


def facts(
    specification: dict,
    method: str,
    sample: dict,
    model: str = "ols",
    effects: str | list[str] | None = None,
    covariance: dict | None = None,
    **further: object,
) -> dict:
    """Return what fit.json says of a fit: codes and numbers, put into words only when they are printed.

    `sample` holds outcome, regressors and rows (`Design.facts`), of spatial kinds the weights too (`weights_facts`).
    What a kind does not have stays empty.
    """
    return {
        "model": model,
        "effects": effects or specification["effects"],
        "method": method,
        **(covariance or {"cov_type": None}),
        "weights": None,
        **sample,
        "sample": sample.get("sample", specification["sample_name"]),
        "loglik": None,
        "rsquared_within": None,
        "sigma2": None,
        **further,
    }


def choice_of(specification: dict) -> Choice:
    """Read the covariance and its settings from a specification."""
    settings = {key: specification[key] for key in ("bandwidth", "cutoff_km", *FEW_CLUSTERS) if key in specification}
    return Choice(specification["covariance"], tuple(as_list(specification["cluster"])), **settings)


def covariance_facts(specification: dict, uncorrected: str = "clusters") -> dict:
    """Return the covariance as fit.json holds it; `uncorrected` is the factor of an engine that is asked for none."""
    held: dict[str, object] = {"cov_type": specification["covariance"]}
    if held["cov_type"] == "clustered":
        held |= {"cluster": as_list(specification["cluster"]), **small_sample_facts(specification, uncorrected)}
    if held["cov_type"] == "conley":
        held["cutoff_km"] = specification["cutoff_km"]
    return held


def small_sample_facts(specification: dict, uncorrected: str) -> dict[str, str]:
    """Return small_sample and df as fit.json holds them, the default of df written out."""
    small_sample = specification.get("small_sample", uncorrected)
    df = {"corrected": "satterthwaite", "working_pairs": "working"}.get(small_sample, "clusters")
    return {"small_sample": small_sample, "df": specification.get("df", df)}


def panel_estimate(specification: dict, design: Design, method: str) -> Estimate:
    """Fit a panel regression and put it in the form of the results contract."""
    choice = choice_of(specification)
    fit = fit_panel(design.y, design.X, design.layout, specification["effects"], choice, design.names)
    return linear_estimate(specification, design, fit, method)


def linear_estimate(
    specification: dict, design: Design, fit: Fit, method: str, names: list[str] | None = None
) -> Estimate:
    """Label a fit: coefficients, covariance, a joint test of all regressors, and the facts."""
    names = names or design.names
    joint = joint_test(fit, np.eye(len(design.names), len(names)))
    layout, ways = (
        design.layout,
        as_list(specification["cluster"]) if specification["covariance"] == "clustered" else [],
    )
    notes = few_periods(specification["covariance"], layout.n_periods), two_ways(ways, layout.n_units, layout.n_periods)
    notes = [note for note in (*notes, many_clusters(fit)) if note]
    factors, df = fit.reference(np.eye(len(names)))
    held = facts(
        specification,
        method,
        design.facts(),
        covariance=covariance_facts(specification),
        loglik=fit.loglik,
        rsquared_within=fit.rsquared,
        sigma2=fit.ssr / fit.df_residual,
        df_residual=fit.df_residual,
        df_inference=fit.df_inference,
        **({"notes": notes} if notes else {}),
    )
    return Estimate(
        coefficients=coefficient_table(names, fit.coefficients, fit.covariance, df, factors=factors),
        covariance=covariance_table(names, fit.covariance),
        tests=test_table([{"test": "all regressors zero", **joint}]),
        fit=held,
        libraries=("linearmodels",),
    )


def many_clusters(fit: Fit) -> str:
    """Return the note that joint tests are F where clusters are many; nothing where they are few."""
    if fit.clusters is None or fit.clusters.n_clusters <= MANY_CLUSTERS:
        return ""
    return (
        f"joint tests are F, no bootstrap: there are {fit.clusters.n_clusters:,} clusters (more than {MANY_CLUSTERS})"
    )


def joint_test(fit: Fit, restrictions: np.ndarray) -> dict:
    """Return the Wald test of restrictions @ b = 0: by wild bootstrap where clusters have leverages, else as F.

    F with clusters - 1 degrees of freedom rejects a true hypothesis of seven restrictions in 25 to 60 % of the draws
    where regions are thirty (docs/inference.md); more than MANY_CLUSTERS need no bootstrap.
    """
    if fit.clusters is None or many_clusters(fit):
        return wald_test(fit.coefficients, fit.covariance, restrictions, fit.df_inference)
    missing = len(fit.clusters.fit.coefficients) - restrictions.shape[1]
    whole = np.pad(restrictions, ((0, 0), (0, missing)))
    statistic, pvalue = joint_pvalue(fit.clusters, whole, JOINT_DRAWS)
    note = f"Wald, CR3, {JOINT_DRAWS} draws of signs by cluster, null imposed"
    return {"statistic": statistic, "df": len(restrictions), "pvalue": pvalue, "note": note}


def without_coefficients(
    fit: dict, tests: pd.DataFrame, tables: dict[str, pd.DataFrame], libraries: tuple[str, ...] = ()
) -> Estimate:
    """Return a result that consists of tests and tables alone: no coefficients belong to it."""
    nothing, square = pd.DataFrame(columns=COEFFICIENT_COLUMNS), pd.DataFrame(index=pd.Index([], name="term"))
    return Estimate(nothing, square, fit, tests, tables=tables, libraries=libraries)
