"""Runs Snakemake for the tests: one process imports it once, and forks for every run.

A run sees what `python -m snakemake` in its folder would see: arguments, environment, and a process of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace

import pytest

WAITING = """
import gc, json, os, sys
sys.modules["rfc3987_syntax"] = None  # a check of web addresses that no schema asks for, 1 s to import
import jsonschema, yaml
from snakemake.cli import main
del sys.modules["rfc3987_syntax"]

paths = sys.path[1:]
gc.freeze()
for line in sys.stdin:
    given = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(given["folder"])
        os.environ.clear()
        os.environ.update(given["environment"])
        named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        sys.path[:] = dict.fromkeys([os.getcwd(), *named, *paths])
        for number, path in enumerate([os.devnull, given["out"], given["err"]]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644), number)
        sys.argv = ["snakemake", *given["arguments"]]
        main()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def _waiting() -> subprocess.Popen:
    """Return the process that has imported Snakemake, with no folder of ours on its path; it ends with the tests."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", WAITING]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=os.path.sep
    )
    atexit.register(process.communicate)
    return process


def snakemake(*arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder with an environment, as `subprocess.run` does with `capture_output` and `text`."""
    with TemporaryDirectory() as folder:
        out, err = (Path(folder, name) for name in ("out", "err"))
        process = _waiting()
        given = {"arguments": arguments, "folder": str(cwd), "environment": env, "out": str(out), "err": str(err)}
        print(json.dumps(given), file=process.stdin, flush=True)
        code = int(process.stdout.readline())
        said = [path.read_text(encoding="utf-8") for path in (out, err)]
    return subprocess.CompletedProcess(["snakemake", *arguments], code, *said)


def start_no_snakemake(patch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """Let what a module of ours would start as `python -m snakemake` be run by the process that waits."""

    def run(command: list[str], **how: object) -> subprocess.CompletedProcess:
        if command[:3] != [sys.executable, "-m", "snakemake"]:
            return subprocess.run(command, **how)
        return snakemake(*command[3:], cwd=Path(how["cwd"]).resolve(), env=how["env"])

    patch.setattr(module, "subprocess", SimpleNamespace(run=run))
