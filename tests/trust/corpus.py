"""What becomes of every case of tests/corpus: refused with a message, fine, silent, or a traceback; and of slips."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from trust.workshop import environment

PROJECT = Path(__file__).resolve().parents[2]


class Recorder:
    """A plugin of pytest: a case counts as refused if a message for users was made in it, and as fine if none was."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.messages = 0

    def watch(self) -> None:
        """Count the messages as they are made."""
        from ronghe.errors import RongheError

        def counted(error: RongheError, *words: object) -> None:
            self.messages += 1
            ValueError.__init__(error, *words)

        RongheError.__init__ = counted

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take every random draw as a case of its own; the cases of one test function share what draws them."""
        found = (getattr(getattr(item, "obj", None), "hypothesis", None) for item in items)
        for drawn in {id(one): one for one in found}.values():
            if drawn is not None:
                drawn.inner_test = self._counted(drawn.inner_test)

    def _counted(self, inner: Any) -> Any:
        def draw(*given: object, **named: object) -> None:
            before = self.messages
            inner(*given, **named)
            self.outcomes["refused" if self.messages > before else "fine"] += 1

        return draw

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item):
        """Sort one case by what came of it."""
        before = self.messages
        outcome = yield
        error = outcome.excinfo[1] if outcome.excinfo else None
        if error is not None:
            self.outcomes["silent" if isinstance(error, AssertionError | pytest.fail.Exception) else "traceback"] += 1
        elif not hasattr(getattr(item, "obj", None), "hypothesis"):
            self.outcomes["refused" if self.messages > before else "fine"] += 1


def corpus() -> list[tuple[str, ...]]:
    """Return a row per part of the corpus: tried, refused, fine, silent, traceback."""
    rows, whole = [], Counter()
    for file in sorted((PROJECT / "tests/corpus").glob("test_*.py")):
        command = [sys.executable, "-m", "trust.corpus", str(file)]
        changes = environment(HYPOTHESIS_PROFILE="many")
        done = subprocess.run(command, env=changes, capture_output=True, text=True, cwd=PROJECT)
        found = Counter(json.loads(re.findall(r"^\{.*\}$", done.stdout, re.MULTILINE)[-1]))
        whole += found
        rows.append(_row(file.stem.removeprefix("test_").replace("_", " "), found))
    return [*rows, _row("all", whole)]


def _row(name: str, found: Counter[str]) -> tuple[str, ...]:
    counts = [f"{found[key]:,}" for key in ("refused", "fine")]
    if not found.total():
        return (name, "0 FAILED", *["-"] * 4)
    bad = [f"{found[key]} FAILED" if found[key] else "0" for key in ("silent", "traceback")]
    return (name, f"{found.total():,}", *counts, *bad)


def slips() -> list[tuple[str, ...]]:
    """Return what becomes of whole series in a wrong unit, without the plausible ranges and with them."""
    from trust.slips import table

    return table()


def main() -> None:
    """Run one file of the corpus and print what came of its cases."""
    recorder = Recorder()
    recorder.watch()
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", sys.argv[1]], plugins=[recorder])
    print(json.dumps(recorder.outcomes))


if __name__ == "__main__":
    main()
