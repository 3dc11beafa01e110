"""Frontier efficiency with bad outputs: the slacks-based measure and the directional distance, one program per unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known

RETURNS = ("constant", "variable")
DISTANCES = ("slacks", "directional")
# Below this distance from one a unit counts as on the frontier; the solver's own tolerance is 1e-7.
ON_FRONTIER = 1e-7


@dataclass(frozen=True)
class Technology:
    """Units by inputs, good outputs and bad outputs, each scaled by its mean over all units."""

    units: pd.Index
    inputs: np.ndarray
    goods: np.ndarray
    bads: np.ndarray

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, inputs: Iterable[str], outputs: Iterable[str], bads: Iterable[str] = ()
    ) -> Technology:
        """Take the named columns; a missing or non-positive cell is refused, because slacks are divided by it."""
        inputs, outputs, bads = list(inputs), list(outputs), list(bads)
        if not inputs or not outputs:
            raise RongheError("frontier: name at least one input and one output")
        names = [*inputs, *outputs, *bads]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RongheError(f"frontier: used in more than one part: {listing(twice)}; a variable has one part")
        for name in names:
            require_known(name, frame.columns, "variable", "frontier")
            values = frame[name].to_numpy(float)
            bad = frame.index[~np.isfinite(values) | ~(values > 0)]
            if len(bad):
                raise RongheError(
                    f"frontier: '{name}' is missing, zero or negative for {listing(bad)}; "
                    "leave these out of the sample, or complete the variable"
                )
        # The measures do not depend on units of measurement; the scale keeps the solver's tolerances meaningful.
        blocks = (frame[part].to_numpy(float) for part in (inputs, outputs, bads))
        return cls(frame.index, *(block / block.mean(axis=0) if block.size else block for block in blocks))

    def take(self, rows: np.ndarray) -> Technology:
        """Return some of the units, in the scale of all."""
        return Technology(self.units[rows], self.inputs[rows], self.goods[rows], self.bads[rows])


def _solve(c: np.ndarray, A: np.ndarray, b: np.ndarray, lower: float | None, unit: tuple[str, int]) -> np.ndarray:
    """Minimise c z subject to A z = b, z >= 0 (the last variable >= `lower`), with the dual simplex of HiGHS."""
    from scipy.optimize import linprog

    bounds = np.tile([0.0, np.inf], (len(c), 1))
    bounds[-1, 0] = -np.inf if lower is None else lower
    # Presolve costs more than it saves on programs of seven rows.
    answer = linprog(c, A_eq=A, b_eq=b, bounds=bounds, method="highs-ds", options={"presolve": False})
    if answer.status != 0:
        raise RongheError(f"frontier: no solution for {unit}: {answer.message}")
    return answer.x


def _not_dominated(units: np.ndarray, goods: slice, constant: bool) -> np.ndarray:
    """Return which columns could be on the frontier: no other one, scaled under constant returns, beats them clearly.

    Unit i times theta leaves j behind in everything where max(y_j / y_i) < theta < min(x_j / x_i, b_j / b_i).
    """
    keep = np.ones(units.shape[1], dtype=bool)
    used = np.ones(len(units), dtype=bool)
    used[goods] = False
    for j in range(units.shape[1]):
        ratio = units[:, [j]] / units[:, keep]
        least, most = ratio[goods].max(axis=0), ratio[used].min(axis=0)
        beaten = least < most * (1 - ON_FRONTIER)
        if not constant:
            beaten &= (least <= 1) & (most >= 1)
        keep[j] = not beaten.any()
    return keep


def slacks_based(
    evaluated: Technology, reference: Technology | None = None, returns: str = "constant"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the efficiency of each unit and its slacks as shares of its own inputs, goods and bads.

    rho = min [1 - (1/m) sum s-/x] / [1 + (1/(s1 + s2)) (sum sg/y + sum sb/b)] subject to x = X lambda + s-,
    y = Y lambda - sg, b = B lambda + sb, all >= 0, with sum lambda = 1 under variable returns (Tone 2001; with bad
    outputs Tone 2004), made linear by Charnes and Cooper's substitution. A unit that is not on the frontier of the
    reference is never a peer, so it is left out of the programs once this is known; this changes no optimum.
    """
    require_known(returns, RETURNS, "returns to scale", "frontier")
    reference = evaluated if reference is None else reference
    m, outputs = evaluated.inputs.shape[1], evaluated.goods.shape[1] + evaluated.bads.shape[1]
    s1, k = evaluated.goods.shape[1], m + outputs
    own = np.hstack([evaluated.inputs, evaluated.goods, evaluated.bads])
    peers = np.hstack([reference.inputs, reference.goods, reference.bads]).T
    position = {unit: j for j, unit in enumerate(reference.units)}
    variable = returns == "variable"
    keep = _not_dominated(peers, slice(m, m + s1), not variable)
    signs = np.ones(k)
    signs[m : m + s1] = -1
    efficiency, slacks = np.empty(len(own)), np.empty_like(own)
    for i, (unit, z) in enumerate(zip(evaluated.units, own, strict=True)):
        X = peers[:, keep]
        n = X.shape[1]
        # Columns: intensities, slacks as shares of the unit's own figures, t. Rows: balances, normalisation, convexity.
        A = np.zeros((k + 1 + variable, n + k + 1))
        A[:k, :n] = X / z[:, None]
        A[np.arange(k), n + np.arange(k)] = signs
        A[:k, -1] = -1.0
        A[k, n + m : n + k] = 1.0 / outputs
        A[k, -1] = 1.0
        if variable:
            A[k + 1, :n], A[k + 1, -1] = 1.0, -1.0
        b = np.zeros(len(A))
        b[k] = 1.0
        c = np.zeros(n + k + 1)
        c[n : n + m], c[-1] = -1.0 / m, 1.0
        x = _solve(c, A, b, 0.0, unit)
        efficiency[i] = min(c @ x, 1.0)
        slacks[i] = x[n : n + k] / x[-1]
        j = position.get(unit)
        if efficiency[i] < 1 - ON_FRONTIER and j is not None and np.array_equal(peers[:, j], z):
            keep[j] = False
    return efficiency, slacks


def directional_distance(evaluated: Technology, reference: Technology | None = None) -> np.ndarray:
    """Return by unit the most beta by which goods can grow and bads shrink together, in proportion to its own.

    max beta subject to X lambda <= x, Y lambda >= (1 + beta) y, B lambda = (1 - beta) b, lambda >= 0: bads weakly
    disposable, direction (y, b) (Chung, Fare and Grosskopf 1997). Constant returns only: with one abatement factor the
    weakly disposable technology under variable returns is not convex (Kuosmanen 2005). beta is negative for a unit
    outside the reference's technology.
    """
    reference = evaluated if reference is None else reference
    m, s1 = evaluated.inputs.shape[1], evaluated.goods.shape[1]
    own = np.hstack([evaluated.inputs, evaluated.goods, evaluated.bads])
    peers = np.hstack([reference.inputs, reference.goods, reference.bads]).T
    k, n = peers.shape
    distance = np.empty(len(own))
    for i, (unit, z) in enumerate(zip(evaluated.units, own, strict=True)):
        # Columns: intensities, slacks of inputs and goods, beta.
        A = np.zeros((k, n + m + s1 + 1))
        A[:, :n] = peers / z[:, None]
        A[np.arange(m), n + np.arange(m)] = 1.0
        A[m + np.arange(s1), n + m + np.arange(s1)] = -1.0
        A[m : m + s1, -1], A[m + s1 :, -1] = -1.0, 1.0
        c = np.zeros(A.shape[1])
        c[-1] = -1.0
        distance[i] = _solve(c, A, np.ones(k), None, unit)[-1]
    return distance
