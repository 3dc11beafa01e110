"""Two-stage least squares fitted by linearmodels, with the tests of its instruments: what the paper reports.

The columns come with their fixed effects taken out; the library is told how many degrees of freedom these took. Ours
stay the reference distributions t and F with clusters - 1, and what `instrument_tests` names as missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ronghe.late_imports import UNUSED, late
from ronghe.linear import instrument_tests
from ronghe.linear.algebra import semidefinite
from ronghe.linear.covariance import degrees_taken, inference_df
from ronghe.linear.few_clusters import LinearClusters, kind_of, rests_on_leverage
from ronghe.linear.inference import chi2_pvalue, f_pvalue
from ronghe.linear.instrument_bootstrap import clusters_of
from ronghe.linear.two_stage import Problem, fitted_regressors, score_covariance

if TYPE_CHECKING:
    from linearmodels.iv.results import IVResults

COVARIANCES = {"homoskedastic": "unadjusted", "robust": "robust", "clustered": "clustered"}


@dataclass(frozen=True)
class TwoStage:
    """Two-stage least-squares estimates of a problem, their covariance, and the tests of the instruments."""

    problem: Problem
    coefficients: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    library: IVResults
    clusters: LinearClusters | None = None

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of t for combinations of coefficients."""
        if self.clusters is None:
            return np.ones(len(gradients)), np.full(len(gradients), self.df_inference)
        return self.clusters.freedom(kind_of(self.problem.choice), gradients, self.problem.choice.df)

    @property
    def df_residual(self) -> float:
        """Return the residual degrees of freedom."""
        return self.problem.df(len(self.coefficients))

    @property
    def df_inference(self) -> float:
        """Return the degrees of freedom of the t distribution."""
        return inference_df(self.problem.layout, self.problem.choice, self.df_residual)

    def tests(self, endogenous: list[str]) -> list[dict]:
        """Return strength, validity and exogeneity in the order in which they are read."""
        problem, L = self.problem, self.problem.excluded.shape[1]
        m, choice = problem.endogenous.shape[1], problem.choice
        rows = []
        for j, name in enumerate(endogenous):
            gamma, cov = self.first_stage[j].coefficients, self.first_stage[j].covariance
            if self.clusters is not None:
                gamma, cov = instrument_tests.reduced_form(problem, problem.endogenous[:, [j]])
            F = float(gamma[:L] @ np.linalg.solve(cov[:L, :L], gamma[:L])) / L
            rows.append({"test": f"first-stage F: {name}", **_f_row(problem, F, L, problem.Z.shape[1])})
        donald = instrument_tests.cragg_donald(problem)
        rows.append({"test": "Cragg-Donald F", "statistic": donald, "df": L})
        rows.append({"test": "Kleibergen-Paap rk Wald F", "statistic": self._rank(), "df": L, "note": choice.kind})
        if m == 1:
            F, critical = instrument_tests.effective_f(problem)
            note = f"5 % critical value {critical:.3f} for a bias of 10 % of the worst case"
            rows.append({"test": "Montiel Olea-Pflueger effective F", "statistic": F, "df": L, "note": note})
        else:
            for j, name in enumerate(endogenous):
                F = instrument_tests.conditional_f(problem, j)
                note = f"critical value {instrument_tests.stock_yogo(L - m + 1)} for a bias of 10 %, independent errors"
                rows.append({"test": f"Sanderson-Windmeijer F: {name}", "statistic": F, "df": L - m + 1, "note": note})
        if L > m:
            rows.append({"test": "Hansen J", "df": L - m, **self._hansen_row(L - m)})
        row = _f_row(problem, self._exogeneity(), m, problem.X.shape[1] + m)
        rows.append({"test": "exogeneity of the treatment", **row, "note": f"{row['note']}; control function"})
        nothing = instrument_tests.anderson_rubin(problem, np.zeros(m))
        rows.append({"test": "Anderson-Rubin, no effect", **nothing})
        return rows

    @cached_property
    def first_stage(self) -> list[TwoStage]:
        """Return the regressions of every endogenous regressor on all instruments, excluded ones first."""
        return [instruments_alone(self.problem, column) for column in self.problem.endogenous.T]

    @property
    def _by_library(self) -> bool:
        """Say whether the library has the tests under this covariance."""
        return self.problem.choice.kind in COVARIANCES and len(self.problem.choice.cluster) == 1

    def _rank(self) -> float:
        if not self._by_library:
            return instrument_tests.kleibergen_paap(self.problem)
        statistic = float(self.library.first_stage.kleibergen_paap_f)
        return statistic * self._share_left(self.problem.Z.shape[1])

    def _hansen_row(self, df: int) -> dict:
        """Return J and its p-value; sums by cluster have no inverse where moments are as many as clusters."""
        problem = self.problem
        if problem.choice.kind == "clustered":
            n_moments, sizes = problem.Z.shape[1], (problem.layout.n_units, problem.layout.n_periods)
            n_clusters = min(
                size for size, d in zip(sizes, ("units", "time"), strict=True) if d in problem.choice.cluster
            )
            if n_moments >= n_clusters and len(problem.choice.cluster) == 1:
                return {"statistic": np.nan, "note": f"{n_moments} moments and {n_clusters} clusters: not defined"}
        J = self._hansen()
        note = "Sargan" if problem.choice.kind == "homoskedastic" else ""
        return {"statistic": J, "pvalue": chi2_pvalue(J, df), "note": note}

    def _hansen(self) -> float:
        with late(*UNUSED):
            from linearmodels.iv import IVGMM

        if not self._by_library:
            return instrument_tests.hansen_j(self.problem, self.residuals)
        options = {"clusters": _clusters(self.problem)} if self.problem.choice.kind == "clustered" else {}
        columns, _ = _columns(self.problem)
        model = IVGMM(*columns, weight_type=COVARIANCES[self.problem.choice.kind], center=False, **options)
        return float(model.fit(iter_limit=2).j_stat.stat)

    def _exogeneity(self) -> float:
        if not self._by_library:
            return instrument_tests.exogeneity(self.problem)
        m = self.problem.endogenous.shape[1]
        return float(self.library.wooldridge_regression.stat) / m * self._share_left(len(self.coefficients) + m)

    def _share_left(self, k: int) -> float:
        """Return which share of n - k degrees of freedom the fixed effects leave; the library's tests leave it out."""
        df = len(self.residuals) - k
        return (df - degrees_taken(self.problem.absorbed, self.problem.choice)) / df


def fit_two_stage(problem: Problem) -> TwoStage:
    """Fit IV2SLS; least squares where nothing is endogenous.

    >>> from ronghe.linear import Choice, Layout, project
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(40), 5), times=np.tile(np.arange(5), 40))
    >>> z, e = rng.normal(size=(2, 200))
    >>> x = z + e
    >>> problem = project(x + 0.3 * e, np.column_stack([x, z]), (["x"], [], ["z"]), layout, "units", Choice())
    >>> abs(fit_two_stage(problem).coefficients[0] - 1) < 0.1
    np.True_
    """
    with late(*UNUSED):
        from linearmodels.iv import IV2SLS

    columns, scale = _columns(problem)
    library = IV2SLS(*columns).fit(**_options(problem))
    # The library puts the exogenous regressors first.
    order = np.roll(np.arange(len(scale)), problem.endogenous.shape[1])
    beta = library.params.to_numpy()[order] / scale
    residuals = library.resids.to_numpy()
    if problem.choice.kind in COVARIANCES:
        covariance = semidefinite(library.cov.to_numpy()[np.ix_(order, order)]) / np.outer(scale, scale)
    else:
        covariance = score_covariance(problem, fitted_regressors(problem), residuals)
    found = TwoStage(problem, beta, covariance, residuals, library)
    if not rests_on_leverage(problem.choice):
        return found
    clusters = clusters_of(problem, fitted_regressors(problem), residuals, beta)
    return replace(found, covariance=clusters.covariance(kind_of(problem.choice)), clusters=clusters)


def instruments_alone(problem: Problem, column: np.ndarray) -> TwoStage:
    """Regress a column on all instruments, excluded ones first: a first stage, or the reduced form of the outcome."""
    nothing = problem.Z[:, :0]
    return fit_two_stage(replace(problem, y=column, endogenous=nothing, exogenous=problem.Z, excluded=nothing))


def _columns(problem: Problem) -> tuple[list[np.ndarray | None], np.ndarray]:
    """Return outcome, exogenous and endogenous regressors and instruments, and the scales of the regressors.

    The library inverts cross-products, so columns of one size keep its digits free of units of measurement.
    """
    parts = [problem.exogenous, problem.endogenous, problem.excluded]
    sizes = [np.sqrt(np.mean(part**2, axis=0)) for part in parts]
    scaled = [part / size if part.shape[1] else None for part, size in zip(parts, sizes, strict=True)]
    return [problem.y, *scaled], np.concatenate([sizes[1], sizes[0]])


def _options(problem: Problem) -> dict[str, object]:
    """Return the library's words for the covariance, and the degrees of freedom that the fixed effects took."""
    kind = COVARIANCES.get(problem.choice.kind, "unadjusted")
    clusters = {"clusters": _clusters(problem)} if kind == "clustered" else {}
    return {"cov_type": kind, "debiased": True, "extra_df": degrees_taken(problem.absorbed, problem.choice), **clusters}


def _clusters(problem: Problem) -> np.ndarray:
    """Return the codes of the clusters, one column for each dimension."""
    codes = {"units": problem.layout.units, "time": problem.layout.times}
    return np.column_stack([codes[d] for d in problem.choice.cluster])


def _f_row(problem: Problem, statistic: float, df: int, k: int) -> dict:
    """Return an F statistic with its p-value, for a regression with k coefficients."""
    df2 = inference_df(problem.layout, problem.choice, problem.df(k))
    return {"statistic": statistic, "df": df, "pvalue": f_pvalue(statistic, df, df2), "note": f"F, {df2:g}"}
