"""Snakemake itself, on a copy of the project: what reruns after which edit, and how a fault in the input ends."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ronghe.provenance import script_files

from tests.notebooks import FOLDER, differences, read, run
from tests.snakemake_runs import snakemake

pytestmark = pytest.mark.pipeline

PARTS = ["Snakefile", "config", "profiles", "workflow", "data/raw"]
TARGETS = [
    "results/china_provinces/models/baseline/fit.json",
    "results/china_provinces/models/treatment_coordination/fit.json",
]
TARGETS += [
    "paper/china_provinces/en/tables/summary.csv",
    "results/china_provinces/measures/manufacturing_quality_equal/panel.csv",
]
SHOWN = [f"results/china_provinces/models/{name}/fit.json" for name in ("spatial_sdm", "spatial_sdm_expected")]


def jobs_in(done: subprocess.CompletedProcess) -> set[str]:
    """Return the jobs that a run told of, as RULE or RULE:WILDCARD."""
    jobs = set()
    for block in re.split(r"\n(?=rule |localrule )", done.stdout + done.stderr)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        wildcards = re.search(r"^ +wildcards: (.+)$", block, re.M)
        names = ",".join(w.partition("=")[2] for w in wildcards[1].split(", ")) if wildcards else ""
        jobs.add(f"{rule}:{names}" if names else rule)
    return jobs


class Project:
    """A copy of the project in which files may be edited and Snakemake run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(self.root / "workflow" / "src"), "NO_COLOR": "1"}
        return snakemake(*arguments, cwd=self.root, env=environment)

    def build(self, *arguments: str) -> None:
        done = self.run(*arguments, "--quiet", "all")
        assert done.returncode == 0, done.stdout + done.stderr

    def pending(self, *arguments: str) -> set[str]:
        """Jobs that a run would carry out, as RULE or RULE:WILDCARD."""
        done = self.run("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return jobs_in(done)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        file.chmod(0o644)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory, project):
    """Build a few targets once; the tests that edit work on copies that keep times."""
    root = tmp_path_factory.mktemp("built")
    for part in PARTS:
        source, target = project / part, root / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy2(source, target)
    copy = Project(root)
    copy.build(*TARGETS, *SHOWN)
    return copy


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_the_notebook_of_the_panel_shows_these_results(built):
    """Its stored numbers are those of results made anew."""
    assert not differences(read(FOLDER / "china.ipynb"), run(FOLDER / "china.ipynb", built.root))


def under_its_old_time(path: Path, old: str, new: str) -> None:
    """Edit a file and give it back the time it had, as a backup, an archive or a copy does."""
    kept, text = path.stat(), path.read_text(encoding="utf-8")
    assert old in text
    path.chmod(0o644)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def test_a_figure_edited_under_its_old_time_reruns_the_panel(copy):
    under_its_old_time(copy.root / "data/raw/china_provinces/national_accounts.csv", "35943.3", "35943.4")
    assert "build_panel" in copy.pending(*TARGETS)


def test_a_formula_edited_under_its_old_time_reruns_what_rests_on_it(copy):
    """The location quotient feeds co-agglomeration and the indices that use it; an index of other indicators stays."""
    library = copy.root / "workflow/src/ronghe"
    under_its_old_time(
        library / "measures/formulas/location_quotient.py", "from __future__", "EDITED = True\nfrom __future__"
    )
    pending = copy.pending(*TARGETS)
    assert "compute_coagglomeration:coagglomeration" in pending
    assert "estimate_fixed_effects:baseline" in pending
    assert "render_tables_data" in pending
    assert "build_index:manufacturing_quality" not in pending
    assert "build_index:manufacturing_quality_equal" not in pending
    assert not {job for job in pending if job.startswith(("clean", "read", "build_panel"))}


def test_an_index_formula_is_code_of_indices_alone(project, monkeypatch):
    monkeypatch.chdir(project)
    formula = "workflow/src/ronghe/measures/weighting.py"
    assert formula in script_files("workflow/scripts/build_index.py")
    assert formula not in script_files("workflow/scripts/compute_coagglomeration.py")


def test_specifications_edited_and_added_are_estimated_and_nothing_else(copy):
    """One entry changed in its file, one that a file of one's own adds: two jobs.

    Every file of the finished run was touched before: inputs, code and configuration, and a table of a megabyte as if
    made again with the same bytes. None of them reruns anything.
    """
    large = copy.root / "data/processed/china_provinces/series.csv"
    assert large.stat().st_size > 1_000_000
    large.touch()
    for part in ("workflow", "config", "data/raw"):
        for path in (copy.root / part).rglob("*"):
            if path.is_file():
                path.touch()
    copy.edit(
        "config/specifications.yaml",
        "baseline: { kind: fixed_effects }",
        "baseline: { kind: fixed_effects, controls: [urbanisation] }",
    )
    (copy.root / "mine.yaml").write_text(
        "specifications:\n  mine: {kind: fixed_effects, controls: [urbanisation]}\n", encoding="utf-8"
    )
    targets = [f"results/china_provinces/models/{name}/coefficients.csv" for name in ("baseline", "mine")]
    done = copy.run(*TARGETS, *targets, "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs_in(done) == {"estimate_fixed_effects:baseline", "estimate_fixed_effects:mine"}
    baseline, mine = ((copy.root / target).read_text(encoding="utf-8") for target in targets)
    assert baseline == mine
    assert [row.partition(",")[0] for row in mine.splitlines()] == ["term", "coagglomeration.index", "urbanisation"]


def test_a_fault_in_the_configuration_stops_before_any_job(copy):
    """The last thing that is looked at; what lies before it is tested by `test_config.py`."""
    copy.edit(
        "config/specifications.yaml",
        "treatment: services_manufacturing.coordination",
        "treatment: services_manufacturing.cordination",
    )
    done = copy.run("--dry-run")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert re.search(
        r"specification 'treatment_coordination'.*did you mean 'services_manufacturing.coordination'", said
    ), said
    assert "Traceback" not in said


def test_two_faulty_tables_of_a_section_are_told_of_together(copy):
    """Asked for is a sound one; what a failed job wrote is not kept, and the next run makes the section whole."""
    entry = "{{kind: stored, caption: {0}, section: mine, file: processed/regions.csv, columns: [{{column: {1}}}]}}"
    columns = {"sound": "region", "faulty": "regoin", "wrong": "nothing"}

    def write(**told: str) -> list[str]:
        tables = "\n".join(f"  {name}: {entry.format(name, column)}" for name, column in {**columns, **told}.items())
        (copy.root / "mine.yaml").write_text(f"tables:\n{tables}\n", encoding="utf-8")
        return [f"paper/china_provinces/en/tables/{name}.csv" for name in columns]

    sound, *_ = targets = write()
    done = copy.run(sound, "--configfile", "mine.yaml")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "tables.faulty.columns: unknown column 'regoin'; did you mean 'region'?" in said
    assert "tables.wrong.columns: unknown column 'nothing'" in said
    assert [(copy.root / target).exists() for target in targets] == [False, False, False]
    write(faulty="region", wrong="region")
    done = copy.run(sound, "--configfile", "mine.yaml")
    assert jobs_in(done) == {"render_tables_mine"}
    assert done.returncode == 0 and all((copy.root / target).exists() for target in targets), done.stdout + done.stderr


def test_a_fault_in_the_data_stops_the_first_stage_and_loses_nothing(copy):
    kept = copy.root / "results/china_provinces/models/baseline/coefficients.csv"
    before = kept.read_bytes()
    raw = copy.root / "data/raw/china_provinces/national_accounts.csv"
    old = hashlib.sha256(raw.read_bytes()).hexdigest()
    copy.edit("data/raw/china_provinces/national_accounts.csv", "35943.3", '"35,943.3x"')
    copy.edit("data/raw/china_provinces/SHA256SUMS", old, hashlib.sha256(raw.read_bytes()).hexdigest())
    done = copy.run(*TARGETS, "--quiet", "rules")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert re.search(r"national_accounts.csv: row \d+: .*35,943.3x", said), said
    assert "Traceback" not in said
    assert kept.read_bytes() == before
