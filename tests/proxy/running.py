"""What runs while clients are tried: a redis-server, and `entrakey proxy`."""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.request

from ports import free_port

PATIENCE_S = 60  # a busy machine; each wait ends as soon as what it waits for is there
# It ends with this process, whatever becomes of that.
WITH_US = ("setpriv", "--pdeathsig", "KILL")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_until(what, condition, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        time.sleep(0.02)


def memory_kib(pid):
    """The most that a process has had."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read(), re.MULTILINE).group(1))


class Server:
    """A redis-server with a password; it can be killed and started again on its port."""

    def __init__(self, folder):
        self._folder, self.port = folder, free_port()
        self.url = f"redis://:backend-secret@127.0.0.1:{self.port}"
        self._process = None

    def start(self):
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        command = [*WITH_US, "redis-server", *where, "--save", "", "--requirepass", "backend-secret"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                break
        assert self._process.poll() is None, "redis-server does not come up"
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()


class Service:
    """A service of ours from the moment that it listens; killed at the end. What it says is JSON."""

    name = None  # of the command, and in its metrics

    def __init__(self, command, env, *options):
        self._http_port = free_port()
        seen = ["--structured-logs", "--health-check", "--prometheus", "--http-port", str(self._http_port)]
        self.process = subprocess.Popen(
            [*WITH_US, *command, *map(str, options), *seen],
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said, self._lines = [], queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.listens()
        except BaseException:
            self.kill()
            raise

    def listens(self):
        """Waits until it does."""
        raise NotImplementedError

    def _read(self):
        for line in self.process.stderr:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait_for(self, pattern, times=1):
        """The first message that fits (or a later one), of those that were said or will be."""
        for line in self.said:
            if found := re.search(pattern, line["message"]):
                times -= 1
                if not times:
                    return found
        deadline = time.monotonic() + PATIENCE_S
        while True:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            assert line is not None, f"it ended before it said {pattern!r}: {self.said}"
            self.said.append(line)
            if found := re.search(pattern, line["message"]):
                times -= 1
                if not times:
                    return found

    def all_said(self):
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get_nowait()) is not None:
                self.said.append(line)
        return self.said

    def _get(self, path):
        return DIRECT.open(f"http://localhost:{self._http_port}{path}", timeout=PATIENCE_S).read().decode()

    def metrics(self):
        return self._get("/metrics")

    def counted(self, name, **labels):
        """A metric's value, summed over the labels that are not given."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        name = f"entrakey_{self.name}_{name}"
        lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", self.metrics(), re.MULTILINE)
        assert lines, f"no metric {name}"
        return sum(float(value) for given, value in lines if all(one in given for one in wanted))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Waits for its end: its exit code. All that it said is in `said` then."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.all_said()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.ended()
        for line in self.said:  # pytest shows it with a test that fails
            print(f"{self.name}:", line["timestamp"], line["severity"], line["message"])


class Proxy(Service):
    """`entrakey proxy` in front of an emulator's Redis."""

    name = "proxy"

    def __init__(self, emulator, *options, port=0, identity="managed_identity", upstream_port=None):
        upstream = f"{emulator['REDIS_HOST']}:{upstream_port or emulator['REDIS_PORT']}"
        command = [os.environ["ENTRAKEY_BIN"], "proxy", upstream, "--port", str(port)]
        super().__init__(command, emulator.process_environment(ENTRAKEY_IDENTITY=identity), *options)

    def listens(self):
        self.port = int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))

    def complaints(self):
        """What was said of connections that is more than news. To be asked for when it has ended. (Of tokens: on a busy
        machine they come late, or have run out before the server sees them; then the next one is taken.)"""
        return [line for line in self.said if line["severity"] not in ("DEBUG", "INFO") and "event" not in line]
