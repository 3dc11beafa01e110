"""Takes a spatial specification to the estimation engine, and its result into the form of the results contract."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear.inference import IMPACT_COLUMNS, chi2_pvalue, test_table
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.design.weights import frames_of, weights_facts, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.kinds import FEW_CLUSTERS
from ronghe.models.report import covariance_facts, facts
from ronghe.models.resampling import wild_rows
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights import Weights

# What intervals of models whose certificate does not hold covered (docs/inference.md).
MEASURED = {
    "sarar": ("sarar: intervals of rho covered 91 % at the least, where 95 are claimed, with 30 regions and 8 years",),
    "gns": (
        "gns: intervals of rho and lambda covered 78 % at the least, where 95 are claimed, with 30 regions and 8 "
        "years; the likelihood may have two hills, on which the two change places",
    ),
}
# Regions up to which every pair of them has a row of its own in impact_matrix.csv.
MOST_SPREAD = 100


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit a static spatial panel model by exact maximum likelihood."""
    design = build(specification, data)
    return spatial_fit(specification, data, design, *weights_of(specification, data, design))


def spatial_fit(specification: dict, data: Data, design: Design, W: Weights, cut: list[str]) -> Estimate:
    """Fit the model of a specification to rows and weights that are laid out already."""
    y, X = frames_of(design)
    options = {key: specification[key] for key in ("model", "effects", "method", "durbin") if key in specification}
    if "error_weights" in specification:
        options["error_weights"], _ = weights_of(specification, data, design, "error_weights")
    model = SpatialPanel(y, X, W, **options)
    result = model.fit(cov_type=specification["covariance"], **_settings(specification, data, design))
    found = report(specification, design, result, cut)
    treatment = [t.name for t in terms_of(specification, "treatment")]
    found.tables = {} if specification.get("refit") else spread(result, treatment)
    if draws := specification["wild_repetitions"]:
        rows = wild_rows(model, result, treatment, draws, data.seed)
        found.tests = test_table([*found.tests.to_dict("records"), *rows])
    return found


def spread(result: SpatialPanelResult, variables: list[str]) -> dict[str, pd.DataFrame]:
    """Return who receives what from a unit change of a treatment in one region, and what each gives and receives.

    Empty for a model without impacts and for more regions than MOST_SPREAD.
    """
    specification, units = result.model.specification, list(result.model.panel.units)
    has_impacts = specification.model not in ("sem", "ols") and len(units) <= MOST_SPREAD
    names = [v for v in variables if v in specification.names] if has_impacts else []
    cells = {(name, unit): result.impact_of_change(name, {unit: 1.0}) for name in names for unit in units}
    by_unit = {name: result.impacts_by_unit().loc[name] for name in names}
    return {
        "impact_matrix": _stacked(cells, ["variable", "source", "region"]),
        "unit_impacts": _stacked(by_unit, ["variable", "region", "effect"]),
    }


def _stacked(parts: dict, keys: list[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=[*keys, *IMPACT_COLUMNS[2:]])
    return pd.concat(parts).rename_axis(keys).reset_index()


def report(specification: dict, design: Design, result: SpatialPanelResult, cut: list[str]) -> Estimate:
    """Label an engine's result: coefficients, covariance, impacts, tests and the facts of the fit."""
    model = specification["model"]
    fit = facts(
        specification,
        specification["method"],
        weights_facts(specification, design, cut, *result.notes, *MEASURED.get(model, ())),
        model,
        covariance=covariance_facts(specification, "none"),
        error_weights=specification.get("error_weights"),
        loglik=float(result.loglik),
        rsquared_within=float(result.rsquared_within),
        sigma2=float(result.sigma2),
        **{key: specification[key] for key in ("durbin",) if key in specification},
    )
    tests = test_table(_tests(result, model))
    contract = {"coefficients": result.tidy(), "covariance": result.cov, "tests": tests, "fit": fit}
    return Estimate(**contract, **({"impacts": result.impacts().reset_index()} if model not in ("sem", "ols") else {}))


def _settings(specification: dict, data: Data, design: Design) -> dict:
    """Return what a covariance of the engine needs beside its name."""
    settings, covariance = {}, specification["covariance"]
    if covariance == "clustered":
        settings["cluster"] = specification["cluster"]
        settings |= {key: specification[key] for key in FEW_CLUSTERS if key in specification}
    if covariance in ("driscoll_kraay", "conley") and "bandwidth" in specification:
        settings["bandwidth"] = specification["bandwidth"]
    if covariance == "conley":
        settings["cutoff"] = specification["cutoff_km"]
        settings["coordinates"] = data.regions.loc[design.index.levels[0], ["longitude", "latitude"]]
    return settings


def _tests(result: SpatialPanelResult, model: str) -> list[dict]:
    """Return Wald tests that the spatial lags of regressors vanish, and of the common-factor restriction of an SDM."""
    names = list(result.params.index)
    b, V = result.params.to_numpy(), result.cov.to_numpy()
    lagged = [i for i, n in enumerate(names) if n.startswith("W*")]
    if not lagged:
        return []
    rows = [{"test": "W*x all zero", **_wald(b[lagged], V[np.ix_(lagged, lagged)])}]
    # With the lags of some regressors only, the error model is not nested in the Durbin model.
    if model == "sdm" and len(lagged) == len(set(names) - {"const", "rho", "sigma2"}) / 2:
        rho, plain = names.index("rho"), [names.index(names[i][2:]) for i in lagged]
        J = np.zeros((len(lagged), len(names)))
        rows_of_J = np.arange(len(lagged))
        J[rows_of_J, lagged], J[rows_of_J, plain], J[:, rho] = 1.0, b[rho], b[plain]
        gap = b[lagged] + b[rho] * b[plain]
        rows.append({"test": "common factor: W*x + rho x zero", **_wald(gap, J @ V @ J.T)})
    return rows


def _wald(gap: np.ndarray, V: np.ndarray) -> dict:
    statistic = float(gap @ np.linalg.solve(V, gap))
    return {"statistic": statistic, "df": len(gap), "pvalue": chi2_pvalue(statistic, len(gap)), "note": "Wald"}
