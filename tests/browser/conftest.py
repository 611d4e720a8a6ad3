"""Browser tests need a browser: where they run, its absence is a failure that says what to install."""

import shutil

import pytest


@pytest.fixture(scope="session", autouse=True)
def _a_browser():
    assert shutil.which("chromium"), (
        "CI=true runs the browser tests, and chromium is not installed (Debian: `apt install chromium`)"
    )
