"""LM tests for a spatial lag and a spatial error that keep their size: scores studentised by unit, wild bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ronghe.linear.bootstrap import cluster_weights
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.choice.lagrange import sizes
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.joint_tests import bootstrap_pvalue

TESTS = {"lm_lag": 1, "lm_error": 1, "robust_lm_lag": 1, "robust_lm_error": 1, "lm_sarma": 2}


@dataclass(frozen=True)
class Parts:
    """Residuals e = M y of a model without spatial terms, and M W (y - e), for many outcomes (draw, unit, period)."""

    residuals: np.ndarray
    lagged: np.ndarray


class DependenceTests:
    """The five LM statistics of many outcomes, as Anselin et al. (1996) have them and with a variance by unit."""

    def __init__(self, model: SpatialPanel) -> None:
        """Take a panel of any model: its regressors without lags, its weights, effects and method are what counts."""
        self.batch = Batch(model.variant("ols"))
        s, weights = model.specification, model.weights
        self.W = weights.sparse.toarray()
        method = s.method if weights.is_row_standardised else "lsdv"
        self.nobs, self.centre, self.trace = sizes(weights, model.panel.y.shape, s.effects, method)
        C = self.W
        if self.batch.projection.has_time:
            C = C - C.mean(axis=0)
            C = C - C.mean(axis=1, keepdims=True)
        self.forms = C + C.T

    def remove(self, blocks: np.ndarray) -> np.ndarray:
        """Take effects and regressors out of blocks (draw, unit, period)."""
        batch = self.batch
        blocks = batch.projection.apply_to_draws(blocks.copy())
        flat = blocks.reshape(len(blocks), -1)
        return (flat - ((flat @ batch.flat) @ batch.bread) @ batch.flat.T).reshape(blocks.shape)

    def parts(self, y: np.ndarray) -> Parts:
        """Return residuals and lagged fitted values, effects among them."""
        e = self.remove(y)
        return Parts(e, self.remove(self.W @ (y - e)))

    def textbook(self, at: Parts) -> dict[str, np.ndarray]:
        """Return the statistics with the variances of independent disturbances, as `lm_tests`."""
        e, q = at.residuals, at.lagged
        s2 = np.einsum("bit,bit->b", e, e) / self.nobs
        error = np.einsum("bit,bit->b", e, self.W @ e) / s2 - self.centre
        lag = np.einsum("bit,bit->b", e, q) / s2 + error
        J, tr = np.einsum("bit,bit->b", q, q) / s2 + self.trace, self.trace
        robust_lag = (lag - error) ** 2 / (J - tr)
        found = (lag**2 / J, error**2 / tr, robust_lag, (error - tr / J * lag) ** 2 / (tr * (1 - tr / J)))
        return dict(zip(TESTS, (*found, error**2 / tr + robust_lag), strict=True))

    def clustered(self, at: Parts) -> dict[str, np.ndarray]:
        """Return the statistics with the variance that the scores of the units have, residuals adjusted as by CR3.

        The two scores are e'W(Xb + effects) + e'We and e'We. Linear terms and each unit's own part of the quadratic
        form by unit, products of two units' disturbances by pairs (Kelejian and Prucha 2001, equation 2.6).
        """
        e, q = at.residuals, at.lagged
        s2 = np.einsum("bit,bit->b", e, e) / self.nobs
        error = np.einsum("bit,bit->b", e, self.W @ e) - self.centre * s2
        linear = np.einsum("bit,bit->b", e, q)
        a = self.batch.leverage.inverse(e, None)
        squares = np.einsum("bit,bit->bi", a, a)
        own = 0.5 * np.diag(self.forms) * (squares - squares.mean(axis=1, keepdims=True))
        pairs = self.forms * (a @ a.transpose(0, 2, 1))
        between = 0.5 * (np.einsum("bij,bij->b", pairs, pairs) - np.einsum("bii,bii->b", pairs, pairs))
        by_unit = np.einsum("bit,bit->bi", a, q)
        V_ll = np.einsum("bi,bi->b", by_unit, by_unit)
        V_lq, V_qq = np.einsum("bi,bi->b", by_unit, own), np.einsum("bi,bi->b", own, own) + between
        # The score of rho given lambda is the linear part alone; that of lambda given rho is e'We - share (both).
        J, tr = np.einsum("bit,bit->b", q, q) / s2 + self.trace, self.trace
        share = tr / J
        robust = (1 - share) * error - share * linear
        V_robust = (1 - share) ** 2 * V_qq + share**2 * V_ll - 2 * share * (1 - share) * V_lq
        both = (linear**2 * V_qq - 2 * linear * error * V_lq + error**2 * V_ll) / (V_ll * V_qq - V_lq**2)
        lag = (linear + error) ** 2 / (V_ll + V_qq + 2 * V_lq)
        found = (lag, error**2 / V_qq, linear**2 / V_ll, robust**2 / V_robust, both)
        return dict(zip(TESTS, found, strict=True))

    def draw(self, y: np.ndarray, at: Parts, weights: np.ndarray) -> np.ndarray:
        """Return outcomes without spatial dependence for weights (outcome, draw, unit), as (outcome draw, ...)."""
        fitted = y - at.residuals
        drawn = fitted[:, None] + weights[:, :, :, None] * at.residuals[:, None]
        return drawn.reshape(-1, *y.shape[1:])


def dependence_bootstrap(
    model: SpatialPanel, draws: int = 9999, weights: str = "rademacher", seed: int = 0
) -> pd.DataFrame:
    """Return the LM tests on residuals of the model without spatial terms, by test: textbook and wild bootstrap.

    Residuals of the smaller model get one sign (or weight of Webb) by unit; its fitted values stay. `statistic` and
    `pvalue` are those of the scores studentised by unit; `textbook_statistic` and `textbook` take disturbances as
    independent, and `pvalue_textbook` is the bootstrap of that statistic.
    """
    test = DependenceTests(model)
    y = model.panel.y[None]
    at = test.parts(y)
    v = cluster_weights(test.batch.n_units, draws, weights, seed)
    found = {"textbook": test.textbook(at), "clustered": test.clustered(at)}
    drawn = {version: {name: np.empty(len(v)) for name in TESTS} for version in found}
    for part in test.batch.in_chunks(len(v)):
        again = test.parts(test.draw(y, at, v[None, part]))
        for version, statistics in (("textbook", test.textbook(again)), ("clustered", test.clustered(again))):
            for name, values in statistics.items():
                drawn[version][name][part] = values
    enumerated = weights == "rademacher" and len(v) == 2**test.batch.n_units
    rows = {}
    for name, df in TESTS.items():
        textbook, clustered = (float(found[version][name][0]) for version in ("textbook", "clustered"))
        rows[name] = {
            "statistic": clustered,
            "df": df,
            "pvalue": bootstrap_pvalue(clustered, drawn["clustered"][name], enumerated),
            "textbook_statistic": textbook,
            "textbook": float(chdtrc(df, textbook)),
            "pvalue_textbook": bootstrap_pvalue(textbook, drawn["textbook"][name], enumerated),
            "draws": len(v),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("test")
