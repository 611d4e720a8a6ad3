"""The sentence in the first HTML: there before any script has run, only where it answers what was asked, and always text."""

import re

import pytest

from dashboard.condition import Condition, Judged
from dashboard.early import MARK, ask, put_in, written
from dashboard.glimpse import Glimpse
from dashboard.window import Seen, Window

LEAD = re.compile(r'<span id="early-lead" class="lead">([^<]*)</span>')


def test_the_document_of_vitals_begins_with_the_sentence_of_its_page(home):
    document = home.browser.get("/").text
    found = home.browser.get("/api/page/vitals").json["pieces"]
    assert LEAD.search(document)[1] == found["vitals-sentence"][1]["lead"]
    assert f'<span id="early-score" class="score">{found["health"][1]["score"]}</span>' in document
    assert document.index("early-lead") < document.index("react-entry-point")
    assert MARK not in document


@pytest.mark.parametrize("address", ["/trading", "/?at=1709650000000", "/?range=1d", "/alerts"])
def test_what_asks_something_else_has_none(home, address):
    document = home.browser.get(address).text
    assert "react-entry-point" in document
    assert "early" not in document


def test_where_no_body_ever_lived_it_says_how_to_start_one(tmp_path):
    ask({"path": "/", "query_string": b""})
    document = put_in(f"<body>{MARK}</body>", Window(tmp_path, guarded=False))
    assert LEAD.search(document)[1] == "Not started yet."
    assert "<code>./run start</code>" in document


def test_hostile_words_stay_text_and_are_no_part_of_the_document():
    hostile = '<script>alert(1)</script>"{%scripts%}`<b>`'
    glimpse = Glimpse(trouble=hostile)
    seen = Seen(glimpse=glimpse, judged=Judged(condition=Condition.UNREADABLE), now_ns=0)
    found = written(seen, guarded=False)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found
    assert "<script" not in found
    assert "<code>&lt;b&gt;</code>" in found
    assert "{%scripts%}" in found


def test_what_is_fetched_beforehand_is_there(home):
    wanted = re.findall(r'<link rel="preload"[^>]* href="([^"]+)"', home.browser.get("/").text)
    assert len(wanted) == 1
    assert home.browser.get(wanted[0]).status == 200
