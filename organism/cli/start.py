"""`organism start`: this process becomes the guardian; body, dashboard, breeder, poller and sender are its children."""

import os
import sys
from pathlib import Path

from organism.cli.context import overrides, settings, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput
from organism.market import NS_PER_S
from organism.packages import looked_at, sentence
from organism.settings import DashboardSettings

FOLDERS = ("log", "settings", "snapshots", "archive")
FILES = (
    "journal.db", "journal.tip", "lock", "body.lock", "commands.db", "view.db", "genome.db", "deliveries.db",
    "paper_venue.db", "dashboard.secret", "dashboard.tokens.json", "last_words.jsonl",
)  # fmt: skip
"""What is written inside a state folder."""


def perform(options: Options) -> int:
    """Check the settings once, here, where a person sees the sentence; then guard."""
    given = overrides(options, _flags(options))
    loaded = settings(options, given)
    state = state_folder(options)
    _prepare(state)
    if said := sentence(looked_at()):
        raise BadInput(said)
    if loaded.settings.market.lake:
        from organs.nervous.feeds import replay

        replay(loaded.settings.market)  # what the lake lacks is said here
    from organism.guardian import ChildCommand, GuardOptions, guard
    from organism.kept import keep
    from organism.logfile import guardian_log

    arguments = ["--state", str(state)]
    if options.config is not None:
        arguments += ["--config", str(options.config.absolute())]
    arguments += [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
    keep(state, loaded.settings, loaded.hash)
    as_started = [*arguments, "--settings", loaded.hash]
    python = [sys.executable, "-m"]
    children = [ChildCommand("body", [*python, "organism.body", *as_started])]
    if loaded.settings.paper.separate_process:
        children.append(ChildCommand("venue", [*python, "organism.body.venue", *as_started]))
    if loaded.settings.dashboard.enabled:
        page = [*python, "dashboard", "--state", str(state), *_of_the_page(loaded.settings.dashboard)]
        children.append(ChildCommand("dashboard", page))
    if loaded.settings.evolution.enabled:
        breeder = [*python, "organism.body.breeder", "--state", str(state), "--settings", loaded.hash]
        children.append(ChildCommand("breeder", breeder, keyless=True))
    if loaded.settings.context.fear_greed or loaded.settings.context.funding:
        poller = [*python, "organism.body.poller", "--state", str(state), "--settings", loaded.hash]
        children.append(ChildCommand("poller", poller, keyless=True))
    logs = loaded.settings.logs
    if loaded.settings.voice.channels or logs.sentry or logs.otlp:
        children.append(ChildCommand("sender", [*python, "organs.voice.sender", *arguments]))
    guardian = loaded.settings.guardian
    guarding = GuardOptions(
        state=state,
        beat_s=guardian.beat_s,
        silence_s=guardian.silence_s,
        venue_silence_s=guardian.venue_silence_s,
        service_silence_s=guardian.service_silence_s,
        grace_s=guardian.grace_s,
        restarts=guardian.restarts,
        within_s=guardian.within_s,
        safe_restarts=guardian.safe_restarts,
        stop_s=guardian.stop_s,
        run_for_s=options.for_s,
    )
    with guardian_log(state):
        return guard(children, guarding)


def _of_the_page(page: DashboardSettings) -> list[str]:
    """What its process is told. Files are named, never their contents: arguments can be read by everybody."""
    told = ["--host", page.host, "--port", str(page.port)]
    if page.public:
        told.append("--public")
    if page.read_login:
        told.append("--read-login")
    if page.tls_cert:
        told += ["--tls-cert", page.tls_cert, "--tls-key", page.tls_key]
    for name in page.names:
        told += ["--name", name]
    return told


def _flags(options: Options) -> dict[str, str]:
    flags: dict[str, str] = {}
    if options.market is not None:
        flags["market.feed"] = options.market
    if options.speed is not None:
        flags["market.speed"] = f"{options.speed:g}"
    if options.port is not None:
        flags["dashboard.port"] = str(options.port)
    flags |= _of_the_lake(options)
    if options.no_dashboard:
        flags["dashboard.enabled"] = "false"
    if options.no_evolution:
        flags["evolution.enabled"] = "false"
    if options.seed is not None:
        flags["seed"] = str(options.seed)
        flags["market.seed"] = str(options.seed)
    return flags


def _of_the_lake(options: Options) -> dict[str, str]:
    """Settings that replay series of the lake. Raises `BadInput`."""
    if options.data is None:
        if any(
            (options.data_venue, options.symbols, options.timeframe, options.start, options.end, options.lake)
        ):
            raise BadInput(
                "--data-venue, --symbols, --timeframe, --start, --end and --lake name series of the lake: add --data lake, "
                "or leave them out."
            )
        return {}
    if not (options.data_venue and options.symbols and options.timeframe) or options.market == "simulated":
        raise BadInput(
            "--data lake replays stored series and needs --data-venue, --symbols and --timeframe, as in "
            "`organism start --market replay --data lake --data-venue binance --symbols BTC/USDT --timeframe 1h`; "
            "`organism data list` shows what there is."
        )
    # Only here: the lake brings numpy, and a guardian lives for years without it, also on a machine with little room.
    from organism.cli.data.context import lake_folder
    from organism.lake.names import timeframe_us

    bar_us = timeframe_us(options.timeframe)
    flags = {
        "market.feed": "replay",
        "market.lake": str(lake_folder(options)),
        "market.lake_venue": options.data_venue,
        "market.symbols": ",".join(options.symbols),
        "market.bar_s": str(bar_us // 1_000_000),
    }
    for name, at_ns in (("market.lake_start_s", options.start), ("market.lake_end_s", options.end)):
        if at_ns is not None:
            flags[name] = str(at_ns // NS_PER_S)
    return flags


def _prepare(state: Path) -> None:
    """Find out now, in front of a person, what a body would stumble over again and again."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state / ".writable"
        probe.touch()
        probe.unlink()
        inside = [path for name in (*FOLDERS, *FILES) if os.path.lexists(path := state / name)]
    except OSError as error:
        raise BadInput(
            f"The state folder {state} cannot be written ({error.strerror}). "
            f"Make it writable, or name another with --state."
        ) from error
    for path in inside:
        needed = os.R_OK | os.W_OK | (os.X_OK if path.name in FOLDERS else 0)
        if not os.access(path, needed, effective_ids=True):
            raise BadInput(
                f"{path} may not be written by this user. Run: chown -R $(id -un) {state} and "
                f"chmod -R u+rwX {state}, or name another folder with --state."
            )
