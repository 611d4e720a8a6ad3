"""Which test runs which line, how long it takes, and which branches nobody takes."""

import time

import coverage
import pytest


class Covering:
    """A pytest plugin: each test is a context of the measurement."""

    def __init__(self, measured):
        self.measured = measured
        self.seconds = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.measured.switch_context(item.nodeid)
        started = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - started
        self.measured.switch_context("")
        return result


def cover(modules, arguments):
    """Run the tests once. Per module: lines → tests, and what its branches lack; per test its seconds; pytest's code.

    modules     paths relative to the repository
    arguments   for pytest
    """
    measured = coverage.Coverage(
        branch=True, include=[str(m) for m in modules], data_file=None, config_file=False
    )
    covering = Covering(measured)
    measured.start()
    code = pytest.main([*arguments], plugins=[covering])
    measured.stop()
    data = measured.get_data()
    lines, missing = {}, {}
    for module in modules:
        found = data.contexts_by_lineno(str(module.resolve()))
        lines[str(module)] = {line: sorted(filter(None, tests)) for line, tests in found.items()}
        missing[str(module)] = _missing(measured, module)
    return {"code": int(code), "lines": lines, "missing": missing, "seconds": covering.seconds}


def _missing(measured, module):
    """(branches and statements, those missing, where) of one module."""
    analysis = measured._analyze(str(module.resolve()))
    numbers = analysis.numbers
    n = numbers.n_statements + numbers.n_branches
    return n, numbers.n_missing + numbers.n_missing_branches, analysis.missing_formatted(branches=True)
