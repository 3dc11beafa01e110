"""One BLAS thread for many small operations, on which several threads lose time waiting for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

Given, Result = ParamSpec("Given"), TypeVar("Result")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread, and give it back its threads after.

    Sparse factors and matrices of a few hundred rows make very many small BLAS calls: two threads slow them down up to
    fifty times on a busy machine. One thread also keeps results from depending on the number of cores.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


def single_threaded(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run a function with one BLAS thread."""

    @wraps(function)
    def run(*args: Given.args, **settings: Given.kwargs) -> Result:
        with one_thread():
            return function(*args, **settings)

    return run
