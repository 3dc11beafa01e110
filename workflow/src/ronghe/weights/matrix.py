"""One spatial weights matrix: labelled, sparse, frozen; aligned to data by label and never by position."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing, require_known
from ronghe.weights import spectrum, tables
from ronghe.weights.files import read_table, write_edges
from ronghe.weights.tables import EDGES

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from libpysal.weights import W

TRANSFORMATIONS = ["row", "spectral", "minmax", "none"]
# Rounding of a row sum: enough for rows of a few thousand weights read back from text.
ROW_SUM_TOLERANCE = 1e-10
# Below this size all eigenvalues are computed at once (a second at most); above it only the two ends.
DENSE_EIGENVALUES = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Weights:
    """A weights matrix W: row i holds the weights that unit `labels[i]` gives to its neighbours.

    Weights are finite and not negative, and no unit neighbours itself. A unit without neighbours (an island)
    has an empty row.
    """

    labels: tuple[Hashable, ...]
    sparse: sparse.csr_array
    name: str = "weights"

    def __post_init__(self) -> None:
        """Bring the matrix to canonical form, check it, and lock it."""
        labels = tuple(self.labels)
        if any(issubclass(kind, np.generic) for kind in set(map(type, labels))):
            labels = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
        W = sparse.csr_array(self.sparse, dtype=float, copy=True)
        if W.shape != (len(labels), len(labels)):
            raise RongheError(f"{self.name}: {len(labels)} labels for a matrix of {W.shape[0]} x {W.shape[1]}")
        W.sum_duplicates()
        tables.check_labels(labels, self.name)
        tables.check_weights(W, labels, self.name)
        W.eliminate_zeros()
        for array in (W.data, W.indices, W.indptr):
            array.flags.writeable = False
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "sparse", W)

    def __repr__(self) -> str:
        """Say what the matrix is in one line."""
        return f"Weights({self.name!r}, n={self.n}, edges={self.sparse.nnz}, islands={len(self.islands)})"

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.labels)

    @cached_property
    def row_sums(self) -> np.ndarray:
        """Sum of each row."""
        return np.asarray(self.sparse.sum(axis=1)).ravel()

    @cached_property
    def is_row_standardised(self) -> bool:
        """Whether every row sums to one; an island makes it False."""
        return bool(np.all(np.abs(self.row_sums - 1.0) <= ROW_SUM_TOLERANCE))

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether W equals its transpose, up to rounding."""
        difference = abs(self.sparse - self.sparse.T)
        return difference.nnz == 0 or bool(difference.max() <= 1e-14 * self.sparse.max())

    @cached_property
    def islands(self) -> tuple[Hashable, ...]:
        """Labels of the units whose row is empty."""
        return tuple(self.labels[i] for i in np.flatnonzero(np.diff(self.sparse.indptr) == 0))

    @cached_property
    def n_components(self) -> int:
        """Number of groups of units that no edge, in either direction, joins."""
        return int(sparse.csgraph.connected_components(self.sparse, directed=False, return_labels=False))

    @cached_property
    def symmetric_form(self) -> sparse.csr_array | None:
        """Symmetric matrix with the eigenvalues of W, or None where W has no diagonal similarity to one."""
        return self.sparse if self.is_symmetric else spectrum.symmetric_form(self.sparse)

    def eigenvalues(self) -> np.ndarray:
        """Return all eigenvalues, ascending; real where W is similar to a symmetric matrix."""
        S = self.symmetric_form
        if S is not None:
            return np.linalg.eigvalsh(S.toarray())
        return np.sort_complex(np.linalg.eigvals(self.sparse.toarray()))

    def eigenvalue_bounds(self) -> tuple[float, float]:
        """Return the smallest and the largest real eigenvalue.

        I - rho W is regular for rho between the reciprocals of the two. Where no real eigenvalue is negative the
        first is zero or more, and rho has no lower bound of this kind. Above 1,000 units only the ends of the
        spectrum are computed; for an asymmetric W the lower one is then the smallest real part, which is never
        above the smallest real eigenvalue, so that the interval is never too wide.
        """
        return self._bounds

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        if self.sparse.nnz == 0:
            return 0.0, 0.0
        if self.n <= DENSE_EIGENVALUES:
            values = self.eigenvalues()
            real = values.real[np.abs(values.imag) <= 1e-9 * np.abs(values).max()]
            return float(real.min(initial=np.inf)), float(real.max(initial=-np.inf))
        # Perron: the spectral radius of weights whose rows sum to one is one.
        high = 1.0 if self.is_row_standardised else self._end("largest")
        return self._end("smallest"), high

    def _end(self, end: str) -> float:
        bound = min(self.row_sums.max(), self.sparse.sum(axis=0).max())
        return spectrum.outer_eigenvalue(self.sparse, self.symmetric_form, end, float(bound))

    @cached_property
    def spectral_radius(self) -> float:
        """Largest modulus of an eigenvalue; for weights that are not negative it is an eigenvalue itself."""
        return max(0.0, self.eigenvalue_bounds()[1])

    @cached_property
    def hash(self) -> str:
        """SHA-256 over labels and weights; the order of the units does not enter."""
        names = [f"{type(label).__name__}:{label}" for label in self.labels]
        order = np.array(sorted(range(self.n), key=names.__getitem__), dtype=int)
        W = _permute(self.sparse, order)
        digest = hashlib.sha256("\n".join(names[i] for i in order).encode())
        for array in (W.indptr.astype("<i8"), W.indices.astype("<i8"), W.data.astype("<f8")):
            digest.update(array.tobytes())
        return digest.hexdigest()

    @overload
    def lag(self, values: pd.Series) -> pd.Series: ...
    @overload
    def lag(self, values: pd.DataFrame) -> pd.DataFrame: ...
    @overload
    def lag(self, values: np.ndarray) -> np.ndarray: ...
    def lag(self, values: pd.Series | pd.DataFrame | np.ndarray) -> pd.Series | pd.DataFrame | np.ndarray:
        """Return W times values.

        A Series or DataFrame is matched by label, with rows keyed by unit or by (unit, period); a panel is lagged
        within each period and comes back in the order it was given. An array must have one row per unit, in the
        order of `labels`.
        """
        if isinstance(values, (pd.Series, pd.DataFrame)):
            return self._lag_labelled(values)
        values = np.asarray(values, dtype=float)
        if values.shape[:1] != (self.n,):
            raise RongheError(f"{self.name}: {self.n} units cannot lag an array of shape {values.shape}")
        return self.sparse @ values

    def _lag_labelled(self, values: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
        """Lag a labelled table within each period, keeping its order and names."""
        table = values.to_frame() if isinstance(values, pd.Series) else values
        index = table.index
        units = index.get_level_values(0)
        rows = self._positions(units.unique())[units.factorize()[0]]
        if index.nlevels == 1:
            columns = np.zeros(len(index), dtype=int)
        else:
            columns = index.droplevel(0).factorize()[0]
        n_periods = columns.max(initial=0) + 1
        if len(index) != self.n * n_periods or index.has_duplicates:
            raise RongheError(f"{self.name}: every unit must stand once in every period to be lagged")
        lagged = np.empty(table.shape)
        for j in range(table.shape[1]):
            wide = np.empty((self.n, n_periods))
            wide[rows, columns] = table.iloc[:, j].to_numpy(float)
            lagged[:, j] = (self.sparse @ wide)[rows, columns]
        result = pd.DataFrame(lagged, index=index, columns=table.columns)
        return result.iloc[:, 0] if isinstance(values, pd.Series) else result

    def standardise(self, transformation: str) -> Weights:
        """Return W scaled: each row to sum one, by the spectral radius, by min-max, or as it is.

        `minmax` divides by the smaller of the largest row sum and the largest column sum (Kelejian and Prucha
        2010, section 2.2). Rows of islands stay empty.
        """
        require_known(transformation, TRANSFORMATIONS, "standardisation", self.name)
        if transformation == "none" or self.sparse.nnz == 0:
            return self
        if transformation == "row":
            sums = np.where(self.row_sums > 0, self.row_sums, 1.0)
            data = self.sparse.data / np.repeat(sums, np.diff(self.sparse.indptr))
        elif transformation == "spectral":
            if self.spectral_radius == 0:
                raise RongheError(f"{self.name}: the spectral radius is zero (no path returns); use 'row' or 'minmax'")
            data = self.sparse.data / self.spectral_radius
        else:
            data = self.sparse.data / min(self.row_sums.max(), self.sparse.sum(axis=0).max())
        return self._with(sparse.csr_array((data, self.sparse.indices, self.sparse.indptr), shape=self.sparse.shape))

    def align(self, labels: Iterable[Hashable]) -> Weights:
        """Return W in the order of `labels`, which must be the same units; others are refused by name."""
        labels = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
        if labels == self.labels:
            return self
        order = self._positions(labels)
        return Weights(labels, _permute(self.sparse, order), self.name)

    def subset(self, labels: Iterable[Hashable]) -> Weights:
        """Return the rows and columns of some units; row sums are not restored (see `standardise`)."""
        labels = tuple(labels)
        place = {label: i for i, label in enumerate(self.labels)}
        unknown = [label for label in labels if label not in place]
        if unknown:
            raise RongheError(f"{self.name}: no such units: {listing(unknown)}")
        order = np.array([place[label] for label in labels], dtype=int)
        return Weights(labels, self.sparse[order][:, order], self.name)

    def _positions(self, labels: Sequence[Hashable]) -> np.ndarray:
        """Return where each of `labels` stands in W; refuse labels that differ from those of W."""
        place = {label: i for i, label in enumerate(self.labels)}
        given = list(labels)
        found = set(given)
        if len(found) < len(given):
            twice = [str(label) for label, count in pd.Series(given).value_counts().items() if count > 1]
            raise RongheError(f"{self.name}: these units stand twice in the data: {listing(twice)}")
        absent = [label for label in given if label not in place]
        extra = [label for label in self.labels if label not in found]
        if absent or extra:
            parts = [f"not in the weights: {listing(absent)}"] if absent else []
            parts += [f"not in the data: {listing(extra)}"] if extra else []
            hint = "; the names differ in type (text and numbers)" if _same_text(absent, extra) else ""
            raise RongheError(
                f"{self.name}: weights and data hold different units; {'; '.join(parts)}{hint}. "
                "Use weights built for these units, or leave the others out of the sample"
            )
        return np.array([place[label] for label in given], dtype=int)

    def _with(self, W: sparse.csr_array) -> Weights:
        """Return the same units with other weights."""
        return Weights(self.labels, W, self.name)

    def to_edges(self) -> pd.DataFrame:
        """Return one row per edge (focal, neighbor, weight); an island is kept as an edge to itself of weight 0."""
        labels = pd.Index(self.labels)
        focal = np.repeat(np.arange(self.n), np.diff(self.sparse.indptr))
        alone = np.flatnonzero(np.diff(self.sparse.indptr) == 0)
        rows = np.concatenate([focal, alone])
        order = np.argsort(rows, kind="stable")
        columns = np.concatenate([self.sparse.indices, alone])
        weights = np.concatenate([self.sparse.data, np.zeros(len(alone))])
        cells = labels.take(rows[order]), labels.take(columns[order]), weights[order]
        return pd.DataFrame(dict(zip(EDGES, cells, strict=True)))

    def to_frame(self) -> pd.DataFrame:
        """Return the full matrix with labels on both sides; for small matrices."""
        return pd.DataFrame(self.sparse.toarray(), index=list(self.labels), columns=list(self.labels))

    def to_graph(self) -> Graph:
        """Return the libpysal Graph."""
        from libpysal.graph import Graph

        return Graph.from_sparse(sparse.coo_array(self.sparse), ids=list(self.labels))

    @classmethod
    def from_edges(
        cls, frame: pd.DataFrame, labels: Iterable[Hashable] | None = None, name: str = "weights"
    ) -> Weights:
        """Build W from rows (focal, neighbor, weight); without `labels` the units are those named, sorted.

        An edge that stands twice is refused; an edge from a unit to itself may only have weight 0 (an island).
        """
        return cls(*tables.from_edges(frame, labels, name), name)

    @classmethod
    def from_graph(cls, graph: Graph, name: str = "weights") -> Weights:
        """Build W from a libpysal Graph."""
        return cls(tuple(graph.unique_ids), graph.sparse, name)

    @classmethod
    def from_classic(cls, W: W, name: str = "weights") -> Weights:
        """Build W from a classic libpysal W by its ids: whatever order they stand in, data are matched by name."""
        edges = [(i, j, w) for i, row in W.neighbors.items() for j, w in zip(row, W.weights[i], strict=True)]
        frame = pd.DataFrame(edges, columns=EDGES).astype({"focal": object, "neighbor": object, "weight": float})
        return cls.from_edges(frame, W.id_order, name)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, name: str = "weights") -> Weights:
        """Build W from a square table whose rows and columns carry the same labels, in any order."""
        return cls(*tables.from_square(frame, name), name)

    @classmethod
    def coerce(cls, source: Weights | Graph | W | pd.DataFrame | str | Path, name: str = "weights") -> Weights:
        """Build W from anything with labels: Weights, libpysal Graph or W, edge list, labelled square table, file."""
        if isinstance(source, Weights):
            return source
        if isinstance(source, pd.DataFrame):
            return (cls.from_edges if set(EDGES) <= set(source.columns) else cls.from_frame)(source, name=name)
        if isinstance(source, (str, Path)):
            return cls.read(source)
        if hasattr(source, "unique_ids") and hasattr(source, "sparse"):
            return cls.from_graph(source, name)
        if hasattr(source, "id_order") and hasattr(source, "neighbors"):
            return cls.from_classic(source, name)
        raise RongheError(
            f"{name}: a {type(source).__name__} carries no labels, and a matrix in another order than the data "
            "cannot be told from the right one; pass Weights, a libpysal Graph or W, or a labelled DataFrame"
        )

    @classmethod
    def read(cls, path: str | Path) -> Weights:
        """Read W from a file: CSV, Excel, Stata, Parquet (edge list or labelled square table), GAL or GWT."""
        return cls.coerce(read_table(path), str(path))

    def write(self, path: str | Path) -> None:
        """Write W as an edge list, CSV or Parquet by the file's ending."""
        write_edges(self.to_edges(), path)


def _permute(W: sparse.csr_array, order: np.ndarray) -> sparse.csr_array:
    """Return W with rows and columns in the given order, its indices sorted."""
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    P = W[order]
    P = sparse.csr_array((P.data, place[P.indices], P.indptr), shape=W.shape)
    P.sort_indices()
    return P


def _same_text(left: Iterable[Hashable], right: Iterable[Hashable]) -> bool:
    """Tell whether labels differ in type only."""
    return bool({str(x) for x in left} & {str(x) for x in right})
