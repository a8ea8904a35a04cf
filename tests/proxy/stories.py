"""What is tried without a library: redis-cli as people use it, a pop that waits for longer than a token lives, and
requests without a pause between them. The same answers as a program of clients.py gives."""

import contextlib
import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import termios
import threading
import time
import traceback

import redis
from running import PATIENCE_S

DUMMY = {"REDISCLI_AUTH": "a-dummy"}  # a static password, as in the settings of many programs


class Story:
    """Runs `step`, which a story is a generator of, until it is told to finish; what it yields is one round."""

    def __init__(self, name, steps):
        self.name, self._steps = name, steps
        self._over, self._ready = threading.Event(), threading.Event()
        self._outcome = {"code": 1, "rounds": 0, "said": ""}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            with contextlib.closing(self._steps) as steps:
                for rounds, _ in enumerate(steps, 1):
                    self._outcome["rounds"] = rounds
                    self._ready.set()
                    if self._over.is_set():
                        self._outcome["code"] = 0
                        return
        except Exception:
            self._outcome["said"] = traceback.format_exc()
        finally:
            self._ready.set()

    def wait_until_ready(self):
        assert self._ready.wait(PATIENCE_S), f"{self.name} did not begin"
        assert not self._outcome["said"], f"{self.name}: {self._outcome['said']}"

    def rounds(self):
        """How many so far."""
        return self._outcome["rounds"]

    def finish(self):
        self._over.set()

    def outcome(self):
        self._thread.join(PATIENCE_S)
        return self._outcome

    def kill(self):
        self._over.set()


def redis_cli(port):
    """One process for each command; one that subscribes all the time."""
    command = ["redis-cli", "-p", str(port)]
    environment = {**os.environ, **DUMMY}

    def run(*words, given=""):
        how = {"capture_output": True, "text": True, "env": environment, "timeout": PATIENCE_S}
        done = subprocess.run([*command, *words], input=given, **how)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.rstrip("\n")

    subscribe = [*command, "SUBSCRIBE", "news:cli"]
    with subprocess.Popen(subscribe, env=environment, stdout=subprocess.PIPE, text=True) as listener:
        try:
            assert [listener.stdout.readline() for _ in range(3)] == ["subscribe\n", "news:cli\n", "1\n"]
            for number in range(1_000_000):
                assert run("SET", "key:cli", str(number)) == "OK" and run("GET", "key:cli") == str(number)
                lines = "".join(f"SET cli:{key} {number}\r\n" for key in range(2_000))
                assert "errors: 0, replies: 2000" in run("--pipe", given=lines)
                assert run("PUBLISH", "news:cli", str(number)) == "1"
                assert [listener.stdout.readline() for _ in range(3)] == ["message\n", "news:cli\n", f"{number}\n"]
                assert run("BLPOP", "nothing:cli", "1") == ""
                yield
        finally:
            listener.kill()


class Terminal:
    """A program that believes that somebody types."""

    def __init__(self, command):
        self._keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        environment = {**os.environ, **DUMMY, "TERM": "xterm", "HOME": "/nonexistent"}  # no history of a user's
        self.process = subprocess.Popen(command, stdin=screen, stdout=screen, stderr=screen, env=environment)
        os.close(screen)
        self._shown = ""

    def ask(self, line, answer, prompt):
        os.write(self._keyboard, line.encode() + b"\r")
        self.wait_for(answer + "\r\n")
        self.wait_for(prompt)  # what is typed sooner is thrown away

    def wait_for(self, text):
        """Forgets what was shown up to it."""
        while text not in self._shown:
            assert "not connected" not in self._shown and "rror" not in self._shown, self._shown
            assert select.select([self._keyboard], [], [], PATIENCE_S)[0], f"no {text!r} in {self._shown!r}"
            self._shown += os.read(self._keyboard, 4096).decode()
        self._shown = self._shown.split(text, 1)[1]

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self._keyboard)


def redis_cli_in_a_terminal(port):
    with contextlib.closing(Terminal(["redis-cli", "-p", str(port)])) as terminal:
        terminal.wait_for(f"{port}> ")
        terminal.ask("SELECT 1", "OK", f"{port}[1]> ")  # it is shown which database it believes it is in
        for number in range(1_000_000):
            terminal.ask(f"SET key:terminal value-{number}", "OK", f"{port}[1]> ")
            terminal.ask("GET key:terminal", f'"value-{number}"', f"{port}[1]> ")  # in quotes: not what was typed
            terminal.ask("BLPOP nothing:terminal 1", "(nil)", f"{port}[1]> ")
            yield


def waits_for_longer_than_a_token_lives(port, emulator):
    """BLPOP without a limit; an element comes when two more tokens were fetched than when it began to wait."""
    waiting, other = (redis.Redis(port=port, retry=None, protocol=2, socket_timeout=None) for _ in range(2))
    with waiting, other:
        for number in range(1_000_000):
            fetched = emulator.token_requests()
            done = threading.Event()

            def push(value=number, fetched=fetched, done=done):
                while emulator.token_requests() < fetched + 2 and not done.is_set():
                    done.wait(0.2)
                other.rpush("waits", value)

            pusher = threading.Thread(target=push, daemon=True)
            pusher.start()
            try:
                assert waiting.blpop(["waits"], 0) == (b"waits", str(number).encode())
            finally:
                done.set()
            pusher.join(PATIENCE_S)
            assert waiting.echo("behind it") == b"behind it" and other.llen("waits") == 0
            yield


def never_pauses(port):
    """A thousand requests are under way at each moment: there is none at which nothing is owed."""
    window, answered = 1_000, 0
    request = b"INCR never-pauses\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"DEL never-pauses\r\n" + window * request)
        answers = connection.makefile("rb")
        assert answers.readline() in (b":0\r\n", b":1\r\n")
        while True:
            for _ in range(window // 4):
                answered += 1
                line = answers.readline()
                assert line == b":%d\r\n" % answered, line
            connection.sendall(window // 4 * request)
            time.sleep(0.01)  # for the other clients' sake: three quarters are still owed
            yield
