"""Units as data: what a unit counts, how many of it, and the factor from one unit to another."""

from __future__ import annotations

from fractions import Fraction

from ronghe.clean.unit_words import Size, read_unit
from ronghe.errors import RongheError, listing, nearest

PLAIN = "ratio"
Dimension = tuple[tuple[str, int], ...]


class Units:
    """The units that a dataset declares, found by their name or by the way its tables write them."""

    def __init__(self, declared: dict[str, dict], where: str) -> None:
        self.where = where
        self._name: dict[str, str] = {PLAIN: PLAIN}
        self._known: dict[str, tuple[Dimension, Fraction]] = {PLAIN: ((), Fraction(1))}
        for name, unit in declared.items():
            dimension = () if unit["base"] == PLAIN else ((unit["base"], 1),)
            for spelling in (name, *unit.get("written", [])):
                if self._name.get(spelling, name) != name:
                    raise RongheError(
                        f"{where}: units.{name}: '{spelling}' already stands for '{self._name[spelling]}'"
                    )
                self._name[spelling] = name
            # Through the decimal text, so that 0.01 is exactly one hundredth.
            self._known[name] = (dimension, Fraction(str(unit["factor"])))

    def name(self, spelling: str, entry: str) -> str:
        """Return the declared name of a unit, or of a quotient of two units written A/B."""
        if spelling in self._name:
            return self._name[spelling]
        parts = spelling.split("/")
        unknown = [part for part in parts if part not in self._name]
        if unknown:
            raise RongheError(
                f"{self.where}: {entry}: unknown unit '{unknown[0]}'{nearest(unknown[0], self._name)} "
                f"(declared under units: {listing(self._name, 60)})"
            )
        if len(parts) > 2:
            raise RongheError(f"{self.where}: {entry}: the unit '{spelling}' has more than one '/'")
        return "/".join(self._name[part] for part in parts)

    def resolve(self, spelling: str, entry: str) -> tuple[Dimension, Fraction]:
        """Return what a unit counts, as powers of bases, and how many of that it is."""
        name = self.name(spelling, entry)
        if name in self._known:
            return self._known[name]
        above, below = (self._known[part] for part in name.split("/"))
        return combine(above[0], below[0], -1), above[1] / below[1]

    def knows(self, spelling: str) -> bool:
        """Say whether a unit, not a quotient of two, is declared by this name or spelling."""
        return spelling in self._name

    def sizes(self, spelling: str, entry: str) -> set[Size]:
        """Return what the vocabulary of yearbooks reads in any spelling of a unit."""
        name = self.name(spelling, entry)
        return {size for word, other in self._name.items() if other == name and (size := read_unit(word))}

    def contradiction(self, heading: str, spelling: str, entry: str) -> bool:
        """Say whether the unit that a heading writes is another one than the unit declared."""
        if heading in self._name:
            return self.resolve(heading, entry) != self.resolve(spelling, entry)
        known = self.sizes(spelling, entry)
        return bool(known) and read_unit(heading) not in known

    def factor(self, origin: str, target: str, entry: str) -> Fraction:
        """Return what a figure in `origin` is multiplied by to stand in `target`; unlike quantities are refused."""
        (dimension, size), (wanted, target_size) = self.resolve(origin, entry), self.resolve(target, entry)
        if dimension != wanted:
            raise RongheError(
                f"{self.where}: {entry}: '{origin}' cannot become '{target}': one counts {in_words(dimension)}, "
                f"the other {in_words(wanted)}"
            )
        return size / target_size

    def compose(self, first: str, second: str, power: int, target: str | None, entry: str) -> tuple[str, Fraction]:
        """Return unit and factor of first * second**power (power 1 or -1), in the unit wanted or the natural one."""
        (dimension, size), (other, other_size) = self.resolve(first, entry), self.resolve(second, entry)
        result, factor = combine(dimension, other, power), size * other_size**power
        target = target or self._natural(first, second, power, result, entry)
        wanted, target_size = self.resolve(target, entry)
        if wanted != result:
            raise RongheError(
                f"{self.where}: {entry}: the result counts {in_words(result)}, which '{target}' does not"
                f" (it counts {in_words(wanted)})"
            )
        return self.name(target, entry), factor / target_size

    def _natural(self, first: str, second: str, power: int, result: Dimension, entry: str) -> str:
        if not result:
            return PLAIN
        first, second = self.name(first, entry), self.name(second, entry)
        if result == self.resolve(first, entry)[0]:
            return first
        if power == 1 and result == self.resolve(second, entry)[0]:
            return second
        if power == -1 and "/" not in first and "/" not in second:
            return f"{first}/{second}"
        raise RongheError(f"{self.where}: {entry}: say the unit wanted, one that counts {in_words(result)}")


def combine(first: Dimension, second: Dimension, power: int) -> Dimension:
    """Return the dimension of first * second**power."""
    powers = dict(first)
    for base, exponent in second:
        powers[base] = powers.get(base, 0) + power * exponent
    return tuple(sorted((base, exponent) for base, exponent in powers.items() if exponent))


def in_words(dimension: Dimension) -> str:
    """Say a dimension for a message: 'yuan per person', 'a plain number'."""
    above = [base for base, exponent in dimension for _ in range(exponent)]
    below = [base for base, exponent in dimension for _ in range(-exponent)]
    if not above and not below:
        return "a plain number"
    return " x ".join(above or ["1"]) + (" per " + " per ".join(below) if below else "")
