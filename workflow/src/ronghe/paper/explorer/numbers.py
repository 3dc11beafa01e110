"""Numbers as the page holds them: short where the eye could not tell, and packed where there are many."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd


def short(value: object, digits: int = 6) -> float | None:
    """Return a number with so many significant digits; nothing for what is missing, infinite or a list."""
    if value is None or isinstance(value, list) or value == "" or pd.isna(value) or math.isinf(float(value)):
        return None
    number = float(f"{float(value):.{digits}g}")
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def shorts(values: Iterable[object], digits: int = 6) -> list[float | None]:
    """Return several numbers so."""
    return [short(value, digits) for value in values]


def packed(values: np.ndarray) -> str:
    """Return an array of 16-bit numbers as text: base64 of its bytes, the lower byte first."""
    return base64.b64encode(values.astype("<u2").tobytes()).decode("ascii")


def packed_fives(values: np.ndarray) -> str:
    """Return an array of numbers from 0 to 4 as text: base64, three of them in a byte, the first counting least."""
    filled = np.append(values, np.zeros(-len(values) % 3, int)).reshape(-1, 3)
    return base64.b64encode((filled @ [1, 5, 25]).astype(np.uint8).tobytes()).decode("ascii")


def packed_pairs(values: np.ndarray) -> str:
    """Return an array of 12-bit numbers as text: base64 of three bytes for two numbers, the lower bits first."""
    even = np.append(values, 0) if len(values) % 2 else values
    first, second = even[::2].astype(np.uint32), even[1::2].astype(np.uint32)
    joined = first | second << 12
    parts = np.stack([joined & 255, joined >> 8 & 255, joined >> 16], axis=1).astype(np.uint8)
    return base64.b64encode(parts.tobytes()).decode("ascii")
