"""`organism dashboard password|token`: who may give commands from the page, and which programs may ask it what."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Any

from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput


def perform(options: Options) -> int:
    """Do what was asked."""
    if options.what == "password":
        return _password(options)
    return {"add": _add, "list": _list, "revoke": _revoke}[options.action or "list"](options)


def _password(options: Options) -> int:
    """Set or replace it. From a terminal it is asked for twice, unseen; else it is the first line of standard input."""
    from dashboard.password import PasswordFile, why_weak

    if options.action is not None:
        raise BadInput(
            "a password is never an argument, where every user of this machine could read it: run `organism dashboard "
            "password` and type it, or pipe it in."
        )
    state = state_folder(options)
    if sys.stdin.isatty():
        given = getpass.getpass("New password: ")
        if getpass.getpass("Once more: ") != given:
            raise BadInput("the two passwords differ; nothing was changed.")
    else:
        given = sys.stdin.readline().rstrip("\n")
    if why := why_weak(given):
        raise BadInput(f"{why}; nothing was changed.")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        PasswordFile(state / "dashboard.secret").change(given)
    except OSError as error:
        raise BadInput(
            f"the password could not be kept in {state} ({error.strerror}); make it writable, or name another with --state."
        ) from error
    print("The password is set. Whoever was signed in signs in again.")
    return 0


def _tokens(options: Options) -> Any:
    from dashboard.tokens import FILE, Tokens

    return Tokens(state_folder(options) / FILE)


def _add(options: Options) -> int:
    if not options.name:
        raise BadInput(
            "dashboard token add wants a name, as in `organism dashboard token add grafana --scope metrics`."
        )
    state = state_folder(options)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        plain = _tokens(options).make(options.name, options.scope or ["read"], options.days)
    except OSError as error:
        raise BadInput(
            f"the token could not be kept in {state} ({error.strerror}); make it writable, or name another with --state."
        ) from error
    if options.json:
        emit({"name": options.name, "token": plain, "scopes": options.scope or ["read"]})
        return 0
    print(plain)
    print(
        "It is shown this once, and only its hash is kept. Send it as `Authorization: Bearer …`.",
        file=sys.stderr,
    )
    return 0


def _list(options: Options) -> int:
    kept = _tokens(options).all()
    if options.json:
        emit(
            [
                {"name": one.name, "scopes": list(one.scopes), "made_s": one.made_s, "until_s": one.until_s}
                for one in kept
            ]
        )
        return 0
    for one in kept:
        until = "for ever" if one.until_s is None else f"until {_day(one.until_s)}"
        print(f"{one.name:<24} {', '.join(one.scopes):<32} made {_day(one.made_s)}, {until}")
    if not kept:
        print("There is no token. Make one with `organism dashboard token add NAME --scope read`.")
    return 0


def _revoke(options: Options) -> int:
    if not options.name:
        raise BadInput(
            "dashboard token revoke wants the name of a token; see `organism dashboard token list`."
        )
    _tokens(options).revoke(options.name)
    print(f"Revoked {options.name}: it opens nothing from now on.")
    return 0


def _day(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
