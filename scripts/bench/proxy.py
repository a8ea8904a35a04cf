"""The proxy beside stunnel, haproxy and a client that speaks TLS itself: proxy.py target/release/entrakey [ROUNDS]

All of them in front of one redis-server with TLS, in rounds that interleave them; what is shown is the median. Only the
ratios mean something: they are of one machine at one time.
"""

import contextlib
import csv
import os
import pathlib
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HERE / "bindings/python/python/entrakey"))  # the module alone: the package wants its library
sys.path.insert(1, str(HERE / "tests"))
from emulator import Emulator  # noqa: E402
from ports import free_port  # noqa: E402

IDLE, IDLE_S, HUGE = 1_000, 10, 512 * 1024 * 1024
DIRECT, OURS = "direct TLS", "entrakey"
# haproxy that passes on the bytes of a client that speaks TLS itself: what the way through another process costs, and nothing else.
BYTES_ALONE = "bytes alone"
CLIENT_SPEAKS_TLS = (DIRECT, BYTES_ALONE)
# Of a round: what redis-benchmark is asked for, and what is read of its answer.
LOADS = {
    "1 connection, p50 µs": (["-n", "20000", "-c", "1"], "p50_latency_ms"),
    "1 connection, p99 µs": (["-n", "20000", "-c", "1"], "p99_latency_ms"),
    "50 connections, p50 µs": (["-n", "100000", "-c", "50"], "p50_latency_ms"),
    "50 connections, p99 µs": (["-n", "100000", "-c", "50"], "p99_latency_ms"),
    "50 connections, pipelines of 16, requests/s": (["-n", "500000", "-c", "50", "-P", "16"], "rps"),
}
MOST_OF_BEST, MOST_OVER_DIRECT_US, MOST_KIB_A_CONNECTION, MOST_MIB_FOR_HUGE = 1.05, 20, 40, 10


def ask(connection, *words):
    connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    return connection.recv(65_536)


def connect(port, tls=None):
    """A connection that has been through to the server, once whatever listens there does."""
    for _ in range(1_000):
        with contextlib.suppress(ConnectionError):
            connection = socket.create_connection(("127.0.0.1", port))
            if tls:
                connection = tls.wrap_socket(connection, server_hostname="localhost")
            if ask(connection, b"PING") == b"+PONG\r\n":
                return connection
            connection.close()
        time.sleep(0.02)
    raise SystemExit(f"proxy.py: nothing answers on port {port}")


class Bench:
    def __init__(self, folder, program, running):
        self.folder, self.program, self.running = pathlib.Path(folder), program, running
        self.authority, self.certificate, self.key = self.make_certificate()
        self.server_port, self.plain_port = free_port(), free_port()
        self.ports, self.processes = {DIRECT: self.server_port}, {}

    def make_certificate(self):
        """For localhost, and an authority that vouches for it: what stands alone vouches for no server."""
        ca, ca_key, pem, key, request = (self.folder / name for name in ("ca.pem", "ca.key", "one.pem", "one.key", "one.csr"))
        new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
        sign = ["openssl", "x509", "-req", "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2"]
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        for command in (
            [*new, "/CN=authority", "-x509", "-days", "2", "-keyout", ca_key, "-out", ca],
            [*new, "/CN=localhost", "-keyout", key, "-out", request],
            [*sign, "-in", request, "-extfile", self.folder / "names", "-out", pem],
        ):
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return ca, pem, key

    def start(self, name, port, command, environment=None, tls=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.running.callback(process.wait)
        self.running.callback(process.kill)
        self.ports[name], self.processes[name] = port, process
        connect(port, tls).close()

    def start_server(self, user):
        """Whoever is that user gets in with any password: what is measured is the way there."""
        where = ["--bind", "127.0.0.1", "--port", str(self.plain_port), "--tls-port", str(self.server_port)]
        trust = ["--tls-cert-file", self.certificate, "--tls-key-file", self.key, "--tls-ca-cert-file", self.authority]
        rest = ["--tls-auth-clients", "no", "--save", "", "--maxclients", "10000", "--dir", self.folder]
        who = ["--user", user, "on", "nopass", "~*", "&*", "+@all"]
        self.start("redis-server", self.plain_port, ["redis-server", *where, *trust, *rest, *who])

    def start_stunnel(self):
        port, file = free_port(), self.folder / "stunnel.conf"
        file.write_text(
            f"foreground = yes\npid =\ndebug = err\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n[redis]\n"
            f"client = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{self.server_port}\n"
            f"CAfile = {self.authority}\nverifyChain = yes\ncheckHost = localhost\nsni = localhost\n"
        )
        self.start("stunnel", port, ["stunnel4", file])

    def start_haproxy(self, name, tls=None):
        """Speaks TLS with the server, or lets its clients (by `tls`) do so."""
        port, file = free_port(), self.folder / f"{name}.cfg"
        speaks = f"ssl verify required ca-file {self.authority} sni str(localhost) verifyhost localhost"
        file.write_text(
            "global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen redis\n  bind 127.0.0.1:{port}\n  server one 127.0.0.1:{self.server_port} {'' if tls else speaks}\n"
        )
        self.start(name, port, ["haproxy", "-db", "-f", file], tls=tls)

    def start_ours(self, environment):
        port = free_port()
        upstream = f"localhost:{self.server_port}"
        trust = ["--ca-file", self.authority, "--quiet"]
        self.start(OURS, port, [self.program, "proxy", upstream, "--port", str(port), *trust], environment)

    def load(self, name, options):
        command = ["redis-benchmark", "-h", "localhost", "-p", str(self.ports[name]), "-t", "get", "--csv", *options]
        if name in CLIENT_SPEAKS_TLS:
            command += ["--tls", "--cacert", str(self.authority), "--sni", "localhost"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        (row,) = csv.DictReader(done.stdout.splitlines())
        return {column: float(value) for column, value in row.items() if column != "test"}

    def status(self, name, what):
        """From /proc, in bytes."""
        text = pathlib.Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return int(re.search(rf"^{what}:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def processor_seconds(self, name):
        fields = pathlib.Path(f"/proc/{self.processes[name].pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self, name):
        """KiB for each connection that says nothing, and the share of a processor, in thousandths, for all of them."""
        before = self.status(name, "VmRSS")
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE):
                stack.enter_context(connect(self.ports[name]))
            used = self.processor_seconds(name)
            time.sleep(IDLE_S)
            used = self.processor_seconds(name) - used
            return (self.status(name, "VmRSS") - before) / IDLE / 1024, used / IDLE_S * 1000

    def huge(self, name):
        """MiB that a GET of 512 MiB takes at its highest, beyond what was there."""
        pathlib.Path(f"/proc/{self.processes[name].pid}/clear_refs").write_text("5")  # VmHWM begins anew
        before = self.status(name, "VmRSS")
        with connect(self.ports[name]) as connection:
            connection.sendall(b"GET huge\r\n")
            left, buffer = HUGE + len(b"$%d\r\n\r\n" % HUGE), bytearray(1 << 20)
            while left > 0:
                got = connection.recv_into(buffer)
                assert got, f"{name} closed with {left} bytes to come"
                left -= got
        return (self.status(name, "VmHWM") - before) / 1024 / 1024


def rounds(bench, names, count):
    """The median of each measure, by measure and name."""
    seen = {}
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            answers = {}
            for measure, (options, column) in LOADS.items():
                key = tuple(options)
                answers[key] = answers.get(key) or bench.load(name, options)
                value = answers[key][column] * (1000 if column.endswith("_ms") else 1)
                seen.setdefault(measure, {}).setdefault(name, []).append(value)
    return {measure: {name: statistics.median(all_) for name, all_ in one.items()} for measure, one in seen.items()}


def show(measure, by_name, verdict):
    cells = "  ".join(f"{name} {value:,.1f}" for name, value in by_name.items())
    print(f"  {measure}: {cells}{verdict}", flush=True)


def verdict(measure, by_name):
    others = [value for name, value in by_name.items() if name not in (*CLIENT_SPEAKS_TLS, OURS)]
    ours = by_name[OURS]
    best = max(others) if measure.endswith("/s") else min(others)
    ratio = best / ours if measure.endswith("/s") else ours / best if best else float(ours > 0)
    said = f"; {ratio:.2f} of the better of the others ({'ok' if ratio <= MOST_OF_BEST else f'more than {MOST_OF_BEST}'})"
    if measure.startswith("1 connection, p50"):
        over = ours - by_name[DIRECT]
        said += f"; {over:.0f} µs over direct ({'ok' if over <= MOST_OVER_DIRECT_US else f'more than {MOST_OVER_DIRECT_US}'}"
        said += f"; another process that passes bytes on is {by_name[BYTES_ALONE] - by_name[DIRECT]:.0f})"
    return said


def main():
    program, count = pathlib.Path(sys.argv[1]).resolve(), int((sys.argv[2:] or ["5"])[0])
    os.environ["ENTRAKEY_BIN"] = str(program)
    os.environ["PATH"] += ":/usr/sbin"  # haproxy is there
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as running:
        bench = Bench(running.enter_context(tempfile.TemporaryDirectory()), program, running)
        emulator = running.enter_context(Emulator.start())
        bench.start_server(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])
        bench.start_stunnel(), bench.start_haproxy("haproxy")
        bench.start_haproxy(BYTES_ALONE, ssl.create_default_context(cafile=bench.authority))
        bench.start_ours(emulator.process_environment(ENTRAKEY_IDENTITY="managed_identity"))
        proxies = ["stunnel", "haproxy", OURS]
        print(f"The proxy beside others, median of {count} interleaved rounds (load {os.getloadavg()[0]:.1f}):")
        # Memory first: what a load has left behind would be counted as there before.
        with connect(bench.plain_port) as connection:
            assert ask(connection, b"SETRANGE", b"huge", b"%d" % (HUGE - 1), b"x") == b":%d\r\n" % HUGE
        of_huge = {name: bench.huge(name) for name in proxies}
        limit = f"; {'ok' if of_huge[OURS] < MOST_MIB_FOR_HUGE else 'too much'}, the limit is {MOST_MIB_FOR_HUGE}"
        show("GET of 512 MiB, MiB of memory", of_huge, limit)
        of_idle = {name: bench.idle(name) for name in proxies}
        by_name = {name: memory for name, (memory, _) in of_idle.items()}
        limit = "ok" if by_name[OURS] <= MOST_KIB_A_CONNECTION else f"more than {MOST_KIB_A_CONNECTION}"
        show(f"{IDLE:,} idle connections, KiB each", by_name, f"{verdict('KiB', by_name)}; {limit}")
        by_name = {name: share for name, (_, share) in of_idle.items()}
        show("all of them, thousandths of a processor", by_name, verdict("CPU", by_name))
        for measure, by_name in rounds(bench, [*CLIENT_SPEAKS_TLS, *proxies], count).items():
            show(measure, by_name, verdict(measure, by_name))


main()
