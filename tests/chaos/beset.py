"""A real organism with its page, in an environment and with settings that mean harm."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

from organism.chaos.habitat import free_port
from tests.body.house import House
from tests.body.waiting import until


class Beset(House):
    """environment: beside our own. config: the text of a settings file, which lies outside the state folder."""

    def __init__(self, state, *settings, environment, config="", speed="3000"):
        super().__init__(state, *settings, speed=speed)
        self.environment = environment
        self.config = state.with_suffix(".toml")
        self.config.write_text(config)
        self.config.chmod(0o600)

    @property
    def surrounded(self):
        return {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"}

    def start(self, *flags, crash=""):
        assert not crash
        chosen = [part for one in self.settings for part in ("--set", one)]
        with self.log.open("ab") as log:
            self.guardian = subprocess.Popen(
                [sys.executable, "-m", "organism", "start", "--no-evolution", "--state", str(self.state), "--speed", self._speed,
                 "--config", str(self.config), "--port", str(free_port()), *chosen, *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.surrounded, start_new_session=True,
            )  # fmt: skip

    def command(self, *arguments):
        """One command of a person in the same environment: what it wrote, both streams."""
        done = subprocess.run(
            [sys.executable, "-m", "organism", *arguments, "--state", str(self.state), "--config", str(self.config)],
            check=False, capture_output=True, text=True, timeout=60, env=self.surrounded,
        )  # fmt: skip
        return done.stdout + done.stderr

    @property
    def url(self):
        path = self.state / "dashboard.json"
        until(path.exists, "the page's address", 40.0)
        return json.loads(path.read_text())["url"]

    def ask(self, path, body=None, **headers):
        """Status and text of an answer of the page; straight to loopback."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path, data, {"Content-Type": "application/json", "Origin": self.url} | given
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=20
            ) as answer:
                self.cookie = answer.headers.get("set-cookie", "").split(";")[0]
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
