"""Alerts reach every channel at once, at least once, and no channel can hold up another."""

import json
import queue
import random
import sqlite3
import stat
import threading
import time
from contextlib import closing

import pytest
from voice_stubs import Body, Drip, Hook, Mail, closed_port, serving

from organism import logs
from organism.redaction import Redactor
from organism.secret import Secret
from organism.settings import Channel, Settings, VoiceSettings
from organs.voice.sender import trial
from organs.voice.sender.alert import Alert, wanted
from organs.voice.sender.channel import Target, resolve
from organs.voice.sender.courier import DELIVERED, FAILED, Courier, Limits, Result
from organs.voice.sender.post import PostOffice
from organs.voice.sender.reach import Outcome, Service, through_apprise

# plugins of apprise that nobody asked for import what Python is about to drop
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:apprise", "ignore:'imghdr':DeprecationWarning"
)
QUICK = Limits(attempts=3, deadline_s=5.0, pause_s=0.01)


def alert(identity="1-0", **changes):
    values = {"severity": "warning", "priority": "low", "title": "Title", "body": "body", "tags": ("low",)}
    return Alert(id=identity, wall_ns=1, seq=1, **(values | changes))


def target(url, name="one", tags=()):
    return Target(name, tags, Secret(url) if url else None, "" if url else "no address")


def office(state, *targets, limits=QUICK, connect=None, redact=None):
    redact = redact or Redactor()
    return PostOffice(state, targets, limits, redact, connect)


def work(post, until, within_s=10.0):
    """Turn until something is so."""
    ends = time.monotonic() + within_s
    while not until():
        assert time.monotonic() < ends, "it never came to pass"
        post.turn()
        post.note_results(wait_s=0.02)


def rows(state):
    with closing(sqlite3.connect(state / "deliveries.db")) as db:
        return db.execute(
            "SELECT alert_id, channel, state, attempts FROM deliveries ORDER BY rowid"
        ).fetchall()


def states(state):
    return [row[2] for row in rows(state)]


class Recorder:
    """A channel without a network."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.sent = []

    def __call__(self, _target):
        return self.send

    def send(self, sent):
        self.sent.append(sent)
        return self.outcomes.pop(0) if self.outcomes else Outcome(arrived=True, detail="")

    @property
    def titles(self):
        return [sent.title for sent in self.sent]


NO = Outcome(arrived=False, detail="refused")


# ------------------------------------------------------------------ through apprise, over real sockets


@pytest.mark.requirement("S0-4.2.1")
@pytest.mark.requirement("S0-4.2.4")
@pytest.mark.requirement("S2-11.7")
def test_webhook_telegram_and_discord_receive_the_text(monkeypatch):
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.telegram import NotifyTelegram

    with serving(Hook()) as hook:
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{hook.port}/bot")
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{hook.port}/webhooks")
        for url in (
            f"json://127.0.0.1:{hook.port}/hook",
            "tgram://123456789:abcdefg_hijklmnop/12315544/",
            "discord://1234567890/abcdefghijklmnopqrst/",
        ):
            assert Service(Secret(url), Redactor()).send(alert(title="Halted", body="why & how")).arrived
            path, _, body = hook.take()
            assert b"Halted" in body
            assert "Halted" not in path


@pytest.mark.requirement("S0-4.2.2")
def test_mail_receives_the_text():
    with serving(Mail()) as mail:
        url = f"mailto://127.0.0.1:{mail.server_address[1]}?from=a@example.org&to=b@example.org&mode=insecure"
        assert Service(Secret(url), Redactor()).send(alert(title="Halted", body="drawdown")).arrived
        message = mail.received.get(timeout=10)
    assert b"Subject: Halted" in message
    assert b"drawdown" in message


@pytest.mark.requirement("S0-4.2.3")
def test_a_gateway_for_text_messages_receives_the_text():
    """SMS providers are reached through apprise; the provider-neutral webhook form is tried here."""
    with serving(Hook()) as hook:
        assert (
            Service(Secret(f"form://127.0.0.1:{hook.port}/sms"), Redactor())
            .send(alert(title="Halted"))
            .arrived
        )
        assert b"Halted" in hook.take()[2]


def test_what_is_not_delivered_says_why_and_what_is_hopeless_says_so():
    with serving(Hook(answer=lambda _: 500)) as hook:
        for more in ("", "?optional=yes"):  # an "optional" service reports success even when it failed
            outcome = Service(Secret(f"json://127.0.0.1:{hook.port}/{more}"), Redactor()).send(alert())
            assert (outcome.arrived, outcome.hopeless) == (False, False)
            assert "500" in outcome.detail
    assert not Service(Secret(f"json://127.0.0.1:{closed_port()}"), Redactor()).send(alert()).arrived
    for url in ("nosuch://x", "json://", "tgram://bad"):
        outcome = Service(Secret(url), Redactor()).send(alert())
        assert (outcome.arrived, outcome.hopeless) == (False, True)


def test_the_library_neither_retries_nor_follows_redirects():
    with serving(Hook(answer=lambda _: 302)) as hook:
        assert (
            not Service(Secret(f"json://127.0.0.1:{hook.port}/?retry=5&wait=0"), Redactor())
            .send(alert())
            .arrived
        )
        assert hook.n_requests == 1


def test_text_is_no_template_no_escape_and_no_attachment():
    with serving(Hook()) as hook:
        text = "${HOME} \\n :smile: file:///etc/passwd {{x}}"
        Service(Secret(f"json://127.0.0.1:{hook.port}/"), Redactor()).send(alert(body=text))
        (body,) = hook.bodies(1)
    assert body["message"] == text
    assert not body.get("attachments")


# ------------------------------------------------------------------ couriers


def test_a_courier_tries_again_with_growing_pauses_and_stops_at_the_last_attempt():
    recorder = Recorder(NO, NO, NO, NO)
    courier = Courier("one", lambda: recorder.send, QUICK, queue.SimpleQueue(), random.Random(1))
    result = courier.deliver(alert())
    assert (result.state, result.attempts, result.error) == ("failed", 3, "refused")
    recorder.outcomes = [NO]
    assert courier.deliver(alert()).state == "delivered"
    recorder.outcomes = [Outcome(arrived=False, detail="", hopeless=True)]
    assert courier.deliver(alert()).attempts == 1
    courier.close()


def test_the_deadline_holds_for_all_attempts_together():
    recorder = Recorder(*[NO] * 100)
    limits = Limits(attempts=100, deadline_s=0.3, pause_s=0.05)
    courier = Courier("one", lambda: recorder.send, limits, queue.SimpleQueue())
    began = time.monotonic()
    assert courier.deliver(alert()).state == "failed"
    assert time.monotonic() - began < 2.0
    assert 1 < len(recorder.sent) < 20
    courier.close()


def test_what_does_not_answer_is_left_behind_and_noted_if_it_arrives_after_all():
    release = threading.Event()
    results = queue.SimpleQueue()
    n_connected = []

    def connect():
        n_connected.append(1)

        def send(_):
            assert release.wait(30)
            return Outcome(arrived=True, detail="")

        return send

    courier = Courier("one", connect, Limits(attempts=1, deadline_s=0.05), results)
    for _ in range(3):
        assert "no answer" in courier.deliver(alert()).error
    assert "have not ended" in courier.deliver(alert()).error
    assert len(n_connected) == 3
    release.set()
    late = results.get(timeout=10)
    assert (late.state, late.late) == ("delivered", True)
    courier.close()


# ------------------------------------------------------------------ the post office


def test_channels_are_served_at_once_and_a_dripping_one_holds_up_nobody(tmp_path):
    body = Body(tmp_path)
    with serving(Drip()) as drip, serving(Hook()) as first, serving(Hook()) as second:
        post = office(
            tmp_path,
            target(f"json://127.0.0.1:{drip.port}/", "drip"),
            target(f"json://127.0.0.1:{first.port}/", "first"),
            target(f"json://127.0.0.1:{second.port}/", "second"),
            limits=Limits(attempts=2, deadline_s=30.0),
        )
        body.say("A", "B")
        post.turn()
        assert [b["title"] for b in first.bodies(2)] == ["A", "B"]
        assert [b["title"] for b in second.bodies(2)] == ["A", "B"]
        work(post, lambda: post.carrying == 2)
        assert {row[1]: row[2] for row in rows(tmp_path)} == {
            "drip": "pending", "first": "delivered", "second": "delivered",
        }  # fmt: skip
        drip.ended.set()
        work(post, lambda: post.carrying == 0)
        post.close()
    assert set(states(tmp_path)) == {"delivered"}
    body.close()


@pytest.mark.requirement("S0-4.2.13")
def test_each_channel_gets_what_its_tags_ask_for(tmp_path):
    body = Body(tmp_path)
    by_name = {name: Recorder() for name in ("phone", "mail", "all", "untagged")}
    post = office(
        tmp_path,
        target("json://x", "phone", ("critical",)),
        target("json://x", "mail", ("high", "low")),
        target("json://x", "all", ("all",)),
        target("json://x", "untagged"),
        connect=lambda t: by_name[t.name].send,
    )
    for tag in ("critical", "high", "low"):
        body.say(tag, tag=tag)
    work(post, lambda: len(rows(tmp_path)) == 9 and set(states(tmp_path)) == {"delivered"})
    post.close()
    assert {name: recorder.titles for name, recorder in by_name.items()} == {
        "phone": ["critical"],
        "mail": ["high", "low"],
        "all": ["critical", "high", "low"],
        "untagged": ["critical", "high", "low"],
    }
    assert wanted(("all",), ("critical",))
    body.close()


def test_a_restart_sends_nothing_twice_and_forgets_nothing(tmp_path):
    body = Body(tmp_path)
    body.say("A", "B")
    first = Recorder()
    post = office(tmp_path, target("json://x"), connect=first)
    work(post, lambda: states(tmp_path) == ["delivered"] * 2)
    post.close()
    body.work(50)
    body.say("C")

    second = Recorder()
    post = office(tmp_path, target("json://x"), connect=second)
    work(post, lambda: states(tmp_path) == ["delivered"] * 3)
    post.turn()
    post.close()
    assert (first.titles, second.titles) == (["A", "B"], ["C"])
    body.close()


def test_what_was_noted_but_not_sent_when_the_process_died_is_sent_by_the_next(tmp_path):
    body = Body(tmp_path)
    body.say("A", "B")
    hang = threading.Event()

    def stuck(_):
        return lambda _: (hang.wait(30), NO)[1]

    killed = office(tmp_path, target("json://x"), connect=stuck)
    killed.turn()
    assert states(tmp_path) == ["pending"] * 2
    killed._record.close()  # as SIGKILL would: nothing is noted any more

    recorder = Recorder()
    post = office(tmp_path, target("json://x"), connect=recorder)
    work(post, lambda: states(tmp_path) == ["delivered"] * 2)
    post.close()
    hang.set()
    assert recorder.titles == ["A", "B"]
    body.close()


def test_a_channel_that_was_down_is_told_what_it_missed_in_one_alert(tmp_path, monkeypatch):
    monkeypatch.setattr("organs.voice.sender.post.CATCH_UP_S", 0.05)
    body = Body(tmp_path)
    recorder = Recorder(*[NO] * 6)
    post = office(tmp_path, target("json://x"), connect=recorder, limits=Limits(3, 5.0, 0.001))
    body.say("A", "B")
    work(post, lambda: set(states(tmp_path)) == {"summed_up"})
    post.close()
    assert recorder.titles[6:] == ["2 alerts did not arrive here before"]
    assert "A: body; B: body" in recorder.sent[-1].body
    body.close()


def test_a_channel_without_an_address_fails_alone(tmp_path):
    body = Body(tmp_path)
    recorder = Recorder()
    post = office(tmp_path, target(None, "broken"), target("json://x", "whole"), connect=recorder)
    body.say("A")
    work(post, lambda: len(rows(tmp_path)) == 2 and "pending" not in states(tmp_path))
    post.close()
    assert {row[1]: row[2] for row in rows(tmp_path)} == {"broken": "failed", "whole": "delivered"}

    post = office(tmp_path, target("json://x", "whole"), connect=recorder)
    post.close()
    assert dict(row[1:3] for row in rows(tmp_path)) == {"broken": "dropped", "whole": "delivered"}
    body.close()


def test_the_journal_may_be_sealed_while_it_is_followed(tmp_path):
    recorder = Recorder()
    post = office(tmp_path, target("json://x"), connect=recorder)
    post.turn()  # there is no journal yet
    body = Body(tmp_path, segment_mb=0.05, keep_segments=2)
    titles = [f"T{n}" for n in range(30)]
    for n, title in enumerate(titles):
        body.say(title)
        body.work(40)
        if n % 7 == 0:
            post.turn()
    assert len(list(tmp_path.glob("journal-*.db"))) == 2
    work(post, lambda: len(recorder.sent) == 30 and post.carrying == 0)
    post.close()
    assert recorder.titles == titles
    body.close()


def test_a_journal_that_was_replaced_is_read_from_its_beginning(tmp_path):
    body = Body(tmp_path)
    body.say("A", "B", "C")
    body.close()
    recorder = Recorder()
    post = office(tmp_path, target("json://x"), connect=recorder)
    work(post, lambda: len(recorder.sent) == 3 and post.carrying == 0)
    post.close()
    for file in tmp_path.glob("journal*"):
        file.unlink()

    recorder.sent.clear()
    post = office(tmp_path, target("json://x"), connect=recorder)
    post.turn()
    body = Body(tmp_path)
    body.say("D")  # with an alert id that the old journal had, too
    work(post, lambda: recorder.titles == ["D"] and post.carrying == 0)
    body.say("E", "F", "G")
    work(post, lambda: recorder.titles == ["D", "E", "F", "G"] and post.carrying == 0)
    post.close()
    assert recorder.titles == ["D", "E", "F", "G"], "nothing twice, nothing of the old journal"
    assert set(states(tmp_path)) == {"delivered"}
    body.close()


def test_the_guardian_speaks_when_the_body_cannot(tmp_path):
    words = tmp_path / "last_words.jsonl"
    recorder = Recorder()
    post = office(tmp_path, target("json://x", tags=("critical",)), connect=recorder)
    line = json.dumps({"wall_ns": 5, "severity": "critical", "title": "Gave up", "body": "six deaths"})
    words.write_text(line[:20])
    assert post.turn() == 0  # half a line
    words.write_text(
        line + "\nnonsense\n" + json.dumps({"wall_ns": 6, "severity": "info", "title": "Stopped"}) + "\n"
    )
    work(post, lambda: recorder.titles == ["Gave up"] and post.carrying == 0)
    post.close()

    post = office(tmp_path, target("json://x"), connect=recorder)
    words.write_text(line + "\n")  # written anew: the same words are not said again
    post.turn()
    post.close()
    assert recorder.titles == ["Gave up"]


def test_a_damaged_row_costs_its_own_alert_only(tmp_path):
    body = Body(tmp_path)
    body.say("A", "B", "C")
    body.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.execute("UPDATE rows SET effects = x'c1' WHERE seq = 2")
        db.commit()
    recorder = Recorder()
    post = office(tmp_path, target("json://x"), connect=recorder)
    work(post, lambda: len(recorder.sent) == 2 and post.carrying == 0)
    post.close()
    assert recorder.titles == ["A", "C"]


# ------------------------------------------------------------------ secrets


@pytest.mark.requirement("S2-13.2")
def test_no_address_and_no_secret_reaches_a_log_or_the_record(tmp_path, capsys):
    token = "AAtokenAAtokenAAtoken"
    redact = Redactor()
    body = Body(tmp_path)
    with serving(Hook(answer=lambda n: 200 if n % 2 else 500)) as hook:
        channels = (
            Channel(url=f"json://user:{token}@127.0.0.1:{hook.port}/{token}?+X-Token={token}", tags=("low",)),
            Channel(url=f"tgram://{token}", name=""),
            Channel(url="env:HOOK"),
            Channel(url="env:MISSING"),
        )
        environ = {"HOOK": f"json://127.0.0.1:{closed_port()}/{token}"}
        running = logs.setup("sender", tmp_path, redact)
        try:
            targets = resolve(channels, environ, redact)
            post = office(tmp_path, *targets, limits=Limits(2, 5.0, 0.01), redact=redact)
            body.say("A", "B", body=f"the venue said {token} at https://x:{token}@host")
            work(post, lambda: len(rows(tmp_path)) == 8 and "pending" not in states(tmp_path))
            post.close()
        finally:
            running.close()
        sent = hook.take()
    assert token.encode() not in sent[2]
    assert [t.name for t in targets] == [
        "json://127.0.0.1",
        "tgram://***",
        "json://127.0.0.1#2",
        "env:MISSING",
    ]
    for file in (*tmp_path.glob("deliveries.db*"), tmp_path / "log" / "sender.jsonl"):
        assert token.encode() not in file.read_bytes()
    assert token not in capsys.readouterr().err
    assert stat.S_IMODE((tmp_path / "deliveries.db").stat().st_mode) == 0o600
    body.close()


# ------------------------------------------------------------------ `organism alerts test`


def test_a_trial_says_per_channel_whether_it_arrived():
    with serving(Hook()) as hook, serving(Hook(answer=lambda _: 500)) as broken, serving(Drip()) as drip:
        settings = Settings(
            voice=VoiceSettings(
                total_deadline_s=2.0,
                channels=(
                    Channel(url=f"json://127.0.0.1:{hook.port}/", tags=("critical",), name="good"),
                    Channel(url=f"json://127.0.0.1:{broken.port}/", tags=("critical",), name="broken"),
                    Channel(url=f"json://127.0.0.1:{drip.port}/", tags=("critical",), name="slow"),
                    Channel(url="env:NOWHERE", tags=("critical",), name="missing"),
                    Channel(url="json://127.0.0.1:1/", tags=("low",), name="other"),
                ),
            )
        )
        began = time.monotonic()
        found = {name: (arrived, detail) for name, arrived, detail in trial.attempt(settings, "critical", {})}
    assert time.monotonic() - began < 4.0
    assert found["good"] == (True, "arrived")
    assert found["broken"][0] is False
    assert found["slow"] == (False, "no answer within 2 s")
    assert "NOWHERE" in found["missing"][1]
    assert "other" not in found
    assert len(trial.test_channels(Settings(), "all")) == 0


@pytest.mark.parametrize("late_first", [True, False], ids=["before", "after"])
def test_a_late_arrival_in_a_trial_counts_as_one_and_takes_no_other_channels_place(late_first):
    given_up = Result(alert(), "late", FAILED, 1, "no answer within 3 s")
    arrived = Result(alert(), "late", DELIVERED, 0, "", late=True)
    results = queue.Queue()
    for result in (arrived, given_up) if late_first else (given_up, arrived):
        results.put(result)
    results.put(Result(alert(), "slow", FAILED, 1, "no answer within 3 s"))
    assert trial.gathered(results, ("late", "slow")) == {
        "late": (True, "arrived, but late"),
        "slow": (False, "no answer within 3 s"),
    }


def test_a_channel_without_an_address_cannot_be_connected():
    with pytest.raises(ValueError, match="no address"):
        through_apprise(Redactor(), target(None))
