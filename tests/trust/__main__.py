"""`make trust`: faults, determinism and kernels, tried and written as tables into docs/trust.md."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs/trust.md"
KILLS = int(os.environ.get("TRUST_KILLS", "30"))
SETTINGS = {
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 4242": {"PYTHONHASHSEED": "4242"},
    "locale C": {"LC_ALL": "C", "PYTHONUTF8": "0"},
    "locale tr_TR": {"LC_ALL": "tr_TR.UTF-8"},
    "time zone Kiritimati": {"TZ": "Pacific/Kiritimati"},
    "rows shuffled": {},
}
KERNELS = [{"OPENBLAS_CORETYPE": c, "OPENBLAS_NUM_THREADS": t} for c in ("SkylakeX", "Haswell", "Sandybridge")
           for t in ("1", "2")]  # fmt: skip


def environment(**changes: str) -> dict[str, str]:
    paths = os.pathsep.join(map(str, (PROJECT / "workflow/src", PROJECT / "tests")))
    return {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1", **changes}


def work(*arguments: str, **changes: str) -> dict:
    """Run the small road in a process of its own and return what it printed."""
    command = [sys.executable, str(PROJECT / "tests/trust/worker.py"), *arguments]
    done = subprocess.run(command, env=environment(**changes), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def determinism() -> list[tuple[str, str, str]]:
    plain, rows = work(), []
    for name, changes in SETTINGS.items():
        found = work(*(["shuffled"] if name == "rows shuffled" else []), **changes)
        rows.append((name, _same(found["text"] == plain["text"]), _same(found["params"] == plain["params"])))
    return rows


def kernels() -> list[tuple[str, str, str]]:
    plain, rows = work(**KERNELS[1]), []
    scale = np.array(plain["errors"])
    for changes in KERNELS:
        found = work(**changes)
        off = max(np.max(np.abs(np.subtract(found[key], plain[key])) / scale) for key in ("params", "errors"))
        name = f"{changes['OPENBLAS_CORETYPE']}, {changes['OPENBLAS_NUM_THREADS']} threads"
        rows.append((name, f"{off:.1e}", _same(found["printed"] == plain["printed"])))
    return rows


def _same(equal: bool) -> str:
    return "identical" if equal else "DIFFERENT"


class Workshop:
    """A copy of the workflow whose only data are those of the small dataset."""

    def __init__(self, root: Path) -> None:
        import yaml
        from tiny_dataset import write_tiny

        self.root = root
        shutil.copy(PROJECT / "Snakefile", root)
        for folder in ("config", "workflow", "profiles"):
            shutil.copytree(PROJECT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        declared = write_tiny(root)
        del declared["name"]
        (root / "config/datasets/tiny").mkdir(exist_ok=True)
        text = yaml.safe_dump(declared, allow_unicode=True)
        (root / "config/datasets/tiny.yaml").write_text(text, encoding="utf-8")

    def start(self, *more: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "snakemake", "clean", "--cores", "1", "--config", "dataset=tiny", *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        changes = environment(PYTHONPATH=str(self.root / "workflow/src"))
        return subprocess.Popen(command, cwd=self.root, env=changes, start_new_session=True, **pipes)

    def finish(self) -> str:
        """Run to the end, unlocking where a killed run left its lock; return what was said."""
        running = self.start("--rerun-incomplete")
        said = running.communicate()[0]
        if "lock" in said.lower() and running.returncode:
            self.start("--unlock").communicate()
            running = self.start("--rerun-incomplete")
            said = running.communicate()[0]
        return said if running.returncode else ""

    def outcome(self) -> str:
        files = sorted(p for p in (self.root / "data/processed").rglob("*") if p.is_file())
        content = [p.relative_to(self.root).as_posix().encode() + p.read_bytes() for p in files]
        return hashlib.sha256(b"".join(content)).hexdigest()

    def forget(self) -> None:
        shutil.rmtree(self.root / "data/processed", ignore_errors=True)


def faults() -> list[tuple[str, str]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        begun = time.perf_counter()
        assert not shop.finish()
        whole, length = shop.outcome(), time.perf_counter() - begun
        draw, same = random.Random(1), 0
        for _ in range(KILLS):
            shop.forget()
            running = shop.start()
            time.sleep(draw.uniform(0.1, 1.0) * length)
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            same += not shop.finish() and shop.outcome() == whole
        rows.append((f"kill -9 at {KILLS} random moments, then run again", f"{same} of {KILLS} identical"))
        panel = next((shop.root / "data/processed").rglob("panel.parquet"))
        panel.write_bytes(panel.read_bytes()[:100])
        os.utime(panel)
        said = shop.finish()
        rows.append(("an output cut short, then run again", _same(shop.outcome() == whole) if not said else "refused"))
        shop.forget()
        two = [shop.start(), shop.start()]
        codes = [run.communicate() and run.returncode for run in two]
        told = "one waits or is refused" if sorted(codes)[0] == 0 else "both refused"
        rows.append(("two runs at once", f"{told}; {_same(not shop.finish() and shop.outcome() == whole)}"))
        if os.getuid():
            shop.forget()
            (shop.root / "data").chmod(0o555)
            said = shop.finish()
            (shop.root / "data").chmod(0o755)
            rows.append(("a folder that cannot be written", "refused" if said else "NOT NOTICED"))
        else:
            rows.append(("a folder that cannot be written", "not tried: run as root"))
    return rows


def corpus() -> list[tuple[str, str]]:
    rows = []
    for file in sorted((PROJECT / "tests/corpus").glob("test_*.py")):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
        done = subprocess.run(command, env=environment(HYPOTHESIS_PROFILE="many"), capture_output=True, text=True)
        rows.append(
            (file.stem.removeprefix("test_").replace("_", " "), re.split(" in ", done.stdout.splitlines()[-1])[0])
        )
    return rows


TABLES = {
    "corpus": (corpus, ("part", "cases")),
    "faults": (faults, ("fault", "outcome")),
    "determinism": (determinism, ("setting", "text of the clean tables", "every digit of a spatial fit")),
    "kernels": (kernels, ("kernel", "largest difference in standard errors", "printed table")),
}


def main() -> None:
    """Try everything, or the parts named, and put the tables into the page."""
    sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "workflow/src")]
    for name in sys.argv[1:] or TABLES:
        function, heads = TABLES[name]
        lines = [" | ".join(heads), " | ".join("---" for _ in heads), *(" | ".join(row) for row in function())]
        table = "\n".join(f"| {line} |" for line in lines)
        page = PAGE.read_text(encoding="utf-8")
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        PAGE.write_text(pattern.sub(lambda m, t=table: f"{m[1]}{t}\n{m[2]}", page), encoding="utf-8")
        print(table)


if __name__ == "__main__":
    main()
