"""Tells how far a long job is, how fast it goes and how long it will take."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from typing import TypeVar

from ronghe.messages import told

Item = TypeVar("Item")
# Only a job tells: whoever calls the library has a screen of his own.
_telling: ContextVar[bool] = ContextVar("telling", default=False)


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Let what works meanwhile say how far it is, in the log and, after some seconds, on the screen."""
    token = _telling.set(True)
    try:
        yield
    finally:
        _telling.reset(token)


class Progress:
    """Counts work done against the whole; prints a line to the log and to the screen at most every few seconds."""

    def __init__(self, what: str, whole: int, unit: str = "specifications", every: float = 3.0) -> None:
        self.what, self.whole, self.unit, self.every = what, whole, unit, every
        self.done, self.start = 0, time.monotonic()
        self.last, self.shown = self.start, False

    def add(self, count: int = 1) -> None:
        """Count further work as done."""
        self.done += count
        now = time.monotonic()
        if now - self.last >= self.every or (self.shown and self.done >= self.whole):
            self.last, self.shown = now, True
            speed = self.done / max(now - self.start, 1e-9)
            left = (self.whole - self.done) / max(speed, 1e-9)
            share = 100 * self.done / max(self.whole, 1)
            pace = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
            self._tell(f"{self.what}: {share:.0f} % of {self.whole:,} {self.unit}, {pace} a second, {left:.0f} s left")

    @staticmethod
    def _tell(line: str) -> None:
        if _telling.get():
            _say(told(line))


def each(items: Collection[Item], what: str, unit: str) -> Iterator[Item]:
    """Yield the items, telling after each how far the whole is.

    >>> [n * n for n in each(range(4), "squares", "numbers")]
    [0, 1, 4, 9]
    """
    progress = Progress(what, len(items), unit)
    for item in items:
        yield item
        progress.add()


@contextlib.contextmanager
def following(what: str, share: Callable[[], float], every: float = 3.0) -> Iterator[None]:
    """Tell now and then how far something is that knows its share itself, in percent of the step it is at."""
    if not _telling.get():
        yield
        return
    ended = threading.Event()

    def follow() -> None:
        begun, before = time.monotonic(), 0.0
        while not ended.wait(every):
            now = share()
            if now < before:
                begun = time.monotonic()
            before = now
            if 0 < now < 100:
                left = (time.monotonic() - begun) * (100 - now) / now
                _say(told(f"{what}: {now:.0f} % of this step, {left:.0f} s left"))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _say(line: str) -> None:
    print(line, flush=True)
    if sys.__stderr__ is not None and sys.stdout is not sys.__stdout__:
        print(line, file=sys.__stderr__, flush=True)
