"""Which source files a module rests on, so that a rule reruns when its formulas change and not otherwise."""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path

PACKAGE = "ronghe"
ROOT = Path(__file__).resolve().parent


def module_path(module: str) -> Path | None:
    """Return the file of a module of this package, or None where there is no such module."""
    parts = module.split(".")[1:]
    for candidate in (ROOT.joinpath(*parts).with_suffix(".py"), ROOT.joinpath(*parts, "__init__.py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def imported_modules(module: str) -> frozenset[str]:
    """Return the modules of this package that `module` names in its import statements, wherever they stand."""
    path = module_path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} under {ROOT}")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _imports(path, package)


# A statement of its own line or lines, as the linter demands; to parse every file as Python takes 70 times as long.
_COMMENT = re.compile(r"#[^\n]*")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*|import[ \t]+)(\([^)]*\)|(?:[^\n\\]|\\\n)*)", re.MULTILINE
)


@cache
def _imports(path: Path, package: str = "") -> frozenset[str]:
    found = set()
    for dots, origin, names in _IMPORT.findall(_COMMENT.sub("", path.read_text(encoding="utf-8"))):
        taken = [name.split()[0] for name in names.strip(" ()").replace("\\\n", " ").split(",") if name.strip()]
        if not (dots or origin):
            found.update(taken)
            continue
        base = package.split(".")[: len(package.split(".")) - len(dots) + 1] if dots else []
        origin = ".".join([*base, *([origin] if origin else [])])
        # A name that is a module stands for itself; a package counts only where one of its own names is taken.
        named = [f"{origin}.{name}" for name in taken]
        found.update(n if n.startswith(PACKAGE) and module_path(n) else origin for n in named)
    return frozenset(n for n in found if n.split(".")[0] == PACKAGE and module_path(n) is not None)


@cache
def source_files(*modules: str) -> list[str]:
    """Return the files of `modules` and of every package module they import, directly or not, sorted.

    Imports are read from the source, not carried out: the list costs milliseconds at parse time and does not
    depend on what happens to be loaded. A module imported inside a function counts too.
    """
    pending, seen = list(modules), set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending.extend(imported_modules(module))
    # An empty package file carries no formula; it is listed only when it holds code beyond its docstring.
    paths = (path for path in map(module_path, seen) if not _only_docstring(path))
    return sorted(os.path.relpath(path) for path in paths)


def script_files(script: str | Path, *modules: str) -> list[str]:
    """Return a rule's script, and the files of every package module that it or `modules` import, directly or not.

    The script is an input like the library, and its own imports say which part of the library the rule rests on:
    a list kept by hand beside it would drift.
    """
    return [str(script), *source_files(*sorted({*_imports(Path(script)), *modules}))]


@cache
def _only_docstring(path: Path) -> bool:
    if path.name != "__init__.py":
        return False
    return all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def checksum_of(*groups: list[str]) -> str:
    """Return one checksum over the content of files, for the `params` of a rule.

    An edited file then reruns what rests on it even under an old time stamp, as a backup or a copy leaves it; a file
    that is not there is left to Snakemake, which names the rule that wants it.
    """
    return hashlib.sha256("\n".join(_digest(path) for group in groups for path in group).encode()).hexdigest()[:16]


@cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).is_file() else "none"


def once_per_state(checksum: Callable) -> Callable:
    """Return a method that reads a file again only where its time stamps, size or identity changed."""
    known: dict[tuple, str | None] = {}

    @wraps(checksum)
    async def remembered(file: str, *args: object, **options: object) -> str | None:
        try:
            state = os.stat(file)
        except OSError:
            return await checksum(file, *args, **options)
        # A file put into the place of another may bring its size and time stamp, but not the rest.
        same = (state.st_dev, state.st_ino, state.st_ctime_ns, state.st_mtime_ns, state.st_size)
        key = (str(file), *same, args, *options.items())
        if key not in known:
            known[key] = await checksum(file, *args, **options)
        return known[key]

    return remembered


def hash_files(paths: list[str] | tuple[str, ...]) -> str:
    """Return one SHA-256 over the contents of files, independent of where they lie and of their order."""
    digests = sorted(hashlib.sha256(Path(p).read_bytes()).hexdigest() for p in paths)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


# Longer than this a part of the configuration is printed by the checksums of its parts.
MOST_SHOWN, MOST_PARTS = 240, 24


class Brief(dict):
    """A mapping that prints itself briefly, where Snakemake gives it as the reason of a run; content decides as before.

    A long one shows which of its parts changed, by their checksums, in place of all that they hold.
    """

    def __repr__(self) -> str:
        """Return what the mapping holds where that is short, else a checksum for each part, or for the whole."""
        plain = dict.__repr__(self)
        if len(plain) <= MOST_SHOWN:
            return plain
        if len(self) > MOST_PARTS:
            return f"<{len(self)} entries, {_short(plain)}>"
        shown = {key: repr(value) for key, value in self.items()}
        parts = (f"{key}: {text if len(text) <= MOST_PARTS else _short(text)}" for key, text in shown.items())
        return f"<{', '.join(parts)}>"

    def __reduce__(self) -> tuple:
        """Reach a job as the plain mapping that it is."""
        return dict, (dict(self),)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def brief(value: object) -> object:
    """Return a value with every mapping in it made brief."""
    if isinstance(value, dict):
        return Brief({key: brief(part) for key, part in value.items()})
    return [brief(part) for part in value] if isinstance(value, list) else value
