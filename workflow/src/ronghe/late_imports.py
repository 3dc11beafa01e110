"""Imports inside other packages that wait until they are used: a job that never uses them need not pay for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What linearmodels imports for p-values, formulas and models that are seldom asked of it: nine tenths of its import.
UNUSED = ("scipy.stats", "scipy.optimize", "formulaic")
# What the packages of PySAL import for databases, downloads, pictures and clustering.
UNUSED_BY_PYSAL = ("sqlalchemy", "bs4", "requests", "matplotlib", "sklearn")

_permitted = False


@contextmanager
def permitted() -> Iterator[None]:
    """Let imports wait meanwhile: in a job of the workflow; where a user's own code runs they never do."""
    global _permitted
    before, _permitted = _permitted, True
    try:
        yield
    finally:
        _permitted = before


class _Late:
    """A name out of a module that is imported when the name is first used.

    It is not the object itself, which `is`, `except` and a question for its own type tell: tests/test_late_imports.py
    lists the names that stand-ins are given out for.
    """

    def __init__(self, module: _LateModule, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        module = self._module.real()
        if not hasattr(module, self._name):
            return import_module(f"{module.__name__}.{self._name}")
        return getattr(module, self._name)

    # A property adds no frame of its own to the call: formulas look for their variables in the frame of the caller.
    __call__ = property(_real)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(self._real(), attribute)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real())

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, self._real())

    def __eq__(self, other: object) -> bool:
        """Compare the object itself; a stand-in is kept in sets and mappings under its own identity."""
        return self is other or self._real() == (other._real() if isinstance(other, _Late) else other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self._real())

    def __iter__(self) -> Iterator:
        return iter(self._real())

    def __getitem__(self, key: object) -> Any:
        return self._real()[key]

    def __mro_entries__(self, bases: tuple) -> tuple:
        return (self._real(),)

    def __or__(self, other: object) -> object:
        """Stand in an annotation, which nobody reads, for any type."""
        return Any

    __ror__ = __or__


class _Distribution(_Late):
    """A distribution; with its parameters it waits further, until something is asked of it."""

    __call__ = property(lambda self: partial(_Frozen, self))


class _Frozen:
    """A distribution of scipy.stats with its parameters."""

    def __init__(self, distribution: _Distribution, *parameters: float, **named: float) -> None:
        self._distribution, self._parameters, self._named = distribution, parameters, named

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(self._distribution._real()(*self._parameters, **self._named), attribute)


class _LateModule(ModuleType):
    """Stands for a module until one of its names is used."""

    DISTRIBUTIONS = ("chi2", "f", "norm", "t")
    finder: _Finder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        distribution = self.__name__ == "scipy.stats" and name in self.DISTRIBUTIONS
        return (_Distribution if distribution else _Late)(self, name)

    def real(self) -> ModuleType:
        """Import the module itself."""
        self.finder.withdraw()
        return import_module(self.__name__)


class _Finder:
    """Gives stand-ins for the named modules and their submodules."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(name for name in names if name not in sys.modules)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Answer for the named modules only, and for those of them that are there."""
        if not any(name == own or name.startswith(f"{own}.") for own in self.names):
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        found = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if found is None:
            return None
        spec = ModuleSpec(name, self, origin=found.origin)
        spec.submodule_search_locations = found.submodule_search_locations
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the stand-in."""
        module = _LateModule(spec.name)
        module.finder = self
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is nothing to carry out yet."""

    def withdraw(self) -> None:
        """Take the stand-ins away, so that whoever imports these modules from now on gets them."""
        if self not in sys.meta_path:
            return
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _LateModule) and module.finder is self:
                del sys.modules[name]
                parent, _, child = name.rpartition(".")
                vars(sys.modules.get(parent, module)).pop(child, None)


@contextmanager
def late(*modules: str) -> Iterator[None]:
    """Let what is imported meanwhile import these modules only when it uses a name of theirs.

    Nothing waits where it is not `permitted`. Python 3.15 has such imports of its own (PEP 810).
    """
    if not _permitted:
        yield
        return
    finder = _Finder(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.withdraw()
