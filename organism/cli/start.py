"""`organism start`: this process becomes the guardian; body, dashboard and sender are its children."""

import sys
from pathlib import Path

from organism.cli.context import overrides, settings, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput


def perform(options: Options) -> int:
    """Check the settings once, here, where a person sees the sentence; then guard."""
    given = overrides(options, _flags(options))
    loaded = settings(options, given)
    state = state_folder(options)
    _prepare(state)
    from organism.guardian import ChildCommand, GuardOptions, guard

    arguments = ["--state", str(state)]
    if options.config is not None:
        arguments += ["--config", str(options.config.absolute())]
    arguments += [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
    python = [sys.executable, "-m"]
    children = [ChildCommand("body", [*python, "organism.body", *arguments])]
    if loaded.settings.paper.separate_process:
        children.append(ChildCommand("venue", [*python, "organism.body.venue", *arguments]))
    if loaded.settings.dashboard.enabled:
        page = [*python, "dashboard", "--state", str(state), "--host", loaded.settings.dashboard.host]
        children.append(ChildCommand("dashboard", [*page, "--port", str(loaded.settings.dashboard.port)]))
    if loaded.settings.voice.channels:
        children.append(ChildCommand("sender", [*python, "organs.voice.sender", *arguments]))
    guardian = loaded.settings.guardian
    return guard(
        children,
        GuardOptions(
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
        ),
    )


def _flags(options: Options) -> dict[str, str]:
    flags: dict[str, str] = {}
    if options.market is not None:
        flags["market.feed"] = options.market
    if options.speed is not None:
        flags["market.speed"] = f"{options.speed:g}"
    if options.port is not None:
        flags["dashboard.port"] = str(options.port)
    if options.no_dashboard:
        flags["dashboard.enabled"] = "false"
    if options.seed is not None:
        flags["seed"] = str(options.seed)
        flags["market.seed"] = str(options.seed)
    return flags


def _prepare(state: Path) -> None:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            f"The state folder {state} cannot be written ({error.strerror}). "
            f"Make it writable, or name another with --state."
        ) from error
