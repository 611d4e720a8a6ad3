"""One row a step: its form, its encoding, and the hash chain that ties it to every row before it."""

import hashlib

import msgspec

from organism.effects import Effect, Effects
from organism.messages import Envelope

PAYLOAD_VERSION = 1
GENESIS = bytes(32)

_encoder = msgspec.msgpack.Encoder()
_effects_decoder = msgspec.msgpack.Decoder(tuple[Effect, ...])
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)
NO_EFFECTS = _encoder.encode(())


class Row(msgspec.Struct, frozen=True, gc=False):
    """A step as it lies on disk.

    run        which start of which code with which settings wrote it (table `runs`)
    input_id   envelope consumed; `input` holds the envelope itself when it came from outside, else b""
    effects    msgpack of the effects the step produced; the i-th Publish of row `seq` has envelope id "seq.i"
               where i counts *all* effects of the row
    digest     SHA-256 over the previous digest and every field above
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
) -> bytes:
    """Digest of a row: SHA-256 over the previous digest and every field, lengths included."""
    head = (
        f"{seq}|{run}|{organ}|{incarnation}|{step}|{input_id}|{market_ns}|{mono_ns}|{wall_ns}"
        f"|{len(data)}|{len(effects)}|"
    )
    return hashlib.sha256(b"".join((previous, head.encode(), data, effects))).digest()


def matches(row: Row, previous: bytes) -> bool:
    """Whether the row is what was written, and follows the row with digest `previous`."""
    return row.digest == seal(
        previous, row.seq, row.run, row.organ, row.incarnation, row.step, row.input_id,
        row.market_ns, row.mono_ns, row.wall_ns, row.input, row.effects,
    )  # fmt: skip
