"""Reads the units that yearbooks write into headings and titles, such as 从业人员（万人） or GDP (million yuan)."""

from __future__ import annotations

import re
from fractions import Fraction

CHINESE_NUMBERS = {
    "": 1, "十": 10, "百": 100, "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
    "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12,
}  # fmt: skip
ENGLISH_NUMBERS = {
    "": 1, "100": 100, "hundred": 100, "1,000": 10**3, "1000": 10**3, "thousand": 10**3, "10,000": 10**4,
    "10000": 10**4, "million": 10**6, "mn": 10**6, "100 million": 10**8, "billion": 10**9, "bn": 10**9,
}  # fmt: skip
# What a unit counts, and how many of it one is: a spelling -> (base, size).
THINGS = {
    "人": ("person", 1), "人次": ("person-time", 1), "人年": ("person-year", 1), "户": ("household", 1),
    "元": ("yuan", 1), "人民币": ("yuan", 1), "美元": ("dollar", 1), "吨": ("tonne", 1), "千克": ("tonne", "0.001"),
    "公斤": ("tonne", "0.001"), "吨标准煤": ("tonne of coal equivalent", 1), "公里": ("km", 1), "千米": ("km", 1),
    "米": ("km", "0.001"), "平方公里": ("square km", 1), "平方千米": ("square km", 1), "公顷": ("square km", "0.01"),
    "平方米": ("square km", "0.000001"), "亩": ("square km", "1/1500"), "立方米": ("cubic metre", 1),
    "千瓦时": ("kilowatt-hour", 1), "度": ("kilowatt-hour", 1), "件": ("patent", 1), "项": ("item", 1),
    "个": ("item", 1), "家": ("firm", 1), "辆": ("vehicle", 1), "台": ("machine", 1), "张": ("bed", 1),
    "册": ("book", 1), "所": ("school", 1), "%": ("ratio", "0.01"), "％": ("ratio", "0.01"),
    "‰": ("ratio", "0.001"), "person": ("person", 1), "persons": ("person", 1), "people": ("person", 1),
    "employees": ("person", 1), "jobs": ("job", 1), "job": ("job", 1), "person-years": ("person-year", 1),
    "yuan": ("yuan", 1), "rmb": ("yuan", 1), "cny": ("yuan", 1), "dollar": ("dollar", 1), "dollars": ("dollar", 1),
    "usd": ("dollar", 1), "us$": ("dollar", 1), "euro": ("euro", 1), "euros": ("euro", 1), "eur": ("euro", 1),
    "tonne": ("tonne", 1), "tonnes": ("tonne", 1), "tons": ("tonne", 1), "kg": ("tonne", "0.001"), "km": ("km", 1),
    "kilometres": ("km", 1), "km2": ("square km", 1), "sq km": ("square km", 1), "hectares": ("square km", "0.01"),
    "kwh": ("kilowatt-hour", 1), "tce": ("tonne of coal equivalent", 1), "patents": ("patent", 1),
    "households": ("household", 1), "percent": ("ratio", "0.01"), "per cent": ("ratio", "0.01"),
}  # fmt: skip
_BRACKETS = re.compile(r"[(（\[【]([^()（）\[\]【】]+)[)）\]】]")
_ANNOUNCED = re.compile(r"(?:计量)?(?:单位|Unit|unit|Units|units)\s*[:：]\s*([^\s()（）,，;；]+(?: [^()（）,，;；]+)?)")
Size = tuple[str, Fraction]


def read_unit(text: str) -> Size | None:
    """Return what a unit counts and how many of it, or None where the words are not a unit."""
    text = text.strip().strip("。.")
    above, slash, below = text.partition("/")
    if slash:
        parts = read_unit(above), read_unit(below)
        return (f"{parts[0][0]} per {parts[1][0]}", parts[0][1] / parts[1][1]) if all(parts) else None
    lowered = text.lower()
    if lowered in THINGS:
        base, size = THINGS[lowered]
        return base, Fraction(size)
    for numbers, joint in ((CHINESE_NUMBERS, ""), (ENGLISH_NUMBERS, " ")):
        for word in sorted(numbers, key=len, reverse=True):
            rest = lowered.removeprefix(word + joint)
            if word and lowered.startswith(word + joint) and rest in THINGS:
                base, size = THINGS[rest]
                return base, numbers[word] * Fraction(size)
    return None


def units_in(text: str) -> list[str]:
    """Return the units that a heading or a title writes in brackets, after 单位： or, in Chinese, as its last word."""
    announced = _ANNOUNCED.findall(text)
    return [word.strip() for word in [*announced, *_BRACKETS.findall(text), *_last(text)] if read_unit(word)]


def without_unit(text: str) -> str:
    """Return a heading without the unit that it writes in brackets or as its last word."""
    for word in _last(text):
        text = text.removesuffix(word)
    return _BRACKETS.sub(lambda found: "" if read_unit(found[1]) else found[0], text).strip()


def _last(text: str) -> list[str]:
    """Return the last word where it is a unit, as a row of units below the headings leaves it: 地区生产总值 亿元."""
    before, _, word = text.rpartition(" ")
    return [word] if before and (not word.isascii() or word == "%") and read_unit(word) else []
