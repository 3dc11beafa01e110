"""The short manuscript for any dataset: its sentences follow the numbers, and what a dataset lacks is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from paper.builders import LABELS, write_fit
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.paper import declaration
from ronghe.paper.labels import Labels
from ronghe.paper.manuscript import _compile
from ronghe.paper.numbers import footer_facts, tell, write_numbers
from ronghe.paper.sources import Sources

STORY = {
    "title": {"en": "Towns", "zh": "市镇"},
    "regions": {"en": "invented towns", "zh": "虚构市镇"},
    "region": {"en": "town", "zh": "市镇"},
    "sources": {"en": "All invented.", "zh": "数据均为虚构。"},
    "variables": {"outcome": "quality", "treatment": "coagglomeration"},
    "specifications": {"home": "fe", "spatial": "sdm"},
}
MULTIVERSE = {"treatment": ["all"], "specifications": [1200], "median": [0.1], "share_positive": [0.7],
              "share_significant_positive": [0.2], "share_significant_negative": [0.01], "pvalue": [0.3]}  # fmt: skip


def written(folder: Path, project: Path, total: float, language: str, multiverse: bool = False) -> str:
    """Write the short manuscript on an invented total effect with a standard error of 0.1; return its text."""
    made = folder / "out"
    impacts = {"coagglomeration": {"direct": (0.05, 0.1), "indirect": (total - 0.05, 0.1), "total": (total, 0.1)}}
    write_fit(folder / "models", "fe", {"coagglomeration": (0.3, 0.1)})
    write_fit(folder / "models", "sdm", {"coagglomeration": (0.1, 0.1)}, impacts)
    keys = pd.MultiIndex.from_product([["A", "B", "C"], [2019, 2020]], names=["region", "year"])
    values = {"quality": [1.0, 2, 4, 3, 5, 8], "coagglomeration": [1.0, 2, 2, 5, 9, 7]}
    panel = pd.DataFrame(values, index=keys).reset_index()
    panel.to_parquet(folder / "panel.parquet", index=False)
    write_csv(pd.DataFrame(MULTIVERSE), folder / "multiverse.csv")
    places = {"results": str(folder)}
    cells = {
        name: {"file": "multiverse.csv", "value": column, "digits": 2}
        for name, column in {
            "multiverse_count": "specifications",
            "multiverse_median": "median",
            "multiverse_positive": "share_positive",
            "multiverse_significant_positive": "share_significant_positive",
            "multiverse_significant_negative": "share_significant_negative",
            "multiverse_median_p": "pvalue",
        }.items()
    }
    quotes = {
        "specifications": ["fe", "sdm"],
        "panel": ["quality", "coagglomeration"],
        "cells": cells if multiverse else {},
    }
    files = [str(folder / "panel.parquet")]
    facts = footer_facts(files, files, 1, "towns")
    made.mkdir(exist_ok=True)
    write_numbers(
        quotes,
        made / "numbers.typ",
        files,
        facts,
        {},
        folder / "models",
        places,
        None,
        tell(STORY, Labels(LABELS, language)),
    )
    for name in ("short.typ", "template.typ", "quote.typ"):
        shutil.copy(project / "paper" / name, folder)
    html = _compile(folder / "short.typ", made, {"language": language, "target": "word"}, format="html").decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize(
    ("total", "said"),
    [(0.1, "settle neither sign nor size"), (0.5, "is higher, neighbours"), (-0.5, "is lower, neighbours")],
)
def test_the_conclusion_follows_the_interval(tmp_path: Path, project: Path, total: float, said: str) -> None:
    text = written(tmp_path, project, total, "en")
    assert said in text
    assert "specifications" not in text
    assert "the coefficient of co-agglomeration on manufacturing quality is 0.300 [0.104, 0.496]" in text


@pytest.mark.parametrize(("total", "said"), [(0.1, "现有数据不能确定符号与大小"), (0.5, "制造业质量较高")])
def test_it_speaks_chinese(tmp_path: Path, project: Path, total: float, said: str) -> None:
    text = written(tmp_path, project, total, "zh", multiverse=True)
    assert said in text
    assert "在 1,200.00 个模型设定中" in text
    assert not re.search(r"[a-z]{9,}", re.sub(r"style.*?}", "", text.partition("摘要")[2]))


def test_a_multiverse_is_spoken_of_where_there_is_one(tmp_path: Path, project: Path) -> None:
    text = written(tmp_path, project, 0.1, "en", multiverse=True)
    assert "make 1,200.00 specifications" in text
    assert "p = 0.30" in text
    assert "Most specifications agree" in text


def test_a_table_may_show_another_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_fit(Path("results/far/models"), "fe", {"coagglomeration": (0.7, 0.1)})
    write_fit(Path("results/near/models"), "fe", {"coagglomeration": (0.2, 0.1)})
    columns = [{"dataset": "far", "specification": "fe"}, "fe"]
    entry = {"kind": "regression", "caption": "Both", "columns": columns}
    source = Sources("tables", "both", entry, Labels(LABELS), models="results/near/models")
    assert [fit.coefficients.loc["coagglomeration", "estimate"] for _, fit in source.fits()] == [0.7, 0.2]
    assert declaration.result_files(entry) == [
        "results/far/models/fe/coefficients.csv",
        "results/far/models/fe/fit.json",
        "<results>/models/fe/coefficients.csv",
        "<results>/models/fe/fit.json",
    ]
    config = {"specifications": {}, "measures": {}, "tables": {"both": entry}}
    with pytest.raises(RongheError, match="fe"):
        declaration.check(config)
    declaration.check({**config, "tables": {"both": {**entry, "columns": columns[:1]}}})


def test_codes_of_letters_stand_for_regions_in_small_print(tmp_path: Path) -> None:
    regions = pd.DataFrame({"region": ["Alabama", "Beijing", "Utah"], "code": ["AL", "11", "UT"]})
    write_csv(regions, tmp_path / "regions.csv")
    labels = Labels({"short.Utah": {"en": "Ut.", "zh": "犹他"}})
    source = Sources("figures", "map", {}, labels, regions_file=str(tmp_path / "regions.csv"))
    assert source.short_names(["Alabama", "Beijing", "Utah"]) == {"Alabama": "AL", "Beijing": "Beijing", "Utah": "Ut."}
