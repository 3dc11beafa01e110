"""Messages in the language of the configuration: the English text is the key, found again in what was said."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from ronghe.errors import SeveralErrors

# One mapping for each language: English template -> text. {1}, {2} ... stand for what a message fills in.
CATALOGUES = {"zh": Path(__file__).with_name("messages_zh.yaml")}
# What stands before a message whose text has no translation yet, so that the gap is seen.
UNTRANSLATED = {"zh": "（尚无中文）"}
# Jobs learn by it in which language the run speaks.
VARIABLE = "RONGHE_LANGUAGE"
_PLACE = re.compile(r"\{(\d+)\}")


def speak(language: object) -> None:
    """Let this process and its jobs speak a language."""
    os.environ[VARIABLE] = language if isinstance(language, str) else "en"


def said(text: object, language: str | None = None) -> str:
    """Return a message in a language, that of the run unless one is named; one without translation is marked."""
    if isinstance(text, SeveralErrors):
        return "\n\n".join(said(error, language) for error in text.errors)
    language = language or os.environ.get(VARIABLE, "en")
    if language not in CATALOGUES:
        return str(text)
    found = _translate(str(text), language, whole=True)
    return UNTRANSLATED[language] + str(text) if found is None else found


def told(text: object) -> str:
    """Return what is no fault in the language of the run; what has no words of its own, such as a path, stays."""
    language = os.environ.get(VARIABLE, "en")
    found = _translate(str(text), language, whole=True) if language in CATALOGUES else None
    return str(text) if found is None else found


def step(depth: int, text: object) -> str:
    """Return a line of a chain in the language of the run, indented by two for each step down."""
    return "  " * depth + told(text)


def _translate(text: str, language: str, whole: bool) -> str | None:
    """Return a text by the template that fits with the most words of its own; its values are translated likewise."""
    for literal, pattern, target in _patterns(language):
        if all(piece in text for piece in literal) and (found := pattern.fullmatch(text)):
            place = found.groupdict().get("place")
            values = {
                name: _value(value or "", language) for name, value in found.groupdict().items() if name != "place"
            }
            filled = _PLACE.sub(lambda one, values=values: values[f"v{one[1]}"], target)
            return (f"{place}：" if place else "") + filled if whole or not place else None
    return None


def _value(text: str, language: str) -> str:
    found = _translate(text, language, whole=False) if text and re.search("[A-Za-z]{2}", text) else None
    return text if found is None else found


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return {English template: text} of a language."""
    import yaml

    # Not by yaml_files: the engine alone is installed without yaml, and only a language other than English asks for it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(CATALOGUES[language].read_text(encoding="utf-8"), Loader=loader)


@cache
def _patterns(language: str) -> list[tuple[tuple[str, ...], re.Pattern, str]]:
    """Return the pieces that must occur, the pattern, and the text of each template, the most telling first."""
    found = []
    for template, target in catalogue(language).items():
        pieces = _PLACE.split(template)[::2]
        numbers = _PLACE.findall(template)
        # What opens with its own words may stand behind the place that a caller put before it.
        body = "" if template.startswith("{1}") else r"(?:(?P<place>.*?): )?"
        body += re.escape(pieces[0])
        for number, piece in zip(numbers, pieces[1:], strict=True):
            body += rf"(?P<v{number}>.*?)" + re.escape(piece)
        found.append((tuple(filter(None, pieces)), re.compile(body, re.DOTALL), target))
    return sorted(found, key=lambda one: (-sum(map(len, one[0])), one[2]))
