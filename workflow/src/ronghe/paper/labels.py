"""The look-up of printed words: variables and terms by the labels of the configuration, all else by words.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ronghe.errors import RongheError, nearest
from ronghe.models.terms import Term, read_name
from ronghe.paper.cells import significant
from ronghe.yaml_files import load_yaml

if TYPE_CHECKING:
    from ronghe.paper.results import Fit

LANGUAGES = ("en", "zh")
EFFECTS = ("direct", "indirect", "total")
_FILE = Path(__file__).with_name("words.yaml")


def _read_words() -> dict[str, dict[str, str]]:
    """Return every word by SECTION.KEY, those of the section `general` by their key alone."""
    sections = load_yaml(_FILE)
    return {
        key if section == "general" else f"{section}.{key}": word
        for section, words in sections.items()
        for key, word in words.items()
    }


WORDS = _read_words()


class _Unlabelled(Exception):
    """A name without a label; what is near it is looked for only where a user reads the message."""


class Labels:
    """How every variable and every fixed word is called in one language."""

    def __init__(self, labels: dict[str, dict[str, str]], language: str = "en") -> None:
        if language not in LANGUAGES:
            raise RongheError(f"language: '{language}' is not one of {', '.join(LANGUAGES)}")
        self.language = language
        self._labels = labels

    def word(self, key: str, *values: str | float) -> str:
        """Return a fixed word or sentence, its places filled with `values`."""
        return WORDS[key][self.language].format(*values)

    def knows(self, name: str) -> bool:
        """Say whether `name` has an entry of its own in the labels."""
        return name in self._labels

    def has(self, name: str) -> bool:
        """Say whether a variable, or the term that a printed name stands for, can be named."""
        try:
            self._label(name)
        except _Unlabelled:
            return False
        return True

    def variable(self, name: str, thresholds: list[float] | None = None) -> str:
        """Return the label of a variable, or of the term that a printed name stands for.

        `thresholds` are the stored values that bound regimes; a name holds them rounded.
        """
        try:
            return self._label(name, thresholds)
        except _Unlabelled as error:
            missing = str(error)
        raise RongheError(
            f"labels: '{missing}' is printed but has no label{nearest(missing, self._labels)}; "
            f"add it to config/labels.yaml with its English and Chinese name"
        )

    def _label(self, name: str, thresholds: list[float] | None = None) -> str:
        if name in self._labels:
            return self.text(self._labels[name])
        term = read_name(name)
        if term.operation != "itself":
            return self._made(term, thresholds or [])
        for key in (f"parameters.{name}", *({name} & {*EFFECTS, "sigma2"})):
            if key in WORDS:
                return self.word(key)
        raise _Unlabelled(name)

    def _made(self, term: Term, thresholds: list[float]) -> str:
        """Return what a transformed variable is called."""
        parts = [self._label(v, thresholds) for v in term.variables]
        options, key = dict(term.options), f"terms.{term.operation}"
        match term.operation:
            case "product":
                return " × ".join(parts)
            case "lag" if term.order > 1:
                return self.word("terms.lag_of_years", *parts, term.order)
            case "log":
                return self.word(key, inside(parts[0]))
            case "group":
                return self.word(key, *parts, self.value(options["group"]))
            case "shift_share":
                return self.word(key, inside(self.value(options["name"])))
            case "regime":
                ends = {end: _exact(bound, thresholds) for end, bound in options.items() if bound is not None}
                key = f"terms.regime_{'_'.join(sorted(ends))}"
                return self.word(key, parts[0], inside(parts[1]), *(ends[end] for end in sorted(ends)))
        return self.word(key, *parts)

    def value(self, value: str, own: dict[str, str | dict[str, str]] | None = None) -> str:
        """Return what a stored value is called: by an entry's own names, the labels, the words, or as it stands."""
        if own and value in own:
            return self.text(own[value])
        try:
            return self._label(value) if value else ""
        except _Unlabelled:
            return self.named("", value)

    def named(self, section: str, value: str) -> str:
        """Return the word for a stored code of a section, else the general word, the label, or the code itself."""
        for key in (f"{section}.{value}", value):
            if key in WORDS:
                return self.word(key)
        return self.text(self._labels[value]) if value in self._labels else value

    def covariance(self, fit: Fit) -> str:
        """Return how the covariance of a fit was estimated."""
        kind = str(fit.get("cov_type") or "")
        if kind == "conley" and fit.get("cutoff_km"):
            return self.word("covariances.conley_km", f"{fit.get('cutoff_km'):g}")
        parts = [kind, *(fit.get("cluster") or [])]
        if fit.get("small_sample") in ("CR2", "CR3", "corrected", "working_pairs", "jackknife"):
            parts.append(fit.get("small_sample"))
        return self.named("covariances", "_".join(parts))

    def text(self, value: str | dict[str, str] | None) -> str:
        """Return a text of the configuration in this language; a plain string serves every language."""
        if isinstance(value, dict):
            return str(value.get(self.language, value.get("en", "")))
        return "" if value is None else str(value)

    def join(self, items: list[str]) -> str:
        """Join sentences into one paragraph with the language's full stop."""
        stop = "。" if self.language == "zh" else ". "
        items = [item.rstrip(".。 ") for item in items if item]
        return stop.join(items) + stop.strip() if items else ""


def inside(label: str) -> str:
    """Return a label as it stands inside a phrase: without its capital, unless it is an abbreviation."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _exact(bound: float, thresholds: list[float]) -> str:
    """Print a bound of a regime from the stored threshold that its name rounds."""
    return significant(next((value for value in thresholds if float(f"{value:.6g}") == bound), bound))
