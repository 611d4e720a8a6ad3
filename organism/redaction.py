"""Taking secrets out of text before anyone reads it: known values exactly, unknown ones by their shape."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST = 6  # shorter fragments of an address are ordinary words, and would blacken ordinary text

# Schemes whose "host" is a machine. For every other one (tgram, discord, slack, …) it may be the token itself.
_HOST_IS_A_MACHINE = frozenset(
    f"{name}{tls}"
    for name in ("json", "xml", "form", "gotify", "mmost", "mailto", "apprise", "hassio", "rocket", "matrix")
    for tls in ("", "s")
)
_OPEN_SCHEMES = "https?|wss?|ftp|file|sqlite"

# tgram://…, slack://…: any part may be the token, so only what `masked_url` leaves is shown
_ADDRESS = re.compile(rf"\b(?!(?:{_OPEN_SCHEMES})://)[a-zA-Z][a-zA-Z0-9+.-]{{1,30}}://[^\s'\"<>]+")
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(://)[^\s/@'\"<>]+@"), rf"\1{MASK}@"),
    (re.compile(r"(hooks\.slack\.com/|discord(?:app)?\.com/api/webhooks/)[^\s'\"<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\bbot\d+:[A-Za-z0-9_-]{8,}"), f"bot{MASK}"),
    (re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"), MASK),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (
        re.compile(
            r"((?:(?:api[-_]?key|apikey|api[-_]?secret|access[-_]?key|secret|token|passw(?:or)?d|passphrase)"
            r"|signature|listen[-_]?key|access[-_]sign|authorization|cookie)"
            r"['\"]?\s*[=:]\s*['\"]?)(?!\*\*\*)(?:(?:bearer|basic)\s+)?[^\s'\"&,;<>)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?<![0-9a-zA-Z])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-zA-Z])"), MASK),
)  # fmt: skip
# Every shape needs one of these characters or words: most lines are cleared by one scan.
_SUSPICIOUS = re.compile(
    r"://|-----BEGIN|hooks\.slack|/webhooks/|\d:[\w-]{8}|eyJ|bearer|basic|key|secret|token|pass|sign|auth|cookie"
    r"|[0-9a-fA-F]{64}",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Redactor:
    """Replaces secrets by `***`. Knows some exactly; recognises others by their shape.

    >>> Redactor(["hunter22"])("login hunter22 at https://me:pw@host/?signature=abc&x=1")
    'login *** at https://***@host/?signature=***&x=1'
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: re.Pattern[str] | None = None
        self._values: set[str] = set()
        self.learn(known)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} known)"

    def learn(self, values: Iterable[str]) -> None:
        """Know these too, in every spelling in which libraries print them."""
        for value in values:
            if value:
                self._values |= _spellings(value)
        if self._values:  # longest first: a part must not be replaced inside the whole
            ordered = sorted(self._values, key=len, reverse=True)
            self._known = re.compile("|".join(re.escape(v) for v in ordered))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if _SUSPICIOUS.search(text) is None:
            return text
        text = _ADDRESS.sub(lambda found: masked_url(found[0]), text)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text


def masked_url(url: str) -> str:
    """What may be shown of an address: its scheme, and its host where that is a machine.

    >>> masked_url("jsons://user:pw@example.org:8443/hook?key=1"), masked_url("tgram://123:abc/42")
    ('jsons://example.org', 'tgram://***')
    """
    scheme, separator, _ = url.partition("://")
    if not separator or not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*", scheme):
        return MASK
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"{scheme.lower()}://{host if host and scheme.lower() in _HOST_IS_A_MACHINE else MASK}"


def parts_of(url: str) -> tuple[str, ...]:
    """The pieces of an address that a library may print on their own: tokens, passwords, path and query."""
    rest = url.partition("://")[2]
    pieces = {url, rest}
    authority, _, tail = rest.partition("/")
    path, _, query = tail.partition("?")
    userinfo, at, host = authority.rpartition("@")
    if at:
        user, _, password = userinfo.partition(":")
        pieces |= {userinfo, user, password}
        pieces.add(base64.b64encode(unquote(userinfo).encode()).decode())
    if masked_url(url).endswith(MASK):
        pieces |= {host, *host.split(":")}
    pieces |= {path, *path.split("/")}
    pieces |= {value for _, value in parse_qsl(query or authority.partition("?")[2])}
    return tuple(piece for piece in pieces if len(piece) >= SHORTEST)


def one_line(text: str, longest: int = 2_000) -> str:
    r"""Printable and on one line: text from a venue must not move the cursor or forge a line.

    >>> one_line("a\x1b[2Jb\nc")
    'a [2Jb c'
    """
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def _spellings(value: str) -> set[str]:
    return {
        value,
        unquote(value),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    }
