"""Settings come from three places, each checked, and nothing is guessed."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism import config
from organism.errors import ConfigError
from organism.rules import RULES, TAGS
from organism.settings import RiskSettings, Settings
from organism.written import keys

GOOD = """\
seed = 7

[market]
feed = "simulated"
symbols = ["BTC/USDT", "ETH/USDT"]
speed = 60

[risk]
max_gross_exposure = 0.9
halve_at_drawdown = 0.05

[supervision.hang_s]
motor = 3

[voice]
group_s = 30
channels = [
    { url = "tgram://123456:AAsecretTokenAA/42", tags = ["critical", "low"], name = "phone" },
    { url = "env:MAIL_URL", tags = ["high"] },
]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(GOOD)
    return path


def refusal(path, environ=None, overrides=None) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(path, environ or {}, overrides or {})
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 2
    return text


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "organism.toml"
    path.write_text(text)
    return path


@pytest.mark.requirement("S1-7.6")
@pytest.mark.requirement("S3-1.1.5")
@pytest.mark.requirement("S4-13.2")
def test_a_file_sets_symbols_risk_and_channels_and_each_setting_knows_its_line(file):
    loaded = config.load(file, {})

    assert loaded.settings.market.symbols == ("BTC/USDT", "ETH/USDT")
    assert loaded.settings.market.speed == 60.0
    assert type(loaded.settings.market.speed) is float
    assert loaded.settings.risk.max_gross_exposure == 0.9
    assert loaded.settings.supervision.hang_s == {"default": 2.0, "motor": 3.0}
    assert [c.name for c in loaded.settings.voice.channels] == ["phone", ""]
    assert loaded.sources["market.speed"] == f"file {file} line 6"
    assert loaded.sources["risk.max_gross_exposure"] == f"file {file} line 9"
    assert loaded.sources["seed"] == f"file {file} line 1"
    assert loaded.sources["supervision.hang_s"] == f"file {file} line 12"
    assert loaded.sources["brain.min_forecast"] == "default"


@pytest.mark.requirement("S3-1.1.6")
def test_environment_overrides_file_and_command_line_overrides_both(file):
    environ = {"ORGANISM_MARKET__SPEED": "120", "ORGANISM_RISK__MAX_GROSS_EXPOSURE": "0.8", "PATH": "/bin"}

    loaded = config.load(file, environ, {"market.speed": "240"})

    assert loaded.settings.market.speed == 240.0
    assert loaded.settings.risk.max_gross_exposure == 0.8
    assert loaded.sources["market.speed"] == "command line"
    assert loaded.sources["risk.max_gross_exposure"] == "environment ORGANISM_RISK__MAX_GROSS_EXPOSURE"


def test_every_type_can_be_written_in_the_environment():
    environ = {
        "ORGANISM_MODE": "paper",
        "ORGANISM_SEED": "3",
        "ORGANISM_MARKET__SYMBOLS": "BTC/USDT, SOL/USDT",
        "ORGANISM_PAPER__CAN_SHORT": "true",
        "ORGANISM_SUPERVISION__HANG_S": "{brain = 1.5}",
        "ORGANISM_VOICE__CHANNELS": '[{url = "env:X", tags = ["low"]}]',
        "ORGANISM_PARENT_FD": "9",
    }

    settings = config.load(None, environ).settings

    assert (settings.seed, settings.market.symbols, settings.paper.can_short) == (
        3,
        ("BTC/USDT", "SOL/USDT"),
        True,
    )
    assert settings.supervision.hang_s["brain"] == 1.5
    assert settings.voice.channels[0].tags == ("low",)


def test_without_a_path_the_current_folder_comes_before_the_state_folder(tmp_path, monkeypatch):
    state, here = tmp_path / "state", tmp_path / "here"
    state.mkdir()
    here.mkdir()
    (state / "organism.toml").write_text("seed = 11\n")
    monkeypatch.chdir(here)
    assert config.load(None, {}, state=state).settings.seed == 11

    (here / "organism.toml").write_text("seed = 12\n")
    assert config.load(None, {}, state=state).settings.seed == 12
    assert config.load(None, {}, {"seed": "13"}, state=state).settings.seed == 13


@pytest.mark.requirement("S3-1.1.7")
@pytest.mark.requirement("S4-11.3")
def test_a_misspelt_setting_is_refused_with_the_nearest_one(tmp_path):
    path = written(tmp_path, "[risk]\n\nmax_gros_exposure = 1.0\n")

    text = refusal(path)

    assert text.startswith(
        f"{path} line 3: [risk] has no setting 'max_gros_exposure'. Did you mean 'max_gross_exposure'? It knows: "
    )


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[riks]\nx = 1\n", "'riks'. Did you mean 'risk'?"),
        ("risk = 3\n", "'risk' must be a section, written [risk]"),
        ("sead = 3\n", "Did you mean 'seed'?"),
        ('"risk.max_positions" = 3\n', "no section or setting 'risk.max_positions'"),
        ("[market]\nspeed = -1\n", "line 2: [market] speed must be a number from 0 to 1e+09; was -1"),
        ("[market]\nspeed = nan\n", "was nan"),
        ("[market]\nspeed = inf\n", "was inf"),
        ("[market]\nspeed = true\n", "speed must be a number from 0 to 1e+09; was true"),
        ('[market]\nspeed = "fast"\n', "was 'fast'"),
        ("[market]\nwarmup_bars = 5.5\n", "a whole number"),
        ('[market]\nfeed = "binance"\n', "must be 'replay' or 'simulated'; was 'binance'"),
        ('[market]\nsymbols = ["BTC/USDT", "BTC/USDT"]\n', "a list of different symbols"),
        ("[market]\nsymbols = []\n", "a list of different symbols"),
        ('[market]\nsymbols = "BTC/USDT"\n', "a list of different symbols"),
        ("[market]\nsymbols = [1]\n", "a list of different symbols"),
        ("[paper]\ncan_short = 1\n", "must be true or false; was 1"),
        ("[risk]\nmax_daily_loss = 0\n", "above 0 and at most 1; was 0"),
        ("[risk]\nmax_daily_loss = 5\n", "above 0 and at most 1; was 5"),
        (f"[risk]\nmax_positions = {10**40}\n", "was a number of more than 30 digits"),
        (f"[risk]\nmax_gross_exposure = {10**40}\n", "was a number of more than 30 digits"),
        ("[risk]\nhalve_at_drawdown = 0.12\n", "must rise in this order; they were 0.12, 0.1 and 0.15"),
        ("[guardian]\nbeat_s = 2.0\n", "at least twice beat_s"),
        ("[supervision]\nbackoff_base_s = 9.0\n", "must not exceed backoff_cap_s"),
        ("[supervision.hang_s]\nmotr = 1.0\n", "Did you mean 'motor'?"),
        ("[supervision.hang_s]\nmotor = false\n", "was false"),
        ('[dashboard]\nhost = "0.0.0.0"\n', "must be a loopback address"),
        ("[dashboard]\nport = 70000\n", "was 70000"),
        ("[risk]\nprice_band = 2024-01-01\n", "was 2024-01-01"),
        ("[voice]\nchannels = 3\n", "channels"),
        ("[voice]\nchannels = [3]\n", "channel 1 must be written"),
        ('[voice]\nchannels = [{ url = "json://x", tag = ["low"] }]\n', "Did you mean 'tags'?"),
        ('[voice]\nchannels = [{ tags = ["low"] }]\n', "channel 1 must have a url"),
        ('[voice]\nchannels = [{ url = "json://x", tags = ["urgent"] }]\n', "was 'urgent'"),
        ('[voice]\nchannels = [{ url = "no address" }]\n', "must have a url like"),
        ('[voice]\nchannels = [{ url = "json://x", name="a" }, { url = "json://y", name="a" }]\n', "'a' was taken"),
        ("[market\n", "line 1: TOML was malformed"),
        ("[market]\nspeed = 1\nspeed = 2\n", "line 3: TOML was malformed"),
        ("[[[[[[\n", "TOML was malformed"),
        ("a = " + "[" * 20_000 + "\n", "TOML was malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path, toml, says):
    assert says in refusal(written(tmp_path, toml))


@pytest.mark.parametrize("number", ["9" * 5_000, "0x" + "f" * 5_000])
def test_a_number_too_long_to_read_is_refused(tmp_path, number):
    refusal(written(tmp_path, f"[risk]\nmax_positions = {number}\n"))


def test_the_file_itself_may_be_wrong(tmp_path):
    assert "there was none" in refusal(tmp_path / "nowhere.toml")
    assert "must be a regular file" in refusal(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(binary)
    huge = tmp_path / "huge.toml"
    huge.write_text("#" * 1_000_001)
    assert "under 1000000 bytes" in refusal(huge)


def test_the_environment_is_checked_as_strictly_as_a_file():
    assert "Did you mean 'max_gross_exposure'" in refusal(None, {"ORGANISM_RISK__MAX_GROSS_EXPOSUR": "1"})
    assert "ORGANISM_RISK__MAX_POSITIONS (two underscores)" in refusal(
        None, {"ORGANISM_RISK_MAX_POSITIONS": "1"}
    )
    assert refusal(None, {"ORGANISM_MARKET__SPEED": "fast"}).startswith(
        "environment ORGANISM_MARKET__SPEED: "
    )
    assert "was '1\\nseed = 3'" in refusal(None, {"ORGANISM_MARKET__SPEED": "1\nseed = 3"})
    assert refusal(None, {}, {"market.speeed": "1"}).startswith("command line: [market] has no setting")


@pytest.mark.requirement("S2-13.2")
def test_no_refusal_repeats_the_address_of_a_channel(tmp_path):
    token = "AAsecretTokenAA"
    bad = [
        f'[voice]\nchannels = ["tgram://{token}/1"]\n',
        f'[voice]\nchannels = "tgram://{token}/1"\n',
        f'[voice]\nchannels = [{{ url = ["tgram://{token}/1"] }}]\n',
        f'[voice]\nchannels = [{{ url = "{token}" }}]\n',
        f'[voice]\nchannels = [{{ url = "tgram://{token}/1", tags = ["nope"] }}]\n',
        f'[voice]\nchannels = [{{ url = "tgram://{token}/1, tags = ["low"] }}]\n',
    ]
    for toml in bad:
        assert token not in refusal(written(tmp_path, toml))
    assert token not in refusal(None, {"ORGANISM_VOICE__CHANNELS": f"tgram://{token}/1"})
    assert token not in refusal(None, {}, {"voice.channels": f"[tgram://{token}/1"})


def test_addresses_are_not_taken_from_the_command_line_where_everybody_can_read_them():
    text = refusal(None, {}, {"voice.channels": '[{url = "tgram://AAsecretTokenAA/1"}]'})
    assert "env:NAME" in text
    assert "AAsecretTokenAA" not in text
    assert (
        config.load(None, {}, {"voice.channels": '[{url = "env:X"}]'}).settings.voice.channels[0].url
        == "env:X"
    )


def test_addresses_of_channels_are_shown_masked_and_never_reach_other_processes(file):
    loaded = config.load(file, {})

    everything = [
        repr(loaded),
        str(config.explain(loaded)),
        repr(config.without_channels(loaded.settings).voice.channels[0].url),
    ]
    assert all("AAsecretTokenAA" not in text for text in everything)
    assert config.without_channels(loaded.settings).voice.channels[0].tags == ("critical", "low")


def test_live_names_every_limit_that_was_not_written_out(tmp_path):
    path = written(tmp_path, 'mode = "live"\n[risk]\nmax_gross_exposure = 1.0\n')

    text = refusal(path)

    missing = set(re.findall(r"\w+", text.partition("did not write out:")[2]))
    assert missing >= set(RiskSettings.__struct_fields__) - {"max_gross_exposure"}
    assert "max_gross_exposure" not in missing


def test_live_is_not_armed_even_with_every_limit_written_out(tmp_path):
    limits = "\n".join(f"{name} = {getattr(RiskSettings(), name)}" for name in RiskSettings.__struct_fields__)
    assert "cannot be armed in this version" in refusal(
        written(tmp_path, f'mode = "live"\n[risk]\n{limits}\n')
    )


def test_every_setting_is_documented_and_has_a_rule_that_its_default_obeys():
    documented = config.documented()
    for key in keys():
        assert documented.get(key), f"{key} has no line in its section's docstring"
        value = config._value(Settings(), key)
        assert RULES[key].holds(value), f"the default of {key} breaks its own rule"
    assert set(RULES) == set(keys())
    assert set(documented) == set(keys())


def test_explain_tells_value_source_and_meaning(file):
    explained = {e.key: e for e in config.explain(config.load(file, {"ORGANISM_SEED": "9"}))}

    assert explained["seed"] == ("seed", "9", "environment ORGANISM_SEED", "drives everything random")
    assert explained["risk.price_band"].doc == "largest |price / reference − 1| of an order"
    assert explained["paper.taker_fee"].doc == "fractions of notional"
    assert explained["voice.channels"].value == "phone [critical, low]; env:MAIL_URL [high]"


def test_the_hash_names_what_shapes_decisions_and_nothing_secret(file):
    base = config.load(file, {}).hash
    assert base == config.load(file, {}).hash
    assert base != config.load(file, {}, {"risk.price_band": "0.04"}).hash
    file.write_text(GOOD.replace("AAsecretTokenAA", "BBanotherOneBB"))
    assert base == config.load(file, {}).hash


def test_two_hundred_mutants_of_a_good_file_are_read_or_refused_cleanly(tmp_path):
    choose = random.Random(20240906)
    refusals = []
    for n in range(200):
        text = list(GOOD)
        for _ in range(choose.randint(1, 4)):
            at = choose.randrange(len(text))
            kind = choose.randrange(3)
            if kind == 0:
                del text[at : at + choose.randint(1, 8)]
            elif kind == 1:
                text[at] = chr(choose.choice([0, 9, 10, 34, 39, 45, 46, 61, 91, 93, 123, 0x2028, 0x1F600]))
            else:
                text[at:at] = choose.choice(
                    ["nan", "-1", "[x]", "\n[risk]\n", '"', "1e999", "true", "\x1b[2J", "{}"]
                )
        path = tmp_path / f"{n}.toml"
        path.write_text("".join(text), encoding="utf-8")
        try:
            config.load(path, {})
        except ConfigError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert not [text for text in refusals if "\n" in text or "AAsecretTokenAA" in text]


@given(st.sampled_from(sorted(keys())), st.text(max_size=20))
def test_any_text_for_any_setting_is_read_or_refused_cleanly(key, text):
    try:
        loaded = config.load(None, {}, {key: text})
    except ConfigError:
        return
    assert RULES[key].holds(config._value(loaded.settings, key))


def test_the_tags_of_the_rules_are_the_tags_of_the_settings_page():
    for tag in TAGS:
        assert tag in config.documented()["voice.channels"]
