"""Nothing is bred in the background on prices of another instrument: neither on what a body lives through nor on its past."""

import threading

import pytest
from msgspec.structs import replace

from genome.background.lived import History, JournalOfBars, refusal
from genome.background.told import FOLDER, heard
from organism.body.aside import Life
from organism.body.breeder import breed
from organism.config import settings_hash
from organism.kept import keep
from organism.settings import EvolutionSettings, MarketSettings, Settings
from organism.view.evolution import evolution_of
from tests.body.waiting import until
from tests.genome.background.lives import Past, instant

REAL = MarketSettings(lake="/lake", lake_venue="binance", symbols=("BTC/USDT",))
STRANGE = replace(REAL, lake_venue="proxy:binance")


@pytest.mark.parametrize("market", [MarketSettings(), REAL, replace(STRANGE, lake="")])
def test_what_is_not_read_from_a_proxy_may_be_bred_on(market):
    assert refusal(market) == ""


def test_a_breeder_beside_a_body_that_lives_through_a_proxy_breeds_nothing_and_says_why(tmp_path):
    settings = Settings(market=STRANGE, evolution=EvolutionSettings(after_s=0.0))
    life, ended = Life(900.0), []
    working = threading.Thread(target=lambda: ended.append(breed(tmp_path, settings, life)))
    working.start()
    try:
        told = until(lambda: heard(tmp_path / FOLDER), "the breeder says something")
    finally:
        life.stopping.set()
        working.join(30.0)
    assert ended == [0]
    assert told.phase == "refused"
    shown = evolution_of({"breeding": {"phase": told.phase, "detail": told.detail, "silent_s": 9e9}})
    assert shown["sentence"] == (
        "Nothing is bred: the prices of proxy:binance BTC/USDT are another instrument's."
    )


def test_what_an_earlier_start_lived_through_on_a_proxy_is_no_history_to_breed_on(tmp_path):
    nth = 0
    for market, n in ((STRANGE, 40), (REAL, 20)):
        settings = Settings(market=market)
        keep(tmp_path, settings, settings_hash(settings))
        past = Past(tmp_path, settings_hash(settings))
        past.live(instant(k, session=1 if market is STRANGE else 2) for k in range(nth, nth + n))
        past.close()
        nth += n
    reading, history = JournalOfBars(tmp_path), History(1_000)
    assert reading.more(history, lambda: None) == 20
    assert (history.longest.session, history.longest.bars) == (2, 20)
