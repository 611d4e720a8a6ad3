"""How kernels are compiled: lazily, cached on disk, without the lock of the interpreter, never fast-math.

numba's cache looks at the file of the function alone. A kernel that calls a part of another file would live on with the
old part after that file has changed, say after `git pull`. So the stamp of every cache here is a digest of all the
sources that kernels are made of.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types

F = TypeVar("F", bound=Callable[..., Any])
_HERE = Path(__file__).resolve().parent
_FOLDERS = ("breeding", "indicators", "learned", "programs", "simulator")
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


@cache
def stamp() -> str:
    """Digest of the sources of all kernels."""
    digest = hashlib.sha256()
    sources = [path for folder in _FOLDERS for path in sorted((_HERE / folder).glob("*.py"))]
    for path in (Path(__file__), _HERE / "vocabulary.py", *sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _made(function: Any, **options: Any) -> Any:
    dispatcher: Any = njit(**_OPTIONS, **options)(function)
    # The one place that touches numba's inside: 0.68 keeps the stamp here, and compares it for equality only.
    kept = dispatcher._cache._cache_file  # noqa: SLF001
    kept._source_stamp = (kept._source_stamp, stamp())  # noqa: SLF001
    # numba compiles a function once more for each constant that it is called with; folding them is left to LLVM.
    template, unliteral = dispatcher.get_call_template, cast("Any", types.unliteral)
    dispatcher.get_call_template = lambda args, kws: template(tuple(unliteral(a) for a in args), kws)
    return dispatcher


def kernel(function: F) -> F:
    """Compile on first use; callable from Python and from other kernels."""
    return cast("F", _made(function))


def step(function: F) -> F:
    """A part of kernels: only they call it."""
    return cast("F", _made(function, no_cpython_wrapper=True))


# The simulator calls small parts for every event, with a dozen arrays each. Numba counts a reference for each of them
# at each call, atomically: a quarter of the time of one thread, and two threads wait for each other. What is lean counts
# none: it can make no array, and whoever calls it keeps alive what it passes.


def lean(function: F) -> F:
    """A kernel that makes no array and counts no references."""
    return cast("F", _made(function, _nrt=False))


def lean_step(function: F) -> F:
    """A part of kernels that makes no array and counts no references."""
    return cast("F", _made(function, no_cpython_wrapper=True, _nrt=False))


def inlined(function: F) -> F:
    """A lean part that LLVM copies to where it is called: a call costs more than what it does."""
    return cast("F", _made(function, no_cpython_wrapper=True, forceinline=True, _nrt=False))
