"""The certificate of models that have no batch form (sem, sdem, sarar, gns): every draw fitted by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ronghe.errors import RongheError, require_known
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impacts import IMPACTS, average_impacts
from ronghe.spatial.maximum import NoMaximum
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import LEVEL, METHODS, coverage_rows, spread_tasks
from ronghe.spatial.uncertainty.covariance import CovarianceChoice, covariance
from ronghe.spatial.uncertainty.designs import DESIGNS, Disturbances
from ronghe.spatial.uncertainty.engine_bootstrap import fitted_model, outcome_of, surface
from ronghe.spatial.uncertainty.few_clusters import WORKING_PAIRS, FewClusters
from ronghe.spatial.uncertainty.verdict import Certificate, conclude
from ronghe.threads import single_threaded

# Draws that one task makes with a seed of its own.
PART = 25
ENGINE_METHODS = tuple(m for m in METHODS if m != "wild bootstrap")
# Kind and degrees of freedom behind each method's name.
FREEDOM = {
    "CR1, t(G-1)": ("CR1", "clusters"),
    "CR2, t(G-1)": ("CR2", "clusters"),
    "CR2, Satterthwaite": ("CR2", "satterthwaite"),
    "CR2, working df": ("CR2", "working"),
    "corrected": ("corrected", None),
    "CR2, working pairs": (WORKING_PAIRS, None),
    "CR3, t(G-1)": ("CR3", "clusters"),
    "CR3, Satterthwaite": ("CR3", "satterthwaite"),
    "CR3, working df": ("CR3", "working"),
}


@dataclass(frozen=True)
class EngineSetup:
    """The estimates that outcomes are drawn from, and the quantities of interest: rho, lambda, the treatment's."""

    model: SpatialPanel
    fitted: FittedModel
    treatment: str
    disturbances: Disturbances
    base: np.ndarray

    @classmethod
    def of(cls, model: SpatialPanel, treatment: str) -> EngineSetup:
        """Fit the model to its own outcome."""
        if model.panel.observed is not None or model.specification.method == "bias_corrected":
            raise RongheError(f"{model.name}: certificate: a complete panel and method lee_yu or lsdv are needed")
        require_known(treatment, model.specification.names, "regressor", "certificate")
        m, _ = fitted_model(model)
        cells = m.projection.effective_size(*model.panel.y.shape, "lee_yu")[0]
        return cls(model, m, treatment, Disturbances(float(np.sum(m.residuals**2)) / cells, m.residuals), surface(m))

    @property
    def names(self) -> list[str]:
        """Names of the quantities."""
        s = self.model.specification
        spread = s.has_lag or bool(s.durbin)
        return [*(["rho"] * s.has_lag), *(["lambda"] * s.has_error), *(IMPACTS if spread else IMPACTS[:1])]

    @property
    def truth(self) -> np.ndarray:
        """Value of every quantity."""
        return self.quantities(self.fitted)[0]

    def quantities(self, m: FittedModel) -> tuple[np.ndarray, np.ndarray]:
        """Return values and gradients (quantity, parameter)."""
        names = list(m.specification.parameters)
        places = [names.index(n) for n in ("rho", "lambda") if n in names]
        known, effects, jacobian = average_impacts(m)
        own, kept = known.index(self.treatment), len(self.names) - len(places)
        values = np.concatenate([m.values[places], effects[own][:kept]])
        return values, np.concatenate([np.eye(len(names))[places], jacobian[own][:kept]])

    def trial(self, design: str, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Return for every method whether intervals cover (draw, quantity), and their half-lengths.

        A draw without a maximum counts as not covered, at the lengths of no one.
        """
        found = {m: np.full((2, count, len(self.names)), np.nan) for m in ENGINE_METHODS}
        for i, u in enumerate(self.disturbances.draw(design, generator, count)):
            try:
                m, _ = fitted_model(self.model.with_outcome(outcome_of(self.fitted, self.base + u)))
            except NoMaximum:
                for held in found.values():
                    held[0, i] = 0.0
                continue
            values, gradients = self.quantities(m)
            for method, half in halves(m, gradients).items():
                found[method][:, i] = np.abs(values - self.truth) <= half, half
        return found


def halves(m: FittedModel, gradients: np.ndarray) -> dict[str, np.ndarray]:
    """Return half-lengths of 95 % intervals (quantity) by method."""
    clusters, share = FewClusters(m), 0.5 + LEVEL / 2
    V = {kind: clusters.covariance(kind) for kind in ("CR1", "CR2", "CR3")}
    V["expected"], V["corrected"] = covariance(m, CovarianceChoice(), "certificate"), V["CR2"]
    V[WORKING_PAIRS] = clusters.covariance(WORKING_PAIRS)

    def half(kind: str, factors: np.ndarray | float, df: np.ndarray | float) -> np.ndarray:
        variances = np.einsum("qp,pr,qr->q", gradients, V[kind], gradients)
        return stdtrit(df, share) * np.sqrt(variances * factors)

    found = {"independent errors, normal": half("expected", 1.0, np.inf)}
    return found | {name: half(kind, *clusters.freedom(kind, gradients, df)) for name, (kind, df) in FREEDOM.items()}


@single_threaded
def engine_certificate(
    model: SpatialPanel,
    treatment: str,
    designs: Sequence[str] = tuple(DESIGNS),
    repetitions: int = 400,
    seed: int = 0,
    cores: int | None = None,
) -> Certificate:
    """Return the coverage of intervals for a model at its own estimates, as `certificate` does for those with batches.

    A draw costs some 15 ms, so that there are fewer of them; no wild bootstrap inside each and no joint tests.
    """
    if repetitions < 100:
        raise RongheError(f"certificate: {repetitions} repetitions say little; use 400, or 100 at the least")
    for name in designs:
        require_known(name, DESIGNS, "design", "certificate")
    setup = EngineSetup.of(model, treatment)
    sizes = [PART] * (repetitions // PART) + ([repetitions % PART] if repetitions % PART else [])
    tasks = [(d, i, n) for d in designs for i, n in enumerate(sizes)]

    def run(task: tuple) -> dict[str, np.ndarray]:
        design, part, count = task
        generator = np.random.default_rng(np.random.SeedSequence([seed, list(DESIGNS).index(design), part]))
        return setup.trial(design, generator, count)

    found = dict(zip(tasks, spread_tasks(run, tasks, cores), strict=True))
    rows = [
        coverage_rows("estimate", d, setup, [found[d, i, n] for i, n in enumerate(sizes)], ENGINE_METHODS)
        for d in designs
    ]
    intervals = pd.concat(rows, ignore_index=True)
    intervals.attrs["repetitions"] = repetitions
    sizes_table = pd.DataFrame(columns=["hypothesis", "test", "version", "design", "size", "error"])
    return conclude(intervals, sizes_table, ENGINE_METHODS)
