"""Log-determinants estimated by probes, for weights whose factors do not fit: only where asked for, error stated."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse

from ronghe.errors import RongheError, require_known
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.powers import power_traces, probe_weights
from ronghe.weights.matrix import Weights

APPROXIMATIONS = ["chebyshev", "lanczos", "series"]
N_PROBES = 100
# Terms of the two series, and steps of Lanczos' recursion, which is exact for polynomials of twice its length.
N_TERMS = {"chebyshev": 100, "lanczos": 50, "series": 200}
# Numbers in one block of probes.
BLOCK = 4_000_000
SOLVED = 1e-14
MAX_ITERATIONS = 20_000
_known: WeakKeyDictionary[Weights, dict[str, ProbedLogDeterminant]] = WeakKeyDictionary()


def probed_log_determinant(W: Weights, kind: str, where: str) -> ProbedLogDeterminant:
    """Return an approximate log-determinant by name; it is kept with W for the next model."""
    require_known(kind, APPROXIMATIONS, "log_determinant", where)
    if kind != "series" and W.symmetric_form is None:
        raise RongheError(
            f"{where}: log_determinant='{kind}' needs weights with real eigenvalues, and '{W.name}' has no diagonal "
            "similarity to a symmetric matrix; choose log_determinant='series'"
        )
    kept = _known.setdefault(W, {})
    if kind not in kept:
        kept[kind] = {"chebyshev": Chebyshev, "lanczos": Lanczos, "series": Series}[kind](W)
    return kept[kind]


class ProbedLogDeterminant(LogDeterminant):
    """tr f(W) as a weighted mean of z'f(W)z over vectors z of random signs (Hutchinson 1990, equation 5).

    tr(W), ..., tr(W^4) are known, so that z'W z, ..., z'W^4 z serve as control variates: weights that sum to one make
    the weighted means of these exact, and take out of the estimate what the probes have in common with them (Glynn
    and Szechtman 2002, equation 3). They do not depend on the parameter, so that the derivatives are those of the
    estimate itself.
    """

    kind = ""

    def __init__(self, W: Weights) -> None:
        """Scale the matrix to a spectral radius of one; a symmetric one with the same eigenvalues is better."""
        super().__init__(W)
        self.radius = 1.0 / self.bounds[1]
        form = W.symmetric_form
        self.has_real_spectrum = form is not None
        self.scaled = sparse.csr_array(self.matrix if form is None or self.kind == "series" else form) / self.radius

    @abstractmethod
    def samples(self, a: float) -> np.ndarray:
        """Return z'f(W)z for f = ln(1 - a w) and its two derivatives in a, as (probe, order)."""

    @abstractmethod
    def truncation(self, a: float) -> float:
        """Return a bound on what is left out of the logarithm, per unit."""

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return the estimates of ln|I - a W|, -tr(G) and -tr(G^2)."""
        value, first, second = self._probe_weights @ self.samples(a)
        return float(value), float(first), float(second)

    def errors(self, a: float) -> np.ndarray:
        """Return the standard errors of the three estimates, from the spread of the probes about the controls."""
        samples, C = self.samples(a), self._controls
        design = np.column_stack([np.ones(len(C)), C])
        left = samples - design @ np.linalg.lstsq(design, samples, rcond=None)[0]
        return np.sqrt((left**2).sum(axis=0) / (len(C) - design.shape[1])) * np.linalg.norm(self._probe_weights)

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return the estimates at many points."""
        return np.array([self.derivatives(float(x))[0] for x in a])

    def note(self, name: str, a: float, periods: int, error: float, own: float) -> str:
        """Say how the log-determinant was estimated, and what that does beside the parameter's own standard error."""
        value = periods * self.errors(a)[0]
        left_out = periods * self.n * self.truncation(a)
        return (
            f"log-determinant of {name} by {self.kind}, {N_PROBES} probes, {N_TERMS[self.kind]} terms: standard error "
            f"{value:.1e} of the log-likelihood, {error:.1e} of {name}, {100 * error / own:.1g} % of its own "
            f"standard error; left out below {left_out:.1e}"
        )

    @cached_property
    def _known_traces(self) -> np.ndarray:
        """tr(W^k) of the scaled matrix, k = 1..4, or 1..2 where W^2 is too full."""
        return power_traces(self.scaled)

    def _probes(self) -> Iterator[np.ndarray]:
        """Yield seeded probes in blocks."""
        rng = np.random.default_rng(1999)
        width = max(1, min(N_PROBES, BLOCK // self.n))
        for start in range(0, N_PROBES, width):
            yield rng.choice([-1.0, 1.0], size=(self.n, min(width, N_PROBES - start)))

    @cached_property
    def _controls(self) -> np.ndarray:
        """Sample less known traces of the first powers, as (probe, power); zero in expectation."""
        return self._power_forms(len(self._known_traces)).T - self._known_traces

    def _power_forms(self, n_powers: int) -> np.ndarray:
        """Return z'W^k z, k = 1, ..., n_powers, as (power, probe)."""
        blocks = []
        for z in self._probes():
            power, forms = z, []
            for _ in range(n_powers):
                power = self.scaled @ power
                forms.append(np.einsum("ij,ij->j", z, power))
            blocks.append(np.stack(forms))
        return np.concatenate(blocks, axis=1)

    @cached_property
    def _probe_weights(self) -> np.ndarray:
        """Weights that sum to one and give the controls a mean of zero."""
        return probe_weights(self._controls, self.n)

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values by Chebyshev's iteration (Golub and Van Loan 2013, section 11.2.8), to rounding.

        The eigenvalues of a W lie within |a| r: all columns share the same steps. Where they may be complex, the
        plain iteration x <- b + a W x takes its place.
        """
        W = sparse.csr_array(self.matrix.T) if transposed else self.matrix
        quarter = (a * self.radius) ** 2 / 4 if self.has_real_spectrum else 0.0
        size = np.abs(values).max(initial=0.0)
        before, x, omega = np.zeros_like(values, dtype=float), np.array(values, dtype=float), 2.0
        last = np.inf
        for _ in range(MAX_ITERATIONS):
            change = values + a * (W @ x) - x
            gap = np.abs(change).max(initial=0.0)
            # Rounding leaves a floor above the tolerance where the solution is much larger than the right side.
            if gap <= SOLVED * size or (gap <= 1e-11 * size and gap >= last):
                return x + change
            last = gap
            omega = 1.0 / (1.0 - quarter * omega)
            x, before = before + omega * (x + change - before), x
        raise RongheError(f"(I - a W) x = b is not solved in {MAX_ITERATIONS} steps at a = {a:.6g}; use exact factors")


class Series(ProbedLogDeterminant):
    """ln(1 - a w) = -sum over k of (a w)^k / k (Barry and Pace 1999, equation 2), for any W."""

    kind = "series"

    @cached_property
    def _forms(self) -> np.ndarray:
        return self._power_forms(N_TERMS["series"])

    def samples(self, a: float) -> np.ndarray:
        """Sum the series and its derivatives."""
        k, b = np.arange(1, N_TERMS["series"] + 1), a * self.radius
        orders = np.stack([-(b**k) / k, -(b ** (k - 1)), -(k - 1) * b ** np.maximum(k - 2, 0)])
        return (orders @ self._forms).T * self.radius ** np.arange(3)

    def truncation(self, a: float) -> float:
        """Bound the rest by a geometric series, eigenvalues being at most one in modulus."""
        b, k = abs(a * self.radius), N_TERMS["series"] + 1
        return b**k / (k * (1 - b))


class Chebyshev(ProbedLogDeterminant):
    """ln(1 - a w) in Chebyshev polynomials T_j(w) (Pace and LeSage 2004; Han, Malioutov and Shin 2015, section 2).

    With q = (1 - sqrt(1 - a^2)) / a, 1 - 2 q w + q^2 = (1 + q^2)(1 - a w), so that
    ln(1 - a w) = -ln(1 + q^2) - 2 sum over j of q^j T_j(w) / j.
    """

    kind = "chebyshev"

    @cached_property
    def _forms(self) -> np.ndarray:
        """z'T_j(W)z, j = 1, 2, ..., as (order, probe), two from each step: 2 T_i T_j = T_(i+j) + T_(i-j)."""
        blocks = []
        for z in self._probes():
            before, now = z, self.scaled @ z
            first = np.einsum("ij,ij->j", z, now)
            forms = [first]
            while len(forms) < N_TERMS["chebyshev"]:
                forms.append(2 * np.einsum("ij,ij->j", now, now) - self.n)
                before, now = now, 2 * (self.scaled @ now) - before
                forms.append(2 * np.einsum("ij,ij->j", before, now) - first)
            blocks.append(np.stack(forms[: N_TERMS["chebyshev"]]))
        return np.concatenate(blocks, axis=1)

    def samples(self, a: float) -> np.ndarray:
        """Sum the series; dq/da = q / (a sqrt(1 - a^2)), written so that a = 0 is no exception."""
        b = a * self.radius
        root = np.sqrt(1 - b**2)
        q = b / (1 + root)
        slope = 1 / (root * (1 + root))
        curve = b * (1 + 2 * root) / (root**3 * (1 + root) ** 2)
        j = np.arange(1, N_TERMS["chebyshev"] + 1)
        constant = np.array([-np.log1p(q**2), -2 * q / (1 + q**2), -2 * (1 - q**2) / (1 + q**2) ** 2])
        sums = np.stack([-2 * q**j / j, -2 * q ** (j - 1), -2 * (j - 1) * q ** np.maximum(j - 2, 0)]) @ self._forms
        value, first, second = sums + self.n * constant[:, None]
        return np.stack([value, first * slope, second * slope**2 + first * curve], axis=1) * self.radius ** np.arange(3)

    def truncation(self, a: float) -> float:
        """Bound the rest by a geometric series, |T_j| being at most one."""
        b = abs(a * self.radius)
        q, j = b / (1 + np.sqrt(1 - b**2)), N_TERMS["chebyshev"] + 1
        return 2 * q**j / (j * (1 - q))


class Lanczos(ProbedLogDeterminant):
    """z'f(W)z by the quadrature that Lanczos' recursion gives for every probe (Ubaru, Chen and Saad 2017, eq. 3.4)."""

    kind = "lanczos"

    @cached_property
    def _quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights as (probe, step): eigenvalues of the tridiagonal matrices, first entries squared."""
        nodes, weights = [], []
        for z in self._probes():
            diagonal, beside = self._recursion(z)
            for alpha, beta in zip(diagonal.T, beside.T, strict=True):
                values, vectors = np.linalg.eigh(np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))
                nodes.append(np.clip(values, -1.0, 1.0))
                weights.append(self.n * vectors[0] ** 2)
        return np.array(nodes), np.array(weights)

    def _recursion(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the entries of the tridiagonal matrices, all probes side by side."""
        steps = min(N_TERMS["lanczos"], self.n)
        before, now = np.zeros_like(z), z / np.sqrt(self.n)
        diagonal, beside = np.zeros((steps, z.shape[1])), np.zeros((steps - 1, z.shape[1]))
        for k in range(steps):
            following = self.scaled @ now - (beside[k - 1] * before if k else 0.0)
            diagonal[k] = np.einsum("ij,ij->j", now, following)
            following -= diagonal[k] * now
            if k + 1 == steps:
                break
            size = np.linalg.norm(following, axis=0)
            # A probe whose recursion has ended keeps what it has: what is split off has no weight.
            beside[k] = np.where(size > 1e-12, size, 0.0)
            before, now = now, np.divide(following, size, out=np.zeros_like(following), where=size > 1e-12)
        return diagonal, beside

    def samples(self, a: float) -> np.ndarray:
        """Sum over the nodes."""
        nodes, weights = self._quadrature
        nodes = nodes * self.radius
        remainder = 1 - a * nodes
        ratio = nodes / remainder
        return np.stack([np.sum(weights * f, axis=1) for f in (np.log(remainder), -ratio, -(ratio**2))], axis=1)

    def truncation(self, a: float) -> float:
        """Twice the bound of the best polynomial that the quadrature integrates exactly."""
        b = abs(a * self.radius)
        q, j = b / (1 + np.sqrt(1 - b**2)), 2 * N_TERMS["lanczos"]
        return 4 * q**j / (j * (1 - q))
