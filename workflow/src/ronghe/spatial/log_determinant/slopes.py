"""A log-determinant that is exact at the points visited, and read off between them where that is as good."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from functools import cached_property

import numpy as np
from numpy.polynomial import polynomial
from scipy import sparse

from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.powers import power_traces, probe_weights
from ronghe.weights.matrix import Weights

# Orders of the series that steers the search for a maximum, and numbers in its probes.
N_MOMENTS = 40
PROBED_NUMBERS, FEWEST_PROBES = 20_000, 6
# Error of a slope that is read off, in units of sqrt(N): it moves an estimate by less than 1e-9 of its standard error,
# which is at least sqrt(N / T) over the curvature of one unit, for a hundred periods.
SLOPE_TOLERANCE = 1e-10
# What an error of the series was found to be, times this, is what it is taken to be elsewhere; and the least of it.
CAUTION, LEAST = 10.0, 0.01
MOST_NODES = 5
# Slopes carry some N * 1e-15 of rounding: nodes nearer than this over the tolerance, as a share of R, only add noise.
NOISE = 1e-14


class SlopeLogDeterminant(LogDeterminant):
    """A log-determinant of which one factor gives the value and the slope, both exact.

    f = s + g, where s is the series of estimated traces, and g, what it misses, is small and smooth: the slopes of g
    at the points visited make a polynomial. Its error is |g^(k+1)| / k! times the product of the distances to the k
    nodes (Davis 1975, theorem 3.1.1). f is analytic within R, the distance to the end of the interval, so that each
    order brings a factor of the distance over R (Cauchy's estimate); the constant before it is what the last two points
    visited have shown, with caution. Where the slope is known better than any purpose asks, nothing is factored.
    """

    is_costly = True

    def __init__(self, W: Weights) -> None:
        """Start with no points visited."""
        super().__init__(W)
        self._slopes: OrderedDict[float, tuple[float, float]] = OrderedDict()
        self._shares = [1.0]

    @property
    def _share(self) -> float:
        """What an error of the series is taken to be: the larger of the last two found, as one may be small by luck."""
        return max(self._shares[-2:])

    def value_and_slope(self, a: float) -> tuple[float, float]:
        """Return ln|I - a W| and its derivative -tr(G), both exact; 64 points are kept."""
        if a not in self._slopes:
            found = self._value_and_slope(a)
            if self._slopes:
                nodes = self._nodes(a, NOISE)
                bound = self._bound(a, nodes)
                gap = abs(self._between(a, nodes)[1] - found[1])
                # A bound near rounding says nothing.
                if bound > 100 * NOISE * self.n:
                    self._shares.append(max(CAUTION * gap / bound, LEAST))
            self._slopes[a] = found
            if len(self._slopes) > 64:
                self._slopes.popitem(last=False)
        return self._slopes[a]

    @abstractmethod
    def _value_and_slope(self, a: float) -> tuple[float, float]:
        """Return ln|I - a W| and its slope, exact or as good."""

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return the value and slope, exact or as good, and a second derivative good enough for Newton steps."""
        if a not in self._slopes:
            if self.stated_error(a) > SLOPE_TOLERANCE * np.sqrt(self.n):
                self.value_and_slope(a)
        return self._between(a, self._nodes(a, NOISE))

    def stated_error(self, a: float) -> float:
        """Return what the error of a slope that is read off at `a` is held to be, rounding apart."""
        nodes = self._nodes(a, NOISE)
        return self._share * self._bound(a, nodes) if nodes else np.inf

    def second(self, a: float, tolerance: float) -> float:
        """Return the second derivative -tr(G^2), within about `tolerance` of its size; points near `a` are visited."""
        room = self.bounds[1] - abs(a)
        # Two points at this distance do where the series misses little of the curvature; nearer ones would add noise.
        step, gap = 5 * np.sqrt(tolerance) * room, NOISE / tolerance * room
        self.derivatives(a)
        for k in (1, 2, 3):
            nodes = self._nodes(a, gap)
            found = self._between(a, nodes)[2]
            if len(nodes) > 1 and self._share * self._bound(a, nodes, leave=nodes[0]) <= tolerance * abs(found):
                break
            for side in (-k, k):
                self.value_and_slope(a + side * step)
        self.forget()
        return self._between(a, self._nodes(a, gap))[2]

    @property
    def walked(self) -> sparse.sparray:
        """The matrix whose powers are probed."""
        return self.matrix

    def _nodes(self, a: float, gap: float) -> list[float]:
        """Return the points visited that are nearest to `a`, none closer to another than the gap."""
        chosen: list[float] = []
        for point in sorted(self._slopes, key=lambda p: abs(p - a)):
            if all(abs(point - other) >= gap for other in chosen):
                chosen.append(point)
        return chosen[:MOST_NODES]

    def _bound(self, a: float, nodes: list[float], leave: float | None = None) -> float:
        """Return the error of the slope at `a` if g were as large as s; beside a node, left out, of the second."""
        room = self.bounds[1] - max(abs(x) for x in (a, *nodes))
        distances = [abs(a - x) / room for x in nodes if x != leave]
        return abs(self._series(a, 2)) * (room if leave is None else 1.0) * float(np.prod(distances))

    def _between(self, a: float, nodes: list[float]) -> tuple[float, float, float]:
        """Return the value and two derivatives at `a`, of the series and of the polynomial through the nodes."""
        missed = np.array([self._slopes[x][1] - self._series(x, 1) for x in nodes])
        distances = np.array(nodes) - a
        p, factor = np.zeros(1), np.ones(1)
        for k in range(len(nodes)):
            if k:
                missed[k:] = (missed[k:] - missed[k - 1]) / (distances[k:] - distances[k - 1])
            p = polynomial.polyadd(p, missed[k] * factor)
            factor = polynomial.polymul(factor, [-distances[k], 1.0])
        second = self._series(a, 2) + (p[1] if len(p) > 1 else 0.0)
        if a in self._slopes:
            return *self._slopes[a], float(second)
        near = nodes[0]
        value = self._slopes[near][0] + self._series(a, 0) - self._series(near, 0)
        value -= float(polynomial.polyval(near - a, polynomial.polyint(p)))
        return value, self._series(a, 1) + float(p[0]), float(second)

    def _series(self, a: float, order: int) -> float:
        """Return a derivative of s = -sum over k of a^k tr(W^k) / k."""
        weights = self._coefficients[order]
        return float(a ** np.arange(len(weights)) @ weights)

    @cached_property
    def _coefficients(self) -> list[np.ndarray]:
        """Coefficients of s and of its first two derivatives, lowest power first."""
        found = np.concatenate([[0.0], -self._moments / np.arange(1, N_MOMENTS + 1)])
        return [polynomial.polyder(found, order) for order in range(3)]

    @cached_property
    def _moments(self) -> np.ndarray:
        """tr(W^k), k = 1, 2, ...: the first four exact, the others from seeded probes (Barry and Pace 1999, eq. 3).

        The probes are weighted so that they give the known traces too (see `probed`), which leaves some hundredth of
        the error. Single precision is far below that.
        """
        n_probes = int(np.clip(PROBED_NUMBERS // self.n, FEWEST_PROBES, 20))
        probes = np.random.default_rng(20100).choice(np.array([-1.0, 1.0], dtype=np.float32), size=(self.n, n_probes))
        scale = self.bounds[1]
        known = power_traces(self.walked * scale)
        scaled, power, forms = (self.walked * scale).astype(np.float32), probes, np.empty((N_MOMENTS, n_probes))
        for k in range(N_MOMENTS):
            power = scaled @ power
            forms[k] = np.einsum("ij,ij->j", probes, power, dtype=float)
        moments = forms @ probe_weights(forms[: len(known)].T - known, self.n)
        moments[: len(known)] = known
        return moments / scale ** np.arange(1, N_MOMENTS + 1)

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return -sum over k of a^k tr(W^k) / k, from the estimated moments."""
        return polynomial.polyval(a, self._coefficients[0])

    def restart(self) -> None:
        """Forget the points visited, so that a second fit takes the same steps as the first."""
        self._slopes.clear()
        self._shares = [1.0]
