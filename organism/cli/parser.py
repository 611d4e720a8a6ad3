"""Words on the command line → options. Nothing heavy is imported here: `--help` answers at once."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from organism import __version__
from organism.cli.data import parser as data
from organism.cli.data import words
from organism.cli.typed import duration, market_time, port, speed

Options = argparse.Namespace
Perform = Callable[[Options], int]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and where to read more."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"organism: {message[:1].upper()}{message[1:]}. See `{self.prog} --help`.\n")


def default_state() -> Path:
    """The checkout's own `state/` when there is one, else `state` in the current folder."""
    ours = Path(__file__).resolve().parents[2] / "state"
    return ours if ours.is_dir() else Path("state")


def build() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="organism",
        description="An autonomous organism that trades: start it, watch its vitals, receive its alerts. "
        "Paper first.",
        epilog="First steps: `organism start`, then open the page it prints; `organism status`; "
        "`organism stop`.",
    )
    parser.add_argument("--version", action="version", version=f"organism {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _start(commands)
    _running(commands)
    _operator(commands)
    _audit(commands)
    _people(commands)
    _genome(commands)
    _backtest(commands)
    _evolving(commands)
    _tuning(commands)
    data.declare(_add(commands, "data", "History in the lake: what there is, bring more in, measure it.",
                      "organism data list", "data"))  # fmt: skip
    return parser


def _add(
    commands: "argparse._SubParsersAction[_Parser]", name: str, summary: str, example: str, module: str
) -> _Parser:
    def perform(options: Options) -> int:
        performer: Perform = importlib.import_module(f"organism.cli.{module}").perform
        return performer(options)

    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"Example: {example}", allow_abbrev=False
    )
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="folder of run-time data")
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="settings, TOML")
    parser.set_defaults(perform=perform, parser=parser)
    return parser


def _start(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _add(
        commands, "start", "Start the organism: by default it replays a bundled real market at 300x on paper.",
        "organism start --speed 600 --for 5m", "start",
    )  # fmt: skip
    parser.add_argument("--market", choices=("replay", "simulated"), help="what it watches")
    words.declare_replay(parser, market_time)
    parser.add_argument("--venue", choices=("paper",), help="where it trades")
    parser.add_argument("--speed", type=speed, metavar="X|max", help="market seconds per second")
    parser.add_argument("--for", dest="for_s", type=duration, metavar="30s", help="stop after this long")
    parser.add_argument("--port", type=port, metavar="N", help="first port tried for the page")
    parser.add_argument("--no-dashboard", action="store_true", help="do not serve the page")
    parser.add_argument("--no-evolution", action="store_true", help="do not breed in the background")
    parser.add_argument("--seed", type=int, metavar="N", help="of everything random")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any setting, repeatable"
    )


def _running(commands: "argparse._SubParsersAction[_Parser]") -> None:
    _add(commands, "stop", "Stop the running organism in order, keeping protective stops at the venue.",
         "organism stop", "stop")  # fmt: skip
    status = _add(
        commands, "status", "Vitals of the organism, from its view.", "organism status --json", "status"
    )
    status.add_argument("--json", action="store_true", help="one JSON document")
    top = _add(commands, "top", "The vitals in this terminal, drawn anew each second; q ends it.",
               "organism top", "top")  # fmt: skip
    top.add_argument("--once", action="store_true", help="draw once, as where there is no terminal")
    top.add_argument("--interval", type=duration, default=1.0, metavar="2s", help="how often, default 1s")
    top.add_argument("--json", action="store_true", help="one JSON document")


def _operator(commands: "argparse._SubParsersAction[_Parser]") -> None:
    for name, summary in (
        ("halt", "Halt: only orders that shrink a position, until a person resumes."),
        ("reduce", "Reduce: no new risk, until a person resumes."),
        ("resume", "Lift a halt, a reduction, a cool-down, hibernation or safe mode."),
        ("flatten", "Close every position once, and open nothing until a person resumes."),
        ("hibernate", "Trade nothing new for some hours of market time."),
    ):
        parser = _add(commands, name, summary, f"organism {name} --note 'why'", "operator")
        parser.add_argument("--note", default="", help="why; kept in the journal")
        parser.add_argument(
            "--wait", type=duration, default=5.0, help="how long to wait for the body's answer"
        )
        if name == "hibernate":
            parser.add_argument("--hours", type=float, default=24.0, help="market time, default 24")
    for name, actions, what, summary, example in (
        ("strategy", ("pause", "resume", "retire"), "ID", "One strategy: silence it, let it speak again, or retire it for good.",
         "organism strategy pause ema_crossover_0_4093d392 --note 'why'"),
        ("position", ("close", "bar", "allow"), "SYMBOL", "One instrument: close what is held, let nothing be opened there, or allow it again.",
         "organism position close BTC/USDT --note 'why'"),
    ):  # fmt: skip
        parser = _add(commands, name, summary, example, "targeted")
        parser.add_argument("action", choices=actions)
        parser.add_argument("target", metavar=what)
        parser.add_argument("--note", default="", help="why; kept in the journal")
        parser.add_argument(
            "--wait", type=duration, default=5.0, help="how long to wait for the body's answer"
        )


def _audit(commands: "argparse._SubParsersAction[_Parser]") -> None:
    verify = _add(
        commands, "verify", "Audit a state folder; exit 1 on any breach.", "organism verify --json", "verify"
    )
    verify.add_argument("--json", action="store_true", help="one JSON document")
    verify.add_argument(
        "--quarantine", type=int, metavar="SEQ",
        help="move the damaged journal aside and go on from the row before SEQ",
    )  # fmt: skip
    replay = _add(commands, "replay", "Rerun the journal through the same organs; exit 1 where a decision differs.",
                  "organism replay", "replay")  # fmt: skip
    replay.add_argument(
        "--until", type=market_time, metavar="T", help="stop after this market time, e.g. 2024-01-05T12:00"
    )
    replay.add_argument("--json", action="store_true", help="one JSON document")
    backup = _add(commands, "backup", "Copy the state folder, of a living organism too; the copy is read whole as a proof.",
                  "organism backup /mnt/other/monday", "backup")  # fmt: skip
    backup.add_argument(
        "folder", nargs="?", type=Path, help="a new folder; default: backup-TIME beside the state folder"
    )
    backup.add_argument(
        "--with-lake", action="store_true", help="also candles, marks and trades of state/lake, however many"
    )
    backup.add_argument("--json", action="store_true", help="one JSON document")


def _people(commands: "argparse._SubParsersAction[_Parser]") -> None:
    doctor = _add(
        commands, "doctor", "What is wrong with this machine, and what to do.", "organism doctor", "doctor"
    )
    doctor.add_argument("--json", action="store_true", help="one JSON document")
    config = _add(commands, "config", "Each setting, its value and where it came from.",
                  "organism config explain --set market.speed=60", "config")  # fmt: skip
    config.add_argument("action", choices=("explain",))
    config.add_argument("--json", action="store_true", help="one JSON document")
    config.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    alerts = _add(commands, "alerts", "Alerts: test a channel, list what was said, acknowledge.",
                  "organism alerts test --channel critical", "alerts")  # fmt: skip
    alerts.add_argument("action", choices=("test", "list", "ack"))
    alerts.add_argument("id", nargs="?", help="alert to acknowledge")
    alerts.add_argument("--channel", metavar="TAG", default="all", help="tag of the channels to test")
    alerts.add_argument("--json", action="store_true", help="one JSON document")
    _dashboard(commands)
    drill = _add(commands, "drill", "Hurt a paper organism that runs, and watch it heal.",
                 "organism drill --list; organism drill kill-body", "drill")  # fmt: skip
    drill.add_argument("fault", nargs="?", metavar="FAULT", help="which; --list shows all")
    drill.add_argument("--list", action="store_true", help="what can be done, by catalogue id")
    drill.add_argument("--organ", default="brain", metavar="NAME", help="for kill-organ and hang-organ")
    drill.add_argument("--json", action="store_true", help="one JSON document")
    bench = _add(commands, "bench", "The project's own benchmarks.", "organism bench body --json", "bench")
    bench.add_argument(
        "name", choices=("body", "chaos", "soak", "journal", "lockstep", "population", "indicators", "gp", "evolve", "lake", "face")
    )  # fmt: skip
    bench.add_argument("--json", action="store_true", help="one JSON document")
    bench.add_argument("--quick", action="store_true", help="seconds instead of minutes, for a first look")
    bench.add_argument("--data", type=Path, metavar="FOLDER", help="evolve: a folder of recorded hourly bars")
    bench.add_argument("--kills", type=int, default=100, metavar="N", help="chaos: SIGKILLs of processes")
    bench.add_argument("--cuts", type=int, default=100, metavar="N", help="chaos: power cuts")
    bench.add_argument("--seeds", type=int, default=100, metavar="N", help="chaos: simulated lives")
    bench.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="soak: how long (30 unless said); face: so long for the dashboard's memory",
    )
    bench.add_argument(
        "--speed-factor", type=float, default=10.0, metavar="F", help="soak: times the default speed"
    )


def _dashboard(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _add(
        commands, "dashboard", "The page's password, and tokens for programs that ask it.",
        "organism dashboard password; organism dashboard token add grafana --scope metrics; "
        "organism dashboard token list; organism dashboard token revoke grafana", "dashboard",
    )  # fmt: skip
    parser.add_argument("what", choices=("password", "token"))
    parser.add_argument("action", nargs="?", choices=("add", "list", "revoke"))
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a token")
    parser.add_argument(
        "--scope", action="append", choices=("read", "metrics", "command", "resume"),
        help="token add: what it opens, repeatable; read unless said",
    )  # fmt: skip
    parser.add_argument(
        "--days", type=float, metavar="N", help="token add: how long it lives; for ever unless said"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _genome(commands: "argparse._SubParsersAction[_Parser]") -> None:
    genome = _add(
        commands, "genome", "Genomes: list them, show one whole or its ancestors, take one out, bring one in.",
        "organism genome list; organism genome show ema_crossover; organism genome lineage ID --report tree.html; "
        "organism genome export ID --out mine.json; "
        "organism genome import mine.json", "genome",
    )  # fmt: skip
    genome.add_argument("action", choices=("list", "show", "lineage", "export", "import"))
    genome.add_argument(
        "what", nargs="?", metavar="ID|FILE", help="genome to show, trace or export; file to import"
    )
    genome.add_argument("--family", metavar="NAME", help="list this family only")
    genome.add_argument(
        "--out", type=Path, metavar="FILE", help="where export writes; standard output if absent"
    )
    genome.add_argument("--report", type=Path, metavar="FILE.html", help="lineage: write the picture of it")
    genome.add_argument("--json", action="store_true", help="one JSON document")


def _backtest(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _add(
        commands, "backtest", "Run a strategy over recorded bars, costs included: figures, trades, a report.",
        "organism backtest ema_crossover --param fast=12 slow=26 --timeframe 1h --report ema.html", "backtest",
    )  # fmt: skip
    _bars(parser)
    parser.add_argument("--long-only", action="store_true", help="never short")
    parser.add_argument("--size", type=float, metavar="F", help="of equity an entry, default 1")
    parser.add_argument("--trades", type=Path, metavar="FILE", help="write all trades as CSV")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write one page with charts")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _bars(parser: _Parser) -> None:
    """A strategy, the bars it is run on, and what trading costs."""
    parser.add_argument("strategy", metavar="STRATEGY", help="a seed, a genome's id, or a file with a genome")
    parser.add_argument(
        "--param", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="a parameter of the strategy, or any gene: fast=12 stop=0.05",
    )  # fmt: skip
    _market(parser)


def _market(parser: _Parser) -> None:
    """Bars, and what trading costs on them."""
    parser.add_argument(
        "--data", type=words.place, metavar="lake|FILE|FOLDER",
        help="lake (with --venue, --symbols, --timeframe), "
        "Parquet or CSV (timestamp in ms UTC, open high low close volume), or a folder of SYMBOL.csv|parquet; "
        "without it: BTC/USDT, 5 minutes, 2024, which ships with the organism",
    )  # fmt: skip
    words.declare_bars(parser)
    parser.add_argument(
        "--fee", type=float, default=0.001, metavar="F", help="of notional, default 0.001 (0.1 %%)"
    )
    parser.add_argument(
        "--slippage", type=float, default=0.0005, metavar="F", help="of price, default 0.0005"
    )
    parser.add_argument("--capital", type=float, default=10_000.0, metavar="C", help="default 10000")
    parser.add_argument("--start", type=market_time, metavar="T", help="first bar, e.g. 2024-02-01")
    parser.add_argument("--end", type=market_time, metavar="T", help="bars that open before it")
    parser.add_argument("--timeframe", metavar="1h", help="join bars: 15m, 1h, 4h, 1d, 1w")
    parser.add_argument(
        "--asset-class", default="crypto_spot", choices=("crypto_spot", "crypto_perpetual", "equity", "fx"),
        help="days a year, and whether funding is due; default crypto_spot",
    )  # fmt: skip
    parser.add_argument(
        "--funding", type=Path, metavar="FILE", help="timestamp (ms), funding_rate: a perpetual"
    )
    parser.add_argument(
        "--fear-greed", type=Path, metavar="FILE", help="timestamp (ms), fear_greed: one a day"
    )


def _evolving(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _add(
        commands, "evolve", "Breed strategies on recorded bars: generations, front, genealogy, and every look counted.",
        "organism evolve --data BTC.parquet --population 400 --generations 30 --report evolution.html", "evolve",
    )  # fmt: skip
    _market(parser)
    parser.add_argument("--population", type=int, default=200, metavar="N", help="genomes alive; default 200")
    parser.add_argument(
        "--generations", type=int, default=20, metavar="N", help="after the founders; default 20"
    )
    parser.add_argument("--islands", type=int, default=4, metavar="N", help="that seldom mix; default 4")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random; default 1")
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes that simulate; default one, on all cores",
    )
    parser.add_argument(
        "--nice",
        type=int,
        default=0,
        metavar="N",
        help="their priority, 0 to 19; 10 beside a living organism",
    )
    parser.add_argument(
        "--min-trades", type=int, default=30, metavar="N", help="fewer closed trades never win; default 30"
    )
    parser.add_argument("--allow-poor-data", action="store_true", help="breed on data that score below 95")
    parser.add_argument(
        "--resume", action="store_true", help="go on after the newest generation that was saved"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write one page with charts")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _tuning(commands: "argparse._SubParsersAction[_Parser]") -> None:
    found = _add(
        commands, "optimize", "Search the parameters of one strategy over bounds: the best, its neighbours, and the odds of luck.",
        "organism optimize ema_crossover --bound fast=5:50 slow=20:200 --timeframe 1h --report search.html", "optimize",
    )  # fmt: skip
    _bars(found)
    _searching(found, trials=500)
    found.add_argument("--out", type=Path, metavar="FILE", help="write the best genome as JSON")
    walk = _add(
        commands, "walk-forward", "Search in one window, test in the next, again and again: what would have been kept.",
        "organism walk-forward ema_crossover --data BTC.parquet --preset 365/90 --report walk.html", "walk_forward",
    )  # fmt: skip
    _bars(walk)
    _searching(walk, trials=300)
    walk.add_argument(
        "--preset", choices=("365/90", "252/63"), help="days learned from and tested on; 252/63 are trading days; default 365/90"
    )  # fmt: skip
    walk.add_argument("--train", type=int, metavar="DAYS", help="instead of a preset: days learned from")
    walk.add_argument(
        "--test", type=int, metavar="DAYS", help="instead of a preset: days tested on, then the next window"
    )
    walk.add_argument(
        "--anchored", action="store_true", help="learn from the first bar on, not from the newest window"
    )
    walk.add_argument(
        "--purge", type=int, metavar="BARS",
        help="left out between learning and testing; default the longest lookback, at most a tenth of the learning",
    )  # fmt: skip


def _searching(parser: _Parser, trials: int) -> None:
    """How parameters are searched."""
    parser.add_argument(
        "--bound", nargs="+", action="extend", default=[], metavar="NAME=LOW:HIGH",
        help="where to search, as in fast=5:50; switches on a gene that is off, as in stop=0.02:0.1",
    )  # fmt: skip
    parser.add_argument(
        "--step", nargs="+", action="extend", default=[], metavar="NAME=STEP", help="distance of values, as in fast=5"
    )  # fmt: skip
    parser.add_argument(
        "--metric", default="sharpe", metavar="NAME", help="any figure, as in sortino, calmar, profit_factor"
    )
    parser.add_argument(
        "--min-trades", type=int, default=10, metavar="N", help="fewer closed trades never win; default 10"
    )
    parser.add_argument(
        "--method", default="de", choices=("de", "grid", "tpe"), help="differential evolution, grid, or optuna's TPE; default de"
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=int, default=trials, metavar="N", help=f"points looked at, at most; default {trials}"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random; default 1")
    parser.add_argument(
        "--report", "--html", dest="report", type=Path, metavar="FILE.html", help="write one page with charts"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
