"""What a reader must know of log-determinants and traces that probes estimate: how large their error is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ronghe.spatial.log_determinant.base import LogDeterminant


def probe_notes(
    filters: Mapping[str, tuple[LogDeterminant, float]],
    n_periods: int,
    inverse: Callable[[], np.ndarray],
    own: Mapping[str, float],
    traces: Mapping[str, float],
) -> tuple[str, ...]:
    """Say which log-determinants and traces were estimated by probes, and how closely; nothing where all are exact.

    `filters` holds each filter and its parameter by name, `inverse` returns the inverse of minus the curvature of the
    likelihood in these parameters, `own` their standard errors, `traces` relative errors by what they belong to.
    """
    slopes = np.array([n_periods * f.errors(a)[1] for f, a in filters.values()])
    # A slope that is off by s moves the maximum by -H^-1 s; both filters may use the same probes.
    moved = np.abs(inverse()) @ slopes if slopes.any() else slopes
    notes = [
        f.note(name, a, n_periods, float(error), own[name])
        for (name, (f, a)), error in zip(filters.items(), moved, strict=True)
    ]
    told = [f"{text}: estimated by probes, relative error {error:.1e}" for text, error in traces.items() if error]
    return tuple([text for text in notes if text] + told)
