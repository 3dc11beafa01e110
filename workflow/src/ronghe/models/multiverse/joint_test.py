"""Joint test of a multiverse: the whole curve refitted where the treatment does nothing, by one of two nulls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ronghe.models.estimate import Data
from ronghe.models.multiverse import permuted, table, wild
from ronghe.models.multiverse.declaration import Multiverse, Setting
from ronghe.models.multiverse.settings import Refusal, Settings
from ronghe.models.multiverse.summary import LEVEL
from ronghe.progress import Progress
from ronghe.threads import one_thread

NULLS = {"permuted": permuted.Permuted, "wild": wild.Wild}
# Draws done together: few enough for the processor's cache; fixed, so that results depend on neither shards nor cores.
TOGETHER = 251
STATISTICS = ("median", "share_dominant", "mean_z")
DRAW_COLUMNS = ["null", "draw", *STATISTICS, "specifications"]


def redraw_shard(
    null: str, multiverse: Multiverse, samples: dict[str, dict], data: Data, path: str, shard: int, n_shards: int
) -> pd.DataFrame:
    """Return estimates and p-values of a part of the curve's settings in all draws, as one frame.

    Under the null that the treatment does nothing, the observed curve is one draw of many (Simonsohn, Simmons and
    Nelson 2020, their inferential statistics). A draw is the same for all specifications; draw 0 is the data as they
    are. `place` counts the specifications of the whole curve.
    """
    entry = multiverse.entry["joint_test"]
    chosen = list(sample(path, entry["specifications"], multiverse).items())
    starts = np.cumsum([0, *(len(members) for _, members in chosen)])
    # Settings in a row share samples; the parts hold about as many specifications each.
    mine = [k for k in range(len(chosen)) if starts[k] * n_shards // starts[-1] == shard]
    n_draws = entry["draws"] + 1
    blocks = [range(k, min(k + TOGETHER, n_draws)) for k in range(0, n_draws, TOGETHER)]
    source = Settings(multiverse, samples, data)
    size = sum(len(chosen[k][1]) for k in mine)
    progress = Progress(f"null '{null}', shard {shard + 1} of {n_shards}", size * n_draws, "fits")
    # Estimates and p-values by specification and draw.
    places = np.concatenate([np.arange(0), *(np.arange(*starts[k : k + 2]) for k in mine)])
    found = np.full((2, size, n_draws), np.nan)
    with one_thread():
        for k in mine:
            here = slice(*np.searchsorted(places, starts[k : k + 2]))
            try:
                redrawn = NULLS[null](source, *chosen[k])
            except Refusal:
                continue
            for block in blocks:
                found[:, here, block.start : block.stop] = np.swapaxes(redrawn.refit(block), 1, 2)
                progress.add(len(block) * len(chosen[k][1]))
    draws = np.tile(np.arange(n_draws), size)
    columns = {"place": np.repeat(places, n_draws), "draw": draws, "estimate": found[0].ravel()}
    return pd.DataFrame({"null": null, **columns, "pvalue": found[1].ravel()})


def curves(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the statistics of the curve in every draw of each null, out of the fits of all shards."""
    rows = []
    for null, part in fits.groupby("null", sort=False):
        part = part.sort_values(["draw", "place"])
        shape = part["draw"].nunique(), -1
        both = (part[name].to_numpy().reshape(shape) for name in ("estimate", "pvalue"))
        for draw, (values, chances) in enumerate(zip(*both, strict=True)):
            rows.append({"null": null, "draw": draw, **curve_statistics(values, chances)})
    return pd.DataFrame(rows, columns=DRAW_COLUMNS)


def sample(path: str, count: int, multiverse: Multiverse) -> dict[Setting, np.ndarray]:
    """Return specifications drawn from those with numbers, as places within each setting."""
    first = str(multiverse.levels("covariance")[0])
    frame = table.read(path, ["specification", "covariance", "refused"])
    able = frame.loc[(frame["refused"] == "") & (frame["covariance"] == first), "specification"].to_numpy()
    drawn = np.random.default_rng([multiverse.seed, 1]).choice(len(able), min(count, len(able)), replace=False)
    numbers = able[np.sort(drawn)]
    settings = multiverse.settings()
    starts = np.cumsum([0, *(multiverse.count(s) for s in settings)])
    owner = np.searchsorted(starts, numbers, side="right") - 1
    return {settings[k]: numbers[owner == k] - starts[k] for k in np.unique(owner)}


def curve_statistics(estimates: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """Return the median, the share significant in the more frequent direction, and the mean z-value of one curve."""
    seen = np.isfinite(estimates) & np.isfinite(chances)
    values, chance = estimates[seen], np.maximum(chances[seen], 1e-300)
    significant = chance < LEVEL
    signs = np.sign(values)
    shares = (significant & (signs > 0)).mean(), (significant & (signs < 0)).mean()
    return {
        "median": float(np.median(values)),
        "share_dominant": float(max(shares)),
        "mean_z": float((-ndtri(chance / 2) * signs).mean()),
        "specifications": int(seen.sum()),
    }


def joint_test(draws: pd.DataFrame) -> pd.DataFrame:
    """Return each statistic of the observed curve beside its distribution under each null, and a code of what it says.

    Two-sided: p = (1 + number of draws at least as far from zero) / (1 + draws). `beyond_chance` below .05,
    `within_chance` otherwise.
    """
    rows = []
    for null, part in draws.sort_values("draw").groupby("null", sort=False):
        observed, drawn = part[part["draw"] == 0].iloc[0], part[part["draw"] > 0]
        for name in STATISTICS:
            far = np.abs(drawn[name].to_numpy())
            pvalue = (1 + int((far >= abs(observed[name]) * (1 - 1e-12)).sum())) / (1 + len(drawn))
            rows.append({
                "null": null,
                "statistic": name,
                "observed": observed[name],
                "null_median": drawn[name].median(),
                "null_lower": drawn[name].quantile(0.025),
                "null_upper": drawn[name].quantile(0.975),
                "pvalue": pvalue,
                "draws": len(drawn),
                "specifications": int(observed["specifications"]),
                "conclusion": "beyond_chance" if pvalue < LEVEL else "within_chance",
            })  # fmt: skip
    return pd.DataFrame(rows)
