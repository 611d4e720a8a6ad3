"""The sender as a process of its own: it lives as long as the guardian's pipe, and survives SIGKILL."""

import json
import os
import subprocess
import sys

import pytest
from voice_stubs import Body, Hook, serving

from organs.voice.sender.__main__ import main


def settings_file(folder, port, extra=""):
    path = folder / "settings.toml"
    path.write_text(
        f'[voice]\nchannels = [{{ url = "json://127.0.0.1:{port}/TOKENtokenTOKEN", tags = ["all"] }}]\n{extra}'
    )
    return path


class Sender:
    def __init__(self, state, config):
        self.theirs, self.ours = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "organs.voice.sender", "--state", str(state), "--config", str(config)],
            env={**os.environ, "ORGANISM_PARENT_FD": str(self.theirs)},
            pass_fds=(self.theirs,), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(self.theirs)

    def end(self):
        """Close the pipe, as a guardian that ends does."""
        os.close(self.ours)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err

    def kill(self):
        self.process.kill()
        os.close(self.ours)
        self.process.communicate(timeout=20)


@pytest.mark.slow
@pytest.mark.chaos
def test_a_killed_sender_goes_on_where_it_was_and_says_the_last_words_before_it_ends(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    body = Body(state)
    with serving(Hook()) as hook:
        config = settings_file(tmp_path, hook.port)
        sender = Sender(state, config)
        body.say("A")
        assert hook.bodies(1, 30)[0]["title"] == "A"
        sender.kill()

        body.say("B")
        sender = Sender(state, config)
        titles = [b["title"] for b in hook.bodies(1, 30)]
        while titles[-1] != "B":  # A may come again: it was noted only if there was time
            titles += [b["title"] for b in hook.bodies(1, 30)]
        words = {"wall_ns": 1, "severity": "info", "title": "Stopped", "body": "in order"}
        (state / "last_words.jsonl").write_text(json.dumps(words) + "\n")
        code, err = sender.end()
        assert hook.bodies(1, 1)[0]["title"] == "Stopped"
    assert code == 0
    assert "TOKENtokenTOKEN" not in err + (state / "log" / "sender.jsonl").read_text()
    body.close()


def test_settings_that_cannot_be_used_end_it_with_one_sentence(tmp_path, capsys):
    path = tmp_path / "settings.toml"
    path.write_text("[voice]\nper_minut = 3\n")
    assert main(["--state", str(tmp_path), "--config", str(path)], {}) == 2
    err = capsys.readouterr().err
    assert "Did you mean 'per_minute'?" in err
    assert err.count("\n") == 1
