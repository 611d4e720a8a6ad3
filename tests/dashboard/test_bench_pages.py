"""The measurement of the pages itself: everybody asks for every page, what fails is counted, what is missing is named."""

import shutil
from urllib.parse import urlsplit

import pytest

from dashboard.api.document import ENDPOINTS
from dashboard.pages.names import NAMED
from organism.cli.benches import face_browser, face_pages
from organism.errors import BadInput
from organism.journal.reader import newest
from organs.motor.paper.book import PaperTruth
from tests.dashboard.living import FakeBody
from tests.dashboard.serving import serving


@pytest.fixture
def port(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=40)
    with serving(tmp_path) as served:
        yield urlsplit(served.url).port
    body.close()


def test_what_is_asked_is_every_page_and_every_figure_there_is():
    assert set(face_pages.PAGES) == set(face_browser.PAGES) == {page.name for page in NAMED}
    told = {one.path.removeprefix("/api/") for one in ENDPOINTS if one.scope == "read" and not one.body}
    assert set(face_pages.FIGURES) == told - {"openapi.json"}


@pytest.mark.slow
def test_every_viewer_opens_every_page_and_a_second_look_brings_less(port, monkeypatch):
    monkeypatch.setattr(face_pages, "EACH_S", 0.02)
    found = face_pages.callbacks(port, stay_s=0.04, n_viewers=3)
    assert found["failed"] == 0
    assert {row["page"]: row["n"] for row in found["pages"]} == dict.fromkeys(face_pages.PAGES, 6)
    assert 0.0 < found["all"]["p50_ms"] <= found["all"]["p95_ms"] <= found["all"]["max_ms"]
    viewer = face_pages.Viewer(port)
    viewer.look("settings")
    again = viewer.ask(f"/api/page/settings?have={','.join(f'{n}:{m}' for n, m in viewer._have.items())}")[1]
    assert len(again) < len(viewer.ask("/api/page/settings")[1]) / 2
    assert face_pages._a_chain(viewer).startswith("?id=")  # the chain that is measured is one that is there
    assert {row["n"] for row in face_pages.figures(port, 2)["paths"]} == {2}
    viewer.close()


def test_what_is_not_answered_is_counted_and_told(monkeypatch):
    monkeypatch.setattr(face_pages, "EACH_S", 0.001)
    found = face_pages.callbacks(1, stay_s=0.001, n_viewers=2)
    assert found["all"]["n"] == 0
    assert found["failed"] == 2 * len(face_pages.PAGES)
    assert "was not answered" in found["first_failure"]


def test_a_journal_is_left_with_a_venue_that_holds_what_it_says(tmp_path):
    rows = face_pages.settled(tmp_path, 3_000)
    assert 3_000 <= rows == newest(tmp_path)
    truth = PaperTruth.read(tmp_path / "paper_venue.db")
    assert truth.fills
    assert truth.executed()


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_a_strange_length_is_refused_before_anything_is_lived(minutes):
    with pytest.raises(BadInput, match="--minutes was"):
        face_pages.bench(quick=True, minutes=minutes, tell=lambda _: None)


def test_a_browser_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "apt install chromium" in face_browser.bench(1, tmp_path, 1)["skipped"]


def test_growth_is_the_slope_and_few_samples_tell_nothing():
    assert face_pages.slope([(0.0, 100.0), (1.0, 102.0), (2.0, 104.0)]) == 2.0
    assert face_pages.slope([(0.0, 100.0), (1.0, 102.0)]) is None
    assert face_browser.spread([3.0, None, 1.0]) == {
        "n": 2,
        "never": 1,
        "p50_ms": 2.0,
        "p95_ms": 3.0,
        "max_ms": 3.0,
    }
