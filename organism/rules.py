"""What each setting may be: one rule a setting, in words and in code, and the rules between settings."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from organism.settings import Channel, DashboardSettings, EvolutionSettings, Settings

ORGANS = ("nervous", "brain", "metabolism", "immune", "motor", "reproduction", "voice")
MOST_SYMBOLS = 1_000
MOST_CHANNELS = 50
MOST_NAMES = 20
MOST_FALLBACKS = 10
_FEWEST_OF_ISLAND = 4
_LONGEST_PATH = 4_096
_LATEST_S = 7_258_118_400  # 2200-01-01
TAGS = ("critical", "high", "low", "all")
LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}|localhost|::1")
_SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(?::[A-Z0-9]{1,20})?")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63}){0,8}")
_VENUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ENDPOINT = re.compile(r"http://(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}")
_SOURCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|[A-Za-z][A-Za-z0-9+.-]*://.+", re.DOTALL)


class Rule(NamedTuple):
    """`words` completes "must be …"; `holds` decides. NaN never holds."""

    words: str
    holds: Callable[[Any], bool]


def _between(low: float, high: float, *, above: bool = False) -> Rule:
    """From `low` (or above it) to `high`."""
    words = f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"

    def holds(value: float) -> bool:
        return (low < value if above else low <= value) and value <= high

    return Rule(words, holds)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return value == "localhost"
    return True


def _one_of(*words: str) -> Rule:
    return Rule(" or ".join(repr(w) for w in words), lambda value: value in words)


_ANY = Rule("true or false", lambda value: isinstance(value, bool))
_PATH = Rule("a file, or empty", lambda value: len(value) < _LONGEST_PATH and value.isprintable())
_FRACTION = _between(0, 1, above=True)
_MULTIPLE = _between(0, 100, above=True)
_BPS = _between(0, 1_000)
_SECONDS = _between(0, 86_400, above=True)
_HOURS = _between(0, 8_760, above=True)
_COUNT = _between(1, 1_000_000)
_POINTS = _between(0, 100)
_SEED = _between(0, 2**53)
_SECRETS_PLACE = Rule(
    "env:NAME or file:PATH, or empty",
    lambda value: not value or bool(re.fullmatch(r"(?:env|file):\S.{0,999}", value)),
)

RULES: Mapping[str, Rule] = {
    "mode": _one_of("paper", "live"),
    "seed": _SEED,
    "market.feed": _one_of("replay", "simulated"),
    "market.symbols": Rule(
        "a list of different symbols written like 'BTC/USDT'",
        lambda value: 0 < len(value) == len(set(value)) <= MOST_SYMBOLS and all(map(_SYMBOL.fullmatch, value)),
    ),
    "market.speed": _between(0, 1e9),
    "market.warmup_bars": _between(0, 1_000_000),
    "market.bar_s": _between(1, 604_800),
    "market.seed": _SEED,
    "market.closing_bars": _COUNT,
    "market.stall_s": _SECONDS,
    "market.start_bar": _between(0, 1e9),
    "market.max_bars": _between(0, 1e9),
    "market.lake": Rule("a folder, or empty", lambda value: len(value) < _LONGEST_PATH and value.isprintable()),
    # A proxy is none: what a body lives through is bred on, and nobody is there to insist.
    "market.lake_venue": Rule(
        "a name like 'binance', and no proxy, whose prices are another instrument's",
        lambda value: bool(_VENUE.fullmatch(value)),
    ),
    "market.lake_start_s": _between(0, _LATEST_S),
    "market.lake_end_s": _between(0, _LATEST_S),
    "paper.starting_cash": _between(0, 1e12, above=True),
    "paper.spread_bps": _BPS,
    "paper.slippage_bps": _BPS,
    "paper.latency_s": _between(0, 3_600),
    "paper.volume_share": _FRACTION,
    "paper.maker_fee": _between(0, 0.1),
    "paper.taker_fee": _between(0, 0.1),
    "paper.profile": _one_of("realistic", "ideal"),
    "paper.can_short": _ANY,
    "paper.separate_process": _ANY,
    "paper.reject_rate": _between(0, 1),
    "risk.max_order_notional": _between(0, 1e12, above=True),
    "risk.max_asset_exposure": _MULTIPLE,
    "risk.max_gross_exposure": _MULTIPLE,
    "risk.max_net_exposure": _MULTIPLE,
    "risk.price_band": _FRACTION,
    "risk.max_orders_per_minute": _COUNT,
    "risk.max_positions": _COUNT,
    "risk.max_daily_loss": _FRACTION,
    "risk.halve_at_drawdown": _FRACTION,
    "risk.no_entries_at_drawdown": _FRACTION,
    "risk.halt_at_drawdown": _FRACTION,
    "risk.max_consecutive_losses": _COUNT,
    "risk.cool_down_h": _HOURS,
    "risk.hibernation_h": _HOURS,
    "risk.hibernate_below_health": _POINTS,
    "risk.protective_stop": _between(0, 0.99, above=True),
    "sizing.method": _one_of("volatility", "fixed_fraction"),
    "sizing.fraction": _MULTIPLE,
    "sizing.volatility_target": _MULTIPLE,
    "sizing.max_exposure": _MULTIPLE,
    "sizing.rebalance_band": _between(0, 1),
    "brain.min_forecast": _between(0, 1),
    "brain.no_trade_band": _between(0, 2),
    "brain.cost_multiple": _between(0, 1_000),
    "brain.horizon_bars": _COUNT,
    "brain.trend_bars": _between(2, 1_000_000),
    "brain.volatility_bars": _between(2, 1_000_000),
    "brain.deadline_s": _SECONDS,
    "journal.segment_mb": _between(1, 100_000),
    "journal.keep_segments": _COUNT,
    "journal.snapshot_steps": _COUNT,
    "journal.snapshot_s": _SECONDS,
    "journal.durability": _one_of("full", "off"),
    "supervision.hang_s": Rule(
        "seconds above 0 and at most 3600, by organ, and for 'default'",
        lambda value: "default" in value and all(_between(0, 3_600, above=True).holds(v) for v in value.values()),
    ),
    "supervision.child_restarts": _between(0, 1_000),
    "supervision.child_within_s": _SECONDS,
    "supervision.tree_restarts": _between(0, 1_000),
    "supervision.tree_within_s": _SECONDS,
    "supervision.backoff_base_s": _between(0, 3_600),
    "supervision.backoff_cap_s": _between(0, 3_600),
    "supervision.mailbox": _between(10, 1_000_000),
    "supervision.max_retired": _between(0, 1_000),
    "guardian.beat_s": _between(0.01, 60),
    "guardian.silence_s": _between(0.05, 3_600),
    "guardian.venue_silence_s": _between(3.0, 3_600),
    "guardian.service_silence_s": _between(2.0, 3_600),
    "guardian.grace_s": _between(0.05, 3_600),
    "guardian.restarts": _between(0, 1_000),
    "guardian.within_s": _SECONDS,
    "guardian.safe_restarts": _between(0, 1_000),
    "guardian.stop_s": _between(0.1, 600),
    "history.primary": Rule(
        "a venue written in small letters, as in 'binance'", lambda value: bool(_VENUE.fullmatch(value))
    ),
    "history.fallbacks": Rule(
        f"a list of at most {MOST_FALLBACKS} different venues written in small letters, as in 'binance'",
        lambda value: len(set(value)) == len(value) <= MOST_FALLBACKS and all(map(_VENUE.fullmatch, value)),
    ),
    "history.endpoint": Rule(
        "empty, or a server on this machine written like 'http://127.0.0.1:8000'",
        lambda value: not value or bool(_ENDPOINT.fullmatch(value)),
    ),
    "context.fear_greed": _ANY,
    "context.funding": _ANY,
    "context.funding_venue": Rule(
        "a venue written in small letters, as in 'binance-usdm'", lambda value: bool(_VENUE.fullmatch(value))
    ),
    "context.every_s": _between(1, 86_400),
    "evolution.enabled": _ANY,
    "evolution.cpu_share": _between(0.01, 1),
    "evolution.after_s": _between(0, 86_400),
    "evolution.population": _between(8, 10_000),
    "evolution.generations": _between(1, 1_000),
    "evolution.islands": _between(1, 100),
    "evolution.min_bars": _between(100, 1_000_000),
    "evolution.most_bars": _between(100, 1_000_000),
    "evolution.growth": _between(0.01, 100),
    "evolution.min_trades": _between(0, 1_000_000),
    "evolution.memory_mb": _between(500, 1_000_000),
    "dashboard.enabled": _ANY,
    "dashboard.host": Rule("an IP address or localhost", _is_address),
    "dashboard.port": _between(1, 65_535),
    "dashboard.public": _ANY,
    "dashboard.tls_cert": _PATH,
    "dashboard.tls_key": _PATH,
    "dashboard.names": Rule(
        f"a list of at most {MOST_NAMES} host names",
        lambda value: len(value) <= MOST_NAMES and all(_HOST.fullmatch(name) for name in value),
    ),
    "dashboard.read_login": _ANY,
    "logs.sentry": _SECRETS_PLACE,
    "logs.otlp": _SECRETS_PLACE,
    "logs.otlp_headers": _SECRETS_PLACE,
    "voice.channels": Rule(f"a list of at most {MOST_CHANNELS} channels", lambda value: len(value) <= MOST_CHANNELS),
    "voice.health_below": _POINTS,
    "voice.drawdown_above": _FRACTION,
    "voice.profit_above": _MULTIPLE,
    "voice.milestone": _between(0, 1e12, above=True),
    "voice.group_s": _between(0, 86_400),
    "voice.per_minute": _between(1, 10_000),
    "voice.total_deadline_s": _between(0, 600, above=True),
    "voice.attempts": _between(1, 100),
    "voice.daily_summary": _ANY,
}  # fmt: skip


class Breach(NamedTuple):
    """A rule between settings that does not hold: which setting to point at, and the sentence."""

    key: str
    sentence: str


def between(settings: Settings) -> Breach | None:
    """The first rule between settings that does not hold."""
    risk, guardian, supervision = settings.risk, settings.guardian, settings.supervision
    ladder = (risk.halve_at_drawdown, risk.no_entries_at_drawdown, risk.halt_at_drawdown)
    if not ladder[0] < ladder[1] < ladder[2]:
        return Breach(
            "risk.halt_at_drawdown",
            "[risk] halve_at_drawdown, no_entries_at_drawdown and halt_at_drawdown must rise in this order; "
            f"they were {ladder[0]:g}, {ladder[1]:g} and {ladder[2]:g}.",
        )
    if not guardian.silence_s >= 2 * guardian.beat_s:
        return Breach(
            "guardian.silence_s",
            "[guardian] silence_s must be at least twice beat_s, or a healthy body is killed; "
            f"they were {guardian.silence_s:g} and {guardian.beat_s:g}.",
        )
    if not supervision.backoff_base_s <= supervision.backoff_cap_s:
        return Breach(
            "supervision.backoff_cap_s",
            "[supervision] backoff_base_s must not exceed backoff_cap_s; "
            f"they were {supervision.backoff_base_s:g} and {supervision.backoff_cap_s:g}.",
        )
    return _breeding(settings.evolution) or _page(settings.dashboard) or _channels(settings.voice.channels)


def _page(page: DashboardSettings) -> Breach | None:
    """What others can reach is encrypted, and somebody said that they may."""
    if bool(page.tls_cert) != bool(page.tls_key):
        return Breach(
            "dashboard.tls_key",
            "[dashboard] tls_cert and tls_key go together; "
            f"they were {page.tls_cert or 'empty'!r} and {page.tls_key or 'empty'!r}.",
        )
    if not LOOPBACK.fullmatch(page.host) and not (page.public and page.tls_cert):
        return Breach(
            "dashboard.host",
            "[dashboard] host must be a loopback address (127.0.0.1, ::1 or localhost), unless public = true says that others "
            f"may reach the page and tls_cert and tls_key encrypt what they are told; was {page.host!r}.",
        )
    return None


def _breeding(evolution: EvolutionSettings) -> Breach | None:
    if evolution.population < _FEWEST_OF_ISLAND * evolution.islands:
        return Breach(
            "evolution.population",
            f"[evolution] population must be at least {_FEWEST_OF_ISLAND} for each of its islands; "
            f"they were {evolution.population} and {evolution.islands}.",
        )
    if evolution.min_bars > evolution.most_bars:
        return Breach(
            "evolution.most_bars",
            f"[evolution] min_bars must not exceed most_bars; they were {evolution.min_bars} and {evolution.most_bars}.",
        )
    return None


def _channels(channels: tuple[Channel, ...]) -> Breach | None:
    """Addresses are never repeated here: they hold tokens."""
    names: set[str] = set()
    for number, channel in enumerate(channels, start=1):
        where = f"[voice] channel {number}"
        if not _SOURCE.fullmatch(channel.url):
            return Breach(
                "voice.channels",
                f"{where} must have a url like 'tgram://…', 'env:NAME' or 'file:PATH'; was something else.",
            )
        strange = [tag for tag in channel.tags if tag not in TAGS]
        if strange:
            return Breach(
                "voice.channels", f"{where} may have the tags {', '.join(TAGS)}; was {strange[0]!r}."
            )
        if channel.name and channel.name in names:
            return Breach(
                "voice.channels", f"{where} must have a name of its own; {channel.name!r} was taken."
            )
        names.add(channel.name)
    return None
