#!/usr/bin/python3
"""A call in flight has its own copies of settings: a reload does not affect it.

If a signature does not match, AWS's message quotes the headers, including the session token. The
token that must be masked is the one of the call, although the configuration file, or a file of AWS,
has another by then.
"""

import json
import os
import random
import string
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from peer import Peer, reply  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

ENQUEUE = "SELECT healthlake_enqueue('DescribeFHIRDatastore', %s)"
DESCRIBE = "SELECT healthlake_describe_datastore('0123456789abcdef0123456789abcdef')"
REQUEST = '{"DatastoreId": "0123456789abcdef0123456789abcdef"}'
TOKEN = "x-amz-security-token"

tap = Tap()


def invent(length):
    """A new secret."""
    return "".join(random.SystemRandom().choice(string.ascii_letters) for _ in range(length))


class Answers:
    """Answers the first request after another has arrived with another token, or after a while."""

    def __init__(self):
        self.tokens = []
        self.more = threading.Event()

    def __call__(self, peer, request):
        token = request.headers[TOKEN]
        if token not in self.tokens:
            self.tokens.append(token)
        if len(self.tokens) > 1:
            self.more.set()
        if token == self.tokens[0]:
            self.more.wait(30)
        text = f"The canonical string should have been: {TOKEN}:{token}"
        request.say(reply(403, json.dumps({"__type": "InvalidSignatureException",
                                           "message": text})))


class Place:
    """A server with keys in its configuration file, or in a file of AWS."""

    def __init__(self, folder, url, in_profile):
        self.keys = Path(folder) / "credentials" if in_profile else None
        self.token = None
        settings = {"shared_preload_libraries": "healthlake", "healthlake.region": "us-east-1",
                    "healthlake.endpoint_url": url, "healthlake.max_attempts": "1",
                    "healthlake.request_timeout": "60s"}
        if in_profile:
            settings["healthlake.credentials_file"] = self.keys
            settings["healthlake.profile"] = "default"
        self.cluster = Cluster(Path(folder) / "server", settings=settings)
        self.change()
        self.cluster.start()
        with closing(Session(self.cluster)) as session:
            session.run("CREATE EXTENSION healthlake")

    def change(self):
        """Writes other keys, before the server reloads them."""
        self.token = invent(400)
        keys = {"access_key_id": "AKID" + invent(12).upper(), "secret_access_key": invent(40),
                "session_token": self.token}
        if self.keys:
            self.keys.write_text("[default]\n" + "".join(
                f"aws_{name} = {value}\n" for name, value in keys.items()), encoding="ascii")
            self.keys.chmod(0o600)
        else:
            self.cluster.configure("\n".join(f"healthlake.{name} = '{value}'"
                                             for name, value in keys.items()))
        return self.token


def check_queue(folder, in_profile):
    """A queued request is in flight when the keys change, and another is sent with the new ones."""
    answers = Answers()
    where = "AWS's file" if in_profile else "the configuration file"
    with Peer(answers) as peer:
        place = Place(folder, peer.url, in_profile)
        try:
            old = place.token
            with closing(Session(place.cluster)) as session:
                first = session.one(ENQUEUE, REQUEST)
                until(lambda: answers.tokens)
                place.change()
                session.run("SELECT pg_reload_conf()")
                time.sleep(0.5)
                session.one(ENQUEUE, REQUEST)
                tap.ok(until(lambda: len(answers.tokens) > 1), f"{where}: other keys are in use")
                said = until(lambda: session.one("SELECT error_message FROM healthlake_request "
                                                 "WHERE id = %s", first))
            tap.ok("****" in (said or ""), f"{where}: the token of the call in flight is masked",
                   said)
            tap.ok(old[:100] not in (said or "") + place.cluster.log() and
                   old[-100:] not in (said or "") + place.cluster.log(),
                   f"{where}: the token is neither recorded nor logged")
        finally:
            place.cluster.stop()


def check_session(folder):
    """A session's call is in flight when the keys change."""
    answers = Answers()
    heard = []

    def call(cluster):
        with closing(cluster.connect()) as session:
            try:
                session.cursor().execute(DESCRIBE)
            except psycopg2.Error as error:
                heard.append(f"{error} {error.diag.message_detail}")

    with Peer(answers) as peer:
        place = Place(folder, peer.url, False)
        try:
            old = place.token
            caller = threading.Thread(target=call, args=(place.cluster,))
            caller.start()
            until(lambda: answers.tokens)
            place.change()
            with closing(Session(place.cluster)) as session:
                session.run("SELECT pg_reload_conf()")
            until(lambda: answers.more.is_set() or (call(place.cluster), time.sleep(0.1))[0])
            caller.join(60)
            tap.ok(len(heard) > 0 and all("****" in text for text in heard),
                   "in a session the token is masked", heard)
            tap.ok(not any(old[:100] in text for text in heard) and
                   old[:100] not in place.cluster.log(), "and shown to no client")
        finally:
            place.cluster.stop()


def main():
    """All checks."""
    work = os.environ.get("HEALTHLAKE_WORK")
    for in_profile in (False, True):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            check_queue(folder, in_profile)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        check_session(folder)
    tap.end()


main()
