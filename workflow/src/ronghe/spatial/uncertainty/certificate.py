"""Which intervals and tests may be trusted for this panel: coverage and size where the truth is known."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import chdtrc, stdtrit

from ronghe.errors import RongheError, listing, require_known
from ronghe.progress import each
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.freedom import Freedom
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.designs import DESIGNS, Disturbances
from ronghe.spatial.uncertainty.few_clusters import shared_freedom
from ronghe.spatial.uncertainty.joint_tests import HYPOTHESES, JointTest
from ronghe.spatial.uncertainty.verdict import Certificate, conclude
from ronghe.threads import single_threaded

LEVEL = 0.95
REFERENCE = "CR3, t(G-1)"
# Methods by name, and the covariance that each rests on.
METHODS = {
    "independent errors, normal": "expected",
    "CR1, t(G-1)": "CR1",
    "CR2, t(G-1)": "CR2",
    "CR2, Satterthwaite": "CR2",
    "CR2, working df": "CR2",
    "corrected": "CR2",
    "CR2, working pairs": "CR2",
    REFERENCE: "CR3",
    "CR3, Satterthwaite": "CR3",
    "CR3, working df": "CR3",
    "wild bootstrap": "CR1",
}
OWN_FREEDOM = ("Satterthwaite", "working df", "corrected", "working pairs")
BOOTSTRAPPED = ("Wald, CR3",)
TEXTBOOK = ("LR", "Wald, expected", "Wald, CR1", "Wald, CR2", "Wald, CR3")
# Draws of the bootstrap within one data set; (1 + k) / 100 <= .05 asks k <= 4.
INNER, ALLOWED, ROUND = 99, 4, 11
# Data sets in one task, and of how many one has all its draws, for the length of its interval.
CHUNK, COMPLETE = 125, 5
# Refits done together: as many as the processor's cache holds.
TOGETHER = 400
_job: Callable[[tuple], object] | None = None


@single_threaded
def certificate(
    model: SpatialPanel,
    treatment: str,
    designs: Sequence[str] = tuple(DESIGNS),
    repetitions: int = 1000,
    seed: int = 0,
    truths: Mapping[str, Mapping[str, float]] | None = None,
    hypotheses: Sequence[str] = ("sar", "sem", "slx"),
    methods: Sequence[str] = tuple(METHODS),
    cores: int | None = None,
) -> Certificate:
    """Return coverage and sizes on the panel's own N, T, W and X, and the method that they speak for.

    Outcomes are drawn from the estimates under every design, and again for each of `truths`, a name with values of
    parameters that take the estimates' place, such as {"rho 0.4": {"rho": 0.4}}. Sizes are taken where the smaller
    model, as estimated, is true.
    The wild bootstrap inside each draw has 99 draws of its own, and stops where its answer at 5 % is certain. Every
    125 draws have a seed of their own, so that results do not depend on the number of cores.
    """
    if repetitions < 100:
        raise RongheError(f"certificate: {repetitions} repetitions say little; use 1,000, or 100 at the least")
    for name in designs:
        require_known(name, DESIGNS, "design", "certificate")
    for name in methods:
        require_known(name, METHODS, "method", "certificate")
    setups = {"estimate": Setup.of(model, treatment, {})}
    setups |= {name: Setup.of(model, treatment, dict(given)) for name, given in (truths or {}).items()}
    setup = setups["estimate"]
    sizes = [CHUNK] * (repetitions // CHUNK) + ([repetitions % CHUNK] if repetitions % CHUNK else [])
    tests = {h: NullSetup.of(setup, h) for h in hypotheses}
    kinds = [*(("truth", name) for name in setups), *(("null", h) for h in hypotheses)]
    tasks = [(*kind, d, i, n) for kind in kinds for d in designs for i, n in enumerate(sizes)]

    def run(task: tuple) -> object:
        kind, name, design, part, count = task
        # Tests have streams of their own, intervals the same at every truth.
        stream = 0 if kind == "truth" else 1 + list(HYPOTHESES).index(name)
        generator = np.random.default_rng(np.random.SeedSequence([seed, stream, list(DESIGNS).index(design), part]))
        if kind == "truth":
            return setups[name].trial(design, generator, count, methods)
        return tests[name].trial(design, generator, count)

    found = dict(zip(tasks, spread_tasks(run, tasks, cores), strict=True))

    def parts(kind: str, name: str, design: str) -> list[dict]:
        return [found[kind, name, design, i, n] for i, n in enumerate(sizes)]

    intervals = pd.concat(
        [coverage_rows(at, d, setups[at], parts("truth", at, d), methods) for at in setups for d in designs],
        ignore_index=True,
    )
    intervals.attrs["repetitions"] = repetitions
    rows = [row for h in hypotheses for d in designs for row in _sizes(h, d, parts("null", h, d))]
    columns = ["hypothesis", "test", "version", "design", "size", "error"]
    return conclude(intervals, pd.DataFrame(rows, columns=columns), methods)


@dataclass(frozen=True)
class Setup:
    """The truth that outcomes are drawn from, and the quantities of interest."""

    batch: Batch
    model: SpatialPanel
    treatment: str
    b: np.ndarray
    rho: float
    surface: np.ndarray
    disturbances: Disturbances
    base: BatchFit

    @classmethod
    def of(cls, model: SpatialPanel, treatment: str, given: dict[str, float]) -> Setup:
        """Take the estimates, with some parameters replaced."""
        batch = Batch(model)
        require_known(treatment, batch.specification.names, "regressor", "certificate")
        fit = batch.fit(model.panel.y[None])
        unknown = [k for k in given if k not in batch.names]
        if unknown:
            raise RongheError(
                f"certificate: truth names parameters that the model has not: {listing(unknown)} "
                f"(it has {listing(batch.names)})"
            )
        values = np.array([given.get(n, v) for n, v in zip(batch.names, fit.values[0], strict=True)])
        K = fit.b.shape[1]
        rho = float(values[K]) if batch.has_lag else 0.0
        e = fit.residuals[0]
        lagged = fit.rho[0] * fit.lagged[0] if batch.has_lag else 0.0
        effects = model.panel.y - lagged - batch.raw @ fit.b[0] - e
        cells = batch.projection.effective_size(batch.n_units, batch.n_periods, "lee_yu")[0]
        disturbances = Disturbances(float(np.sum(e * e)) / cells, e)
        if "sigma2" in given:
            disturbances = disturbances.scaled(float(given["sigma2"]))
        surface = batch.raw @ values[:K] + effects
        return cls(batch, model, treatment, values[:K], rho, surface, disturbances, fit)

    @cached_property
    def truth(self) -> np.ndarray:
        """Value of every quantity."""
        return self.quantities(self.base.moved(self.b[None], np.array([self.rho])))[0][0]

    @property
    def names(self) -> list[str]:
        """Names of the quantities: rho, where there is one, and the treatment's impacts."""
        return [*(["rho"] if self.batch.has_lag else []), *(("direct", "indirect", "total")[i] for i in self._impacts)]

    @property
    def _impacts(self) -> list[int]:
        """Which impacts there are: without W y and W x the direct one is all."""
        return [0, 1, 2] if self.batch.has_lag or self.treatment in self.batch.specification.durbin else [0]

    def quantities(self, fit: BatchFit) -> tuple[np.ndarray, np.ndarray]:
        """Return values (draw, quantity) and gradients."""
        impacts, slopes = fit.impacts([self.treatment])
        impacts, slopes = impacts[:, 0, self._impacts], slopes[:, 0, self._impacts]
        if not self.batch.has_lag:
            return impacts, slopes
        K = fit.b.shape[1]
        unit = np.zeros((fit.n_draws, 1, slopes.shape[2]))
        unit[:, 0, K] = 1.0
        return np.concatenate([fit.rho[:, None], impacts], axis=1), np.concatenate([unit, slopes], axis=1)

    def outcomes(self, disturbances: np.ndarray) -> np.ndarray:
        """Return outcomes for disturbances (draw, unit, period)."""
        right = self.surface + disturbances
        return np.linalg.inv(np.eye(self.batch.n_units) - self.rho * self.batch.W) @ right if self.rho else right

    def trial(
        self, design: str, generator: np.random.Generator, count: int, methods: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Return for every method whether its intervals cover (draw, quantity), and their half-lengths."""
        fit = self.batch.fit(self.outcomes(self.disturbances.draw(design, generator, count)))
        values, gradients = self.quantities(fit)
        gap, found = np.abs(values - self.truth), {}
        halves = half_lengths(fit, gradients, [m for m in methods if m != "wild bootstrap"])
        for method, half in halves.items():
            found[method] = np.stack([gap <= half, half])
        if "wild bootstrap" in methods:
            found["wild bootstrap"] = self._wild(fit, values, gradients, generator)
        return found

    def _wild(
        self, fit: BatchFit, values: np.ndarray, gradients: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """Return coverage and half-lengths of the symmetric wild bootstrap-t (CR3 residuals, studentised by CR1).

        An interval covers where more than ALLOWED of the draws' |t*| reach |t| of the truth: draws stop at that. Every
        fifth data set has all of them, for the length; the others' lengths are not a number.
        """
        batch, N = self.batch, self.batch.n_units
        errors = np.sqrt(fit.variances("CR1", gradients))
        t = np.abs(values - self.truth) / errors
        e = fit.adjusted("CR3")
        lagged = fit.rho[:, None, None] * fit.lagged if batch.has_lag else 0.0
        surface = fit.y - lagged - fit.residuals
        inverse = np.linalg.inv(np.eye(N) - fit.rho[:, None, None] * batch.W) if batch.has_lag else None
        surface = surface if inverse is None else inverse @ surface
        v = 1.0 - 2.0 * generator.integers(0, 2, size=(fit.n_draws, INNER, N))
        complete = np.arange(fit.n_draws) % COMPLETE == 0
        drawn = np.full((fit.n_draws, INNER, t.shape[1]), np.nan)
        counts = np.zeros(t.shape, dtype=int)
        for start in range(0, INNER, ROUND):
            active = np.flatnonzero(complete | (counts <= ALLOWED).any(axis=1))
            part = slice(start, start + ROUND)
            for piece in batch.in_chunks(len(active), TOGETHER // ROUND):
                sets = active[piece]
                A = None if inverse is None else inverse[sets]
                again = batch.fit_projected(batch.signed(A, surface[sets], e[sets], v[sets, part]))
                centre, slopes = self.quantities(again)
                errors_again = np.sqrt(again.variances("CR1", slopes)).reshape(len(sets), ROUND, -1)
                found = np.abs(centre.reshape(errors_again.shape) - values[sets][:, None]) / errors_again
                drawn[sets, part] = found
                counts[sets] += np.sum(found >= t[sets][:, None], axis=1)
        half = np.full(t.shape, np.nan)
        half[complete] = np.sort(drawn[complete], axis=1)[:, INNER - ALLOWED - 1] * errors[complete]
        return np.stack([counts > ALLOWED, half])


def half_lengths(fit: BatchFit, gradients: np.ndarray, methods: Sequence[str]) -> dict[str, np.ndarray]:
    """Return half-lengths of 95 % intervals (draw, quantity) by method."""
    share, G, found = 0.5 + LEVEL / 2, fit.batch.n_units, {}
    errors = {kind: np.sqrt(fit.variances(kind, gradients)) for kind in sorted({METHODS[m] for m in methods})}
    plain = stdtrit(G - 1, share)
    moments: dict[tuple[str, bool], tuple[np.ndarray, np.ndarray]] = {}
    for kind in ("CR2", "CR3"):
        own = [m for m in methods if METHODS[m] == kind and m.removeprefix(f"{kind}, ") in OWN_FREEDOM]
        freedom = Freedom(fit, gradients, kind) if own else None
        for working in (False, True) if own else ():
            moments[kind, working] = freedom.moments(working)
        if "CR2, working pairs" in own:
            a, b = fit.variance_parts(kind, gradients, freedom.pair_sizes)
            df = shared_freedom(a, b, moments[kind, True][1], G)
            found["CR2, working pairs"] = stdtrit(df, share) * np.sqrt(a + b)
    for method in methods:
        if method == "independent errors, normal":
            found[method] = stdtrit(np.inf, share) * errors["expected"]
        elif method.endswith(("Satterthwaite", "working df")):
            df = moments[METHODS[method], "working" in method][1]
            found[method] = stdtrit(df, share) * errors[METHODS[method]]
        elif method == "corrected":
            error = errors["CR2"] / np.sqrt(moments["CR2", True][0])
            found[method] = stdtrit(moments["CR2", False][1], share) * error
        elif method not in found:
            found[method] = plain * errors[METHODS[method]]
    return found


@dataclass(frozen=True)
class NullSetup:
    """One hypothesis that is true: the smaller model's estimates, from which outcomes are drawn."""

    test: JointTest
    surface: np.ndarray
    spread: np.ndarray
    filter: np.ndarray
    disturbances: Disturbances

    @classmethod
    def of(cls, setup: Setup, hypothesis: str) -> NullSetup:
        """Estimate the smaller model on the data."""
        test = JointTest(setup.model, hypothesis)
        null = test.null(setup.model.panel.y[None])
        eye, N = np.eye(test.whole.n_units), test.whole.n_units
        error = np.linalg.inv(eye - null.lam[0] * test.small.M) if hypothesis == "sem" else eye
        lag = np.linalg.inv(eye - null.rho[0] * test.whole.W) if null.rho[0] else eye
        cells = test.whole.projection.effective_size(N, test.whole.n_periods, "lee_yu")[0]
        scaled = setup.disturbances.scaled(float(np.sum(null.residuals**2)) / cells)
        return cls(test, null.fitted[0], error, lag, scaled)

    def trial(self, design: str, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Return for every test whether it rejects at 5 %, textbook and bootstrap."""
        test = self.test
        y = self.filter @ (self.surface + self.spread @ self.disturbances.draw(design, generator, count))
        statistics, null = test.statistics(y, TEXTBOOK)
        found = {f"{name}|textbook": chdtrc(test.df, values) < 1 - LEVEL for name, values in statistics.items()}
        v = 1.0 - 2.0 * generator.integers(0, 2, size=(count, INNER, test.whole.n_units))
        counts = {name: np.zeros(count, dtype=int) for name in BOOTSTRAPPED}
        for start in range(0, INNER, ROUND):
            active = np.flatnonzero(np.any([c <= ALLOWED for c in counts.values()], axis=0))
            if not len(active):
                break
            for piece in test.whole.in_chunks(len(active), TOGETHER // ROUND):
                sets = active[piece]
                again = test.whole.fit_projected(test.draw_projected(null, sets, v[sets, start : start + ROUND]))
                for name in BOOTSTRAPPED:
                    values = test.wald(again, name.removeprefix("Wald, ")).reshape(len(sets), -1)
                    counts[name][sets] += (values >= statistics[name][sets, None]).sum(axis=1)
        return found | {f"{name}|wild bootstrap": counts[name] <= ALLOWED for name in BOOTSTRAPPED}


def coverage_rows(at: str, design: str, setup: Setup, parts: list[dict], methods: Sequence[str]) -> pd.DataFrame:
    """Return the rows of one design."""
    # In one order of memory, by which sums are taken: what comes from another process has its own.
    both = {m: np.ascontiguousarray(np.concatenate([p[m] for p in parts], axis=1)) for m in methods}
    base = np.nanmean(both[REFERENCE][1], axis=0) if REFERENCE in both else np.full(len(setup.names), np.nan)
    rows = []
    for method, (covers, half) in both.items():
        share, length = covers.mean(axis=0), np.nanmean(half, axis=0)
        for q, name in enumerate(setup.names):
            error = 1.96 * np.sqrt(max(share[q] * (1 - share[q]), 1e-4) / len(covers))
            rows.append((at, design, name, method, share[q], error, length[q] / base[q], 2 * length[q], setup.truth[q]))
    columns = ["at", "design", "quantity", "method", "coverage", "error", "length_ratio", "length", "truth"]
    return pd.DataFrame(rows, columns=columns)


def _sizes(hypothesis: str, design: str, parts: list[dict]) -> list[tuple]:
    rows = []
    for key in parts[0]:
        rejected = np.concatenate([p[key] for p in parts])
        name, version = key.split("|")
        error = 1.96 * np.sqrt(max(rejected.mean() * (1 - rejected.mean()), 1e-4) / len(rejected))
        rows.append((HYPOTHESES[hypothesis], name, version, design, rejected.mean(), error))
    return rows


def spread_tasks(run: Callable[[tuple], object], tasks: list[tuple], cores: int | None) -> list[object]:
    """Run the tasks, in forked processes where there are cores; in their order."""
    global _job
    cores = min(cores or os.cpu_count() or 1, len(tasks))
    if cores == 1 or "fork" not in multiprocessing.get_all_start_methods():
        return [run(task) for task in each(tasks, "certificate", "parts")]
    _job = run
    try:
        # Ctrl-C ends the parent, and the parent ends them.
        with multiprocessing.get_context("fork").Pool(cores, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            found = pool.imap(_work, tasks, chunksize=1)
            return [next(found) for _ in each(tasks, "certificate", "parts")]
    finally:
        _job = None


def _work(task: tuple) -> object:
    return _job(task)
