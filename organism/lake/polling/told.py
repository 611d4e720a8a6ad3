"""What the poller tells the body, and remembers itself: one small file, written whole, believed only where it makes sense."""

import math
import re
from pathlib import Path
from typing import Final

import msgspec

from organism.errors import BadInput
from organism.lake.fetching.instrument import Instrument, instrument
from organism.lake.polling.schedule import Standing
from organism.redaction import one_line
from organism.settings import Settings

FILE: Final = "poller.json"
FEAR_GREED: Final = "fear_greed"
FUNDING: Final = "funding"
_MOST_BYTES = 4 << 20
_MOST_FEEDS = 2_000
_MOST_US = 7_258_118_400_000_000  # 2200-01-01
_MOST_COUNT, _SHOWN = 2**53, 200
_NAME = re.compile(r"[A-Za-z0-9_/: -]{1,120}")


class Told(msgspec.Struct, frozen=True):
    """How each value stands, by the name of its feed."""

    feeds: dict[str, Standing] = {}


def perpetuals(settings: Settings) -> tuple[Instrument, ...]:
    """Whose funding is asked for: the perpetual of each market symbol, settled in its quote where none is named."""
    if not settings.context.funding:
        return ()
    found = (instrument(symbol) for symbol in settings.market.symbols)
    return tuple(dict.fromkeys(one._replace(settle=one.settle or one.quote) for one in found))


def wanted(settings: Settings) -> tuple[str, ...]:
    """Names of the feeds that the settings ask for; none by default.

    >>> wanted(Settings())
    ()
    """
    mood = (FEAR_GREED,) if settings.context.fear_greed else ()
    return (*mood, *(f"{FUNDING} {one.symbol}" for one in perpetuals(settings)))


def tell(state: Path, told: Told) -> None:
    """Write it, whole or not at all. Not synced: what is lost with the power is asked once more. Raises `OSError`."""
    path = state / FILE
    fresh = path.with_name(FILE + ".tmp")
    fresh.write_bytes(msgspec.json.encode(told))
    fresh.replace(path)


def heard(state: Path) -> Told | None:
    """What was told last; None where nothing was. Raises `BadInput` where that cannot be believed."""
    path = state / FILE
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{FILE} cannot be read ({error.strerror}); nothing it says is shown.") from None
    try:
        told = msgspec.json.decode(data, type=Told) if len(data) <= _MOST_BYTES else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = None
    if told is None or not _is_sensible(told):
        raise BadInput(
            f"{FILE} says what the poller never writes; nothing it says is shown. It may be deleted: it is written anew."
        )
    return Told({name: _cleaned(one) for name, one in told.feeds.items()})


def _is_sensible(told: Told) -> bool:
    return len(told.feeds) <= _MOST_FEEDS and all(
        _NAME.fullmatch(name) is not None
        and all(0 <= us <= _MOST_US for us in (one.at_us, one.known_us, one.period_us, one.asked_us))
        and all(0 <= us <= _MOST_US for us in (one.answered_us, one.next_us))
        and 0 <= one.failures <= _MOST_COUNT
        and (one.value is None or math.isfinite(one.value))
        for name, one in told.feeds.items()
    )


def _cleaned(one: Standing) -> Standing:
    return msgspec.structs.replace(one, error=one_line(one.error, _SHOWN))
