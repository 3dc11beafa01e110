"""The archive for a journal's data editor: code, raw data, results, their hashes, and a README in the AEA's template.

`python -m ronghe.paper.archive pack` writes build/NAME-VERSION.zip from a finished run; `... verify`, in an unpacked
copy, holds every file against MANIFEST.sha256. The template is that of the Social Science Data Editors.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from ronghe.clean.checksums import read_checksums
from ronghe.errors import RongheError, listing
from ronghe.files import SEALS
from ronghe.places import folders
from ronghe.yaml_files import load_yaml

MANIFEST, README = "MANIFEST.sha256", "README-REPLICATION.md"
PARTS = (
    *("Snakefile", "Makefile", "Containerfile", "README.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff"),
    *("pyproject.toml", "constraints.txt", "config", "workflow", "profiles", "docs", "tests", "benchmarks", ".ci"),
    *("data/raw", "data/processed", "results", "paper"),
)
# What tells of one run and one machine, not of the results.
LEFT_OUT = ("logs", "benchmarks", "scratch")
LEFT_OUT_NAMES = ("__pycache__", SEALS, ".pytest_cache", ".snakemake", ".DS_Store")
# Every entry has the same date: the archive of the same files is the same file.
DATE = (1980, 1, 1, 0, 0, 0)


def archive_files(root: Path) -> list[str]:
    """Return every file that belongs in the archive, sorted, as a path from the project's root."""
    found = [path for part in PARTS for path in _files(root / part)]
    names = sorted(path.relative_to(root).as_posix() for path in found)
    return [name for name in names if not _left_out(name)]


def _places(root: Path) -> dict[str, str]:
    config = load_yaml(root / "config/config.yaml")
    return folders(config["dataset"], config["language"])


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())


def _left_out(name: str) -> bool:
    parts = Path(name).parts
    cached = any(part in LEFT_OUT_NAMES or part.endswith(".egg-info") for part in parts)
    # results/benchmarks, or results/DATASET/benchmarks.
    return cached or (parts[0] == "results" and any(part in LEFT_OUT for part in parts[1:3]))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(root: Path, folder: Path) -> Path:
    """Write the archive of a finished run into `folder`, everything under one folder of its name."""
    named = _places(root)
    needed = (f"{named['processed']}/panel.parquet", f"{named['paper']}/paper.pdf")
    missing = [name for name in needed if not (root / name).is_file()]
    if missing:
        raise RongheError(f"{root}: {listing(missing)} is not there: the archive holds results too; run 'make' first")
    names = archive_files(root)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    title = f"{project['name']}-{project['version']}"
    texts = {
        MANIFEST: "".join(f"{hash_file(root / name)}  {name}\n" for name in names),
        README: replication_readme(root, names),
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{title}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            mode = 0o755 if os.access(root / name, os.X_OK) else 0o644
            _add(archive, f"{title}/{name}", (root / name).read_bytes(), mode)
        for name, text in texts.items():
            _add(archive, f"{title}/{name}", text.encode(), 0o644)
    return target


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.external_attr = (0o100000 | mode) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def verify(root: Path) -> dict[str, list[str]]:
    """Return the files of an unpacked copy that are the `same` as in its manifest, `different`, or `missing`."""
    found: dict[str, list[str]] = {"same": [], "different": [], "missing": []}
    for name, digest in read_checksums(root / MANIFEST).items():
        path = root / name
        state = "missing" if not path.is_file() else "same" if hash_file(path) == digest else "different"
        found[state].append(name)
    return found


def replication_readme(root: Path, names: Iterable[str]) -> str:
    """Return the README for a data editor: the template's headings, filled from the project's own files."""
    names = list(names)
    config = load_yaml(root / "config/config.yaml")
    dataset = load_yaml(root / f"config/datasets/{config['dataset']}.yaml")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    raw = [name for name in names if name.startswith("data/raw/")]
    sources = [name for name in raw if name.endswith("SOURCES.md")]
    tables = "\n".join(f"| `{name}` | `{_source_of(name, sources)}` | yes |" for name in raw if name not in sources)
    exhibits = (root / "docs/exhibits.md").read_text(encoding="utf-8").partition("\n| exhibit")[2]
    return TEMPLATE.format(
        name=project["name"],
        version=project["version"],
        title=dataset["title"],
        dataset=config["dataset"],
        sources="\n".join(f"- `{name}`" for name in sources),
        tables=tables,
        python=project["requires-python"],
        packages=sum(1 for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line),
        seed=config["seed"],
        costs=_costs(root),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        megabytes=round(sum((root / name).stat().st_size for name in names) / 1e6),
        manifest=MANIFEST,
        processed=folders(config["dataset"], config["language"])["processed"],
        exhibits=f"| exhibit{exhibits}".strip(),
    )


def _source_of(name: str, sources: Iterable[str]) -> str:
    above = [source for source in sources if name.startswith(f"{Path(source).parent.as_posix()}/")]
    return max(above, key=len) if above else "data/raw/SOURCES.md"


def _costs(root: Path) -> str:
    """Return what the jobs of the last run took, by stage, from their recorded benchmarks."""
    rows = []
    jobs_of = root / _places(root)["benchmarks"]
    for path in sorted(jobs_of.rglob("*.tsv")):
        job = pd.read_csv(path, sep="\t").iloc[-1]
        stage = path.relative_to(jobs_of).parts[0]
        rows.append((stage, float(job["s"]), pd.to_numeric(job["max_rss"], errors="coerce")))
    if not rows:
        return "No recorded run was found where this archive was packed."
    jobs = pd.DataFrame(rows, columns=["stage", "seconds", "megabytes"])
    by_stage: Mapping = jobs.groupby("stage").agg({"seconds": ["size", "sum"], "megabytes": "max"}).to_dict("index")
    lines = ["| stage | jobs | seconds of all jobs | most memory of a job (MB) |", "|---|---|---|---|"]
    lines += [
        f"| {stage} | {row['seconds', 'size']} | {row['seconds', 'sum']:.0f} | {row['megabytes', 'max']:.0f} |"
        for stage, row in by_stage.items()
    ]
    return "\n".join(lines)


TEMPLATE = """# Replication package of {name} {version}

## Overview
The code in this package builds the panel "{title}" from raw tables, estimates every model, and makes every table and
figure of the paper, with Python and Snakemake. One command runs all of it: `make`.

## Data Availability and Provenance Statements
Every raw file is in the package, as received, under `data/raw/`; where each comes from, its definitions and its rights
are told in

{sources}

### Statement about Rights
- [ ] The authors certify that they have legitimate access to and permission to use the data. (Tick before submission,
  after reading the files named above.)
- [ ] The authors certify that they may redistribute the data contained in this package. (The same.)

### Summary of Availability
- [x] All data are publicly available and included.
- [ ] Some data cannot be made publicly available.
- [ ] No data can be made publicly available.

### Dataset list
| file | source | provided |
|---|---|---|
{tables}

The panel made of them is `{processed}/panel.parquet`; `{processed}/codebook.csv` describes every variable.

## Computational requirements
### Software Requirements
- Python {python}, make. Everything else is installed by `make` into `.venv`: {packages} packages, with the exact
  versions of `constraints.txt`. `Containerfile` builds the same in a container.
- No proprietary software, no network access after installation.

### Controlled Randomness
- [x] Random seed is set in `config/config.yaml`: {seed}. Results do not depend on the number of cores.

### Memory, Runtime, Storage Requirements
The package unpacked takes {megabytes} MB. The run that it was packed from ({machine}):

{costs}

## Description of programs/code
- `Snakefile`, `workflow/rules/STAGE.smk`: the stages clean, measures, weights, explore, models, paper, in this order.
- `workflow/src/ronghe/STAGE/`: the library behind each stage; `workflow/scripts/RULE.py`: one adaptor for each rule.
- `config/`: what is computed; `config/datasets/{dataset}.yaml`: how the raw tables become the panel.
- `tests/`: the test suite (`make test`).

### License for Code
See `LICENSE`.

## Instructions to Replicators
1. Unpack. `make verify` says that every file is as it was packed.
2. `make clean-results`, then `make`: everything again, from the raw tables.
3. `make verify`: every result has the hash written in `{manifest}`.

## List of tables and programs
{exhibits}

## References
Data are cited in the SOURCES.md files above, methods in `paper/references.bib`.
"""


def main(words: list[str]) -> int:
    """Pack, or verify and say what differs."""
    root = Path.cwd()
    if words == ["pack"]:
        sys.stdout.write(f"{pack(root, root / 'build').relative_to(root)}\n")
        return 0
    if words == ["verify"]:
        found = verify(root)
        for state in ("different", "missing"):
            sys.stdout.write("".join(f"{state}: {name}\n" for name in found[state]))
        sys.stdout.write(f"{len(found['same'])} files have the hash written in {MANIFEST}\n")
        return int(bool(found["different"] or found["missing"]))
    raise RongheError(f"'{' '.join(words)}': write 'pack' or 'verify'")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RongheError as error:
        sys.exit(str(error))
