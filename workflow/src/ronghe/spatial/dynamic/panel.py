"""Dynamic spatial panels by quasi-maximum likelihood, with the bias of short panels taken out; see `process`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_flag, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.dynamic.bias import corrected, probed_shift
from ronghe.spatial.dynamic.information import information, kurtosis_part
from ronghe.spatial.dynamic.process import WHERE, Process
from ronghe.spatial.dynamic.results import DynamicResults
from ronghe.spatial.equation import Specification, specify
from ronghe.spatial.grid import Panel, WeightsLike, linked, read_panel_arrays
from ronghe.spatial.likelihood import Likelihood
from ronghe.spatial.log_determinant.notes import probe_notes
from ronghe.spatial.log_determinant.suitable import KINDS
from ronghe.spatial.maximum import maximise
from ronghe.spatial.panel_model import PanelModel
from ronghe.weights.matrix import Weights

MODELS = ("sar", "sdm")
METHODS = ("lee_yu", "lsdv")
EFFECTS = ("units", "time", "twoways")
COVARIANCES = ("expected", "robust")


class DynamicPanel(PanelModel):
    """A dynamic SAR or SDM with fixed effects.

    `method="lee_yu"` removes time effects by the transformation to N - 1 units, so that no bias of order 1/N arises;
    "lsdv" keeps dummies and `fit(bias_corrected=True)` removes that bias afterwards. Unit effects leave a bias of order
    1/T under either, which it takes out too; with time effects alone there is none. `log_determinant` is that of
    `SpatialPanel`: exact, or by probes where exact factors would not fit; the result's notes then state the error.

    >>> from ronghe.spatial import DynamicPanel, munnell
    >>> data, W = munnell()
    >>> result = DynamicPanel.from_formula("log(gsp) ~ log(emp) + unemp | units + time", data, W).fit()
    >>> result.names[:2], result.is_stable
    (('L1.log(gsp)', 'W*L1.log(gsp)'), True)
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: WeightsLike,
        model: str = "sdm",
        effects: str = "twoways",
        method: str = "lee_yu",
        time_lag: bool = True,
        space_time_lag: bool = True,
        durbin: Sequence[str] | None = None,
        log_determinant: str = "auto",
    ) -> None:
        """Lay the panel out by label; the first period serves as y_0 only."""
        require_known(model, MODELS, "model", WHERE)
        require_known(effects, EFFECTS, "effects", WHERE)
        require_known(method, METHODS, "method", WHERE)
        for flag, value in (("time_lag", time_lag), ("space_time_lag", space_time_lag)):
            require_flag(value, f"{WHERE}: {flag}")
        require_known(log_determinant, KINDS, "log_determinant", WHERE)
        if not (time_lag or space_time_lag):
            raise RongheError(f"{WHERE}: without y_(t-1) and W y_(t-1) the model is not dynamic; use SpatialPanel")
        weights = linked(W, WHERE)
        panel = read_panel_arrays(y, X, weights.labels, WHERE)
        if panel.n_periods < 3:
            raise RongheError(f"{WHERE}: {panel.n_periods} periods are too few; the first is spent on y_(t-1)")
        _check_spacing(panel)
        specification = specify(model, effects, method, panel.names, durbin, WHERE)
        self.process = Process(panel, weights, specification, time_lag, space_time_lag, log_determinant)
        if self.process.transforms_units and not weights.is_row_standardised:
            raise RongheError(
                f"{WHERE}: method 'lee_yu' with effects='{effects}' needs weights whose rows sum to one; "
                "standardise them, or choose method='lsdv'"
            )

    @property
    def specification(self) -> Specification:
        """What is estimated, beside the lags of y."""
        return self.process.specification

    @property
    def panel(self) -> Panel:
        """The data on their grid."""
        return self.process.panel

    @property
    def weights(self) -> Weights:
        """W of the lags."""
        return self.process.weights

    def fit(self, cov_type: str = "expected", bias_corrected: bool = True) -> DynamicResults:
        """Maximise the likelihood, correct the bias, and give the covariance at the estimates reported."""
        require_known(cov_type, COVARIANCES, "cov_type", WHERE)
        require_flag(bias_corrected, f"{WHERE}: bias_corrected")
        process = self.process
        n_units, n_periods = process.size
        nobs, ln_det = n_units * n_periods, process.log_determinant
        point = maximise(
            Likelihood(process.moments, ln_det, None, nobs, n_periods, process.transforms_units), WHERE
        ).point
        if point.sigma2 <= 1e-14 * np.var(process.panel.y):
            raise RongheError(
                f"{WHERE}: the regressors and effects explain the outcome without remainder: nothing to estimate"
            )
        uncorrected = np.concatenate([point.b, [point.rho, point.sigma2]])
        theta, removed, shift = uncorrected, 0, np.zeros(len(uncorrected))
        if bias_corrected and (process.projection.has_units or process.has_time_dummies):
            theta, removed = corrected(process, uncorrected)
            shift = probed_shift(process, uncorrected)
        if not 0 < theta[-1] or not ln_det.bounds[0] < theta[-2] < ln_det.bounds[1]:
            raise RongheError(
                f"{WHERE}: the bias correction leads to rho = {theta[-2]:.4g}, sigma2 = {theta[-1]:.4g}, where the "
                "model is not defined; the panel is too short or the process has a unit root (bias_corrected=False)"
            )
        covariance = inverse_scaled(information(process, theta)) / nobs
        if cov_type == "robust":
            covariance = covariance + covariance @ kurtosis_part(process, theta) @ covariance * nobs
        notes = self.formula_notes + probe_notes(
            {"rho": (ln_det, point.rho)},
            n_periods,
            lambda: np.linalg.inv(point.curvature),
            {"rho": float(np.sqrt(covariance[-2, -2]))},
            {"trace of rho": process.traces(theta[-2]).error},
        )
        if shift.any():
            share = (shift / np.sqrt(np.diag(covariance))).max()
            notes += (
                "traces of the bias correction: estimated by probes, whose error moves no estimate by more than "
                f"{100 * share:.1g} % of its standard error",
            )
        result = DynamicResults(process, theta, covariance, uncorrected, point.loglik, cov_type, removed, notes)
        if not result.is_stable:
            warnings.warn(
                f"{WHERE}: the largest root of the process is {result.largest_root:.4f}; long-run impacts do not "
                "exist and the bias correction rests on a stable process",
                stacklevel=2,
            )
        return result


def _check_spacing(panel: Panel) -> None:
    """Refuse years that do not follow one another: y_{t-1} would be the outcome of another year."""
    periods = panel.periods
    if not all(isinstance(period, (int, np.integer)) for period in periods):
        return
    gaps = np.diff(periods)
    if (gaps != gaps.min()).any():
        last = periods[int(np.argmax(gaps > gaps.min()))]
        raise RongheError(
            f"{WHERE}: periods must be equally far apart, and after {last} some are absent; y_(t-1) would be the "
            "outcome of another period. Add the rows, or use an unbroken run of periods"
        )
