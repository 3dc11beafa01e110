"""How far two industries draw on the same technologies, from patent counts by technology class."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known


def technology_convergence(counts: pd.DataFrame, first: str, second: str, undefined: str = "refuse") -> pd.DataFrame:
    """Return how alike two industries' patents are over technology classes, for every key such as region and year.

    `counts`: one column per industry; the last index level is the technology class, the levels before it (none, year,
    or region and year) are the keys. With p_c and q_c the shares of class c in the patents of each industry:

    - `correlation`: Pearson correlation of p and q over the classes (Fai and von Tunzelmann 2001);
    - `proximity` = sum p q / sqrt(sum p^2 sum q^2), the uncentred correlation (Jaffe 1986);
    - `herfindahl` = sum_c w_c (s_c^2 + (1 - s_c)^2), s_c = p_c / (p_c + q_c), w_c = (p_c + q_c) / 2: how far the
      classes belong to one industry each; 1 where none is shared, 1/2 where both have the same shares (shares and not
      counts, or the larger industry would decide);
    - `convergence` = 2 (1 - herfindahl) = sum_c 2 p_c q_c / (p_c + q_c), in [0, 1];
    - `concentration` = sum_c w_c^2, the Herfindahl index of the two portfolios as one (Gambardella and Torrisi 1998).

    A key at which an industry has no patent, or the same count in every class (no correlation), is refused by name;
    `undefined="missing"` leaves just the measures that do not exist there blank.
    """
    require_known(undefined, ["refuse", "missing"], "way with undefined measures", "technology_convergence")
    for industry in (first, second):
        require_known(industry, counts.columns, "industry", "patent counts")
    n = counts[[first, second]]
    if n.shape[1] != 2 or any(dtype.kind not in "iuf" for dtype in n.dtypes):
        raise RongheError(f"patent counts: '{first}' and '{second}' must be one column of numbers each")
    if not len(n):
        raise RongheError("patent counts: no rows; give the counts of at least one class")
    n = n.astype(float)
    if n.index.has_duplicates:
        raise RongheError(f"patent counts: these rows stand twice: {listing(n.index[n.index.duplicated()])}")
    bad = n.index[~np.isfinite(n).all(axis=1) | (n < 0).any(axis=1)]
    if len(bad):
        raise RongheError(f"patent counts: missing or negative for {listing(bad)}; write 0 for a class without patents")
    keys = list(range(n.index.nlevels - 1))
    groups = n.groupby(level=keys, sort=False) if keys else [((), n)]
    rows, faults = [], []
    for key, block in groups:
        measures, fault = _compare(block.to_numpy())
        rows.append(measures)
        place = " ".join(map(str, key)) or "all"
        faults += [f"{place} ({fault})"] if fault else []
    if faults and undefined == "refuse":
        raise RongheError(
            f"technology convergence of {first} and {second} is undefined for {listing(faults)}; "
            "leave these out, or set `undefined: missing`"
        )
    return pd.DataFrame(rows, index=n.index.droplevel(-1).unique() if keys else None)


def _compare(n: np.ndarray) -> tuple[dict[str, float], str]:
    """Return the measures for one classes x 2 block, and in words why some of them do not exist."""
    blank = dict.fromkeys(["correlation", "proximity", "herfindahl", "convergence", "concentration"], np.nan)
    totals = n.sum(axis=0)
    if totals.min() == 0:
        return blank, "an industry without patents"
    p, q = (n / totals).T
    used = n.sum(axis=1) > 0
    w = (p[used] + q[used]) / 2
    split = p[used] / (2 * w)
    herfindahl = float(w @ (split**2 + (1 - split) ** 2))
    measures = {
        "correlation": np.nan,
        "proximity": float(p @ q / np.sqrt((p @ p) * (q @ q))),
        "herfindahl": herfindahl,
        "convergence": 2 * (1 - herfindahl),
        "concentration": float(w @ w),
    }
    if np.ptp(n[:, 0]) == 0 or np.ptp(n[:, 1]) == 0:
        return measures, "the same count in every class"
    a, b = p - p.mean(), q - q.mean()
    # Rounding can carry a perfect correlation a last digit beyond one.
    measures["correlation"] = float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))
    return measures, ""
