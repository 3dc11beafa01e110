"""`make test-slurm`: a run on a real SLURM, disturbed, and its files beside those of the local run."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.slurm.cluster import Cluster, run, why_not

PROJECT = Path(__file__).resolve().parents[2]
WORK = PROJECT / "build/slurm"
RECORD = PROJECT / "results/benchmarks"
RESULTS, PAPER = Path("results/china_provinces"), Path("paper/china_provinces/en")
# The pipeline from raw tables, the multiverse in its shards, the certificate, a table: what `make test-slurm` asks for.
TARGETS = [
    RESULTS / "multiverse/specifications.parquet",
    RESULTS / "models/validation/verdict.json",
    PAPER / "tables/baseline.typ",
]
KILLED = "estimate_multiverse"
WITHOUT_CONTROLLER = 8


def copy_project(folder: Path) -> None:
    """Copy what git knows or would take, as it stands now: no results."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in run("git", "-C", str(PROJECT), "ls-files", "-z", "--cached", "--others", "--exclude-standard").split(
        "\0"
    ):
        if name and (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)


def submit(folder: Path, targets: list[str]) -> subprocess.Popen:
    options = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue", "--slurm-no-account"]
    options += ["--slurm-init-seconds-before-status-checks", "3", "--quiet", "rules", "--", *targets]
    surroundings = {**os.environ, "PYTHONPATH": str(folder / "workflow/src")}
    return subprocess.Popen([sys.executable, "-m", "snakemake", *options], cwd=folder, env=surroundings)


def disturb(cluster: Cluster, running: subprocess.Popen) -> str:
    """Kill the first shard that runs, then take the controller away for a while; return the killed job's number."""
    while running.poll() is None:
        found = [job for job in cluster.jobs() if KILLED in job["what"] and job["state"] == "RUNNING"]
        if found:
            time.sleep(3)
            run("scancel", found[0]["job"])
            print(f"-- killed job {found[0]['job']}: {found[0]['what']}", flush=True)
            cluster.restart_controller(WITHOUT_CONTROLLER)
            print(f"-- {WITHOUT_CONTROLLER} s without a controller; it is back", flush=True)
            return found[0]["job"]
        time.sleep(0.3)
    return ""


def compare(made: Path, local: Path) -> list[dict[str, str]]:
    """Every result and table that the cluster made, beside the local run's file of the same name."""
    rows = []
    for top in ("data/processed", "results", "paper"):
        for path in sorted((made / top).rglob("*")):
            name = path.relative_to(made)
            if path.is_file() and not {"logs", "benchmarks"} & set(name.parts) and not _tracked(name):
                other = local / name
                same = other.is_file() and _digest(other) == _digest(path)
                rows.append({"file": name.as_posix(), "sha256": _digest(path), "as_local": str(same).lower()})
    return rows


def _tracked(name: Path) -> bool:
    return bool(run("git", "-C", str(PROJECT), "ls-files", "--", str(name)).strip())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main(targets: list[str]) -> str:
    """Run it; return what went wrong, or an empty string."""
    reason = why_not()
    if targets == ["possible"]:
        print(reason)
        return reason
    if reason:
        return f"no SLURM here: {reason}"
    targets = targets or [str(target) for target in TARGETS]
    if absent := [t for t in map(str, TARGETS) if not (PROJECT / t).exists()]:
        return f"there is no local run to compare with ({absent[0]} is missing); run `make` first"
    copy_project(WORK / "project")
    begun = time.perf_counter()
    with Cluster(WORK / "cluster") as cluster:
        running = submit(WORK / "project", targets)
        try:
            killed = disturb(cluster, running)
            running.wait()
        finally:
            running.terminate()
        jobs = cluster.jobs()
    for job in jobs:
        print(f"  {job['job']:>4}  {job['state']:<10} {job['time']:>6}  {job['what']}")
    if running.returncode:
        return f"the run on the cluster ended with {running.returncode}"
    if not killed:
        return f"no job of {KILLED} was seen running, so that none was killed"
    files = compare(WORK / "project", PROJECT)
    if not files:
        return "the run on the cluster left no file to compare"
    different = [row["file"] for row in files if row["as_local"] == "false"]
    print(f"{len(files)} files, {len(files) - len(different)} of them byte for byte as in the local run, ", end="")
    print(f"in {time.perf_counter() - begun:.0f} s; job {killed} killed, the controller restarted")
    _write(RECORD / "slurm_jobs.csv", jobs)
    _write(RECORD / "slurm_files.csv", files)
    if different:
        return f"{len(different)} files differ from the local run: {', '.join(different[:8])} ..."
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or None)
