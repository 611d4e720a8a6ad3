"""Whether what this project stands on is there, in a version it was written for, and the thing itself.

Standard library only, and nothing is imported to be looked at: it must be able to say that anything else is missing.
"""

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

# distribution → module, where they differ from each other
MODULES = {
    "pykka": "pykka", "numpy": "numpy", "pandas": "pandas", "ccxt": "ccxt", "websockets": "websockets",
    "scikit-learn": "sklearn", "sqlite-utils": "sqlite_utils", "dash": "dash", "apprise": "apprise",
    "psutil": "psutil", "msgspec": "msgspec", "fastapi": "fastapi", "uvicorn": "uvicorn", "numba": "numba",
    "duckdb": "duckdb", "scipy": "scipy", "argon2-cffi": "argon2", "prometheus-client": "prometheus_client",
    "structlog": "structlog", "rich": "rich",
}  # fmt: skip
_REQUIRES = re.compile(r"([A-Za-z0-9._-]+)\s*\(?([^;)]*)\)?\s*(;.*)?")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*(\d+(?:\.\d+)*)")


class Package(NamedTuple):
    """One package. version is "" when it is not installed; trouble is "" when nothing is wrong."""

    distribution: str
    version: str
    trouble: str


def looked_at() -> list[Package]:
    """Every package that is needed at run time."""
    wanted = _wanted()
    return [_looked_at(name, module, wanted.get(name, "")) for name, module in MODULES.items()]


def sentence(packages: list[Package]) -> str:
    """What is wrong, and what to do about it; "" when nothing is."""
    wrong = [package.trouble for package in packages if package.trouble]
    if not wrong:
        return ""
    return f"What this organism needs is not all there: {'; '.join(wrong)}. Remove .venv and run ./run again."


def fits(version: str, bounds: str) -> bool:
    """Whether a version lies within bounds such as ">=2.3,<2.5"; only the numbers of a release count.

    >>> fits("2.4.1", ">=2.3,<2.5"), fits("2.5.0rc1", ">=2.3,<2.5"), fits("3", "")
    (True, False, True)
    """
    number = re.match(r"\d+(?:\.\d+)*", version)
    if number is None:
        return False
    for sign, bound in _BOUND.findall(bounds):
        one, other = _aligned(number[0], bound)
        holds = {
            ">=": one >= other, "<=": one <= other, "==": one == other, "!=": one != other, "<": one < other,
            ">": one > other,
        }  # fmt: skip
        if not holds[sign]:
            return False
    return True


def _aligned(one: str, other: str) -> tuple[list[int], list[int]]:
    numbers = [[int(part) for part in text.split(".")] for text in (one, other)]
    width = max(map(len, numbers))
    first, second = ([*found, *[0] * (width - len(found))] for found in numbers)
    return first, second


def _wanted() -> dict[str, str]:
    """Distribution → bounds, as this project was installed with; empty when it runs from a mere checkout."""
    try:
        requires = importlib.metadata.requires("organism") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    matches = (_REQUIRES.fullmatch(text.strip()) for text in requires)
    return {match[1]: match[2].strip() for match in matches if match is not None and not match[3]}


def _looked_at(name: str, module: str, bounds: str) -> Package:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return Package(name, "", f"{name} is not installed")
    version = distribution.version
    if not fits(version, bounds):
        return Package(name, version, f"{name} is {version}, but {bounds} is needed")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Package(name, version, f"{name} {version} is installed, but its module {module} is gone")
    home = Path(str(distribution.locate_file(""))).resolve()
    origin = spec.origin
    if origin is None or not Path(origin).resolve().is_relative_to(home):
        place = origin or "a folder without code"
        return Package(
            name, version, f"{module} would be taken from {place} instead of {home}: rename that file"
        )
    return Package(name, version, "")
