"""A small dataset with all that the explorer can show: twenty regions, an index, a coupling, fits, a multiverse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from models.multiverse.worlds import ENTRY, REGIONS, SAMPLES, YEARS, declared, samples, world
from ronghe.frames import write_csv
from ronghe.models.declaration import complete, outputs
from ronghe.models.estimate import Data, run, save
from ronghe.models.multiverse.declaration import JUDGEMENTS
from ronghe.models.multiverse.joint_test import curves, joint_test, redraw_shard
from ronghe.models.multiverse.judge import judge
from ronghe.models.multiverse.run import run_shard
from ronghe.paper.explorer.page import Given

SPECIFICATIONS = {
    "plain": {"kind": "fixed_effects", "controls": ["income"]},
    "durbin": {"kind": "spatial", "weights": "ring"},
    "durbin_pairs": {"kind": "spatial", "weights": "pairs"},
    "dummies": {"kind": "spatial", "weights": "ring", "method": "lsdv"},
    "lag": {"kind": "spatial", "weights": "ring", "model": "sar", "sample": "late"},
    "errors": {"kind": "spatial", "weights": "ring", "model": "sem"},
    "other_treatment": {"kind": "fixed_effects", "treatment": "trade"},
    "left_out": {"kind": "leave_one_out", "of": "plain"},
}
CONFIG = {
    "language": "en",
    "seed": 7,
    "specification_defaults": {"outcome": "quality", "treatment": "service", "controls": ["income", "roads"]},
    "specifications": SPECIFICATIONS,
    "samples": SAMPLES,
    "measures": {"composite": {"kind": "index"}, "pair": {"kind": "coupling"}},
    "multiverse": ENTRY,
    "labels": {
        "quality": {"en": "Quality", "zh": "质量"},
        "service": {"en": "Services", "zh": "服务业"},
        "ring": {"en": "ring", "zh": "环形"},
        "composite.index": {"en": "Composite", "zh": "综合指数"},
        "pair.coordination": {"en": "Coordination", "zh": "协调度"},
        "score_a": {"en": "Score A", "zh": "得分甲"},
    },
    "tables": {
        "main": {"kind": "regression", "caption": {"en": "Main table", "zh": "主表"}, "columns": ["plain", "durbin"]}
    },
    "figures": {
        "map": {"kind": "tile_map", "caption": {"en": "A map", "zh": "地图"}, "variable": "quality"},
        "curve": {
            "kind": "specification_curve", "caption": {"en": "The curve", "zh": "曲线"},
            "file": {"curve": "multiverse/curve.csv"},
        },
    },
}  # fmt: skip
VARIABLES = ["quality", "service", "composite.index", "pair.coordination"]


def make(folder: Path, multiverse: bool = True, tiles: bool = True) -> Given:
    """Write the results of the small dataset as the stages do, and say where they lie."""
    # As in a run, every path is relative to where the run stands.
    folder = Path(os.path.relpath(folder))
    data, results = world(effect=0.3), folder / "results/made"
    data.panel["composite.index"] = data.panel["income"].rank() / len(data.panel)
    (folder / "data").mkdir(parents=True)
    data.panel[["quality", "service"]].reset_index().to_parquet(folder / "data/panel.parquet")
    frame = pd.DataFrame({"region": REGIONS, "name_zh": [f"第{k}区" for k in range(20)], "macro_region": "East"})
    if tiles:
        frame = frame.assign(tile_row=[k // 5 for k in range(20)], tile_column=[k % 5 for k in range(20)])
    write_csv(frame, folder / "data/regions.csv")
    _measures(results / "measures", data)
    for name, W in data.weights.items():
        write_csv(W.to_edges(), results / f"weights/{name}/edges.csv")
    for name in SPECIFICATIONS:
        entry = complete(name, CONFIG)
        paths = {
            k: p.replace("<results>", str(results)).replace("{spec}", name) for k, p in outputs(entry["kind"]).items()
        }
        save(run(entry, data), paths, entry, data, {})
    config = dict(CONFIG)
    if multiverse:
        _multiverse(results / "multiverse", data)
    else:
        del config["multiverse"]
    page = folder / "paper/made/en"
    write_csv(pd.DataFrame({"": ["Services"], "(1)": ["'=1+1"]}), page / "tables/main.csv")
    panel = [
        str(folder / "data/panel.parquet"),
        *(str(results / f"measures/{m}/panel.csv") for m in ("composite", "pair")),
    ]
    facts = {"panel": "p", "code": "c", "data": "2006", "seed": "7"}
    return Given(config, panel, str(folder / "data/regions.csv"), VARIABLES, list(SPECIFICATIONS), str(folder / "data"),
                 str(results), facts)  # fmt: skip


def _measures(folder: Path, data: Data) -> None:
    index = data.panel[["composite.index"]].rename(columns={"composite.index": "index"}).reset_index()
    keys = index[["region", "year"]]
    write_csv(index, folder / "composite/panel.csv")
    write_csv(keys.assign(score_a=index["index"], score_b=1 - index["index"]), folder / "composite/scores.csv")
    write_csv(
        pd.DataFrame({"indicator": ["score_a", "score_b"], "weight": [0.7, 0.3]}), folder / "composite/weights.csv"
    )
    rank = index.groupby("year")["index"].rank(ascending=False).astype(int)
    write_csv(index.assign(lower=0, upper=1, rank=rank, rank_lower=1, rank_upper=9), folder / "composite/intervals.csv")
    write_csv(keys.assign(coordination=np.linspace(0, 1, len(keys))), folder / "pair/panel.csv")
    write_csv(keys.assign(**{"a.score_a": 0.25, "b.score_b": 0.75}), folder / "pair/obstacles.csv")


def _multiverse(folder: Path, data: Data) -> None:
    entry = declared()
    folder.mkdir(parents=True)
    path = str(folder / "specifications.parquet")
    run_shard(entry, samples(entry), data, 0, 1, path)
    judge(entry, path, {name: str(folder / f"{name}.csv") for name in JUDGEMENTS})
    draws = [redraw_shard(null, entry, samples(entry), data, path, 0, 1) for null in entry.entry["joint_test"]["nulls"]]
    write_csv(joint_test(curves(pd.concat(draws))), folder / "joint_test.csv")


def held(page: str) -> dict:
    """Return the data inside a page."""
    return json.loads(page.split('id="data">')[1].split("</script>")[0])


__all__ = ["CONFIG", "REGIONS", "SPECIFICATIONS", "YEARS", "held", "make"]
