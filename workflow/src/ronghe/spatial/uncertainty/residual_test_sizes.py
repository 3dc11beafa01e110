"""How often LM, Hausman and effects tests of 5 % reject where nothing is there, on the panel's own regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import ALLOWED, CHUNK, INNER, LEVEL, ROUND, spread_tasks
from ronghe.spatial.uncertainty.dependence_tests import TESTS, DependenceTests
from ronghe.spatial.uncertainty.designs import DESIGNS, Disturbances
from ronghe.spatial.uncertainty.effects_tests import NAMES, PRESENCE, EffectsTest
from ronghe.spatial.uncertainty.mundlak import MeansTest
from ronghe.threads import single_threaded

STATISTIC = "Wald, CR3"
HAUSMAN = "Hausman, regression form"
KINDS = ("lm", "hausman", *PRESENCE)
STREAMS = {"hausman": 9, "lm": 10, "units_given_time": 11, "time_given_units": 12}
COLUMNS = ["test", "version", "design", "size", "error"]


@single_threaded
def residual_test_sizes(
    model: SpatialPanel,
    designs: Sequence[str] = tuple(DESIGNS),
    repetitions: int = 1000,
    seed: int = 0,
    cores: int | None = None,
) -> pd.DataFrame:
    """Return sizes of LM tests, Hausman's test in regression form and F tests of effects, textbook and bootstrap.

    LM: outcomes without spatial terms, as estimated here. Hausman: outcomes of the Durbin model with random effects of
    units that the regressors know nothing of, their variance that of the units' mean residuals. F: outcomes of the
    Durbin model without the effects, disturbances as large as the residuals with all of them. 99 draws in each data
    set, stopped where the answer at 5 % is certain.
    """
    parts = [CHUNK] * (repetitions // CHUNK) + ([repetitions % CHUNK] if repetitions % CHUNK else [])
    tasks = [(kind, d, i, n) for kind in KINDS for d in designs for i, n in enumerate(parts)]
    own = model.fit().model.residuals
    cells = model.projection.effective_size(*own.shape, "lee_yu")[0]
    shape = Disturbances(float(np.sum(own**2)) / cells, own)
    lm, means = DependenceTests(model), MeansTest(model)
    panel = model.panel
    X = pd.DataFrame({name: panel.series(panel.X[:, :, k], name) for k, name in enumerate(panel.names)})
    frames, lags = (panel.series(panel.y, "y"), X, model.weights), list(model.specification.durbin)
    effects = {code: EffectsTest.of(code, *frames, model="sdm", durbin=lags) for code in PRESENCE}

    def run(task: tuple) -> dict[tuple[str, str], np.ndarray]:
        kind, design, part, count = task
        stream = [seed, STREAMS[kind], list(DESIGNS).index(design), part]
        generator = np.random.default_rng(np.random.SeedSequence(stream))
        if kind == "lm":
            return _lm_trial(lm, model, design, generator, count)
        if kind == "hausman":
            return _means_trial(means, model, shape, design, generator, count)
        return _effects_trial(effects[kind], kind, shape, design, generator, count)

    found = dict(zip(tasks, spread_tasks(run, tasks, cores), strict=True))
    rows = []
    for kind in KINDS:
        for design in designs:
            trials = [found[kind, design, i, n] for i, n in enumerate(parts)]
            for test, version in trials[0]:
                size = float(np.concatenate([trial[test, version] for trial in trials]).mean())
                rows.append((test, version, design, size, 1.96 * np.sqrt(max(size * (1 - size), 1e-4) / repetitions)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _lm_trial(
    test: DependenceTests, model: SpatialPanel, design: str, generator: np.random.Generator, count: int
) -> dict[tuple[str, str], np.ndarray]:
    at = test.parts(model.panel.y[None])
    e = at.residuals[0]
    cells = model.projection.effective_size(*e.shape, "lee_yu")[0]
    drawn = Disturbances(float(np.sum(e * e)) / cells, e).draw(design, generator, count)
    y = (model.panel.y - e) + drawn
    at = test.parts(y)
    v = 1.0 - 2.0 * generator.integers(0, 2, size=(count, INNER, test.batch.n_units))
    again = [test.parts(test.draw(y[[i]], _of(at, i), v[[i]])) for i in range(count)]
    found = {}
    for version, statistics in (("textbook", test.textbook), ("studentised by unit", test.clustered)):
        observed, drawn = statistics(at), [statistics(parts) for parts in again]
        for name, df in TESTS.items():
            if version == "textbook":
                found[name, "textbook"] = chdtrc(df, observed[name]) < 1 - LEVEL
            above = np.array([np.sum(drawn[i][name] >= observed[name][i]) for i in range(count)])
            found[name, f"{version}, wild bootstrap"] = above <= ALLOWED
    return found


def _of(at: object, place: int) -> object:
    return type(at)(at.residuals[[place]], at.lagged[[place]])


def _means_trial(
    test: MeansTest, model: SpatialPanel, shape: Disturbances, design: str, generator: np.random.Generator, count: int
) -> dict[tuple[str, str], np.ndarray]:
    null = test.null(model.panel.y[None])
    u, N = null.residuals[0], test.whole.n_units
    if design == "flipped":
        drawn = u * generator.choice([-1.0, 1.0], size=(count, N, 1))
    else:
        effects = u.mean(axis=1).std() * generator.standard_normal((count, N, 1))
        drawn = shape.draw(design, generator, count) + effects
    y = np.linalg.inv(np.eye(N) - null.rho[0] * test.whole.W) @ (null.fitted[0] + drawn)
    statistics, at_null = test.statistics(y, (STATISTIC, "LR"))
    observed = statistics[STATISTIC]
    v = 1.0 - 2.0 * generator.integers(0, 2, size=(count, INNER, N))
    counts = np.zeros(count, dtype=int)
    for start in range(0, INNER, ROUND):
        active = np.flatnonzero(counts <= ALLOWED)
        if not len(active):
            break
        again = test.draw(at_null, active, v[active, start : start + ROUND])
        reached = test.statistics(again, (STATISTIC,))[0][STATISTIC].reshape(len(active), -1)
        counts[active] += (reached >= observed[active, None]).sum(axis=1)
    return {
        (HAUSMAN, "textbook"): chdtrc(test.df, observed) < 1 - LEVEL,
        (HAUSMAN, "wild bootstrap"): counts <= ALLOWED,
    }


def _effects_trial(
    test: EffectsTest, code: str, shape: Disturbances, design: str, generator: np.random.Generator, count: int
) -> dict[tuple[str, str], np.ndarray]:
    _, null = test.of_outcomes(test.whole.panel.y[None])
    surface = null.y[0] - null.rho[0] * null.lagged[0] - null.residuals[0]
    spread = np.linalg.inv(np.eye(test.whole.n_units) - null.rho[0] * test.whole.W)
    observed, at_null = test.of_outcomes(spread @ (surface + shape.draw(design, generator, count)))
    counts = np.zeros(count, dtype=int)
    for _ in range(0, INNER, ROUND):
        active = np.flatnonzero(counts <= ALLOWED)
        if len(active):
            counts[active] += test.reached(at_null, active, observed, ROUND, generator)
    book = chdtrc(test.df[0], observed) if test.dummies else fdtrc(*test.df, observed)
    return {(NAMES[code], "textbook"): book < 1 - LEVEL, (NAMES[code], "bootstrap"): counts <= ALLOWED}
