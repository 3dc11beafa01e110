"""The list of source files that a rule rests on: complete, no longer than needed, and independent of the folder."""

from __future__ import annotations

import ast
import asyncio
import os
import re
from pathlib import Path

import pytest
from ronghe import provenance
from ronghe.provenance import brief, once_per_state


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make a small package with every form of import, and point the scanner at it."""
    files = {
        "__init__.py": '"""Root."""\n',
        "errors.py": "x = 1\n",
        "frames.py": "from ronghe.errors import x\n",
        "stage/__init__.py": '"""Only a docstring."""\n',
        "stage/formula.py": "from .helper import f\nfrom ronghe import frames\n",
        "stage/helper.py": "def f():\n    from ..late import g\n    return g\n",
        "stage/other.py": "import ronghe.stage.formula\n",
        "late.py": "import os\nimport numpy\n",
        "stage/unrelated.py": "y = 2\n",
    }
    for name, text in files.items():
        path = tmp_path / "ronghe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "ronghe")
    monkeypatch.chdir(tmp_path)
    for function in (provenance.imported_modules, provenance.source_files, provenance._imports):
        function.cache_clear()
    yield tmp_path
    for function in (provenance.imported_modules, provenance.source_files, provenance._imports):
        function.cache_clear()


def test_follows_every_form_of_import(package):
    assert provenance.source_files("ronghe.stage.formula") == [
        "ronghe/errors.py",
        "ronghe/frames.py",
        "ronghe/late.py",
        "ronghe/stage/formula.py",
        "ronghe/stage/helper.py",
    ]


def parsed_imports(path: Path, package: str) -> set[str]:
    """Return what Python itself reads in a file, as `ronghe.MODULE` or as a name taken from one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            origin = f"{base}.{node.module}".strip(".") if node.module else base
            for alias in node.names:
                name = f"{origin}.{alias.name}"
                found.add(name if name.startswith("ronghe") and provenance.module_path(name) else origin)
    return {name for name in found if name.split(".")[0] == "ronghe" and provenance.module_path(name)}


def test_reads_in_every_file_of_ours_what_python_reads(project):
    files = [*(project / "workflow/src/ronghe").rglob("*.py"), *(project / "workflow/scripts").glob("*.py")]
    assert len(files) > 300
    for path in files:
        parts = path.relative_to(project / "workflow/src").parts if "src" in path.parts else ()
        package = ".".join(parts[:-1])
        assert provenance._imports(path, package) == parsed_imports(path, package), path


@pytest.mark.parametrize(
    "text",
    [
        "from ronghe.stage import (\n    formula,  # (the first)\n    helper as h,\n)\n",
        "from ronghe.stage import formula, \\\n    helper\n",
        "import ronghe.stage.formula, ronghe.stage.helper as h  # two\n",
        "if True:\n\tfrom ronghe.stage import formula\n\tfrom ronghe.stage.helper import f\n",
        "x = 'ronghe.late'\nfrom ronghe.stage import formula, helper\n# import ronghe.late\n",
    ],
)
def test_reads_imports_over_several_lines_and_under_other_names(package, text):
    (package / "do.py").write_text(text)
    assert provenance._imports(package / "do.py") == {"ronghe.stage.formula", "ronghe.stage.helper"}
    assert parsed_imports(package / "do.py", "") == {"ronghe.stage.formula", "ronghe.stage.helper"}


def test_unrelated_modules_are_left_out(package):
    assert provenance.source_files("ronghe.stage.unrelated") == ["ronghe/stage/unrelated.py"]
    assert "ronghe/stage/formula.py" in provenance.source_files("ronghe.stage.other")


def test_a_script_brings_what_it_imports(package):
    script = package / "do.py"
    script.write_text("from ronghe.stage.helper import f\nimport numpy\n")
    assert provenance.script_files("do.py") == ["do.py", "ronghe/late.py", "ronghe/stage/helper.py"]
    assert "ronghe/stage/unrelated.py" in provenance.script_files("do.py", "ronghe.stage.unrelated")


def test_unknown_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match="ronghe.absent"):
        provenance.source_files("ronghe.absent")


def test_the_real_package_has_no_module_that_imports_snakemake(project):
    for path in (project / "workflow/src/ronghe").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import snakemake" not in text and "from snakemake" not in text, path


def test_every_rule_lists_its_own_script_and_keeps_log_and_benchmark(project):
    """Snakemake's own trigger for scripts is off in the profile: a rule without `code` would go stale silently."""
    for path in (project / "workflow/rules").glob("*.smk"):
        for block in re.split(r"\n(?=    rule |rule )", path.read_text(encoding="utf-8"))[1:]:
            name = re.match(r"\s*rule (\w+):", block)[1]
            assert re.search(r'rule \w+:\n\s+"""[A-Z].+"""', block), f"{name} lacks a docstring"
            if "script:" not in block:
                assert "output:" not in block, name
                continue
            # A rule has the script of its name, or shares that of its verb (every document is typeset by one script).
            script = re.search(r'"\.\./scripts/(\w+)\.py"', block)[1]
            assert script == name or script.partition("_")[0] == name.partition("_")[0], name
            assert re.search(rf"code=(lambda wildcards: )?code_of\(\s*\"{script}\"", block), (
                f"{name} does not list its code"
            )
            assert "log:" in block and "benchmark:" in block, name
            assert not re.search(r"^\s+(run|shell):", block, re.M), name


def test_jobs_write_whole_files_or_none(project):
    """What a failed job leaves is kept (profiles/default), because `ronghe.files` never leaves half a file."""
    parts = [project / "workflow/scripts", *(project / "workflow/src/ronghe").iterdir()]
    files = [path for part in parts if part.is_dir() and part.name != "command" for path in part.rglob("*.py")]
    assert len(files) > 200
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            direct = re.search(r"\.write_(text|bytes)\(|open\([^)]*, ?\"w", line)
            assert not direct or line.strip() == "part.write_bytes(content)", f"{path}: {line.strip()}"


def test_scripts_are_adaptors(project):
    for path in (project / "workflow/scripts").glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith('"""'), path.name
        assert len(lines) <= 30 and not [x for x in lines if x.lstrip().startswith("def ")], path.name


def test_hash_follows_content_not_place_or_order(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("1")
    b.write_text("2")
    first = provenance.hash_files([str(a), str(b)])
    assert first == provenance.hash_files([str(b), str(a)])
    assert first == provenance.hash_files([str(a.rename(tmp_path / "c")), str(b)])
    Path(b).write_text("3")
    assert first != provenance.hash_files([str(tmp_path / "c"), str(b)])


def test_a_mapping_prints_briefly_and_by_its_content():
    small = brief({"kind": "knn", "k": 4})
    assert repr(small) == "{'kind': 'knn', 'k': 4}" and small == {"kind": "knn", "k": 4}
    units = {f"unit {n}": {"base": "yuan", "factor": 10**n} for n in range(20)}
    large, other = (brief({"name": "a", "units": {**units, "x": n}, "years": [2013, 2020]}) for n in (1, 2))
    assert len(repr(large)) < 100 and repr(large) != repr(other) and "name: 'a', units: " in repr(large)
    assert repr(large) == repr(brief(dict(large)))
    many = brief({f"label {n}": {"en": "words " * 5} for n in range(300)})
    assert repr(many).startswith("<300 entries, ") and repr(many) != repr(brief({**many, "label 0": {"en": "other"}}))
    # Snakemake hands it to the process of a job by this.
    make, given = large.__reduce__()
    assert make is dict and make(*given) == large


def test_a_file_is_read_again_only_where_it_changed(tmp_path: Path) -> None:
    """By time stamps, size and path: a file put into another's place under its stamp and size is another state."""
    read = []

    async def checksum(file: str, most: int) -> str:
        read.append(file)
        return Path(file).read_text()[:most]

    def asked(file: Path, most: int = 9) -> str:
        return asyncio.run(remembered(str(file), most))

    remembered, file = once_per_state(checksum), tmp_path / "table.csv"
    file.write_text("one")
    assert [asked(file), asked(file), asked(file, 1), len(read)] == ["one", "one", "o", 2]
    stamp = file.stat().st_mtime_ns
    file.write_text("three")
    os.utime(file, ns=(stamp, stamp))
    assert asked(file) == "three"
    file.write_text("seven")
    os.utime(file, ns=(stamp + 1, stamp + 1))
    assert asked(file) == "seven"
    other = tmp_path / "other.csv"
    other.write_text("eight")
    os.utime(other, ns=(stamp + 1, stamp + 1))
    os.replace(other, file)
    assert asked(file) == "eight"
    with pytest.raises(FileNotFoundError):
        asked(tmp_path / "missing.csv")
