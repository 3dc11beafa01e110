"""What the page calls things, in every language at once: its fixed words, and the names of whatever a view shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ronghe.paper.labels import LANGUAGES, Labels
from ronghe.yaml_files import load_yaml

WORDS = Path(__file__).with_name("words.yaml")


def read_words() -> dict[str, dict[str, str]]:
    """Return the fixed words of the page by key and language."""
    return load_yaml(WORDS)


class Book:
    """Labels of every language, and the names that the views have asked for."""

    def __init__(self, labels: dict[str, dict[str, str]], language: str) -> None:
        self.labels = [Labels(labels, each) for each in LANGUAGES]
        self.language = language
        self.names: dict[str, list[str]] = {}

    def both(self, text: Callable[[Labels], str]) -> list[str]:
        """Return a text in every language, in the order of LANGUAGES."""
        return [text(labels) for labels in self.labels]

    def name(self, code: object, section: str = "") -> str:
        """Keep what a stored code is called, and return the key under which the page finds it."""
        code = "" if code is None else str(code)
        key = f"{section}/{code}" if section else code
        if key not in self.names:
            named = (lambda labels: labels.named(section, code)) if section else (lambda labels: labels.value(code))
            self.names[key] = self.both(named)
        return key

    def call(self, key: str, text: Callable[[Labels], str]) -> str:
        """Keep a name that is made in another way than by looking its code up."""
        self.names.setdefault(key, self.both(text))
        return key
