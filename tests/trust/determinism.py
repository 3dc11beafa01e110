"""The same input gives the same bytes on every setting of a machine, and nearly the same numbers on every processor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from trust.workshop import PROJECT, Workshop, environment

KERNELS = [{"OPENBLAS_CORETYPE": c, "OPENBLAS_NUM_THREADS": t} for c in ("SkylakeX", "Haswell", "Sandybridge")
           for t in ("1", "2")]  # fmt: skip
# What differences are promised: 1e-9 of a standard error.
BOUND = 1e-9


def settings(folder: Path) -> dict[str, dict]:
    """Return what is changed in each run: variables, options of Snakemake, the mask of new files, the folder."""
    turkish = _turkish(folder)
    return {
        "two cores": {"cores": 2},
        "hash seed 4242": {"PYTHONHASHSEED": "4242"},
        "locale C": {"LC_ALL": "C"},
        f"locale tr_TR{'' if turkish else ' (not installed: its name alone)'}": {"LC_ALL": "tr_TR.UTF-8", **turkish},
        "time zone Kiritimati": {"TZ": "Pacific/Kiritimati"},
        "umask 077": {"umask": 0o077},
        "no git": {"PATH": _path_without_git(folder)},
        "a path with spaces and Chinese characters": {"name": "我的 项目 (copy)"},
        "another date": {"SOURCE_DATE_EPOCH": "0"},
    }


def _turkish(folder: Path) -> dict[str, str]:
    """Compile the Turkish locale where the system has its source."""
    made = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")]
    if not shutil.which("localedef") or subprocess.run(made, capture_output=True).returncode:
        return {}
    return {"LOCPATH": str(folder)}


def _path_without_git(folder: Path) -> str:
    """Return a PATH that leads to every program but git."""
    bare = folder / "bin"
    bare.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(place).glob("*") if Path(place).is_dir() else ():
            if not program.name.startswith("git"):
                (bare / program.name).unlink(missing_ok=True)
                (bare / program.name).symlink_to(program)
    return str(bare)


def determinism() -> list[tuple[str, str]]:
    """Run the small dataset from raw tables to printed ones under each setting, and compare every file."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        first = Workshop(Path(folder, "plain"))
        assert not first.finish()
        plain = first.files()
        for name, changes in settings(Path(folder)).items():
            umask = {"umask": changes.pop("umask")} if "umask" in changes else {}
            shop = first.copied(Path(folder, changes.pop("name", f"p{len(rows)}")))
            shop.settings = umask
            code, said = shop.run(**changes)
            found = shop.files()
            differing = [path for path in plain.keys() | found.keys() if plain.get(path) != found.get(path)]
            rows.append(
                (name, f"all {len(plain)} files identical" if not differing and not code else _told(differing, said))
            )
            shutil.rmtree(shop.root)
    plain, shuffled = work(), work("shuffled")
    rows.append(("rows of a panel shuffled", "every digit identical" if plain == shuffled else "DIFFERENT"))
    return rows


def _told(differing: list[str], said: str) -> str:
    return f"DIFFERENT: {', '.join(sorted(differing)[:3])}" if differing else f"FAILED: {said[-200:]}"


def work(*arguments: str, python: str = sys.executable, **changes: str) -> dict:
    """Run the small road in a process of its own and return what it printed."""
    command = [python, str(PROJECT / "tests/trust/worker.py"), *arguments]
    done = subprocess.run(command, env=environment(**changes), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def kernels() -> list[tuple[str, str, str]]:
    """Compare the numbers of a spatial fit between kinds of processor and numbers of threads."""
    plain = work(**KERNELS[1])
    return [
        (f"{c['OPENBLAS_CORETYPE']}, {c['OPENBLAS_NUM_THREADS']} threads", *_distance(work(**c), plain))
        for c in KERNELS
    ]


def pythons() -> list[tuple[str, str, str]]:
    """Compare them between versions of Python, each in an environment with the tested versions of all packages."""
    rows, plain = [], work()
    for minor in (11, 12, 13):
        name, found = f"Python 3.{minor}", _environment(minor)
        rows.append((name, *_distance(work(python=found), plain)) if found else (name, "not installed here", ""))
    return rows


def _environment(minor: int) -> str | None:
    """Return the interpreter of an environment for one version of Python, made where it is not there yet."""
    if sys.version_info[:2] == (3, minor):
        return sys.executable
    home = PROJECT / f"build/python3.{minor}"
    own = home / "bin/python"
    if (home / "installed").exists():
        return str(own)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    places = [shutil.which(f"python3.{minor}"), *sorted(map(str, versions.glob(f"3.{minor}.*/bin/python")))]
    base = next((place for place in places if place and _works(place, minor)), None)
    if base is None:
        return None
    pip = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    packages = ["numpy", "scipy", "pandas", "pyarrow", "openpyxl", "PyYAML", "jsonschema", "pyproj", "threadpoolctl",
                "formulaic", "linearmodels", "statsmodels", "libpysal"]  # fmt: skip
    subprocess.run([base, "-m", "venv", str(home)], check=True)
    if subprocess.run([*pip, "--constraint", str(PROJECT / "constraints.txt"), *packages]).returncode:
        return None
    (home / "installed").touch()
    return str(own)


def _works(python: str, minor: int) -> bool:
    asked = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True)
    return done.stdout.split() == ["3", str(minor)]


def _distance(found: dict, plain: dict) -> tuple[str, str]:
    """Return the largest difference in standard errors, and whether printed table and clean text are the same."""
    scale = np.array(plain["errors"])
    off = max(np.max(np.abs(np.subtract(found[key], plain[key])) / scale) for key in ("params", "errors"))
    same = found["printed"] == plain["printed"] and found["text"] == plain["text"]
    return f"{off:.1e}{'' if off <= BOUND else ' TOO LARGE'}", "identical" if same else "DIFFERENT"
