"""Random panels and weights of every awkward kind, for the comparisons with the dense oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd

LAG, ERROR, DURBIN = range(3)
PARTS = {
    "ols": (False, False, False),
    "slx": (False, False, True),
    "sar": (True, False, False),
    "sem": (False, True, False),
    "sdm": (True, False, True),
    "sdem": (False, True, True),
    "sarar": (True, True, False),
    "gns": (True, True, True),
}


def grid_neighbors(n: int) -> np.ndarray:
    """Return who shares a side with whom on a grid of n cells."""
    side = int(np.ceil(np.sqrt(n)))
    A = np.zeros((n, n))
    for i in range(n):
        for j in (i + 1, i + side):
            if j < n and (j == i + side or j % side):
                A[i, j] = A[j, i] = 1
    return A


def rows_to_one(A: np.ndarray) -> np.ndarray:
    """Return A with rows that sum to one, zero rows kept."""
    sums = A.sum(axis=1, keepdims=True)
    return np.divide(A, sums, out=np.zeros_like(A), where=sums > 0)


def weights(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return weights of one kind; all but raw, spectral, one_way and island have rows that sum to one."""
    if kind == "raw":
        return grid_neighbors(n)
    if kind == "spectral":
        A = grid_neighbors(n)
        return A / np.abs(np.linalg.eigvals(A)).max()
    if kind == "knn":
        points = rng.random((n, 2))
        distance = ((points[:, None] - points[None]) ** 2).sum(axis=2) + 9 * np.eye(n)
        A = np.zeros((n, n))
        np.put_along_axis(A, np.argsort(distance, axis=1)[:, :3], 1.0, axis=1)
        return rows_to_one(A)
    if kind == "cycle":
        A = np.zeros((n, n))
        for i in range(n):
            A[i, (i + 1) % n], A[i, (i + 2) % n] = 1.0, 0.5
        return rows_to_one(A)
    if kind == "one_way":
        A = (rng.random((n, n)) < 0.2) * rng.random((n, n)) * (1 - np.eye(n))
        A[np.arange(n), (np.arange(n) + 1) % n] += 0.5
        return A
    if kind == "two_components":
        half = n // 2
        A = np.zeros((n, n))
        A[:half, :half], A[half:, half:] = grid_neighbors(half), grid_neighbors(n - half)
        return rows_to_one(A)
    if kind == "island":
        A = np.zeros((n, n))
        A[1:, 1:] = grid_neighbors(n - 1)
        return rows_to_one(A)
    if kind == "full":
        return rows_to_one(rng.random((n, n)) * (1 - np.eye(n)))
    return rows_to_one(grid_neighbors(n))


def frames(y: np.ndarray, X: np.ndarray, labels: list, periods: list, rng: np.random.Generator):
    """Return (T, N) and (T, N, K) arrays as a Series and a DataFrame, rows of each in a random order of its own."""
    index = pd.MultiIndex.from_product([labels, periods], names=["unit", "period"])
    series = pd.Series(y.T.ravel(), index=index, name="y")
    frame = pd.DataFrame({f"x{k}": X[:, :, k].T.ravel() for k in range(X.shape[2])}, index=index)
    return series.iloc[rng.permutation(len(series))], frame.iloc[rng.permutation(len(series))]


def draw(n: int, t: int, k: int, W: np.ndarray, M: np.ndarray, rho: float, lam: float, rng: np.random.Generator):
    """Return (y, X) of a panel with unit and time effects; rho and lambda as shares of their upper limits."""
    rho, lam = (share / np.abs(np.linalg.eigvals(A)).max() for share, A in ((rho, W), (lam, M)))
    X = rng.standard_normal((t, n, k)) + rng.standard_normal((1, n, k))
    u = np.linalg.solve(np.eye(n) - lam * M, rng.standard_normal((n, t))).T
    fixed = rng.standard_normal((1, n)) + rng.standard_normal((t, 1))
    y = np.linalg.solve(np.eye(n) - rho * W, (X @ np.linspace(1, -0.5, k) + fixed + u).T).T
    return y, X


def labelled(W: np.ndarray, labels: list) -> pd.DataFrame:
    """Return weights as a labelled square."""
    return pd.DataFrame(W, index=labels, columns=labels)
