"""A dataset that names microdata as a source: from its YAML to the panel, and faults told before any job."""

from __future__ import annotations

import hashlib
import os
import shutil
from copy import deepcopy

import pandas as pd
import pytest
import yaml

pytest.importorskip("duckdb")

from ronghe.clean.declaration import load_dataset
from ronghe.clean.microdata.aggregate import aggregate
from ronghe.clean.microdata.database import Limits
from ronghe.clean.microdata.declaration import outputs, sources, used_cells, what_counts
from ronghe.clean.panel import clean_dataset
from ronghe.clean.variables import raw_files
from ronghe.errors import RongheError
from ronghe.frames import read_csv, read_panel
from ronghe.places import folders, placed

from tests.snakemake_runs import snakemake

PLANTS = """id,area,code,year,staff,lon,lat
a,North,C31,2019,10,116.4,39.9
b,N,C32,2019,30,116.5,39.8
a,North,C31,2020,20,116.4,39.9
c,South,I65,2019,5,113.3,23.1
c,South,I65,2020,6,113.3,23.1
"""
MEASURES = """
measures:
  concentration: {kind: plant_concentration, microdata: firms}
  steel: {kind: plant_locations, microdata: firms, industry: steel, year: 2019, simulations: 19, bandwidth_km: 50}
"""
DECLARED = {
    "title": "Two regions of plants",
    "folder": "raw",
    "checksums": "SHA256SUMS",
    "units": {"person": {"base": "person", "factor": 1}, "plant": {"base": "plant", "factor": 1}},
    "regions": {"file": "regions.csv", "columns": {"region": "Name", "code": "Code"}},
    "sample": {"years": [2019, 2020]},
    "sectors": {"steel": {"en": "Steel"}, "software": {"en": "Software"}},
    "microdata": {
        "firms": {
            "kind": "plants",
            "file": "plants.csv",
            "columns": {"plant": "id", "region": "area", "sector": "code", "year": "year", "employment": "staff"},
            "sectors": {"steel": ["C*"], "software": ["I65"]},
        }
    },
    "tables": {
        "firms": {
            "microdata": "firms",
            "variables": {"jobs_total": {"column": "employment", "indicator": "all", "unit": "person"}},
            "families": {
                "jobs": {
                    "column": "employment",
                    "unit": "person",
                    "members": {"steel": "steel", "software": "software"},
                },
                "plants": {"column": "plants", "unit": "plant", "members": {"steel": "steel", "software": "software"}},
            },
        }
    },
    "checks": {"jobs": {"kind": "adds_up", "total": "jobs_total", "parts": ["jobs_*"], "tolerance": 0}},
}


@pytest.fixture
def declared():
    return deepcopy(DECLARED)


def load(root, project, declared):
    (root / "two.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    return load_dataset("two", root, project / "workflow/schemas/dataset.schema.yaml")


def write(root) -> None:
    raw = root / "raw"
    raw.mkdir()
    files = {"regions.csv": "Name,Code\nNorth,N\nSouth,S\n", "plants.csv": PLANTS}
    for name, text in files.items():
        (raw / name).write_text(text, encoding="utf-8")
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items()]
    (raw / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def made() -> dict[str, str]:
    return placed(outputs("firms", "plants"), folders("two", "en"))


def sum_up(root, dataset) -> None:
    paths = {name: str(root / path) for name, path in made().items()}
    aggregate(what_counts(dataset, "firms"), "firms", paths, Limits(root / "scratch", 500), root)


def test_from_plants_to_panel(tmp_path, project, declared):
    write(tmp_path)
    dataset = load(tmp_path, project, declared)
    assert sources(dataset, "firms") == ["raw/plants.csv", "raw/regions.csv", "raw/SHA256SUMS"]
    assert raw_files(dataset) == ["raw/regions.csv", "raw/SHA256SUMS"]
    assert used_cells(dataset) == ["<processed>/microdata/firms/cells.csv"]
    sum_up(tmp_path, dataset)
    cleaned = clean_dataset(dataset, tmp_path)
    panel = cleaned.panel
    assert panel.loc["North", "jobs_steel"].to_dict() == {2019: 40, 2020: 20}
    assert panel.loc["South", "plants_software"].to_dict() == {2019: 1, 2020: 1}
    assert panel.loc[("South", 2020), ["jobs_steel", "jobs_software", "jobs_total"]].tolist() == [0, 6, 6]
    assert pd.read_parquet(tmp_path / made()["points"]).empty


@pytest.mark.pipeline
def test_a_dataset_of_plants_through_the_workflow(tmp_path, project, declared):
    write(tmp_path)
    shutil.copy(project / "Snakefile", tmp_path)
    for folder in ("config", "workflow", "profiles"):
        shutil.copytree(project / folder, tmp_path / folder)
    (tmp_path / "config/datasets/two").mkdir()
    (tmp_path / "config/datasets/two/measures.yaml").write_text(MEASURES, encoding="utf-8")
    declared["microdata"]["firms"] |= {"points": [2019]}
    declared["microdata"]["firms"]["columns"] |= {"longitude": "lon", "latitude": "lat"}
    (tmp_path / "config/datasets/two.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    run = snakemake(
        *("clean", "measures", "--cores", "1", "--config", "dataset=two"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "workflow/src")},
    )
    assert run.returncode == 0, run.stderr
    assert read_panel(tmp_path / "data/processed/two/panel.parquet").at[("North", 2019), "jobs_steel"] == 40
    assert (tmp_path / "data/processed/two/microdata/firms/records.csv").is_file()
    assert not (tmp_path / "results/two/scratch/firms").exists()
    industries = read_csv(tmp_path / "results/two/measures/concentration/industries.csv")
    assert industries["plants"].tolist() == [1, 2, 1, 1]
    assert read_csv(tmp_path / "results/two/measures/steel/test.csv").at[0, "sites"] == 3


def test_a_changed_file_is_refused(tmp_path, project, declared):
    write(tmp_path)
    (tmp_path / "raw/plants.csv").write_text(PLANTS + "d,North,C31,2020,1\n", encoding="utf-8")
    with pytest.raises(RongheError, match="plants.csv: the file is not the one that"):
        sum_up(tmp_path, load(tmp_path, project, declared))


FAULTS = {
    "unknown microdata": (["tables", "firms", "microdata"], "firm", "did you mean 'firms'"),
    "a file beside it": (["tables", "firms", "layout"], "long", "'layout' belongs to a raw table"),
    "an unknown fault": (["microdata", "firms", "rules"], {"no_sector": "leave_out"}, "unknown fault 'no_sector'"),
    "a rule of another fault": (["microdata", "firms", "rules"], {"bad_year": "keep"}, "unknown rule 'keep'"),
    "a code twice": (["microdata", "firms", "sectors", "software"], ["C*"], r"'C\*' stands for both"),
    "half a position": (
        ["microdata", "firms", "columns", "longitude"],
        "lon",
        "'longitude' and 'latitude' go together",
    ),
    "points without positions": (["microdata", "firms", "points"], [2020], "points need the columns"),
    "an ending": (["microdata", "firms", "file"], "plants.dta", "read from .csv, .tsv or .parquet"),
    "a file elsewhere": (["microdata", "firms", "file"], "../plants.csv", "lies outside raw"),
    "a threshold alone": (
        ["microdata", "firms", "service_revenue"],
        {"threshold": 30},
        "go together; give all or none",
    ),
    "a column of another kind": (["microdata", "firms", "kind"], "patents", "patent"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_declaration_at_fault_is_refused(tmp_path, project, declared, fault):
    place, value, message = FAULTS[fault]
    inner = declared
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(RongheError, match=message):
        load(tmp_path, project, declared)


def test_a_table_needs_a_file_or_microdata(tmp_path, project, declared):
    del declared["tables"]["firms"]["microdata"]
    with pytest.raises(RongheError, match="firms"):
        load(tmp_path, project, declared)
