"""Reading payloads that an older organism wrote: each upcaster lifts them by one version."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from organism.effects import Effects
from organism.errors import BadInput
from organism.journal.rows import PAYLOAD_VERSION, decode_effects, decode_envelope
from organism.messages import Envelope

Upcaster = Callable[[str, Any], Any]
"""`(kind, builtins)` of one version → builtins of the next; kind is "effects" (a list) or "input" (a dict)."""


def _without_texts(_kind: str, value: Any) -> Any:
    """Version 1 had no genome texts; what was left out has its default, so nothing need be added.

    It is a version all the same: code that knows no texts must not trade a bred genome by its family alone, and
    replay compares byte for byte within one version.
    """
    return value


UPCASTERS: Mapping[int, Upcaster] = {1: _without_texts}
"""By the version they read."""


class Payloads:
    """Decodes what rows hold, whatever version wrote it.

    current    version this code writes
    upcasters  from every older version to the next
    """

    def __init__(
        self, upcasters: Mapping[int, Upcaster] = UPCASTERS, *, current: int = PAYLOAD_VERSION
    ) -> None:
        self._upcasters = upcasters
        self._current = current

    def effects(self, data: bytes, version: int) -> Effects:
        """Effects of a row that was written with payload `version`."""
        return decode_effects(data if version == self._current else self._lift("effects", data, version))

    def envelope(self, data: bytes, version: int) -> Envelope:
        """Input of a row that was written with payload `version`."""
        return decode_envelope(data if version == self._current else self._lift("input", data, version))

    def _lift(self, kind: str, data: bytes, version: int) -> bytes:
        if version > self._current:
            raise BadInput(
                f"the journal holds payloads of version {version}; this code knows up to {self._current}. "
                f"Install the organism that wrote it."
            )
        value = msgspec.msgpack.decode(data)
        for step in range(version, self._current):
            upcaster = self._upcasters.get(step)
            if upcaster is None:
                raise BadInput(
                    f"the journal holds payloads of version {version}, and nothing here reads version {step}. "
                    f"Install an organism between the two, or keep this state folder for the old one."
                )
            value = upcaster(kind, value)
        # Encoded again, so that exactly one decoder says what a message may look like.
        return msgspec.msgpack.encode(value)
