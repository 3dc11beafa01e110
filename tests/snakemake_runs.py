"""Runs Snakemake for the tests: one process imports it and what most scripts need once, and forks for runs and scripts.

A run sees what `python -m snakemake` in its folder would see, a script what Python would show it: arguments, folder,
environment and a process of its own. No module of ours is imported before the fork.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MOST = 200_000
# In the place of Python, for Snakemake to start its scripts by; what is no script alone goes to Python itself.
ASK = """#!{python} -IS
import os, sys
if len(sys.argv) != 2:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
import json, socket
given = {{"command": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
    asked.connect({address!r})
    socket.send_fds(asked, [json.dumps(given).encode()], [0, 1, 2])
    sys.exit(int(asked.recv(16)))
"""


def serve(folder: Path) -> None:
    """Wait for requests until nobody is left to ask, and fork for each."""
    # A check of web addresses that no schema asks for would take a second.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import docx  # noqa: F401
    import jsonschema  # noqa: F401
    import maketables  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401
    from snakemake.cli import main

    del sys.modules["rfc3987_syntax"]
    paths, ask = sys.path[1:], folder / "python"
    ask.write_text(ASK.format(python=sys.executable, address=str(folder / "door")), encoding="utf-8")
    ask.chmod(0o755)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(str(folder / "door"))
    door.listen()
    print(flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    while select.select([door, sys.stdin], [], [])[0] == [door]:
        asked, _ = door.accept()
        if os.fork():
            asked.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        text, streams, *_ = socket.recv_fds(asked, MOST, 3)
        if child := os.fork():
            asked.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
            os._exit(0)
        given = json.loads(text)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        asked.close()
        door.close()
        os.chdir(given["folder"])
        os.environ.clear()
        os.environ.update(given["environment"])
        program, *_ = sys.argv = given["command"]
        first = os.getcwd() if program == "snakemake" else os.path.dirname(program)
        sys.path[:] = dict.fromkeys([first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *paths])
        if program != "snakemake":
            runpy.run_path(program, run_name="__main__")
            return
        sys.executable = str(ask)
        main()
        return


@cache
def _door() -> str:
    """Start the process that waits, with no folder of ours on its path, and return where it listens."""
    folder = TemporaryDirectory()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, __file__, folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )

    def end() -> None:
        process.communicate()
        folder.cleanup()

    atexit.register(end)
    assert process.stdout.readline(), "the process that waits did not start"
    return str(Path(folder.name, "door"))


def snakemake(*arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder with an environment, as `subprocess.run` does with `capture_output` and `text`."""
    if sys.platform != "linux":  # elsewhere a process that has imported so much does not fork safely
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    with TemporaryFile() as out, TemporaryFile() as err, open(os.devnull) as nothing:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
            asked.connect(_door())
            given = {"command": ["snakemake", *arguments], "folder": str(cwd), "environment": env}
            socket.send_fds(asked, [json.dumps(given).encode()], [stream.fileno() for stream in (nothing, out, err)])
            code = int(asked.recv(16))
        said = [(stream.seek(0), stream.read().decode("utf-8"))[1] for stream in (out, err)]
    return subprocess.CompletedProcess(given["command"], code, *said)


def start_no_snakemake(patch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """Let what a module of ours would start as `python -m snakemake` be run by the process that waits."""

    def run(command: list[str], **how: object) -> subprocess.CompletedProcess:
        if command[:3] != [sys.executable, "-m", "snakemake"]:
            return subprocess.run(command, **how)
        return snakemake(*command[3:], cwd=Path(how["cwd"]).resolve(), env=how["env"])

    patch.setattr(module, "subprocess", SimpleNamespace(run=run))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
