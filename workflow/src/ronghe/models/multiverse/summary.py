"""A multiverse as a whole: signs and significance, the effect by choice, and which choice moves it most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import CHOICES, Multiverse

LEVEL = 0.05
SHARES = ["specifications", "refused", "median", "lower_quartile", "upper_quartile", "least", "greatest"]
SIGNS = ["share_positive", "share_significant_positive", "share_significant_negative"]
# From this share on, signs or significant results count as those of nearly all specifications, or of most.
NEARLY_ALL, MOST = 0.95, 0.5
CHOICE_COLUMNS = ["choice", "level", *SHARES, *SIGNS]


def read_estimates(path: str) -> pd.DataFrame:
    """Return the choices, estimates and p-values of all specifications."""
    columns = ["specification", *CHOICES, "controls", "n_controls", "estimate", "std_error", "pvalue", "refused"]
    return table.read(path, columns)


def require_estimates(frame: pd.DataFrame) -> None:
    """Refuse a table in which nothing could be estimated, and count the reasons."""
    reasons = frame["refused"].value_counts()
    if not reasons.get("", 0):
        counted = listing([f"{reason} ({count:,})" for reason, count in reasons.items() if count])
        raise RongheError(
            f"multiverse: not one specification can be estimated: {counted}; see docs/multiverse.md for the codes, and "
            "choose other samples, controls or fixed effects"
        )


def whole(frame: pd.DataFrame, by_choice: pd.DataFrame, variances: pd.DataFrame) -> pd.DataFrame:
    """Return one row for all specifications and one for each treatment: shares, and a code for what may be concluded.

    Codes: `one_direction` (nearly all estimates have one sign, and most are significant), `one_sign` (nearly all have
    one sign, not most of them significant), `depends` (significant results of both signs), `mixed` (neither). Whether
    the whole lies beyond chance is for the permutation test to say.
    """
    rows = [{"treatment": "all", **_describe(frame)}]
    rows += [{"treatment": row["level"], **row[SHARES + SIGNS]} for _, row in by_choice.iterrows()
             if row["choice"] == "treatment"]  # fmt: skip
    result = pd.DataFrame(rows)
    result["conclusion"] = [_conclusion(row) for _, row in result.iterrows()]
    moving = variances.iloc[0]
    result["moved_most_by"], result["moved_share"] = moving["choice"], moving["share_alone"]
    return result


def _describe(frame: pd.DataFrame) -> dict[str, float]:
    used = frame[frame["refused"] == ""]
    values, significant = used["estimate"].to_numpy(), used["pvalue"].to_numpy() < LEVEL
    found = dict.fromkeys([*SHARES, *SIGNS], np.nan)
    found |= {"specifications": len(used), "refused": len(frame) - len(used)}
    if len(used):
        found |= dict(zip(SHARES[2:], np.quantile(values, [0.5, 0.25, 0.75, 0.0, 1.0]), strict=True))
        found |= {
            "share_positive": (values > 0).mean(),
            "share_significant_positive": (significant & (values > 0)).mean(),
            "share_significant_negative": (significant & (values < 0)).mean(),
        }
    return found


def _conclusion(row: pd.Series) -> str:
    signs = max(row["share_positive"], 1 - row["share_positive"])
    for_it, against = row[["share_significant_positive", "share_significant_negative"]].sort_values()[::-1]
    if signs >= NEARLY_ALL:
        return "one_direction" if for_it > MOST else "one_sign"
    return "depends" if against > LEVEL / 2 and for_it > LEVEL / 2 else "mixed"


def choices(frame: pd.DataFrame, multiverse: Multiverse) -> pd.DataFrame:
    """Return one row for each level of each choice, controls being in or out."""
    rows, described = [], frame[["refused", "estimate", "pvalue"]]
    for choice in CHOICES:
        for level in map(str, multiverse.levels(choice)):
            rows.append({"choice": choice, "level": level, **_describe(described[frame[choice] == level])})
    for k, name in enumerate(multiverse.choose):
        inside = (frame["controls"].to_numpy() >> k & 1).astype(bool)
        for level, part in (("in", described[inside]), ("out", described[~inside])):
            rows.append({"choice": f"control {name}", "level": level, **_describe(part)})
    return pd.DataFrame(rows, columns=CHOICE_COLUMNS)


def variance_by_choice(frame: pd.DataFrame, multiverse: Multiverse) -> pd.DataFrame:
    """Return how much of the variance of the estimates' ranks each choice accounts for, the largest first.

    Ranks, because a few impacts near rho = 1 are beyond all bounds and would be the whole variance. `share_alone` is
    the variance between the means of its levels (the first-order index of Sobol 1993; choices that go together share
    theirs), `share_last` what a regression on all choices loses without it. What remains, in the row `interactions`,
    belongs to choices jointly.
    """
    used = frame[frame["refused"] == ""]
    require_estimates(frame)
    y = used["estimate"].rank().to_numpy()
    y = y - y.mean()
    groups = {c: used[c].cat.codes.to_numpy() for c in CHOICES if used[c].nunique() > 1}
    for k, name in enumerate(multiverse.choose):
        groups[f"control {name}"] = used["controls"].to_numpy() >> k & 1
    groups = {name: codes for name, codes in groups.items() if len(np.unique(codes)) > 1}
    columns = {name: _dummies(codes) for name, codes in groups.items()}
    D = np.concatenate([np.ones((len(y), 1)), *columns.values()], axis=1)
    products, right, total = D.T @ D, D.T @ y, float(y @ y)
    owner = np.array(["", *(name for name, part in columns.items() for _ in range(part.shape[1]))])
    explained = _explained(products, right, np.ones(len(owner), bool))
    rows = []
    for name, codes in groups.items():
        count = np.bincount(codes)
        means = np.bincount(codes, weights=y)[count > 0]
        last = explained - _explained(products, right, owner != name)
        rows.append({
            "choice": name,
            "levels": int((count > 0).sum()),
            "share_alone": float((means**2 / count[count > 0]).sum()) / total if total else 0.0,
            "share_last": last / total if total else 0.0,
        })  # fmt: skip
    rows = sorted(rows, key=lambda row: -row["share_alone"]) or [{"choice": "none", "levels": 0, "share_alone": 0.0}]
    left = 1 - explained / total if total else 0.0
    rows.append({"choice": "interactions", "levels": 0, "share_alone": left, "share_last": left})
    return pd.DataFrame(rows)


def _dummies(codes: np.ndarray) -> np.ndarray:
    levels = np.unique(codes)
    return (codes[:, None] == levels[1:]).astype(float)


def _explained(products: np.ndarray, right: np.ndarray, kept: np.ndarray) -> float:
    part = right[kept]
    return float(part @ np.linalg.lstsq(products[np.ix_(kept, kept)], part, rcond=1e-10)[0])


def refusals(path: str) -> pd.DataFrame:
    """Return how many specifications cannot be estimated, by setting, model, treatment and reason, with an example."""
    keys = ["refused", *(c for c in CHOICES if c != "covariance")]
    frame = table.read(path, ["specification", *keys])
    frame = frame[frame["refused"] != ""]
    grouped = frame.groupby(keys, observed=True)["specification"].agg(["size", "min"]).reset_index()
    return grouped.rename(columns={"refused": "reason", "size": "specifications", "min": "first_specification"})
