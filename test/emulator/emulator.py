#!/usr/bin/python3
"""An AWS HealthLake on this machine, to test and try the extension against.

It speaks HealthLake's protocol over HTTP and HTTPS on loopback ports, checks every
signature and every request as AWS does, and keeps its data stores in memory.
When it is ready it prints one line of JSON: addresses, the CA's file and the keys.
Tests tell it what to answer, and read what it was asked, under /_emulator/: see
README.md beside this file.
"""

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import threading

import certificate
from container import Container, SingleSignOn
from control import PREFIX, Control
from fhir import Fhir
from healthlake import HealthLake
from listener import ClosedPort, DeafPort, Listener, tls_context
from metadata import Metadata
from requestlog import RequestLog
from router import Router
from script import Script
from settings import Settings
from signature import Key, Verifier
from sts import Sts

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Emulator:
    """Everything that is shared between connections."""

    def __init__(self):
        self.settings = Settings()
        self.log = RequestLog(self.settings.log_limit)
        self.script = Script()
        self.verifier = Verifier(self.settings)
        self.healthlake = HealthLake(self.settings)
        others = (Metadata, Container, SingleSignOn, Sts)
        self.fhir = Fhir(self.settings, self.healthlake)
        self.services = [self.fhir, *(one(self.settings, self.verifier) for one in others),
                         self.healthlake]
        self.router = Router(self.settings, self.log, self.script, self.verifier, self.services)
        self.control = Control(self)
        self.lock = threading.Lock()
        self.accepted = 0
        self.connections = {}
        self.ports = {}
        self.add_key(ACCESS_KEY_ID, SECRET_ACCESS_KEY)

    def add_key(self, id, secret, token=None, expires=None):
        """Adds an access key."""
        self.verifier.add(Key(id, secret, token, expires, account=self.settings.account))

    def reset(self):
        """Resets to the state after the start; connections stay open."""
        self.settings.reset()
        self.script.clear()
        self.verifier.forget([Key(ACCESS_KEY_ID, SECRET_ACCESS_KEY)])
        for service in self.services:
            service.reset()
        self.log.clear(self.settings.log_limit)

    def change(self, changes):
        """Sets settings."""
        self.settings.change(changes)
        if "log_limit" in changes:
            self.log.resize(self.settings.log_limit)

    def state(self):
        """Counts, and the current settings."""
        return {"stores": len(self.healthlake.stores), "jobs": len(self.healthlake.jobs),
                "profiles": len(self.healthlake.profiles), "requests": self.log.count,
                "steps": len(self.script.steps), "connections": len(self.connections),
                "accepted": self.accepted, "settings": self.settings.shown()}

    # Called by listeners

    def opened(self, sock):
        """Counts a connection; returns its number."""
        with self.lock:
            self.accepted += 1
            self.connections[self.accepted] = sock
            return self.accepted

    def closed(self, number):
        """Counts the end of a connection."""
        with self.lock:
            self.connections.pop(number, None)

    def handle(self, request, connection):
        """Answers a request; returns whether the connection stays open."""
        if not request.path.startswith(PREFIX):
            return self.router.handle(request, connection)
        reply = self.control.handle(request)
        last = request.wants_close()
        connection.sock.sendall(reply.head("", last) + reply.body)
        return not last


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="port for HTTP (a free one)")
    parser.add_argument("--tls-port", type=int, default=0, help="port for HTTPS (a free one)")
    parser.add_argument("--directory", help="where to write ca.pem and the server's certificate "
                        "(a temporary one, removed at the end)")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when standard input ends, so that no test leaves it behind")
    return parser.parse_args()


def hint(ready):
    """A hint on the next command for a user."""
    return f"""
HealthLake emulator (Ctrl-C ends it). In psql, as a superuser:

    SET healthlake.endpoint_url = '{ready["http"]}';
    SET healthlake.region = 'us-east-1';
    SET healthlake.access_key_id = '{ready["access_key_id"]}';
    SET healthlake.secret_access_key = '{ready["secret_access_key"]}';

    SELECT * FROM healthlake_create_datastore('ward 7');

Over TLS:

    SET healthlake.endpoint_url = '{ready["https"]}';
    SET healthlake.ca_bundle = '{ready["ca"]}';

What it was asked, and what it keeps:

    curl {ready["http"]}/_emulator/log
    curl {ready["http"]}/_emulator/stores

"""


def start(options, directory):
    """Opens the ports; returns the contents of the JSON line."""
    emulator = Emulator()
    authority = certificate.Authority(directory)

    def tls(port, *certified):
        context = tls_context(authority.certify(*certified), authority.key)
        return Listener(port, context, emulator)

    emulator.ports = {
        "http": Listener(options.port, None, emulator),
        "https": tls(options.tls_port, "server", certificate.HERE),
        "misnamed": tls(0, "misnamed", certificate.ELSEWHERE),
        "expired": tls(0, "expired", certificate.HERE, certificate.EXPIRED),
        "deaf": DeafPort(), "closed": ClosedPort(),
    }
    authority.close()
    urls = {name: port.url() for name, port in emulator.ports.items()}
    return {**urls, "ca": str(authority.ca), "access_key_id": ACCESS_KEY_ID,
            "secret_access_key": SECRET_ACCESS_KEY, "region": "us-east-1", "pid": os.getpid()}


def end_with_stdin():
    """Exits at the end of standard input."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main():
    """Runs until it is told to end."""
    gc.set_threshold(100000, 50, 1000)  # most objects are permanent
    options = arguments()
    # Blocked in every thread and received by sigwait(). A handler does not suffice: if it runs
    # just before the main thread waits for a lock, it wakes no thread.
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    directory = options.directory or tempfile.mkdtemp(prefix="healthlake-emulator-")
    os.makedirs(directory, exist_ok=True)
    if not options.directory:
        os.chmod(directory, 0o755)  # the server's user reads the CA certificate
    try:
        ready = start(options, directory)
        print(json.dumps(ready), flush=True)
        if sys.stderr.isatty():
            print(hint(ready), file=sys.stderr, flush=True)
        if options.until_stdin_closes:
            threading.Thread(target=end_with_stdin, daemon=True).start()
        signal.sigwait(ends)
    except (OSError, OverflowError, RuntimeError) as fault:
        print(f"emulator.py: {fault}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not options.directory:
            shutil.rmtree(directory, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
