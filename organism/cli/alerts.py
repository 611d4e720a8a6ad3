"""`organism alerts test|list|ack`: can the channels be reached, and what was said to whom."""

from organism.alerts import acknowledge, acknowledged, deliveries, with_guardians
from organism.cli.context import emit, settings, state_folder
from organism.cli.parser import Options
from organism.errors import BadInput
from organism.view.reader import ViewReader


def perform(options: Options) -> int:
    """Do what was asked."""
    if options.action == "test":
        return _test(options)
    if options.action == "list":
        return _list(options)
    return _acknowledge(options)


def _test(options: Options) -> int:
    from organs.voice.sender.trial import test_channels

    results = test_channels(settings(options).settings, options.channel)
    if options.json:
        emit([{"channel": name, "arrived": ok, "detail": detail} for name, ok, detail in results])
    else:
        for name, ok, detail in results:
            print(f"{'arrived' if ok else 'FAILED '}  {name}: {detail}")
        if not results:
            none = (
                "There is no channel"
                if options.channel == "all"
                else f"No channel carries the tag {options.channel!r}"
            )
            print(
                f"{none}. Alerts show in the dashboard and the log only; "
                f"add channels to [voice] in organism.toml."
            )
    return 0 if results and all(ok for _, ok, _ in results) else 1


def _list(options: Options) -> int:
    state = state_folder(options)
    rows = with_guardians(ViewReader(state / "view.db").table("alerts", 50), state, 50)
    ids = [row["alert_id"] for row in rows]
    seen, sent = acknowledged(state, ids), deliveries(state, ids)
    for row in rows:
        row["acknowledged"] = row["alert_id"] in seen
        row["deliveries"] = {found.channel: found.state for found in sent.get(row["alert_id"], ())}
    if options.json:
        emit(rows)
        return 0
    for row in rows:
        mark = " " if row["acknowledged"] else "●"
        reached = (
            ", ".join(f"{channel} {how}" for channel, how in row["deliveries"].items()) or "dashboard only"
        )
        print(f"{mark} {row['alert_id']:<10} {row['severity']:<9} {row['title']}  [{reached}]")
        print(f"{'':13}{row['body']}")
    if not rows:
        print("Nothing was said yet.")
    return 0


def _acknowledge(options: Options) -> int:
    if not options.id:
        raise BadInput("alerts ack wants the id of an alert; see `organism alerts list`.")
    state = state_folder(options)
    rows = ViewReader(state / "view.db").table("alerts", 10_000)
    known = {row["alert_id"] for row in with_guardians(rows, state, 20_000)}
    if options.id not in known:
        raise BadInput(f"There is no alert {options.id!r}; see `organism alerts list`.")
    acknowledge(state, options.id)
    print(f"Acknowledged {options.id}.")
    return 0
