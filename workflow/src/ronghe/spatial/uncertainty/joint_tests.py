"""Joint tests of a spatial Durbin model that keep their size: wild cluster bootstrap under the null, whole refits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ronghe.errors import RongheError, require_known
from ronghe.linear.bootstrap import cluster_weights
from ronghe.spatial.batch.error_models import ErrorBatch
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel

# What the Durbin model becomes under each hypothesis, in words.
HYPOTHESES = {
    "sar": "W*x all zero",
    "sem": "common factor: W*x + rho x zero",
    "slx": "rho zero",
    "ols": "W*x and rho all zero",
}
WALD = ("expected", "CR1", "CR2", "CR3")
STATISTICS = ("LR", "LM", *(f"Wald, {kind}" for kind in WALD))
# The statistic whose bootstrap held its size in every design that was tried (see the certificate).
DEFAULT = "Wald, CR3"


@dataclass(frozen=True)
class NullFit:
    """Estimates under the null by draw: what to draw from, (I - lambda M)^-1 or (I - rho W)^-1 and its residual."""

    rho: np.ndarray
    lam: np.ndarray
    fitted: np.ndarray
    residuals: np.ndarray
    loglik: np.ndarray
    b: np.ndarray


class JointTest:
    """Statistics of one hypothesis about a Durbin model for many outcomes, and outcomes drawn under it."""

    def __init__(self, model: SpatialPanel, hypothesis: str) -> None:
        """Lay out the Durbin model and the smaller one."""
        require_known(hypothesis, HYPOTHESES, "hypothesis", f"{model.name}: joint test")
        s = model.specification
        if s.model != "sdm":
            raise RongheError(f"{model.name}: joint tests ask what a Durbin model (sdm) reduces to, not '{s.model}'")
        if hypothesis == "sem" and set(s.durbin) != set(s.names) - {"const"}:
            raise RongheError(
                f"{model.name}: with the lags of some regressors only, the error model is not nested in "
                "it: give every regressor its lag (leave `durbin` out) or drop this hypothesis"
            )
        self.hypothesis = hypothesis
        self.whole = Batch(model)
        small = _smaller(model, hypothesis)
        self.small = ErrorBatch(small) if hypothesis == "sem" else Batch(small)
        names, K = s.parameters, len(s.terms)
        self.lags = [names.index(f"W*{x}") for x in s.durbin]
        self.own = [names.index(x) for x in s.durbin]
        self.rho = K

    def gap(self, fit: BatchFit) -> tuple[np.ndarray, np.ndarray]:
        """Return the restrictions' values (draw, restriction) and gradients (draw, restriction, parameter)."""
        P, B = len(self.whole.names), fit.n_draws
        eye = np.eye(P)
        if self.hypothesis == "sem":
            gradient = np.repeat(eye[None, self.lags], B, axis=0)
            rows = np.arange(len(self.own))
            gradient[:, rows, self.own] = fit.rho[:, None]
            gradient[:, :, self.rho] = fit.b[:, self.own]
            return fit.b[:, self.lags] + fit.rho[:, None] * fit.b[:, self.own], gradient
        places = {"sar": self.lags, "slx": [self.rho], "ols": [*self.lags, self.rho]}[self.hypothesis]
        return fit.values[:, places], np.repeat(eye[None, places], B, axis=0)

    @property
    def df(self) -> int:
        """Number of restrictions."""
        return {"sar": len(self.lags), "sem": len(self.lags), "slx": 1, "ols": len(self.lags) + 1}[self.hypothesis]

    def wald(self, fit: BatchFit, kind: str) -> np.ndarray:
        """Return g'(G V G')^-1 g."""
        gap, gradient = self.gap(fit)
        V = fit.covariances(kind, gradient)
        return np.einsum("bi,bi->b", gap, np.linalg.solve(V, gap[:, :, None])[:, :, 0])

    def null(self, y: np.ndarray) -> NullFit:
        """Estimate the smaller model."""
        fit = self.small.fit(y)
        if self.hypothesis == "sem":
            fitted = np.einsum("itk,bk->bit", self.small.panel.X, fit.b)
            u = y - fitted
            filtered = u - fit.lam[:, None, None] * (self.small.M @ u)
            e = self.whole.projection.apply_to_draws(filtered.copy())
            # u = R^-1 (what the effects are + e): with rows of M that sum to one, effects stay effects.
            rest = np.linalg.solve(np.eye(len(self.small.M)) - fit.lam[:, None, None] * self.small.M, filtered - e)
            return NullFit(np.zeros(len(y)), fit.lam, fitted + rest, e, fit.loglik, fit.b)
        lagged = fit.rho[:, None, None] * fit.lagged if self.small.has_lag else 0.0
        fitted = y - lagged - fit.residuals
        return NullFit(fit.rho, np.zeros(len(y)), fitted, fit.residuals, fit.loglik, fit.b)

    def draw(self, null: NullFit, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return outcomes under the null of the data sets at `places`, for weights (data set, draw, unit)."""
        e = null.residuals[places][:, None] * weights[:, :, :, None]
        base, A = self._world(null, places)
        y = base[:, None] + (e if A is None else A[:, None] @ e)
        return y.reshape(-1, *y.shape[2:])

    def draw_projected(self, null: NullFit, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the same as `Batch.fit_projected` of the Durbin model takes them."""
        base, A = self._world(null, places)
        return self.whole.signed(A, base, null.residuals[places], weights)

    def _world(self, null: NullFit, places: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return y without disturbances, and what multiplies these: (I - rho W)^-1, (I - lambda M)^-1 or none."""
        base, eye = null.fitted[places], np.eye(self.whole.n_units)
        if self.hypothesis == "sem":
            return base, np.linalg.inv(eye - null.lam[places, None, None] * self.small.M)
        if not self.small.has_lag:
            return base, None
        A = np.linalg.inv(eye - null.rho[places, None, None] * self.whole.W)
        return A @ base, A

    def statistics(
        self, y: np.ndarray, wanted: Sequence[str] = STATISTICS
    ) -> tuple[dict[str, np.ndarray], NullFit | None]:
        """Return the statistics of every outcome, each from whole refits, and the estimates under the null."""
        fit = self.whole.fit(y)
        null = self.null(y) if {"LR", "LM"} & set(wanted) else None
        found = {}
        for name in wanted:
            if name == "LR":
                found[name] = 2 * (fit.loglik - null.loglik)
            elif name == "LM":
                found[name] = self._lm(fit, null)
            else:
                found[name] = self.wald(fit, name.removeprefix("Wald, "))
        return found, null

    def _lm(self, fit: BatchFit, null: NullFit) -> np.ndarray:
        """Return s'I^-1 s, score and expected information of the Durbin model at the estimates under the null."""
        K = fit.b.shape[1]
        b = np.zeros_like(fit.b)
        rho = null.rho
        if self.hypothesis == "sem":
            rho = null.lam
            b[:, : null.b.shape[1]] = null.b
            b[:, self.lags] = -rho[:, None] * b[:, self.own]
        else:
            b[:, : null.b.shape[1]] = null.b
        whole = self.whole
        e = null.residuals
        at = fit.moved(b, rho, e)
        s2 = at.sigma2
        score = np.zeros((len(b), K + 2))
        score[:, :K] = (e.reshape(len(b), -1) @ whole.flat) / s2[:, None]
        score[:, K] = np.einsum("bit,bit->b", e, fit.projected) / s2 + whole.jacobian.derivatives(rho)[0]
        return np.einsum("bp,bpq,bq->b", score, at.covariance("expected"), score)


def _smaller(model: SpatialPanel, to: str) -> SpatialPanel:
    """Return the smaller model on the same data."""
    s = model.specification
    frame = model.panel
    index = pd.MultiIndex.from_product([frame.units, frame.periods], names=frame.index.names)
    kept = [i for i, name in enumerate(s.names) if name != "const"]
    X = pd.DataFrame(frame.X[:, :, kept].reshape(len(index), -1), index=index, columns=[s.names[i] for i in kept])
    y = pd.Series(frame.y.ravel(), index=index, name="y")
    durbin = list(s.durbin) if to == "slx" else None
    return SpatialPanel(y, X, model.weights, to, s.effects, s.method, durbin, name=f"{model.name}, {to}")


def bootstrap_tests(
    model: SpatialPanel,
    hypotheses: Sequence[str] = ("sar", "sem", "slx", "ols"),
    statistics: Sequence[str] = STATISTICS,
    draws: int = 9999,
    weights: str = "rademacher",
    seed: int = 0,
) -> pd.DataFrame:
    """Return textbook and wild-bootstrap p-values of the hypotheses that a Durbin model reduces to a smaller one.

    The smaller model is estimated, its residuals get one random sign (or weight of Webb) by unit, the outcome is made
    from them, and both models are estimated anew in every draw (after Cameron, Gelbach and Miller 2008, who treat
    linear models). `pvalue` is the bootstrap's; `textbook` compares the statistic with chi-squared.
    """
    rows = []
    for hypothesis in hypotheses:
        for row in statistics_rows(JointTest(model, hypothesis), model.panel.y, statistics, draws, weights, seed):
            name = row.pop("name")
            rows.append({"hypothesis": HYPOTHESES[hypothesis], "test": f"{name}: sdm against {hypothesis}", **row})
    return pd.DataFrame(rows)


def statistics_rows(
    test: JointTest, y: np.ndarray, statistics: Sequence[str], draws: int, weights: str, seed: int
) -> list[dict]:
    """Return a row for each statistic of one hypothesis: the statistic, its textbook p and the bootstrap's."""
    found, null = test.statistics(y[None], statistics)
    null = test.null(y[None]) if null is None else null
    v = cluster_weights(test.whole.n_units, draws, weights, seed)
    drawn = {name: np.empty(len(v)) for name in statistics}
    for part in test.whole.in_chunks(len(v)):
        again, _ = test.statistics(test.draw(null, np.zeros(1, int), v[None, part]), statistics)
        for name, values in again.items():
            drawn[name][part] = values
    enumerated = weights == "rademacher" and len(v) == 2**test.whole.n_units
    return [
        {
            "name": name,
            "statistic": float(found[name][0]),
            "df": test.df,
            "textbook": float(chdtrc(test.df, found[name][0])),
            "pvalue": bootstrap_pvalue(float(found[name][0]), drawn[name], enumerated),
            "draws": len(v),
        }
        for name in statistics
    ]


def bootstrap_pvalue(value: float, draws: np.ndarray, enumerated: bool) -> float:
    """Return the share of draws at least as large, the outcome itself counted among them unless all are enumerated."""
    above = np.sum(draws >= value * (1 - 1e-10))
    return float(above / len(draws) if enumerated else (1 + above) / (1 + len(draws)))


__all__ = ["DEFAULT", "HYPOTHESES", "STATISTICS", "JointTest", "bootstrap_tests"]
