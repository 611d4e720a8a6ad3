"""A channel: where it leads (a secret), what it is called (masked), what it wants."""

from collections.abc import Mapping
from dataclasses import dataclass

from organism.errors import ConfigError
from organism.redaction import Redactor, masked_url, parts_of
from organism.secret import Secret, read
from organism.settings import Channel


@dataclass(frozen=True)
class Target:
    """A channel with its address fetched; `problem` says why it has none."""

    name: str
    tags: tuple[str, ...]
    url: Secret | None
    problem: str = ""


def resolve(
    channels: tuple[Channel, ...], environ: Mapping[str, str], redact: Redactor
) -> tuple[Target, ...]:
    """Fetch each address, teach it to the redactor, and name the channel. One that is broken silences no other."""
    targets: list[Target] = []
    taken: set[str] = set()
    for number, channel in enumerate(channels, start=1):
        url: Secret | None = None
        problem = ""
        try:
            url = read(channel.url, environ, what=f"[voice] channel {number}", plain=True)
        except ConfigError as error:
            problem = str(error)
        if url is not None:
            redact.learn(parts_of(url.reveal()))
        shown = channel.name or (
            masked_url(url.reveal()) if url is not None else channel.url.partition("://")[0]
        )
        name, copy = redact(shown), 2
        while name in taken:
            name, copy = f"{redact(shown)}#{copy}", copy + 1
        taken.add(name)
        targets.append(Target(name, channel.tags, url, problem))
    return tuple(targets)
