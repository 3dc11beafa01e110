"""A dataset of three made-up regions, one raw table per kind of file, that the tests of cleaning share."""

from __future__ import annotations

import copy
from pathlib import Path

import pandas as pd

REGIONS = "Name,Area,Also\nNorth,Upper,N\nSouth,Lower,S\nEast,Lower,E\n"
BORDERS = "One,Other\nNorth,East\nEast,South\nSouth,East\n"
WAGES = """地区,项目,单位,2022年,2021年,2020年
N,工资,元,52000,50000,48000
南方,工资,元,41000,,39000
E,工资,元,30000,30000,30000
"""
POPULATION = [
    ["Population by region, thousand", None, None, None],
    ["Region", 2020, 2021, 2022],
    ["North", 100, 101, 102.5],
    ["South", "200", "201", "202"],
    ["East", 50, 50, 50],
    ["Total", 350, 352, 354.5],
    ["Note: end of year", None, None, None],
]

DECLARED = {
    "name": "tiny",
    "title": "Three regions",
    "folder": "raw",
    "units": {
        "yuan": {"base": "yuan", "factor": 1, "written": ["元"]},
        "million yuan": {"base": "yuan", "factor": 1000000},
        "person": {"base": "person", "factor": 1},
        "thousand persons": {"base": "person", "factor": 1000},
    },
    "regions": {
        "file": "regions.csv",
        "columns": {"region": "Name", "macro_region": "Area", "code": "Also"},
        "aliases": {"South": ["南方"]},
        "ignore": ["Total"],
    },
    "adjacency": {"file": "borders.csv", "columns": {"region": "One", "neighbor": "Other"}},
    "sample": {"years": [2020, 2022]},
    "sectors": {"farms": {"en": "Farms"}, "shops": {"en": "Shops"}},
    "tables": {
        "wages": {
            "file": "wages.csv",
            "encoding": "gb18030",
            "layout": "wide",
            "key": {"region": "地区", "indicator": "项目", "unit": "单位", "year": "{year}年"},
            "variables": {"wage": {"indicator": "工资", "unit": "元", "gap": {"interpolate": 1}, "range": [0, None]}},
        },
        "population": {
            "file": "population.xlsx",
            "layout": "wide",
            "skip_rows": 1,
            "skip_footer": 1,
            "key": {"region": "Region", "year": "{year}"},
            "variables": {"population": {"unit": "thousand persons", "target": "person", "jump": 0.012}},
        },
        "output": {
            "file": "output.dta",
            "layout": "long",
            "key": {"region": "region", "year": "year"},
            "variables": {"output": {"column": "output", "unit": "million yuan"}},
        },
        "jobs": {
            "file": "jobs.parquet",
            "layout": "long",
            "key": {"region": "region", "year": "year", "indicator": "sector"},
            "variables": {"jobs_total": {"column": "jobs", "indicator": "All", "unit": "person"}},
            "families": {
                "jobs": {"column": "jobs", "unit": "person", "members": {"farms": "Farming", "shops": "Shops, stalls"}}
            },
        },
    },
    "derived": {
        "log_output_per_head": {"log": "output_per_head"},
        "output_per_head": {"per": ["output", "population"], "unit": "yuan/person"},
        "farm_share": {"share": ["jobs_farms", "jobs_total"]},
    },
    "labels": {"population": {"en": "Population (persons)", "zh": "人口（人）"}},
    "checks": {"jobs": {"kind": "adds_up", "total": "jobs_total", "parts": ["jobs_*"], "tolerance": 0.0}},
}


def write_tiny(root: Path) -> dict:
    """Write the raw tables under `root`/raw and return a declaration of its own."""
    raw = root / "raw"
    raw.mkdir(parents=True)
    (raw / "regions.csv").write_text(REGIONS, encoding="utf-8")
    (raw / "borders.csv").write_text(BORDERS, encoding="utf-8")
    (raw / "wages.csv").write_text(WAGES, encoding="gb18030")
    write_sheet(raw / "population.xlsx", POPULATION)
    keys = [(r, y) for r in ("North", "South", "East") for y in (2020, 2021, 2022)]
    output = pd.DataFrame(keys, columns=["region", "year"]).assign(output=[1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    output.to_stata(raw / "output.dta", write_index=False)
    farms = output[["region", "year"]].assign(sector="Farming", jobs=[10, 11, 12, 20, 20, 20, 5, 5, 5])
    shops = output[["region", "year"]].assign(sector="Shops, stalls", jobs=[30, 29, 28, 20, 20, 20, 15, 15, 15])
    total = farms.assign(sector="All", jobs=farms["jobs"] + shops["jobs"])
    pd.concat([total, farms, shops]).to_parquet(raw / "jobs.parquet", index=False)
    return copy.deepcopy(DECLARED)


def write_sheet(path: Path, rows: list[list[object]], sheet: str = "Sheet1") -> None:
    """Write rows of cells as an Excel workbook."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
