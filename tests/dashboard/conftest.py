"""A dashboard over a fake body, in memory but for its state folder."""

from types import SimpleNamespace

import pytest

from dashboard.access import Access
from dashboard.app import build
from dashboard.window import Window
from tests.dashboard.asking import Browser
from tests.dashboard.living import FakeBody


@pytest.fixture
def home(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=80)
    access = Access(tmp_path / "dashboard.secret")
    app = build(Window(tmp_path, guarded=False), access)
    yield SimpleNamespace(state=tmp_path, body=body, access=access, app=app, browser=Browser(app))
    body.close()
