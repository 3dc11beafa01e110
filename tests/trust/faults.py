"""Faults of the machine: whatever ends a run, the next one ends like an undisturbed run, or says what to do."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trust.workshop import Workshop, ours, tracebacks

KILLS = int(os.environ.get("TRUST_KILLS", "30"))
INTERRUPTS = int(os.environ.get("TRUST_INTERRUPTS", "6"))
# How much room is left, as shares of what a whole run writes.
ROOM = (0.05, 0.3, 0.5, 0.7, 0.85)
Row = tuple[str, str, str]


class Undisturbed:
    """What a run gives that nobody disturbs, and how long it takes."""

    def __init__(self, shop: Workshop) -> None:
        begun = time.monotonic()
        said = shop.finish()
        assert not said, said
        self.shop, self.length, self.outcome = shop, time.monotonic() - begun, shop.outcome()

    def moment(self, draw: random.Random) -> float:
        """Return a moment of a run: the first third is Snakemake's own start."""
        return draw.uniform(0.2, 1.0) * self.length

    def again(self) -> bool:
        """Run again after a fault; return whether everything is as if there had been none."""
        return not self.shop.finish() and self.shop.outcome() == self.outcome and not self.shop.left_over()


def faults() -> list[Row]:
    """Try every fault on the small dataset; a row says what was done, how it ended, and what the user read."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Undisturbed(Workshop(Path(folder, "project")))
        rows = []
        for part in (killed, interrupted, damaged, together, closed, full):
            for row in part(whole):
                print(*row, sep=" | ", flush=True)
                rows.append(row)
        return rows


def verdict(same: int, of: int) -> str:
    return f"{same} of {of} byte-identical" if of > 1 else ("byte-identical" if same else "DIFFERENT")


def killed(whole: Undisturbed) -> Iterator[Row]:
    """Kill a run and its jobs; every other time what was left behind is killed once more before it is finished."""
    draw, same, finishes = random.Random(1), 0, 0
    for kill in range(KILLS):
        whole.shop.disturb(whole.moment(draw), signal.SIGKILL)
        if kill % 2:
            finishes += 1
            same += whole.again()
            whole.shop.forget()
        else:
            whole.shop.run("--unlock")
    yield f"kill -9 at {KILLS} random moments, every other time twice in a row", verdict(same, finishes), ""


def interrupted(whole: Undisturbed) -> Iterator[Row]:
    """Ctrl-C reaches Snakemake and its jobs alike; nothing is left locked and nothing half-written."""
    draw, same, unlocked, clean, plain = random.Random(2), 0, 0, 0, 0
    for _ in range(INTERRUPTS):
        whole.shop.forget()
        said = whole.shop.disturb(whole.moment(draw), signal.SIGINT)
        plain += not ours(said)
        clean += not whole.shop.left_over()
        code, said = whole.shop.run()
        unlocked += code == 0
        same += whole.again()
    told = f"no lock left {unlocked} times, no half file {clean} times, no traceback from our code {plain} times"
    yield f"Ctrl-C at {INTERRUPTS} random moments", verdict(same, INTERRUPTS), told


def damaged(whole: Undisturbed) -> Iterator[Row]:
    """Damage an intermediate file under its old time, then ask for what rests on it."""
    root, models = whole.shop.root, "results/yunling/models"
    weights = "results/yunling/weights/inverse_distance"
    cases = {
        "panel cut short": ("data/processed/yunling/panel.parquet", lambda b: b[:100], "estimate_fixed_effects"),
        "a digit of the coefficients changed": (
            f"{models}/baseline/coefficients.csv",
            _other_digit,
            "render_tables_baseline",
        ),
        "a last row of the weights missing": (f"{weights}/edges.csv", _less_a_row, "estimate_spatial"),
    }
    for name, (path, change, rule) in cases.items():
        file = root / path
        kept, content = file.stat(), file.read_bytes()
        file.write_bytes(change(content))
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        code, said = whole.shop.run("--forcerun", rule)
        remedy = re.search(r"not the file that .*make it again: snakemake (--force\w* \S+)", said)
        told = bool(code and remedy)
        if told:
            option, path = remedy[1].split()
            # What is forced is a target of its own; what is forced to run on the way leaves the targets as they are.
            whole.shop.run(option, path, **({"targets": ()} if option == "--force" else {}))
        yield (
            f"{name}, its time unchanged",
            verdict(whole.again(), 1),
            "refused, with the command that mends it" if told else "",
        )


def _other_digit(content: bytes) -> bytes:
    place = re.search(rb"\d\.\d", content).end() - 1
    return content[:place] + bytes([48 + (content[place] - 47) % 10]) + content[place + 1 :]


def _less_a_row(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:-1])


def together(whole: Undisturbed) -> Iterator[Row]:
    """Start a second run while the first works."""
    whole.shop.forget()
    first = whole.shop.start()
    while not (whole.shop.root / ".snakemake/locks").is_dir() or not any(
        (whole.shop.root / ".snakemake/locks").iterdir()
    ):
        time.sleep(0.05)
    code, said = whole.shop.run()
    first.communicate()
    told = "the second is refused: the directory is locked" if code and "locked" in said else "NOT TOLD"
    yield "two runs at once", verdict(not first.returncode and whole.again(), 1), told


def closed(whole: Undisturbed) -> Iterator[Row]:
    """Take away the right to write results: by permissions, or, as none stops root, by what is mounted there."""
    whole.shop.forget()
    results = whole.shop.root / "results"
    results.mkdir()
    if os.getuid():
        results.chmod(0o555)
    elif _mounted(results, "ro"):
        yield "a folder of results that cannot be written", "not tried", "root may write, and may not mount"
        return
    code, said = whole.shop.run()
    if os.getuid():
        results.chmod(0o755)
    else:
        subprocess.run(["umount", str(results)], check=True)
    told = re.search(r"[^\n]*(?:Permission denied|Read-only file system)[^\n]*", said)
    shown = told[0].strip().replace(f"{whole.shop.root}/", "") if told and code else "NOT TOLD"
    shown = f"{shown[:90]}; {tracebacks(said) or 'no'} traceback"
    yield "a folder of results that cannot be written, then it can", verdict(whole.again(), 1), shown


def _mounted(place: str | Path, options: str) -> int:
    """Mount a small file system in memory; return zero where that is allowed."""
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True).returncode


def full(whole: Undisturbed) -> Iterator[Row]:
    """Let the disk fill up at several points of a run; a small file system in memory stands for the disk."""
    size = sum(len(content) for content in whole.shop.files().values()) * 2
    with tempfile.TemporaryDirectory() as folder:
        if _mounted(folder, "size=64m"):
            yield "a full disk", "not tried", "a small file system needs root"
            return
        try:
            shop, filler = whole.shop.copied(Path(folder, "project")), Path(folder, "filler")
            same, plain, told = 0, 0, 0
            for share in ROOM:
                filler.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - int(share * size))))
                code, said = shop.run()
                plain += bool(code) and not tracebacks(said)
                told += bool(code) and ("No space left on device" in said or "not enough to begin" in said)
                filler.unlink()
                same += not shop.finish() and shop.outcome() == whole.outcome and not shop.left_over()
                shop.forget()
        finally:
            subprocess.run(["umount", folder], check=True)
    said = f"said so {told} times, without a traceback {plain} times"
    yield f"a disk that is full at {len(ROOM)} points, then room again", verdict(same, len(ROOM)), said
