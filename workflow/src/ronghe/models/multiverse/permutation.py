"""Joint test of a multiverse: the whole curve refitted with the treatment's histories dealt out anew over regions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ronghe.models.estimate import Data
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import Multiverse, Setting
from ronghe.models.multiverse.progress import Progress
from ronghe.models.multiverse.run import Members, pvalues
from ronghe.models.multiverse.settings import Refusal, Settings
from ronghe.models.multiverse.summary import LEVEL
from ronghe.spatial.batch.specifications import Specifications
from ronghe.spatial.batch.subset_fits import IMPACTS
from ronghe.threads import one_thread

# Draws done together; fixed, so that results depend on neither shards nor cores.
TOGETHER = 63
STATISTICS = ("median", "share_dominant", "mean_z")
DRAW_COLUMNS = ["draw", *STATISTICS, "specifications"]


def permute_shard(
    multiverse: Multiverse, samples: dict[str, dict], data: Data, path: str, shard: int, n_shards: int
) -> pd.DataFrame:
    """Return the statistics of the curve for every n-th block of draws; draw 0 is the data as they are.

    Each region keeps the whole history of another region's treatments, the same for all specifications of a draw;
    lags W x follow. Under the null that the treatment does nothing, and that its histories could have fallen to any
    region, the observed curve is one draw of many (Simonsohn, Simmons and Nelson 2020, their inferential statistics).
    """
    entry = multiverse.entry["permutation"]
    chosen = sample(path, entry["specifications"], multiverse)
    blocks = [range(k, min(k + TOGETHER, entry["draws"] + 1)) for k in range(0, entry["draws"] + 1, TOGETHER)]
    mine = blocks[shard::n_shards]
    source = Settings(multiverse, samples, data)
    size = sum(len(members) for members in chosen.values())
    progress = Progress(f"permutations, shard {shard + 1} of {n_shards}", size * sum(map(len, mine)), "fits")
    n_regions = data.panel.index.unique(0).size
    keys = {draw: _keys(multiverse.seed, draw, n_regions) for block in mine for draw in block}
    estimates = [np.full((len(block), size), np.nan) for block in mine]
    chances = [np.full((len(block), size), np.nan) for block in mine]
    place = 0
    with one_thread():
        for setting, members in chosen.items():
            here = slice(place, place + len(members))
            place += len(members)
            try:
                shared = source.specifications(setting)
            except Refusal:
                continue
            places = source.places(setting)
            histories = shared.raw[:, :, 2 : 2 + len(multiverse.levels("treatment"))]
            for k, block in enumerate(mine):
                orders = np.stack([_order(keys[draw], places) for draw in block])
                draws = histories[orders].transpose(0, 3, 1, 2)
                found = _refit(source, setting, shared, members, draws)
                estimates[k][:, here], chances[k][:, here] = found
                progress.add(found[0].size)
    rows = [
        {"draw": draw, **curve_statistics(values, chance)}
        for block, e, p in zip(mine, estimates, chances, strict=True)
        for draw, values, chance in zip(block, e, p, strict=True)
    ]
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


def _order(keys: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return whose history each region of a sample gets; all samples of one draw deal by the same keys."""
    return np.argsort(keys[places], kind="stable")


def _keys(seed: int, draw: int, n_regions: int) -> np.ndarray:
    return np.random.default_rng([seed, 2, draw]).random(n_regions) if draw else np.arange(n_regions, dtype=float)


def _refit(
    source: Settings, setting: Setting, shared: Specifications, members: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates and p-values (draw, specification) with the treatments replaced by each draw's."""
    multiverse = source.multiverse
    covariance = multiverse.levels("covariance")[0]
    wanted = IMPACTS.index(multiverse.entry["effect"])
    treated = range(draws.shape[1])
    moved = shared.with_columns(treated, draws)
    position = {member: k for k, member in enumerate(members)}
    estimates, chances = np.full((2, len(draws), len(members)), np.nan)
    for model, part, columns in Members(multiverse, setting).blocks(source, members):
        many = np.tile(columns, (len(draws), 1))
        draw = np.repeat(np.arange(len(draws)), len(columns))
        fits = moved.fit(model, many, draw)
        values, errors = fits.impacts(covariance)
        places = [position[member] for member in part]
        shape = len(draws), len(columns)
        estimates[:, places] = values[:, wanted].reshape(shape)
        chances[:, places] = pvalues(values[:, wanted], errors[:, wanted], covariance, shared.shape[0]).reshape(shape)
    return estimates, chances


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
    """Return each statistic of the observed curve beside its distribution under the null, with a code of what it says.

    Two-sided: p = (1 + number of draws at least as far from zero) / (1 + draws). `beyond_chance` below .05,
    `within_chance` otherwise.
    """
    draws = draws.sort_values("draw")
    observed, null = draws[draws["draw"] == 0].iloc[0], draws[draws["draw"] > 0]
    rows = []
    for name in STATISTICS:
        far = np.abs(null[name].to_numpy())
        pvalue = (1 + int((far >= abs(observed[name]) * (1 - 1e-12)).sum())) / (1 + len(null))
        rows.append({
            "statistic": name,
            "observed": observed[name],
            "null_median": null[name].median(),
            "null_lower": null[name].quantile(0.025),
            "null_upper": null[name].quantile(0.975),
            "pvalue": pvalue,
            "draws": len(null),
            "specifications": int(observed["specifications"]),
            "conclusion": "beyond_chance" if pvalue < LEVEL else "within_chance",
        })  # fmt: skip
    return pd.DataFrame(rows)
