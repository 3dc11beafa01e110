"""What `pip install ronghe` brings is all that the engines import, and the files that they read are in the package."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from ronghe.provenance import ROOT, imported_modules, module_path

from tests.test_house import at_import, room

OWN = {"ronghe", *sys.stdlib_module_names}


def reached(start: list[str]) -> set[str]:
    """Return every module of ours that these import, directly or not."""
    pending, seen = list(start), set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += imported_modules(module)
    return seen


def test_the_engines_import_what_the_base_installation_has(project: Path):
    base = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    installed = {name.split(">")[0] for name in base}
    engines = [
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in ROOT.rglob("*.py")
        if room("ronghe." + ".".join(path.relative_to(ROOT).with_suffix("").parts)) in ("spatial", "linear")
    ]
    foreign = {
        f"{module} imports {name}"
        for module in reached(engines)
        for name in at_import(module)
        if name.split(".")[0] not in OWN | installed
    }
    assert engines and not foreign, "\n".join(sorted(foreign))
    assert module_path("ronghe.spatial") is not None


def test_the_pipeline_needs_no_less_than_the_engines(project: Path):
    """Every package is pinned for the checks, and what the pipeline adds stands in its extra."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {line.split("==")[0].lower() for line in (project / "constraints.txt").read_text("utf-8").splitlines()}
    named = [*declared["dependencies"], *(p for extra in declared["optional-dependencies"].values() for p in extra)]
    assert not {name.split(">")[0].lower() for name in named if not name.startswith("ronghe")} - pinned


def test_files_beside_the_modules_are_in_the_package():
    assert (ROOT / "py.typed").exists() and (ROOT / "spatial" / "us_state_borders.csv").exists()
