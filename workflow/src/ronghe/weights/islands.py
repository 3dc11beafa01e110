"""What to do with units that have no neighbour: refuse them, keep an empty row, or attach them to the nearest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from ronghe.errors import RongheError, listing, require_known
from ronghe.weights.matrix import Weights
from ronghe.weights.positions import Positions

POLICIES = ["refuse", "keep", "attach"]


def settle_islands(
    W: Weights,
    policy: str,
    positions: Positions | None = None,
    weigh: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Weights:
    """Apply the policy to the islands of W.

    Attached, an island and its nearest unit neighbour each other where W is symmetric, and only the island has a
    new neighbour where it is not. The weight is that of the distance (`weigh`), or 1 where all weights are 1.
    """
    require_known(policy, POLICIES, "policy for islands", W.name)
    if not W.islands or policy == "keep":
        return W
    if policy == "refuse":
        raise RongheError(
            f"{W.name}: no neighbours: {listing(W.islands)}; choose weights that reach them, leave them out, "
            "or say islands: keep (an empty row) or islands: attach (to the nearest)"
        )
    if positions is None:
        raise RongheError(f"{W.name}: islands: attach needs the positions of the units")
    if weigh is None and np.any(W.sparse.data != 1):
        raise RongheError(f"{W.name}: islands: attach does not know the weight of a new edge here; use refuse or keep")
    focal = np.array([positions.labels.index(label) for label in W.islands])
    nearest = positions.nearest(1)[focal, 0]
    values = np.ones(len(focal)) if weigh is None else weigh(positions.distances(focal, nearest))
    place = {label: i for i, label in enumerate(W.labels)}
    rows, columns = (np.array([place[positions.labels[i]] for i in ends]) for ends in (focal, nearest))
    new = sparse.coo_array((values, (rows, columns)), shape=(W.n,) * 2).tocsr()
    # Two islands nearest to one another ask for the same edge twice.
    both = new.maximum(new.T) if W.is_symmetric else new
    return Weights(W.labels, W.sparse + both, W.name)
