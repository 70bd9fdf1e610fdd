"""A cluster of Patroni: etcd and two nodes, on loopback ports, in a folder of its own.

    with Patroni(folder, synchronous=True, settings=[{...}, {...}]) as patroni:
        patroni.leader().connect()
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
from cluster import bindir, die_with_parent
from queue_cluster import Session, until

# the shortest time that Patroni allows before a silent leader loses its lock
TIME_TO_LIVE = 20


def missing_program():
    """A missing program; None if all are installed."""
    return next((name for name in ("etcd", "patroni") if not shutil.which(name)), None)


def free_ports(count):
    """Free ports of the loopback address."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(log, *command):
    """Starts a child whose output goes to a file."""
    with open(log, "ab") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                stderr=file, preexec_fn=die_with_parent)


class Node:
    """A node: Patroni's process, and the server that it runs."""

    def __init__(self, folder, name, ports, said):
        self.folder = folder / name
        self.name = name
        self.port, self.api = ports
        self.process = None
        (self.folder / "socket").mkdir(mode=0o700, parents=True)
        said = {**said, "name": name,
                "restapi": {"listen": f"127.0.0.1:{self.api}",
                            "connect_address": f"127.0.0.1:{self.api}"}}
        said["postgresql"] = {
            **said["postgresql"], "listen": f"127.0.0.1:{self.port}",
            "connect_address": f"127.0.0.1:{self.port}",
            "data_dir": str(self.folder / "cluster"), "bin_dir": str(bindir()),
            "pgpass": str(self.folder / "pgpass")}
        said["postgresql"]["parameters"] = {
            **said["postgresql"]["parameters"],
            "unix_socket_directories": str(self.folder / "socket")}
        # JSON is YAML, too
        (self.folder / "patroni.yml").write_text(json.dumps(said), "ascii")

    def start(self):
        """Starts Patroni, which starts the server."""
        self.process = start(self.folder / "log", "patroni", self.folder / "patroni.yml")

    def where(self, **changes):
        """The connection parameters for libpq."""
        return {"host": str(self.folder / "socket"), "port": self.port, "user": "postgres",
                "dbname": "postgres", "connect_timeout": 5, **changes}

    def connect(self, **changes):
        """A session, each statement its own transaction."""
        session = psycopg2.connect(**self.where(**changes))
        session.autocommit = True
        return session

    def ask(self, statement):
        """The first column of the first row; None without an answer."""
        with suppress(psycopg2.Error):
            with closing(Session(self)) as session:
                return session.one(statement)
        return None

    def log(self):
        """The logs of Patroni and the server."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def postmaster(self):
        """The server's pid; None if it does not run."""
        try:
            pid = int((self.folder / "cluster" / "postmaster.pid").read_text("ascii").split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def kill_server(self):
        """Kills the server."""
        with suppress(ProcessLookupError, TypeError):
            os.kill(self.postmaster(), signal.SIGKILL)

    def kill_patroni(self):
        """Kills Patroni; the server continues to run."""
        self.process.kill()
        self.process.wait()

    def api_says(self, door, said=None):
        """Calls Patroni's API; returns the status and the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api}/{door}", said and json.dumps(said).encode(),
            {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def stop(self):
        """Stops Patroni and the server."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
        self.kill_server()


class Patroni:
    """The cluster."""

    def __init__(self, folder, synchronous, settings):
        self.folder = Path(folder)
        self.synchronous = synchronous
        ports = free_ports(6)
        self.etcd = f"http://127.0.0.1:{ports[0]}"
        self.peer = f"http://127.0.0.1:{ports[1]}"
        self.store = None
        self.nodes = [Node(self.folder, f"node{number}", ports[2 * number + 2:2 * number + 4],
                           self.said(one)) for number, one in enumerate(settings)]

    def said(self, settings):
        """The part of the configuration that all nodes share."""
        fast = {"fsync": "off", "shared_buffers": "16MB", "autovacuum": "off"}
        return {
            "scope": "healthlake",
            "etcd3": {"host": self.etcd.partition("//")[2]},
            "bootstrap": {
                "dcs": {"ttl": TIME_TO_LIVE, "loop_wait": 1, "retry_timeout": 3,
                        "master_start_timeout": 0, "primary_start_timeout": 0,
                        "maximum_lag_on_failover": 2 ** 30, "synchronous_mode": self.synchronous,
                        "postgresql": {"use_pg_rewind": True, "use_slots": True,
                                       "parameters": {"wal_log_hints": "on"}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "trust"}],
                "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust",
                           "host replication all 127.0.0.1/32 trust"]},
            "postgresql": {
                "use_unix_socket": True, "use_unix_socket_repl": False,
                "authentication": {"superuser": {"username": "postgres"},
                                   "replication": {"username": "replicator"}},
                "parameters": {**fast, **settings}}}

    def __enter__(self):
        self.store = start(
            self.folder / "etcd.log", "etcd", "--data-dir", self.folder / "etcd",
            "--listen-client-urls", self.etcd, "--advertise-client-urls", self.etcd,
            "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
            "--initial-cluster", f"default={self.peer}", "--unsafe-no-fsync")
        self.nodes[0].start()
        if until(self.leader, 120):
            self.nodes[1].start()
        if not until(self.is_whole, 120):
            said = "\n".join(node.log() for node in self.nodes)
            self.__exit__()
            raise RuntimeError("no cluster: " + said[-6000:])
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()
        self.store.kill()
        self.store.wait()

    def primaries(self):
        """The nodes whose server is a primary."""
        return [node for node in self.nodes if node.ask("SELECT pg_is_in_recovery()") is False]

    def leader(self):
        """The primary; None if there is none, or two."""
        found = self.primaries()
        return found[0] if len(found) == 1 else None

    def other(self, node):
        """The other node."""
        return self.nodes[1 - self.nodes.index(node)]

    def is_whole(self):
        """Whether there is a leader, and the other node follows it and can be promoted."""
        leader = self.leader()
        return bool(leader) and leader.ask(
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1 and (
                not self.synchronous or '"sync_standby"' in leader.api_says("cluster")[1])

    def where(self):
        """The connection parameters for the current primary."""
        return {"host": "127.0.0.1,127.0.0.1", "user": "postgres", "dbname": "postgres",
                "port": ",".join(str(node.port) for node in self.nodes), "connect_timeout": 3,
                "target_session_attrs": "read-write"}

    def connect(self, **changes):
        """A session on it, each statement its own transaction."""
        session = psycopg2.connect(**{**self.where(), **changes})
        session.autocommit = True
        return session

    # each of these returns the former leader

    def switch_over(self):
        """A switchover, as soon as Patroni permits it."""
        leader = self.leader()
        said = {"leader": leader.name, "candidate": self.other(leader).name}
        answers = []

        def ask():
            answers.append(leader.api_says("switchover", said))
            return answers[-1][0] == 200

        if not until(ask, 60, 1):
            raise RuntimeError(f"switchover: {answers[-1]}")
        return leader

    def kill_leader(self):
        """Kills the leader's server; its Patroni notices that and releases the leader lock."""
        leader = self.leader()
        leader.kill_server()
        return leader

    def kill_node(self):
        """Kills the leader and its Patroni, which come back after the other was promoted."""
        leader = self.leader()
        leader.kill_patroni()
        leader.kill_server()
        self.wait_for_lead(self.other(leader))
        leader.start()
        return leader

    def kill_watch(self):
        """Kills only the leader's Patroni: for a while there are two primaries."""
        leader = self.leader()
        leader.kill_patroni()
        self.wait_for_lead(self.other(leader))
        time.sleep(3)
        leader.start()
        return leader

    @staticmethod
    def wait_for_lead(node):
        """Waits until a node has been promoted."""
        if not until(lambda: node.ask("SELECT pg_is_in_recovery()") is False, 90, 0.2):
            raise RuntimeError("no promotion: " + node.log()[-3000:])
