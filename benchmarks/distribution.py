"""Times what is told of distributions: `python -m benchmarks.distribution`."""

from __future__ import annotations

import warnings
from functools import partial
from importlib.metadata import version

import numpy as np
import pandas as pd
from ronghe.explore.dagum import dagum
from ronghe.explore.density import densities_by_year
from ronghe.explore.gravity import gravity_by_year
from ronghe.explore.theil import theil
from ronghe.explore.transitions import transitions

from benchmarks.timing import Peer, measure, peak_megabytes, record

OUTPUT = "results/benchmarks/distribution.csv"
# Above this size arrays of all pairs take gigabytes.
MOST_PAIRS = 3000


def gini_peer(y: np.ndarray, groups: np.ndarray) -> Peer | None:
    """Return the direct way, over the array of all differences: no package on hand decomposes a Gini ratio."""
    if len(y) > MOST_PAIRS:
        return None
    members = (groups[:, None] == np.unique(groups)).astype(float)

    def work() -> np.ndarray:
        return members.T @ np.abs(y[:, None] - y[None, :]) @ members / (2 * len(y) ** 2 * y.mean())

    return Peer(f"numpy {version('numpy')}", "all pairs, by group", work)


def theil_peer(y: np.ndarray, groups: np.ndarray) -> Peer:
    """Return the same decomposition by pysal's inequality."""
    from inequality.theil import TheilD

    return Peer(f"inequality {version('inequality')}", "Theil between and within", partial(TheilD, y, groups))


def density_peer(panel: pd.DataFrame, points: int = 256) -> Peer:
    """Return the same densities by scipy, year by year."""
    import scipy
    from scipy.stats import gaussian_kde

    grid = np.linspace(panel.to_numpy().min(), panel.to_numpy().max(), points)

    def work() -> list[np.ndarray]:
        return [gaussian_kde(column.to_numpy(), "silverman")(grid) for _, column in panel.items()]

    return Peer(f"scipy {scipy.__version__}", "densities, no shapes", work)


def markov_peer(panel: pd.DataFrame, classes: int = 4) -> Peer:
    """Return the plain chain by giddy, on classes made beforehand."""
    with warnings.catch_warnings():
        # What the peer warns of is its own; nothing of ours runs in here.
        warnings.simplefilter("ignore")
        from giddy.markov import Markov
    values = panel.to_numpy()
    codes = np.searchsorted(np.quantile(values, np.arange(1, classes) / classes), values)
    task = "transition matrix and steady state, no tests"
    return Peer(f"giddy {version('giddy')}", task, partial(Markov, codes, summary=False))


def main() -> None:
    """Time one year and whole panels of many regions."""
    rng = np.random.default_rng(1)
    rows = []
    for n in (30, MOST_PAIRS, 100_000):
        names = [f"region {i:06}" for i in range(n)]
        y = pd.Series(rng.lognormal(size=n), names)
        groups = pd.Series(rng.integers(0, 8, n).astype(str), names)
        works = {
            "Dagum, 8 groups, one year": (partial(dagum, y, groups), gini_peer(y.to_numpy(), groups.to_numpy())),
            "Theil, 8 groups, one year": (partial(theil, y, groups), theil_peer(y.to_numpy(), groups.to_numpy())),
        }
        for task, (work, peer) in works.items():
            row = measure(task, f"{n} regions", work, 5, peer)
            rows.append(row | {"peak_megabytes": round(peak_megabytes(work), 2)})
    names = [f"region {i:05}" for i in range(3000)]
    index = pd.MultiIndex.from_product([names, range(1990, 2020)], names=["region", "year"])
    values = pd.Series(rng.lognormal(size=len(index)), index, name="y")
    panel = values.unstack()
    places = pd.DataFrame({"longitude": rng.uniform(75, 130, 3000), "latitude": rng.uniform(20, 50, 3000)}, names)
    panels = {
        "kernel densities": (partial(densities_by_year, values), density_peer(panel)),
        "Markov chain with tests": (partial(transitions, values), markov_peer(panel)),
        "centre of gravity and ellipse": (partial(gravity_by_year, values, places), None),
    }
    for task, (work, peer) in panels.items():
        row = measure(task, "3000 regions x 30 years", work, 3, peer)
        rows.append(row | {"peak_megabytes": round(peak_megabytes(work), 2)})
    record(rows, OUTPUT, ("peak_megabytes",))


if __name__ == "__main__":
    main()
