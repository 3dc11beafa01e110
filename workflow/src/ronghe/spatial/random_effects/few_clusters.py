"""Errors of random-effects models clustered by unit: CR1, CR2, CR3 and the correction, with degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.linear.clusters import DF, POWERS
from ronghe.spatial.projection import Projection
from ronghe.spatial.random_effects.information import Components
from ronghe.spatial.uncertainty.few_clusters import WORKING_PAIRS, FewClusters
from ronghe.spatial.uncertainty.scores import QuadraticForm, pair_sums

if TYPE_CHECKING:
    from ronghe.spatial.equation import Specification
    from ronghe.spatial.grid import Panel
    from ronghe.spatial.panel_model import PanelModel

SMALL_SAMPLE = (*(kind for kind in POWERS if kind not in ("CR0", WORKING_PAIRS)), "jackknife")


@dataclass(frozen=True)
class Whitened:
    """A random-effects fit as a pooled one, its variables multiplied by Omega_T^(-1/2): what `FewClusters` asks of it.

    Omega_T = sigma2 I + sigma2_units J is the covariance of one unit's B u, so that Omega_T^(-1/2) takes a share
    theta of each unit's mean away, theta = 1 - sigma / (sigma2 + T sigma2_units)^(1/2) (Baltagi 2021, section 2.3).
    """

    panel: Panel
    specification: Specification
    projection: Projection
    residuals: np.ndarray
    regressors: np.ndarray
    lagged: np.ndarray | None
    forms: dict[str, np.ndarray]
    root: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, model: PanelModel, fitted: Components) -> Whitened:
        """Whiten residuals, regressors and B G Z beta; C = B G B^-1 and H = M B^-1 are the forms of rho and lambda."""
        s, (N, T) = model.specification, model.panel.y.shape
        if s.has_error and model.errors != "kkp":
            raise RongheError(
                "RandomEffectsPanel: with errors 'baltagi' and lambda the disturbances of a unit spread over others: "
                "there are no clusters; choose errors='kkp', whose unit effects spread too, or cov_type='expected'"
            )
        theta = 1 - np.sqrt(fitted.sigma2 / (fitted.sigma2 + T * fitted.sigma2_units))
        root = (np.eye(T) - theta / T) / np.sqrt(fitted.sigma2)
        W, M, eye = model.weights.sparse.toarray(), model.error_weights.sparse.toarray(), np.eye(N)
        B, G = eye - fitted.lam * M, W @ np.linalg.inv(eye - fitted.rho * W)
        Z = np.einsum("ij,ktj->itk", B, model.regressors)
        whole = np.einsum("itk,ts->isk", Z, root)
        y = B @ (model.panel.y - fitted.rho * (W @ model.panel.y)) @ root
        back = np.linalg.inv(B)
        forms = {"rho": B @ G @ back} if s.has_lag else {}
        forms |= {"lambda": M @ back} if s.has_error else {}
        lagged = B @ G @ back @ (whole @ fitted.beta) if s.has_lag else None
        names = tuple(model.parameters[1])
        e, pooled = y - whole @ fitted.beta, Projection("pooled")
        return cls(model.panel, s, pooled, e, whole, lagged, forms, root, names)

    @property
    def n_b(self) -> int:
        """Number of coefficients, those of period dummies among them."""
        return self.regressors.shape[2]

    def place(self, name: str) -> int | None:
        """Return where a parameter stands."""
        return self.names.index(name) if name in self.names else None


@dataclass(frozen=True)
class RandomEffectsClusters(FewClusters):
    """The leverage of units in a random-effects fit: linear terms Z and G Z beta, whitened, as in a pooled model."""

    information: np.ndarray | None = None

    @classmethod
    def at(cls, model: PanelModel, fitted: Components) -> RandomEffectsClusters:
        """Whiten a fit; the bread is the inverse of the observed information of all parameters."""
        places = model.parameters[0]
        observed = model.observed_information(fitted)[np.ix_(places, places)]
        return cls(Whitened.of(model, fitted), information=observed)

    @cached_property
    def _bread(self) -> np.ndarray:
        return inverse_scaled(self.information)

    @cached_property
    def linear(self) -> np.ndarray:
        """D as (row, column): the regressors, and G Z beta where there is a lag."""
        m = self.model
        parts = [m.regressors.reshape(-1, m.n_b)]
        if m.lagged is not None:
            parts.append(m.lagged.reshape(-1, 1))
        return np.concatenate(parts, axis=1)

    def parts(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the covariance in two parts: sums by unit, and products of two units' disturbances.

        By unit with e = Omega_T^(-1/2) B u and v = Omega_T^(-1/2) e: Z_i'e_i; (G Z b)_i'e_i + c_ii e_i'e_i for rho;
        h_ii e_i'e_i for lambda; v_i'v_i / 2 and (1'v_i)^2 / 2 for the variances, less their means.
        """
        require_known(kind, SMALL_SAMPLE, "small_sample", "RandomEffectsPanel")
        m, e = self.model, self.adjusted(kind)
        N, P = len(e), len(m.names)
        scores = np.zeros((N, P))
        scores[:, : m.n_b] = np.einsum("itk,it->ik", m.regressors, e)
        forms = [QuadraticForm(name, C.__matmul__, C.T.__matmul__) for name, C in m.forms.items()]
        squares = np.einsum("it,it->i", e, e)
        for name, C in m.forms.items():
            scores[:, m.place(name)] = np.diag(C) * (squares - squares.mean())
        if m.lagged is not None:
            scores[:, m.place("rho")] += np.einsum("it,it->i", m.lagged, e)
        v = e @ m.root
        for place, own in ((P - 2, np.einsum("it,it->i", v, v)), (P - 1, v.sum(axis=1) ** 2)):
            scores[:, place] = 0.5 * (own - own.mean())
        between, sums = np.zeros((P, P)), pair_sums(forms, e, True).sums
        for i, p in enumerate(forms):
            for j, q in enumerate(forms):
                between[m.place(p.name), m.place(q.name)] = sums[i, j]
        factor, bread = self.factor(kind), self._bread
        return factor * bread @ (scores.T @ scores) @ bread, factor * bread @ between @ bread


def read_settings(small_sample: str, df: str | None) -> tuple[str, str | None]:
    """Check both settings, and return the kind of covariance and df."""
    require_known(small_sample, SMALL_SAMPLE, "small_sample", "RandomEffectsPanel")
    if df is not None:
        require_known(df, DF, "df", "RandomEffectsPanel")
    return {"jackknife": "CR3"}.get(small_sample, small_sample), df
