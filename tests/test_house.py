"""The graph of imports, read from the source: no circle, no arrow up, no crowded folder, no heavy import too early.

`make house` draws it; `python -m tests.test_house weights` says what each module of one package imports.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from ronghe.provenance import ROOT, imported_modules, module_path

PROJECT = Path(__file__).resolve().parents[1]
# From the ground up; a module imports from lower floors or its own. The names of the ground floor and of the top are
# modules, the others packages; two packages that share a floor do not import each other.
GROUND = (
    "ronghe", "batch", "errors", "messages", "files", "threads", "frames", "geography", "journal", "late_imports",
    "places", "progress", "provenance", "validation", "yaml_files",
)  # fmt: skip
FLOORS = (
    GROUND,
    ("linear",),
    ("clean", "measures"),
    ("weights",),
    ("spatial",),
    ("explore",),
    ("models",),
    ("paper",),
    ("default_stages",),
    ("configuration",),
    ("command",),
    ("__main__",),
)
LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}
MOST_MODULES, MOST_LINES = 25, 400
HEAVY = {
    "linearmodels", "statsmodels", "esda", "giddy", "spreg", "libpysal", "inequality", "geopandas", "matplotlib",
    "maketables", "typst",
}  # fmt: skip


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> tuple[str, ...]:
    """Return every module of the package."""
    return tuple(sorted(module_name(path) for path in ROOT.rglob("*.py")))


def room(module: str) -> str:
    """Return the part of the house that a module stands in: a package, or a module of the ground floor or the top."""
    return module.partition(".")[2].partition(".")[0] or module


@cache
def arrows() -> tuple[tuple[str, str], ...]:
    """Return who imports whom, also inside functions and for types only."""
    return tuple((module, other) for module in modules() for other in sorted(imported_modules(module) - {module}))


def circles() -> list[list[str]]:
    """Return the groups of modules each of which leads, by its imports, to all the others."""
    reach = {module: set(_reached(module)) for module in modules()}
    groups = {frozenset([m, *(o for o in reach[m] if m in reach[o])]) for m in modules()}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(module: str) -> Iterator[str]:
    pending, seen = [module], set()
    while pending:
        for other in imported_modules(pending.pop()) - seen:
            seen.add(other)
            pending.append(other)
            yield other


def upward() -> list[str]:
    """Return the imports that run up, or sideways between two packages of one floor."""
    found = []
    for module, other in arrows():
        here, there = LEVEL[room(module)], LEVEL[room(other)]
        if there > here or (there == here > 0 and room(module) != room(other)):
            found.append(f"{module} imports {other}")
    return found


def at_import(module: str) -> Iterator[str]:
    """Yield the names that a module imports when it is imported itself: not those in functions or for types only."""
    path = module_path(module)
    pending: list[ast.stmt] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports by full name, so that the graph can be read"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not isinstance(node, ast.FunctionDef) and not (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def _with_packages(names: Iterable[str]) -> set[str]:
    """Return the modules of ours among imported names, with the packages that are imported on the way to them."""
    found = set()
    for name in names:
        parts = name.split(".")
        if parts[0] == "ronghe":
            found.update(".".join(parts[:n]) for n in range(1, len(parts) + 1))
    return {name for name in found if module_path(name) is not None}


def heavy_from(names: Iterable[str]) -> list[str]:
    """Return the heavy libraries that importing these names imports, each with the module that does."""
    pending, seen, found = list(_with_packages(names)), set(), []
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        imported = list(at_import(module))
        found += [f"{module} imports {name}" for name in imported if name.split(".")[0] in HEAVY]
        pending += _with_packages(imported)
    return sorted(found)


def in_the_snakefile() -> list[str]:
    """Return what the Snakefile and its rule files import of ours."""
    files = [PROJECT / "Snakefile", *sorted((PROJECT / "workflow" / "rules").glob("*.smk"))]
    found = []
    for path in files:
        for origin, names in re.findall(r"^\s*from (ronghe[\w.]*) import (.+)$", path.read_text("utf-8"), re.M):
            found += [f"{origin}.{name.split(' as ')[0].strip()}" for name in names.split(",")]
    return found


def test_every_module_has_its_floor():
    assert {room(module) for module in modules()} == set(LEVEL)


def test_no_circles():
    assert not circles(), "\n".join(" <-> ".join(circle) for circle in circles())


def test_imports_run_down():
    assert not upward(), "\n".join(upward())


def test_no_import_hides_in_a_string():
    """Provenance reads import statements: a rule would not rerun when a module changes that it imports by a string."""
    hidden = re.compile(r"""import_module\(\s*["']ronghe""")
    assert not [name for name in modules() if hidden.search(module_path(name).read_text("utf-8"))]


def test_folders_are_not_crowded():
    count = Counter(path.parent for path in ROOT.rglob("*.py") if path.name != "__init__.py")
    crowded = {str(folder.relative_to(ROOT)): n for folder, n in count.items() if n > MOST_MODULES}
    assert not crowded


def test_files_are_not_long():
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    assert not {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > MOST_LINES}


def test_the_snakefile_imports_nothing_heavy():
    names = in_the_snakefile()
    assert "ronghe.configuration.check_configuration" in names
    assert not heavy_from(names), "\n".join(heavy_from(names))


@pytest.mark.parametrize("package", sorted({room(m) for m in modules()} - {*GROUND, "configuration"}))
def test_a_package_imports_nothing_heavy(package):
    inside = [m for m in modules() if m.startswith(f"ronghe.{package}") and module_path(m).name == "__init__.py"]
    assert not heavy_from(inside), "\n".join(heavy_from(inside))


def test_every_rule_reruns_by_content():
    """A rule with code among its inputs has its checksum among its params: an old time stamp hides nothing."""
    for path in sorted((PROJECT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"(?m)^(?=(?: {4})?rule\b)", path.read_text("utf-8"))[1:]:
            assert "code=" not in rule or "content=" in rule, f"{path.name}: {rule.splitlines()[0]}"


def test_a_script_imports_the_library_inside_its_journal():
    """What goes wrong in an import, Ctrl-C too, then ends in one message and stands in the log."""
    for path in sorted((PROJECT / "workflow/scripts").glob("*.py")):
        *before, last = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(last, ast.With) and ast.unparse(last.items[0]) == "journal(snakemake.log[0])", path
        origins = {node.module for node in before if isinstance(node, ast.ImportFrom)}
        assert all(isinstance(node, ast.Expr | ast.ImportFrom) for node in before), path
        assert {o for o in origins if o.split(".")[0] not in sys.stdlib_module_names} == {"ronghe.journal"}, path


def test_a_kind_is_a_file_of_its_name():
    from ronghe.explore.declaration import SECTIONS
    from ronghe.measures.kinds import KINDS

    formulas = {path.stem for path in (ROOT / "measures" / "formulas").glob("*.py")} - {"__init__"}
    assert formulas == set(KINDS)
    assert set(SECTIONS) <= {path.stem for path in (ROOT / "explore").glob("*.py")}


def draw(only: str = "") -> str:
    """Return the house as text: floors from the top down, and who leans on whom; or the modules of one package."""
    if only:
        inside = [module for module in modules() if room(module) == only]
        width = max((len(module) for module in inside), default=0)
        return "\n".join(f"{m:<{width}}  -> {', '.join(sorted(imported_modules(m))) or 'nothing'}" for m in inside)
    count = Counter(room(module) for module in modules())
    between = Counter((room(a), room(b)) for a, b in arrows() if room(a) != room(b))
    lines = []
    for level, floor in reversed(list(enumerate(FLOORS))):
        lines.append(f"{level}  {', '.join(f'{name} ({count[name]})' if count[name] > 1 else name for name in floor)}")
        for name in floor:
            leans = sorted(((b, n) for (a, b), n in between.items() if a == name), key=lambda p: (-LEVEL[p[0]], p[0]))
            if leans:
                lines.append(f"     {name} -> {', '.join(f'{b} {n}' if n > 1 else b for b, n in leans)}")
    faults = [*(" <-> ".join(circle) for circle in circles()), *upward()]
    return "\n".join([*lines, "", *(faults or ["no circle, no import that runs up"])])


if __name__ == "__main__":
    print(draw(*sys.argv[1:2]))
