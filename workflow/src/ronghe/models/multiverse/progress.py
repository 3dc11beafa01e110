"""Tells how far a long job is, how fast it goes and how long it will take."""

from __future__ import annotations

import sys
import time


class Progress:
    """Counts work done against the whole; prints a line to the log and to the screen at most every few seconds."""

    def __init__(self, what: str, whole: int, unit: str = "specifications", every: float = 3.0) -> None:
        self.what, self.whole, self.unit, self.every = what, whole, unit, every
        self.done, self.start = 0, time.monotonic()
        self.last = self.start
        self._say(f"{what}: {whole:,} {unit}")

    def add(self, count: int) -> None:
        """Count further work as done."""
        self.done += count
        now = time.monotonic()
        if now - self.last >= self.every or self.done >= self.whole:
            self.last = now
            speed = self.done / max(now - self.start, 1e-9)
            left = (self.whole - self.done) / max(speed, 1e-9)
            share = 100 * self.done / max(self.whole, 1)
            self._say(f"{self.what}: {share:.0f} % of {self.whole:,}, {speed:,.0f} a second, {left:.0f} s left")

    @staticmethod
    def _say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        if sys.__stderr__ is not None and sys.stdout is not sys.__stdout__:
            sys.__stderr__.write(f"{line}\n")
