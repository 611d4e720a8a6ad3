"""Every setting, its type, its paper default and its meaning. Reading them from files is `organism.config`.

Docstring lines under a class are the documentation that `organism config explain` prints. Fractions, never
percent. Live trading accepts none of the defaults of `[risk]`: each limit must be written out.
"""

import msgspec


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a settings section."""


class MarketSettings(Section, frozen=True, kw_only=True):
    """[market] what is watched.

    feed           "replay" (recorded bars) or "simulated" (seeded random walk)
    symbols        instruments to watch
    speed          market seconds per second; 0 means as fast as possible
    warmup_bars    bars that warm indicators up before anything is decided
    bar_s          length of a bar, seconds
    seed           of the simulated market
    closing_bars   last bars of a recording during which positions are closed
    stall_s        silence of a feed, monotonic seconds, after which entries stop
    start_bar      first bar of the recording to use
    max_bars       bars of the recording to use; 0 means all
    lake           folder of a lake to replay; empty means the recording that ships
    lake_venue     whose history of it
    lake_start_s   first bar of the lake to use, seconds since 1970 UTC; 0 means the first there is
    lake_end_s     bars that open before it; 0 means all
    """

    feed: str = "replay"
    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    speed: float = 300.0
    warmup_bars: int = 500
    bar_s: int = 300
    seed: int = 1
    closing_bars: int = 12
    stall_s: float = 10.0
    start_bar: int = 0
    max_bars: int = 0
    lake: str = ""
    lake_venue: str = "binance"
    lake_start_s: int = 0
    lake_end_s: int = 0


class PaperSettings(Section, frozen=True, kw_only=True):
    """[paper] the exchange in miniature.

    starting_cash     quote currency
    spread_bps        full spread, basis points
    slippage_bps      beyond half the spread, on market orders
    latency_s         market time between sending and resting
    volume_share      most of a bar's volume that one order may take
    maker_fee, taker_fee   fractions of notional
    profile           "realistic", or "ideal": next open, slippage_bps fixed, no partial fills, no latency
    can_short         whether positions may go below zero
    separate_process  run the venue in its own process
    reject_rate       share of orders refused for no reason, to exercise the body
    """

    starting_cash: float = 10_000.0
    spread_bps: float = 2.0
    slippage_bps: float = 1.0
    latency_s: float = 0.25
    volume_share: float = 0.1
    maker_fee: float = 0.001
    taker_fee: float = 0.001
    profile: str = "realistic"
    can_short: bool = False
    separate_process: bool = False
    reject_rate: float = 0.0


class RiskSettings(Section, frozen=True, kw_only=True):
    """[risk] limits at the gate. Live refuses any that is not written out.

    max_order_notional       quote currency, one order
    max_asset_exposure       |position value| / equity, one instrument
    max_gross_exposure       Σ|value| / equity
    max_net_exposure         |Σvalue| / equity
    price_band               largest |price / reference − 1| of an order
    max_orders_per_minute    monotonic time
    max_positions            instruments held at once
    max_daily_loss           fraction of the market day's first equity
    halve_at_drawdown        metabolic rate × 0.5 from here
    no_entries_at_drawdown   alert and no entries from here
    halt_at_drawdown         halt from here; only a person lifts it
    max_consecutive_losses   losing trades in a row before losing positions are closed
    cool_down_h              no entries after that, hours of market time
    hibernation_h            hours of market time
    hibernate_below_health   health points
    protective_stop          distance of the resting stop from entry, fraction of price
    """

    max_order_notional: float = 5_000.0
    max_asset_exposure: float = 0.35
    max_gross_exposure: float = 1.0
    max_net_exposure: float = 1.0
    price_band: float = 0.05
    max_orders_per_minute: int = 60
    max_positions: int = 10
    max_daily_loss: float = 0.05
    halve_at_drawdown: float = 0.08
    no_entries_at_drawdown: float = 0.10
    halt_at_drawdown: float = 0.15
    max_consecutive_losses: int = 3
    cool_down_h: float = 4.0
    hibernation_h: float = 24.0
    hibernate_below_health: float = 50.0
    protective_stop: float = 0.06


class SizingSettings(Section, frozen=True, kw_only=True):
    """[sizing] from forecast to position.

    method              "volatility" or "fixed_fraction"
    fraction            exposure at forecast 1 with "fixed_fraction", multiple of equity
    volatility_target   annual volatility of one instrument's share of equity, with "volatility"
    max_exposure        cap for one instrument, multiple of equity
    rebalance_band      do nothing while |wanted − held| exposure is below this
    """

    method: str = "volatility"
    fraction: float = 0.25
    volatility_target: float = 0.15
    max_exposure: float = 0.30
    rebalance_band: float = 0.04


class BrainSettings(Section, frozen=True, kw_only=True):
    """[brain] how forecasts become targets.

    min_forecast      blended forecasts below this count as none
    no_trade_band     do nothing while |new − last acted-on forecast| is below this
    cost_multiple     expected move over `horizon_bars` must exceed round-trip cost times this
    horizon_bars      bars over which a forecast is expected to pay
    trend_bars, volatility_bars   windows of the regime gate
    deadline_s        longest wait for the other symbols' bars of an instant, monotonic seconds
    """

    min_forecast: float = 0.15
    no_trade_band: float = 0.25
    cost_multiple: float = 2.0
    horizon_bars: int = 48
    trend_bars: int = 288
    volatility_bars: int = 288
    deadline_s: float = 2.0


class JournalSettings(Section, frozen=True, kw_only=True):
    """[journal] what the body remembers.

    segment_mb      a segment is sealed at this size
    keep_segments   sealed segments kept beside the current one; older ones are moved to the archive folder
    snapshot_steps  an organ's state is saved at least every so many of its steps
    snapshot_s      and at least this often, monotonic seconds
    durability      "full" (survives power cuts); "off" only for simulations
    """

    segment_mb: int = 256
    keep_segments: int = 8
    snapshot_steps: int = 1_000
    snapshot_s: float = 60.0
    durability: str = "full"


class SupervisionSettings(Section, frozen=True, kw_only=True):
    """[supervision] when a child counts as broken, and how often it may break.

    hang_s            longest time inside one message, by organ; "default" for the rest
    child_restarts, child_within_s    restarts of one child tolerated in that span
    tree_restarts, tree_within_s      restarts under one supervisor tolerated in that span
    backoff_base_s, backoff_cap_s     second and later restarts wait base·2ⁿ, jittered, at most cap
    mailbox           work messages a mailbox holds before the feed waits
    max_retired       hung threads tolerated before the process ends
    """

    hang_s: dict[str, float] = msgspec.field(default_factory=lambda: {"default": 2.0, "motor": 1.0})
    child_restarts: int = 3
    child_within_s: float = 60.0
    tree_restarts: int = 6
    tree_within_s: float = 60.0
    backoff_base_s: float = 0.05
    backoff_cap_s: float = 5.0
    mailbox: int = 1_000
    max_retired: int = 3


class GuardianSettings(Section, frozen=True, kw_only=True):
    """[guardian] the process that watches the body.

    beat_s            how often body, venue, dashboard and sender must beat
    silence_s         monotonic silence after which the body is killed
    venue_silence_s   the same for a venue in a process of its own
    service_silence_s   the same for dashboard and sender
    grace_s           until the first beat
    restarts, within_s   body restarts tolerated in that span; the next one is safe
    safe_restarts     deaths in safe mode before giving up with status 70
    stop_s            longest orderly stop
    """

    beat_s: float = 0.1
    silence_s: float = 2.0
    venue_silence_s: float = 5.0
    service_silence_s: float = 10.0
    grace_s: float = 30.0
    restarts: int = 3
    within_s: float = 600.0
    safe_restarts: int = 3
    stop_s: float = 8.0


class HistorySettings(Section, frozen=True, kw_only=True):
    """[history] where `organism data fetch` gets candles from.

    primary     venue that is asked first, and whose series it is
    fallbacks   venues asked in this order for days that the primary does not give; the same instrument only
    endpoint    a stand-in on this machine that plays all venues, http://127.0.0.1:PORT; empty: the venues themselves
    """

    primary: str = "cryptocom"
    fallbacks: tuple[str, ...] = ("binance", "coinbase")
    endpoint: str = ""


class ContextSettings(Section, frozen=True, kw_only=True):
    """[context] what is known beside prices, asked for while the body lives. Nothing is asked unless it is turned on.

    fear_greed      ask api.alternative.me for the fear-and-greed index, after each UTC midnight
    funding         ask for the funding rates of the perpetuals of [market] symbols, after each settlement
    funding_venue   who is asked for them
    every_s         shortest pause between two questions about one value, seconds
    """

    fear_greed: bool = False
    funding: bool = False
    funding_venue: str = "binance-usdm"
    every_s: float = 300.0


class EvolutionSettings(Section, frozen=True, kw_only=True):
    """[evolution] breeding in the background, on the history that the body has lived. It funds nothing.

    enabled      breed
    cpu_share    of one core, on average
    after_s      nothing is bred for so long after a start, monotonic seconds
    population   genomes of a round
    generations  of a round, after its founders
    islands      populations of a round that seldom mix
    min_bars     instants lived in one session before the first round
    most_bars    the newest instants that a round is bred on, at most
    growth       the next round begins when the history has grown by this share of what the last one was bred on
    min_trades   closed trades, of all instruments together, that a genome needs to be judged
    memory_mb    the breeder is replaced when it has grown beyond
    """

    enabled: bool = True
    cpu_share: float = 0.25
    after_s: float = 60.0
    population: int = 120
    generations: int = 10
    islands: int = 4
    min_bars: int = 1_000
    most_bars: int = 50_000
    growth: float = 0.05
    min_trades: int = 10
    memory_mb: int = 1_000


class DashboardSettings(Section, frozen=True, kw_only=True):
    """[dashboard] the page.

    enabled      serve it
    host         address it listens on; one that others can reach needs public and a certificate
    port         first port tried; the next free one of ten is used
    public       an explicit word that others than this machine may reach the page
    tls_cert     file with the certificate chain, PEM; empty: no TLS, which only loopback may do
    tls_key      file with its key, which only its owner may read
    names        host names it is served under beside those of loopback, as behind a tunnel
    read_login   whether looking needs a login or a token, too; always so with public or names
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8320
    public: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    names: tuple[str, ...] = ()
    read_login: bool = False


class Channel(Section, frozen=True, kw_only=True):
    """One way to reach a person: an apprise URL (or "env:NAME", "file:PATH", which read it from there) and its tags."""

    url: str
    tags: tuple[str, ...] = ()
    name: str = ""

    def __repr__(self) -> str:  # the address holds tokens: settings may be printed, it may not
        return f"Channel(url='***', tags={self.tags!r}, name={self.name!r})"


class VoiceSettings(Section, frozen=True, kw_only=True):
    """[voice] what is worth saying, and to whom.

    channels             list of {url, tags, name}; tags: critical, high, low, all
    health_below         alert when health falls below
    drawdown_above       alert when drawdown rises above, fraction
    profit_above         alert when an open position gains more than this, fraction
    milestone            alert once when total profit passes this, quote currency
    group_s              equal alerts within this span become one with a count, monotonic seconds
    per_minute           most alerts a minute; critical ones are never held back
    total_deadline_s     longest delivery to one channel, seconds
    attempts             deliveries tried per channel
    daily_summary        one summary a market day
    """

    channels: tuple[Channel, ...] = ()
    health_below: float = 70.0
    drawdown_above: float = 0.10
    profit_above: float = 0.10
    milestone: float = 1_000.0
    group_s: float = 60.0
    per_minute: int = 10
    total_deadline_s: float = 15.0
    attempts: int = 3
    daily_summary: bool = True


class LogsSettings(Section, frozen=True, kw_only=True):
    """[logs] where lines of the log are sent, beside the state folder; nowhere unless asked for.

    sentry         env:NAME or file:PATH of a Sentry DSN, which hears of errors
    otlp           env:NAME or file:PATH of an OTLP address, https://HOST/v1/logs, which hears of everything
    otlp_headers   env:NAME or file:PATH of headers for it, name=value,name=value
    """

    sentry: str = ""
    otlp: str = ""
    otlp_headers: str = ""


class Settings(Section, frozen=True, kw_only=True):
    """All sections.

    mode   "paper" or "live"
    seed   drives everything random
    """

    mode: str = "paper"
    seed: int = 1
    market: MarketSettings = MarketSettings()
    paper: PaperSettings = PaperSettings()
    risk: RiskSettings = RiskSettings()
    sizing: SizingSettings = SizingSettings()
    brain: BrainSettings = BrainSettings()
    journal: JournalSettings = JournalSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    guardian: GuardianSettings = GuardianSettings()
    history: HistorySettings = HistorySettings()
    context: ContextSettings = ContextSettings()
    evolution: EvolutionSettings = EvolutionSettings()
    dashboard: DashboardSettings = DashboardSettings()
    voice: VoiceSettings = VoiceSettings()
    logs: LogsSettings = LogsSettings()
