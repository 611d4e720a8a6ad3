"""The report in a real browser: it draws, asks nobody for anything, zooms, and fits a phone."""

import shutil
from contextlib import contextmanager

import pytest

from genome.reporting import write
from tests.genome.test_report import told

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
TIME_CHARTS = ("equity", "drawdown", "price", "rolling")


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(path, told())
    return path.as_uri()


@contextmanager
def opened(chromium, address, width=1280, scheme="light", **more):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    page = context.new_page()
    complaints, asked = [], []
    page.on("console", lambda said: said.type in {"error", "warning"} and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url not in {address, "data:,"} and asked.append(request.url))
    try:
        page.goto(address)
        yield page
        assert complaints == []
        assert asked == []
    finally:
        context.close()


@pytest.mark.requirement("S3-3.1.3")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_chart_is_drawn_and_nothing_runs_off_the_page(chromium, address, width, scheme):
    with opened(chromium, address, width, scheme) as page:
        page.wait_for_selector('html[data-ready="1"]')
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in TIME_CHARTS:
            box = page.evaluate(
                f"(() => {{ const b = document.querySelector('#{name} path.line').getBoundingClientRect();"
                " return [b.width, b.height]; })()"
            )
            assert box[0] > 0.3 * width, name
            assert box[1] > 40, name
        assert page.locator("#clock rect").count() == 24
        assert page.locator("#price .lin .dot").count() == 4
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(250, 250, 247)" if scheme == "light" else "rgb(15, 21, 25)")


def test_without_scripts_the_charts_are_whole(chromium, address):
    with opened(chromium, address, java_script_enabled=False) as page:
        assert page.locator("#equity svg path.line").count() == 4  # two lines on two scales
        assert page.locator("#equity .ys.lin span").count() >= 3
        assert page.locator("#equity .xs span").count() >= 3


@pytest.mark.requirement("S3-3.1.5")
def test_a_crosshair_reads_all_charts_at_one_time(chromium, address):
    with opened(chromium, address) as page:
        box = page.locator("#equity .plot").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        read = {page.inner_text(f"#{name} .now")[:10] for name in TIME_CHARTS}
        assert len(read) == 1
        assert read.pop().startswith("2024-03-1")
        page.mouse.move(5, 5)
        assert page.inner_text("#equity .now") == ""


def test_dragging_zooms_all_charts_and_a_double_click_shows_the_whole(chromium, address):
    with opened(chromium, address) as page:
        views = "[...document.querySelectorAll('figure.time svg')].map(s => s.getAttribute('viewBox').split(' ')[2])"
        whole = page.evaluate(views)
        box = page.locator("#equity .plot").bounding_box()
        page.mouse.move(box["x"] + 200, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 400, box["y"] + 60, steps=4)
        page.mouse.up()
        zoomed = {round(float(v)) for v in page.evaluate(views)}
        assert len(zoomed) == 1
        assert zoomed.pop() == pytest.approx(50_000 * 200 / box["width"], rel=0.02)
        assert page.locator("#equity .ys.lin b").count() >= 3
        page.mouse.dblclick(box["x"] + 300, box["y"] + 50)
        assert page.evaluate(views) == whole


def test_the_log_scale_is_another_drawing_of_the_same(chromium, address):
    with opened(chromium, address) as page:
        assert page.locator("#equity g.lin").is_visible()
        page.check("#equity-log")
        assert not page.locator("#equity g.lin").is_visible()
        assert page.locator("#equity g.log").is_visible()
        shown = "getComputedStyle(document.querySelector('#equity .ys.{}')).display"
        assert page.evaluate(shown.format("log")) != "none"
        assert page.evaluate(shown.format("lin")) == "none"
