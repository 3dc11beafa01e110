"""Snakemake itself, on a copy of the project: what reruns after which edit, and how a fault in the input ends."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


class Project:
    """A copy of the project in which files may be edited and Snakemake run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(self.root / "workflow" / "src"), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)

    def build(self, *arguments: str) -> None:
        done = self.run(*arguments, "--quiet", "all")
        assert done.returncode == 0, done.stdout + done.stderr

    def pending(self, *arguments: str) -> set[str]:
        """Jobs that a run would carry out, as RULE or RULE:WILDCARD."""
        done = self.run("--dry-run", *arguments)
        text = done.stdout + done.stderr
        assert done.returncode == 0, text
        jobs = set()
        for block in re.split(r"\n(?=rule |localrule )", text)[1:]:
            rule = re.match(r"(?:local)?rule (\w+):", block)[1]
            wildcards = re.search(r"^ +wildcards: (.+)$", block, re.M)
            names = ",".join(w.partition("=")[2] for w in wildcards[1].split(", ")) if wildcards else ""
            jobs.add(f"{rule}:{names}" if names else rule)
        return jobs

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory, project):
    """Build a few targets once; the tests that edit work on copies that keep times."""
    root = tmp_path_factory.mktemp("built")
    for part in PARTS:
        source, target = project / part, root / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, target)
    copy = Project(root)
    copy.build(*TARGETS)
    return copy


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_a_finished_run_has_nothing_to_do(copy):
    assert copy.pending(*TARGETS) == set()


def test_touching_files_reruns_nothing(copy):
    for part in ("workflow", "config", "data/raw"):
        for path in (copy.root / part).rglob("*"):
            if path.is_file():
                path.touch()
    assert copy.pending(*TARGETS) == set()


def under_its_old_time(path: Path, old: str, new: str) -> None:
    """Edit a file and give it back the time it had, as a backup, an archive or a copy does."""
    kept, text = path.stat(), path.read_text(encoding="utf-8")
    assert old in text
    path.chmod(0o644)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def test_content_decides_not_the_time_stamp(copy):
    """A figure, a formula and a word of the tables that were edited under an old time rerun what rests on them."""
    raw = "data/raw/china_provinces/national_accounts.csv"
    under_its_old_time(copy.root / raw, "35943.3", "35943.4")
    assert "build_panel" in copy.pending(*TARGETS)
    under_its_old_time(copy.root / raw, "35943.4", "35943.3")
    assert copy.pending(*TARGETS) == set()
    library = copy.root / "workflow/src/ronghe"
    under_its_old_time(library / "linear/layout.py", "from __future__", "EDITED = True\nfrom __future__")
    pending = copy.pending(*TARGETS)
    assert "estimate_fixed_effects:baseline" in pending and "build_panel" not in pending


def test_the_largest_table_made_again_with_the_same_bytes_reruns_nothing(copy):
    path = copy.root / "data/processed/china_provinces/series.csv"
    assert path.stat().st_size > 1_000_000
    path.touch()
    assert copy.pending(*TARGETS) == set()


def test_editing_a_formula_reruns_what_rests_on_it(copy):
    """The location quotient feeds co-agglomeration and the indices that use it; an index of other indicators stays."""
    path = copy.root / "workflow/src/ronghe/measures/formulas/location_quotient.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    pending = copy.pending(*TARGETS)
    assert "compute_coagglomeration:coagglomeration" in pending
    assert "estimate_fixed_effects:baseline" in pending
    assert "render_table:summary" in pending
    assert "build_index:manufacturing_quality" not in pending
    assert "build_index:manufacturing_quality_equal" not in pending
    assert not {job for job in pending if job.startswith(("clean", "read", "build_panel"))}


def test_editing_an_index_formula_leaves_coagglomeration(copy):
    path = copy.root / "workflow/src/ronghe/measures/weighting.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    pending = copy.pending(*TARGETS)
    assert "build_index:manufacturing_quality" in pending
    assert "compute_coagglomeration:coagglomeration" not in pending


def test_editing_one_specification_reruns_one_estimate(copy):
    copy.edit(
        "config/specifications.yaml",
        "baseline: { kind: fixed_effects }",
        "baseline: { kind: fixed_effects, controls: [urbanisation] }",
    )
    assert copy.pending(*TARGETS) == {"estimate_fixed_effects:baseline"}


def test_a_specification_of_ones_own_needs_no_edit(copy):
    (copy.root / "mine.yaml").write_text(
        "specifications:\n  mine: {kind: fixed_effects, controls: [urbanisation]}\n", encoding="utf-8"
    )
    target = "results/china_provinces/models/mine/coefficients.csv"
    assert copy.pending(target, "--configfile", "mine.yaml") == {"estimate_fixed_effects:mine"}
    copy.build(target, "--configfile", "mine.yaml")
    rows = (copy.root / target).read_text(encoding="utf-8").splitlines()
    assert [row.partition(",")[0] for row in rows] == ["term", "coagglomeration.index", "urbanisation"]


def test_one_core_and_two_give_the_same_bytes(copy):
    before = {t: (copy.root / t).read_bytes() for t in TARGETS if not t.endswith("fit.json")}
    copy.build(*TARGETS, "--cores", "1", "--forceall")
    assert {t: (copy.root / t).read_bytes() for t in before} == before


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "config/specifications.yaml",
            "treatment: services_manufacturing.coordination",
            "treatment: services_manufacturing.cordination",
            r"specification 'treatment_coordination'.*did you mean 'services_manufacturing.coordination'",
        ),
        ("config/config.yaml", "language: en", "language: english", "language.*'english' is not allowed"),
        ("config/config.yaml", "seed:", "sede:", "unknown key 'sede'; did you mean 'seed'"),
        ("config/config.yaml", "language: en", "language: en\nlanguage: zh", "the key 'language' stands already"),
        ("config/config.yaml", "dataset: china_provinces", "dataset: china_province", "did you mean 'china_provinces"),
    ],
)
def test_a_fault_in_the_configuration_stops_before_any_job(copy, path, old, new, message):
    copy.edit(path, old, new)
    done = copy.run("--dry-run")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert re.search(message, said), said
    assert "Traceback" not in said


def test_a_fault_in_the_data_stops_the_first_stage_and_loses_nothing(copy):
    kept = copy.root / "results/china_provinces/models/baseline/coefficients.csv"
    before = kept.read_bytes()
    raw = copy.root / "data/raw/china_provinces/national_accounts.csv"
    raw.chmod(0o644)
    text = raw.read_text(encoding="utf-8")
    raw.write_text(text.replace("35943.3", "35,943.3x", 1).replace("35,943.3x", '"35,943.3x"'), encoding="utf-8")
    done = copy.run(*TARGETS, "--quiet", "rules")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "national_accounts.csv" in said
    assert kept.read_bytes() == before
