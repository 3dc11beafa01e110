"""Generated counties: reproducible, made by the process that is said, and a dataset that the pipeline takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.measures.formulas.coagglomeration import coagglomeration as measured
from ronghe.spatial import SpatialPanel
from ronghe.weights.contiguity import from_borders

from benchmarks.counties import project
from benchmarks.counties.generate import PARTNERS, SECTORS, TRUTH, coagglomeration, generate
from tests.snakemake_runs import start_no_snakemake

# Seven parameters, errors clustered by county: beyond four errors in one of ten thousand such tables.
FAR = 4.0


@pytest.fixture(scope="module")
def made():
    return generate(400, 8)


def figures(made) -> pd.DataFrame:
    return made.figures.set_index(["County", "Year"]).rename_axis(["region", "year"])


def test_two_runs_are_alike_and_the_seed_counts(made):
    again = generate(400, 8)
    pd.testing.assert_frame_equal(made.figures, again.figures)
    assert not made.figures.equals(generate(400, 8, seed=1).figures)


def test_borders_join_all_counties_in_irregular_numbers(made):
    borders = made.borders.rename(columns={"County": "region", "Neighbour": "neighbor"})
    W = from_borders(borders, list(made.regions["County"]))
    counts = np.diff(W.sparse.indptr)
    assert W.n_components == 1 and W.is_symmetric and not W.islands
    assert 4 < counts.mean() < 7 and len(set(counts)) > 4


def test_jobs_add_up_and_are_whole(made):
    table = made.figures
    assert (table[[f"Jobs in {sector}" for sector in SECTORS]].sum(axis=1) == table["Jobs"]).all()
    assert table["Jobs"].dtype.kind == "i" and (table["Urban population"] <= table["Population"]).all()


def test_the_index_is_the_pipelines(made):
    panel = figures(made)
    jobs = {name: panel[f"Jobs in {name}"].unstack("year").to_numpy(float) for name in ("manufacturing", *PARTNERS)}
    own = coagglomeration(
        jobs["manufacturing"], sum(jobs[p] for p in PARTNERS), panel["Jobs"].unstack("year").to_numpy(float)
    )
    theirs = measured(panel, ["Jobs in manufacturing"], [f"Jobs in {p}" for p in PARTNERS], "Jobs")["index"]
    np.testing.assert_allclose(own, theirs.unstack("year").to_numpy(), rtol=1e-12)


def test_the_durbin_model_finds_the_process(made):
    panel = figures(made)
    jobs = {name: panel[f"Jobs in {name}"] for name in SECTORS}
    y = np.log(panel["Value added of manufacturing"] / jobs["manufacturing"]).rename("y")
    X = pd.DataFrame(
        {
            "coagglomeration.index": measured(
                panel, ["Jobs in manufacturing"], [f"Jobs in {p}" for p in PARTNERS], "Jobs"
            )["index"],
            "urbanisation": panel["Urban population"] / panel["Population"],
            "log_roads": np.log(panel["Roads"]),
        }
    )
    borders = made.borders.rename(columns={"County": "region", "Neighbour": "neighbor"})
    W = from_borders(borders, list(made.regions["County"])).standardise("row")
    found = SpatialPanel(y, X, W, "sdm").fit(cov_type="clustered").tidy().set_index("term")
    distance = (found["estimate"] - pd.Series(TRUTH)) / found["std_error"]
    assert distance[list(TRUTH)].abs().max() < FAR


@pytest.mark.pipeline
@pytest.mark.parametrize("stages", [True, False])
def test_the_pipeline_takes_the_counties(tmp_path, monkeypatch, stages):
    start_no_snakemake(monkeypatch, project)
    project.make(tmp_path / "counties", 60, 6, stages)
    done = project.run(tmp_path / "counties", "--dry-run", "--quiet")
    assert done.returncode == 0, done.stderr
