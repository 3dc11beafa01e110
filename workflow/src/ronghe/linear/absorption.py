"""Takes unit and period fixed effects out of columns, exactly, in balanced and unbalanced panels."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError, listing, require_known
from ronghe.linear.layout import Layout, group_sums

EFFECTS = ("pooled", "units", "time", "twoways")
SQUARED = 1e-6


def absorb(columns: np.ndarray, layout: Layout, effects: str) -> np.ndarray:
    """Return the residuals of columns on the chosen fixed effects (for pooled: on a constant).

    Two-way in an unbalanced panel: columns and period dummies are demeaned by unit, and the former are then
    regressed on the latter (Frisch, Waugh and Lovell), which is exact because there are few periods.
    """
    require_known(effects, EFFECTS, "effects", "linear model")
    if effects == "pooled":
        return columns - columns.mean(axis=0)
    if effects == "time":
        return demean(columns, layout.times)
    if effects == "units":
        return demean(columns, layout.units)
    if len(columns) == layout.n_units * layout.n_periods:
        by_unit = demean(columns, layout.units)
        return demean(by_unit, layout.times)
    dummies = demean(np.eye(layout.n_periods)[layout.times][:, 1:], layout.units)
    demeaned = demean(columns, layout.units)
    return demeaned - dummies @ np.linalg.lstsq(dummies, demeaned, rcond=None)[0]


def fixed_effect_columns(columns: np.ndarray, layout: Layout, effects: str) -> np.ndarray:
    """Return columns with the unit fixed effects taken out, and dummies of the periods, or a constant, beside them.

    Unit means do not change when whole units are resampled, so they are taken out once. Period means do change: their
    dummies stay, and each resample estimates them again.
    """
    n = len(columns)
    dummies = np.eye(layout.n_periods)[layout.times] if effects in ("time", "twoways") else np.ones((n, 1))
    if effects == "twoways":
        dummies = dummies[:, 1:]
    if effects == "units":
        dummies = np.empty((n, 0))
    both = np.column_stack([columns, dummies])
    return demean(both, layout.units) if effects in ("units", "twoways") else both


def count(layout: Layout, effects: str) -> dict[str, int]:
    """Count the parameters of the fixed effects; the constant counts with the units, or with the periods alone."""
    if effects == "pooled":
        return {"constant": 1}
    return {
        **({"units": layout.n_units} if effects in ("units", "twoways") else {}),
        **({"time": layout.n_periods - (effects == "twoways")} if effects in ("time", "twoways") else {}),
    }


def demean(columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return columns less their means by integer code."""
    size = np.bincount(codes)[:, None]
    return columns - (group_sums(columns, codes) / size)[codes]


def require_rows(n: int, k: int, absorbed: dict[str, int], effects: str) -> None:
    """Refuse a sample too small for its coefficients and fixed effects."""
    if n <= k + sum(absorbed.values()):
        raise RongheError(
            f"{n} rows are too few for {k} coefficients and {sum(absorbed.values())} parameters of {effects} effects; "
            "widen the sample or leave out regressors"
        )


def require_full_rank(
    X: np.ndarray, raw: np.ndarray, names: list[str], effects: str, least: float = 1e-9
) -> np.ndarray:
    """Return R of X = QR; refuse, by name, regressors that the fixed effects or one another explain completely.

    `least` of a column's length must be its own. Where X'X is inverted, `SQUARED` leaves four digits of an error.
    """
    scale = np.sqrt(((raw - raw.mean(axis=0)) ** 2).sum(axis=0))
    left = np.sqrt((X**2).sum(axis=0))
    constant = [n for n, s, r in zip(names, left, scale, strict=True) if s <= 1e-9 * max(r, 1e-300)]
    if constant:
        raise RongheError(f"no variation is left in {listing(constant)} after {effects} effects; leave it out")
    triangle = np.linalg.qr(X / left, mode="r")
    new = np.abs(np.diag(triangle))
    if len(new) < len(names) or new.min() < least:
        culprit = names[int(new.argmin())] if len(new) == len(names) else names[-1]
        raise RongheError(
            f"'{culprit}' is a combination of the regressors before it, but for {new.min():.0e} of its length at the "
            "most; leave one of them out"
        )
    return triangle * left
