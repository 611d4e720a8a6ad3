"""One row a step: its form, its encoding, and the hash chain that ties it to every row before it."""

import hashlib
import struct

import msgspec

from organism.effects import Effect, Effects
from organism.messages import Envelope

PAYLOAD_VERSION = 2
GENESIS = bytes(32)

_encoder = msgspec.msgpack.Encoder()
_effects_decoder = msgspec.msgpack.Decoder(tuple[Effect, ...])
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)
_pack_head = struct.Struct("<11q").pack
_sha256 = hashlib.sha256
NO_EFFECTS = _encoder.encode(())


class Run(msgspec.Struct, frozen=True, gc=False):
    """One start of the body. Every digest of its rows covers it, so it cannot be rewritten later.

    run              1, 2, 3 … over all starts on one state folder
    payload_version  form of the payloads its rows hold; older forms are upcast when read
    namespace        the journal's name when it began; it changes only when a person restores a damaged journal
    """

    run: int
    started_wall_ns: int
    code_version: str
    settings_hash: str
    seed: int
    payload_version: int
    python: str
    namespace: str

    @property
    def digest(self) -> bytes:
        """SHA-256 over every field."""
        return _sha256(_encoder.encode(self)).digest()


class Row(msgspec.Struct, frozen=True, gc=False):
    """A step as it lies on disk.

    run        which start of which code with which settings wrote it (table `runs`)
    input_id   envelope consumed; `input` holds the envelope itself when it came from outside, else b""
    effects    msgpack of the effects the step produced; the i-th Publish of row `seq` has envelope id "seq.i"
               where i counts *all* effects of the row
    digest     SHA-256 over the previous digest, the run's digest and every field above
    """

    seq: int
    run: int
    organ: str
    incarnation: int
    step: int
    input_id: str
    market_ns: int
    mono_ns: int
    wall_ns: int
    input: bytes
    effects: bytes
    digest: bytes


def encode_effects(effects: Effects) -> bytes:
    """Msgpack (it keeps NaN, which JSON would turn into null)."""
    return _encoder.encode(effects) if effects else NO_EFFECTS


def decode_effects(data: bytes) -> Effects:
    """Undo `encode_effects`."""
    return _effects_decoder.decode(data)


def encode_envelope(envelope: Envelope) -> bytes:
    """Msgpack of an envelope that came from outside."""
    return _encoder.encode(envelope)


def decode_envelope(data: bytes) -> Envelope:
    """Undo `encode_envelope`."""
    return _envelope_decoder.decode(data)


def seal(
    previous: bytes,
    seq: int,
    run: int,
    organ: str,
    incarnation: int,
    step: int,
    input_id: str,
    market_ns: int,
    mono_ns: int,
    wall_ns: int,
    data: bytes,
    effects: bytes,
    run_digest: bytes = GENESIS,
) -> bytes:
    """Digest of a row: SHA-256 over the previous digest, the run's digest and every field, lengths included.

    Fixed-width numbers and lengths come first, so no two different rows can look the same to the hash.
    """
    name = organ.encode()
    identity = input_id.encode()
    head = _pack_head(
        seq, run, incarnation, step, market_ns, mono_ns, wall_ns,
        len(name), len(identity), len(data), len(effects),
    )  # fmt: skip
    return _sha256(b"".join((previous, run_digest, head, name, identity, data, effects))).digest()


def matches(row: Row, previous: bytes, run_digest: bytes = GENESIS) -> bool:
    """Whether the row is what was written, and follows the row with digest `previous`."""
    try:
        expected = seal(
            previous, row.seq, row.run, row.organ, row.incarnation, row.step, row.input_id,
            row.market_ns, row.mono_ns, row.wall_ns, row.input, row.effects, run_digest,
        )  # fmt: skip
    except (struct.error, TypeError, AttributeError, UnicodeError):  # damage can change a type, too
        return False
    return row.digest == expected
