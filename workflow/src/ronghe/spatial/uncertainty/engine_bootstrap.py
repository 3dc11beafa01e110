"""The wild cluster bootstrap-t by the ordinary engine, for models that have no batch form: sem, sdem, sarar, gns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.bootstrap import cluster_weights
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impacts import IMPACTS, average_impacts
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.maximum import NoMaximum, maximise
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.few_clusters import FewClusters
from ronghe.spatial.uncertainty.wild_bootstrap import COLUMNS, STUDENTISED, summary
from ronghe.threads import single_threaded

# Share of draws without a maximum from which the rest says nothing.
MOST_FAILED = 0.05


def fitted_model(model: SpatialPanel) -> tuple[FittedModel, bool]:
    """Return the maximum as covariances need it, and whether it stands at the edge of its interval."""
    found = maximise(model.likelihood, model.name)
    p = found.point
    fitted = FittedModel(
        model.specification, model.panel, model.projection, model.likelihood, p.b, p.rho, p.lam, p.sigma2, model.weights
    )
    return fitted, bool(found.at_edge)


def filters(m: FittedModel) -> list[tuple[LogDeterminant, float]]:
    """Return what S = I - rho W and R = I - lambda M are made of, in the order in which they act on y."""
    return [(d, a) for d, a in ((m.likelihood.lag, m.rho), (m.likelihood.error, m.lam)) if d is not None]


def surface(m: FittedModel) -> np.ndarray:
    """Return what stays in every draw: R S y less the residual."""
    filtered = m.panel.y
    for ln_det, a in filters(m):
        filtered = filtered - a * (ln_det.matrix @ filtered)
    return filtered - m.residuals


def outcome_of(m: FittedModel, right: np.ndarray) -> np.ndarray:
    """Return S^-1 R^-1 right."""
    for ln_det, a in reversed(filters(m)):
        right = ln_det.solve(a, right)
    return right


def _quantities(model: FittedModel, variables: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return values and gradients of all parameters but sigma2, and of the impacts of variables."""
    values, gradients = [model.values[:-1]], [np.eye(len(model.values))[:-1]]
    if variables:
        known, effects, jacobian = average_impacts(model)
        places = [known.index(variable) for variable in variables]
        values += list(effects[places])
        gradients += list(jacobian[places])
    return np.concatenate(values), np.concatenate(gradients)


@single_threaded
def engine_bootstrap(
    model: SpatialPanel,
    variables: Sequence[str] = (),
    draws: int = 999,
    studentised: str = "CR1",
    residuals: str = "CR3",
    weights: str = "rademacher",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what `wild_bootstrap` returns, each draw estimated by the engine: some milliseconds a draw.

    y* = (I - rho W)^-1 (Z b + effects + (I - lambda M)^-1 v_i e_i), with R and its effects as estimated. attrs say how
    many draws had no maximum, and in how many rho or lambda stood at the edge of its interval.
    """
    require_known(studentised, STUDENTISED, "studentised", "wild bootstrap")
    (m, _), s, panel = fitted_model(model), model.specification, model.panel
    if s.method == "bias_corrected":
        raise RongheError(f"{model.name}: wild bootstrap: choose method='lee_yu' or 'lsdv'")
    if panel.observed is not None:
        raise RongheError(f"{model.name}: wild bootstrap: a complete panel is needed")
    carried, base = FewClusters(m).adjusted(residuals), surface(m)
    values, gradients = _quantities(m, variables)
    errors = np.sqrt(np.einsum("qp,pr,qr->q", gradients, FewClusters(m).covariance(studentised), gradients))
    v = cluster_weights(panel.y.shape[0], draws, weights, seed)
    t, failed, edges = [], 0, 0
    for weight in v:
        try:
            drawn, at_edge = fitted_model(model.with_outcome(outcome_of(m, base + weight[:, None] * carried)))
        except NoMaximum:
            failed += 1
            continue
        edges += at_edge
        centre, slopes = _quantities(drawn, variables)
        V = FewClusters(drawn).covariance(studentised)
        t.append((centre - values) / np.sqrt(np.einsum("qp,pr,qr->q", slopes, V, slopes)))
    if failed > MOST_FAILED * len(v):
        raise RongheError(
            f"{model.name}: wild bootstrap: {failed} of {len(v)} draws have no maximum; choose a smaller "
            "model, or the intervals of CR2 or CR3"
        )
    drawn = np.array(t)
    labels = [(name, "coefficient") for name in s.parameters[:-1]] + [(v, e) for v in variables for e in IMPACTS]
    enumerated = weights == "rademacher" and len(v) == 2 ** panel.y.shape[0]
    table = pd.DataFrame(
        [summary(values[q], errors[q], drawn[:, q], level, enumerated) for q in range(len(values))],
        index=pd.MultiIndex.from_tuples(labels, names=["variable", "effect"]),
        columns=COLUMNS,
    )
    table.attrs.update(failed=failed, at_edge=edges)
    return table
