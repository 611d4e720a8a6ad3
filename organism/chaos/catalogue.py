"""The fault catalogue: what may go wrong with an organism that trades, and what it promises then.

Ids never change their meaning: figures of different releases are compared by them. Sections: A processes and actors,
B storage, C orders and requests, D market data, E time and environment, F genomes and models, G alerts, page, attackers.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """id, what goes wrong, what is promised then."""

    id: str
    what: str
    promise: str


CATALOGUE: tuple[Fault, ...] = tuple(
    Fault(*row)
    for row in (
        ("A1", "exception in any handler", "restart < 50 ms; no message class lost that was journaled"),
        ("A2", "exception inside an ask", "caller answered, actor restarted"),
        ("A3", "SystemExit/KeyboardInterrupt/MemoryError in an organ", "contained; others alive; rc not 0"),
        ("A4", "failing on_start, zombie", "seen, backed off, escalated"),
        ("A5", "crash loop", "intensity reached -> escalation ladder, safe mode, one alert"),
        ("A6", "actor hangs in C call", "replaced within limit + 0.1 s; old epoch fenced"),
        ("A7", "actor hangs in Python / GIL hog", "process killed at 1 s silence, back < 5 s"),
        ("A8", "deadlock by ask cycle", "no ask between organs (lint); else timeout + restart"),
        ("A9", "inbox flood", "depth <= symbols; RSS +< 20 MB; orders not delayed > 50 ms"),
        ("A10", "SIGKILL core at a random instant", "I1-I7; RTO < 5 s"),
        ("A11", "SIGKILL during shutdown / recovery (double crash)", "the same"),
        (
            "A12",
            "SIGSTOP 2 s / 60 s / 10 min, then CONT",
            "watchdog kills at 1 s; if resumed, nothing stale is sent",
        ),
        ("A13", "SIGTERM, Ctrl-C, twice", "ordered stop < 10 s, stops kept, journal closed"),
        ("A14", "watchdog itself dies", "children notice pipe EOF, go to safe mode, exit; systemd restarts"),
        ("A15", "two instances started", "second refuses (lock file + epoch row + client-id namespace)"),
        ("A16", "can't start new thread, fd limit", "clean refusal, alarm, no zombie"),
        ("A17", "memory limit / OOM kill", "as SIGKILL; evolution dies, core lives"),
        ("B1", "power cut at any write", "0 acknowledged lost, 0 corrupt in >= 1,000 cuts"),
        ("B2", "disk full", "no new orders within 1 event; cancels work; recovers when space returns"),
        (
            "B3",
            "I/O error, fsync error",
            "process exits, restarts, verifies; never continues on a failed sync",
        ),
        ("B4", "database locked", "orders halt, nothing lost, alarm at 2 s"),
        ("B5", "long reader", "dashboard reads < 1 s, WAL < 64 MB, reader evicted"),
        (
            "B6",
            "bit rot in a page",
            "100 % detected by hash chain/row hash at open or daily scrub; quarantine, restore, replay",
        ),
        (
            "B7",
            "truncated / missing -wal, stale -wal beside a restored file",
            "refuse with clear message; restore path documented",
        ),
        (
            "B8",
            "truncated, corrupt, wrong-schema Parquet",
            "refused by checksum in the manifest; never a shorter silent history",
        ),
        ("B9", "backup / restore drill", "restored fold = live fold at that seq"),
        (
            "B10",
            "old version opens new schema, and reverse",
            "refuses; migration is one transaction, crash-safe",
        ),
        (
            "B11",
            "journal file replaced / rolled back",
            "exchange reconciliation detects missing fills; no trading until resolved",
        ),
        ("B12", "read-only or wrong-owner directory", "start refused with status 2 and one sentence"),
        ("B13", "log disk fills, log write blocks", "trading not blocked by logging"),
        ("B14", "SQLite version with the WAL-reset bug", "warning + single-writer discipline asserted"),
        ("C1", "accepted, reply lost", "I2, I6; resolved < 20 s after window"),
        ("C2", "accepted *late* (delay 0-3 s and > window)", "I2"),
        ("C3", "request lost", "one resend after the window"),
        ("C4", "503 unknown, 504, -1000/-1001/-1006/-1007", "UNKNOWN"),
        ("C5", "503 'Service Unavailable'", "treated as UNKNOWN (cheap and safe) |"),
        ("C6", "200 with broken JSON, empty, HTML, id None", "UNKNOWN, never 'ok' |"),
        ("C7", "dripping body", "total deadline (5 s) enforced |"),
        ("C8", "429 with Retry-After; 418 ban", "obey; cancels from reserve; on 418 silence until the end"),
        ("C9", "-1021 skew", "resync, halt > 500 ms; no window inflation |"),
        ("C10", "-2010 insufficient, -2011, -2013", "mapped exactly; no emergency market order by reflex |"),
        ("C11", "-2015 / key revoked / IP not allowed", "fatal credential alarm, no retry storm"),
        ("C12", "query fails (DNS, timeout) 100 times", "order stays UNKNOWN (hummingbot #8457)"),
        ("C13", "stale 'not found' answer arrives after a resend", "ignored (attempt + time tag)"),
        ("C14", "bulk list omits the order (paging, delay)", "targeted query decides |"),
        ("C15", "duplicate client id refused", "adopt the existing order |"),
        ("C16", "partial fill, then cancel; fill during cancel", "I2, I3, I7"),
        ("C17", "cancel accepted, fill arrives later", "applied + alarm |"),
        ("C18", "cancel-replace half succeeds (HTTP 409)", "both legs tracked |"),
        ("C19", "fill quantity > order quantity; fill for unknown order", "alarm, halt symbol, journaled |"),
        ("C20", "fee in base, quote, third coin; rebate", "I4 exact; dust ledger"),
        (
            "C21",
            "precision: tick, lot, min/max notional change at run time",
            "rounded down before risk check; refused locally; no loop (max 3 refusals/min) |",
        ),
        (
            "C22",
            "rest below minimum notional ('immortal trade')",
            "marked dust, position closed in policy, alarm once |",
        ),
        ("C23", "amount/price NaN, inf, negative, zero, 1e308", "refused at the gate, brain reported"),
        ("C24", "fat finger: 100x size, 20 % off market", "refused by band and size"),
        ("C25", "order storm (brain loop)", "token bucket, breaker, alarm"),
        (
            "C26",
            "maintenance, MarketClosed, OnMaintenance",
            "halt, keep state, resume after reconcile; dead man's switch disarmed before announced maintenance |",
        ),
        (
            "C27",
            "delisting with open position",
            "symbol quarantined, others trade on; value marked stale; human asked",
        ),
        ("C28", "liquidation, ADL", "detected < 30 s, booked as venue fill, halt"),
        ("C29", "funding charge, late or corrected", "booked once by venue id; I4 |"),
        ("C30", "manual trade / deposit / withdrawal by the owner", "foreign event booked, sizing adapts |"),
        (
            "C31",
            "dead man's switch fires with a position",
            "stops re-placed < 5 s or position closed by policy |",
        ),
        ("C32", "nonce collision, signer clock backwards", "monotonic nonce |"),
        ("C33", "testnet key on mainnet URL, or reverse", "refused at arming |"),
        (
            "C34",
            "redirect to another host, bad TLS certificate, proxy in environment",
            "refused; redirects off for signed calls |",
        ),
        (
            "D1",
            "socket silent, pings fine",
            "stale < 5 s for liquid symbols -> no new risk, resubscribe, then new connection |",
        ),
        ("D2", "frozen peer", "noticed < 12 s (5/5/1) |"),
        (
            "D3",
            "half-open after network loss, DNS outage",
            "the same; back-off + jitter; no reconnect storm |",
        ),
        (
            "D4",
            "gap, duplicate, reordered, late updates",
            "book invalid at once, resync < 3 s; no trade on invalid book",
        ),
        ("D5", "checksum mismatch repeated", "third in 60 s -> new connection, alarm |"),
        ("D6", "crossed or empty book, spread 50 %", "no market orders; spread limit |"),
        (
            "D7",
            "NaN, null, zero, negative, string, 1e308 price; volume < 0",
            "dropped at the border, counted, never reaches indicators",
        ),
        (
            "D8",
            "flash crash -40 % in 1 s and back",
            "band + confirmation from second source; loss limit holds",
        ),
        ("D9", "timestamps in the future, past, seconds instead of ms", "refused; lag metric |"),
        (
            "D10",
            "open candle delivered as closed; missing candles; duplicated candle",
            "only closed candles; gaps explicit, no silent fill",
        ),
        ("D11", "huge message, deep JSON, binary, slow-loris frames", "limits; process survives |"),
        ("D12", "24 h disconnect, server restart, mass reconnect", "overlap reconnect; no gap |"),
        (
            "D13",
            "user stream dead (listenKey expired), market stream fine",
            "fills found by REST < 10 s; new risk off |",
        ),
        ("D14", "two sources disagree", "disagreement limit -> halt |"),
        (
            "E1",
            "wall clock +-1 h, +-1 day, backwards",
            "timers monotonic; journal order by seq; halt on skew",
        ),
        ("E2", "DST change, leap day, year end", "all UTC; daily jobs exactly once (key = date) |"),
        ("E3", "suspend / resume", "treated as outage: reconcile first |"),
        ("E4", "DNS wrong, IPv6 only, captive portal (200 HTML)", "as C6 |"),
        ("E5", "CPU starvation, 30 s GC pause", "lag breaker opens before stale orders go out |"),
        ("E6", "dependency missing or other version", "start refused, exact message |"),
        (
            "E7",
            "config: unknown key, wrong type, 10 instead of 0.1, missing limit, duplicate symbol",
            "refused with line and reason; limits have no default 'off' |",
        ),
        (
            "E8",
            "config changed while running",
            "ignored until a validated, journaled reload; never loosens limits live |",
        ),
        ("E9", "upgrade with open orders", "adopted, none duplicated |"),
        ("E10", "72 h soak at 10x load", "RSS slope < 1 MB/h; threads, fds flat"),
        ("F1", "malicious pickle/joblib/npy model", "never loaded; canary file not created"),
        (
            "F2",
            "genome with NaN, huge, deep nesting, code strings, path names",
            "schema + bounds; rejected; no eval",
        ),
        ("F3", "genome tampered in the store", "hash/HMAC mismatch, quarantined |"),
        ("F4", "strategy with infinite loop or memory bomb", "killed by CPU/memory limit, fitness = worst"),
        (
            "F5",
            "evolution converges on exploiting a simulator bug",
            "canary strategies must not profit; look-ahead test",
        ),
        (
            "F6",
            "new champion misbehaves live",
            "shadow -> canary size -> full; automatic roll-back on loss or limit |",
        ),
        ("F7", "genome store lost", "rebuilt from journal or trading stops safely |"),
        ("F8", "non-determinism", "identical lineage hash"),
        (
            "G1",
            "alert channel down, hung, dripping, 429",
            "outbox durable; second channel < 60 s; trading latency unchanged |",
        ),
        ("G2", "alert storm", "grouped, <= 10/min, critical never suppressed |"),
        ("G3", "dashboard flood, slow-loris, 60 MB body", "413/429; core latency p99 change < 10 % |"),
        ("G4", "every route and callback without login", "401 everywhere, 0 callbacks run |"),
        ("G5", "CSRF, wrong Origin, DNS rebinding Host", "403 / 421 |"),
        ("G6", "XSS via symbol, genome name, error text, log line", "inert in DOM; CSP"),
        ("G7", "SQL, path traversal, CSV formula injection", "inert |"),
        ("G8", "brute-force login, replayed or fixed session", "delay, lock, rotation, expiry |"),
        ("G9", "HOST, DASH_DEBUG, FLASK_DEBUG, proxies in the environment", "still loopback, debug off |"),
        ("G10", "secrets", "0 occurrences in logs, journal, pages, alerts, crash dumps, argv"),
        ("G11", "key with withdraw or transfer right", "refused, not overridable |"),
        ("G12", "arming bypass: env var, config edit, API, restart", "stays paper |"),
        ("G13", "poisoned dependency, typo-squat, unpinned hash", "install refused (hashes)"),
        ("G14", "world-readable secret file, symlink, wrong owner", "start refused |"),
    )
)
BY_ID = {fault.id: fault for fault in CATALOGUE}
