"""Pytest plugin for `./run test --requirements`: which rows of the requirements table have a test."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    proven: dict[str, list[str]] = {}
    for item in items:
        for mark in item.iter_markers("requirement"):
            for row in mark.args:
                proven.setdefault(row, []).append(item.nodeid)
    for row, tests in sorted(proven.items()):
        print(f"{row:12} {len(tests):3} test(s), e.g. {tests[0]}")
    print(f"{len(proven)} requirement rows are proven by at least one test.")
    items.clear()
