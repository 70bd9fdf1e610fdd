#!/usr/bin/python3
"""Which attempts are repeated, when, with which header lines, and the resulting outcome."""

import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import open_session  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "SELECT id FROM healthlake_create_datastore('x')"
# changes something, has no token, and is not idempotent
PUBLISH = """SELECT healthlake_publish_transformation_profile(
    'c1cbeeac03514069f5dcaa110f206385', 'CSV')"""

tap = Tap()
emulator = client.emulator()


class Session:
    """A session, and the errors of its statements."""

    def __init__(self, connection=None):
        self.connection = connection or open_session()
        self.connection.autocommit = True
        self.run(f"""
            SET client_min_messages = error;
            CREATE EXTENSION IF NOT EXISTS healthlake;
            SET healthlake.region = 'us-east-1';
            SET healthlake.endpoint_url = '{emulator.http}';
            SET healthlake.access_key_id = '{emulator.access_key_id}';
            SET healthlake.secret_access_key = '{emulator.secret_access_key}'""")

    def run(self, statement):
        """Runs a statement; returns None or the error."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error as error:
            return error
        return None


def play(session, statement, *steps):
    """Scripts the emulator and makes a call; returns SQLSTATE or None, requests, seconds, error."""
    emulator.reset()
    emulator.next(*steps)
    began = time.monotonic()
    error = session.run(statement)
    took = time.monotonic() - began
    return error.pgcode if error else None, emulator.log(), took, error


def header(entry, name):
    """A header of a request."""
    return next((value for key, value in entry["headers"] if key.lower() == name), None)


def heads(log, name):
    """A header of all requests."""
    return [header(entry, name) for entry in log]


def failed(code, **more):
    """A step with an error of AWS."""
    return {"error": code, **more}


def test_heads(session):
    """Each attempt has a number, a date and a signature; the rest is the same."""
    code, log, _, _ = play(session, CREATE, failed("ThrottlingException"),
                           failed("ThrottlingException", headers={"x-amz-retry-after": "1100"}))
    tap.same((code, len(log)), (None, 3), "the third attempt succeeds")
    tap.same(heads(log, "amz-sdk-request"), [f"attempt={n}; max=3" for n in (1, 2, 3)],
             "attempts are numbered")
    tap.same(len(set(heads(log, "amz-sdk-invocation-id"))), 1, "they have one invocation id")
    tap.same(len({entry["body"] for entry in log}), 1, "they have one body, with the token")
    tap.ok(len(set(heads(log, "x-amz-date"))) > 1, "each has its own date")
    tap.same({entry["signature"] for entry in log}, {"ok"}, "each has its own signature")
    other = play(session, CREATE)[1]
    tap.ok(header(other[0], "amz-sdk-invocation-id") != header(log[0], "amz-sdk-invocation-id"),
           "another call has another invocation id")
    tap.same(header(other[0], "content-type"), "application/x-amz-json-1.0", "Content-Type")
    tap.ok(header(other[0], "user-agent").startswith("healthlake-pg/"), "User-Agent")
    tap.same([header(other[0], name) for name in ("accept", "expect", "accept-encoding",
                                                  "transfer-encoding")], [None] * 4,
             "libcurl adds no header lines")


def test_what(session):
    """Errors that are repeated."""
    for name, steps, requests, wanted in [
            ("an internal error", [failed("InternalServerException")], 2, None),
            ("status 503 of anyone", [{"status": 503, "body": "<html>"}], 2, None),
            ("status 429 without a code", [{"status": 429, "body": ""}], 2, None),
            ("status 429 of anyone", [{"status": 429, "body": "<html>busy</html>"}], 2, None),
            ("status 429 to the end", [{"status": 429, "body": "<html>busy</html>"}] * 3, 3,
             "38T01"),
            ("status 429 with a code", [failed("ValidationException", status=429)] * 3, 3, "38T01"),
            ("status 501", [{"status": 501, "body": ""}], 1, "38M01"),
            ("a reset", [{"reset": True}], 2, None),
            ("a reply that is cut", [{"cut": -1}], 2, None),
            ("a refusal", [failed("AccessDeniedException")], 1, "42501"),
            ("a full quota", [failed("ServiceQuotaExceededException")], 1, "38Q01"),
            ("a conflict", [failed("ConflictException")], 1, "55006"),
            ("a redirect", [{"status": 302, "headers": {"Location": "/"}, "body": ""}], 1, "38M01"),
            ("what is no JSON", [{"status": 200, "body": "<html>"}], 1, "38M01"),
            ("what is no HTTP", [{"http_garbage": "220 ready\r\n"}], 1, "38M01"),
            ("chunks that are none", [{"http_garbage": "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                       "chunked\r\n\r\nzz\r\n", "close": True}], 1, "38M01")]:
        code, log, _, _ = play(session, CREATE, *steps)
        tap.same((code, len(log)), (wanted, requests), f"{name}: {requests} requests")
    session.run("SET healthlake.max_attempts = 1")
    code, log, _, _ = play(session, CREATE, failed("InternalServerException"))
    tap.same((code, len(log)), ("38M01", 1), "with max_attempts = 1 nothing is repeated")
    session.run("RESET healthlake.max_attempts")


def test_outcomes():
    """After an unknown outcome, only a conclusive answer makes it known."""
    lost = {"reset": True, "apply": True}
    throttled = failed("ThrottlingException")
    for name, steps, wanted in [
            ("lost, then a success", [lost], None),
            ("lost, then refused", [lost, failed("AccessDeniedException")], "38M01"),
            ("lost, then not valid: it never was", [lost, failed("ValidationException")], "22023"),
            ("throttled to the end: nothing ran", [throttled] * 3, "38T01"),
            ("lost, then throttled", [lost, throttled, throttled], "38M01"),
            ("a fault, then throttled",
             [failed("InternalServerException"), throttled, throttled], "38M01")]:
        tap.same(play(Session(), CREATE, *steps)[0], wanted, name)
    tap.same(play(Session(), CREATE, lost)[0], None, "lost, then a success, again")
    tap.same(emulator.state()["stores"], 1, "there is one data store")
    describe = "SELECT healthlake_describe_datastore('c1cbeeac03514069f5dcaa110f206385')"
    tap.same(play(Session(), describe, *[{"reset": True}] * 3)[0], "38N02",
             "a lost read is not an unknown outcome")


def test_kept_connection(session):
    """On a kept connection libcurl repeats a request itself; the first still counts as sent."""
    play(session, CREATE)
    code, log, _, _ = play(session, CREATE, {"reset": True, "apply": True},
                           failed("AccessDeniedException"))
    tap.same(code, "38M01", "lost on a kept connection, then refused: unknown")
    tap.same(heads(log, "amz-sdk-request"), ["attempt=1; max=3"] * 2, "in one attempt")
    code, log, _, _ = play(session, CREATE, {"reset": True, "apply": True})
    tap.same((code, emulator.state()["stores"]), (None, 1), "then a success: one data store")


def test_once(session):
    """A request that is not idempotent is repeated only if it was certainly not carried out."""
    code, log, _, _ = play(session, PUBLISH, {"reset": True})
    tap.same((code, len(log)), ("38M01", 1), "lost: not repeated")
    code, log, _, _ = play(session, PUBLISH, failed("InternalServerException"))
    tap.same((code, len(log)), ("38M01", 1), "a fault: not repeated")
    code, log, _, _ = play(session, PUBLISH, failed("ThrottlingException"))
    tap.same((code, len(log)), ("42704", 2), "throttled: repeated")
    play(session, CREATE)
    connections = [play(session, PUBLISH)[1][0]["connection"] for _ in range(2)]
    kept = [play(session, CREATE)[1][0]["connection"] for _ in range(2)]
    tap.ok(connections[0] != connections[1], "it has a connection of its own each time")
    tap.ok(kept[0] == kept[1], "other requests share a kept one")
    session.run("SET healthlake.endpoint_url = 'http://127.0.0.1:1'")
    _, _, _, error = play(session, PUBLISH)
    tap.ok(error.pgcode == "38N01" and "attempts 3" in error.diag.message_detail,
           "not connected: repeated", error.diag.message_detail)


def test_waits(session):
    """The delay that the server requests is used, within limits."""
    for name, headers, least, most in [
            ("x-amz-retry-after", {"x-amz-retry-after": "400"}, 0.4, 1.4),
            ("Retry-After in seconds", {"Retry-After": "1"}, 1.0, 2.0),
            ("x-amz-retry-after before Retry-After",
             {"x-amz-retry-after": "300", "Retry-After": "4"}, 0.3, 1.3),
            ("an invalid wish", {"x-amz-retry-after": "soon"}, 0, 0.9)]:
        took = play(session, CREATE, failed("InternalServerException", headers=headers))[2]
        tap.ok(least <= took <= most, name, f"{took:.3f} s")
        tap.say(f"{took:.3f} s")


def test_clock():
    """A wrong clock is corrected once in a session."""
    for name, seconds in (("slow", 3600), ("fast", -3600)):
        session = Session()
        clock = {"clock": seconds, "times": "always"}
        code, log, _, _ = play(session, CREATE, clock)
        tap.same((code, len(log)), (None, 2), f"an hour {name}: the second attempt succeeds")
        code, log, _, _ = play(session, CREATE, clock)
        tap.same((code, len(log)), (None, 1), "afterwards the first attempt succeeds")
        code, log, _, _ = play(session, CREATE)
        tap.same((code, len(log)), (None, 2), "the correction ends when the clock is corrected")
    code, log, _, _ = play(session, CREATE, failed("AccessDeniedException",
                                                   headers={"Age": "1"}, clock=3600))
    tap.same((code, len(log)), ("42501", 1), "a cached reply is no clock")
    for year in ("0001", "1600", "1969", "9999"):
        date = f"Mon, 31 Dec {year} 23:59:59 GMT"
        code, log, _, _ = play(Session(session.connection), CREATE,
                               failed("InvalidSignatureException", status=403,
                                      headers={"Date": date}))
        tap.ok(code in ("38X01", None) and log, f"a reply of {year}: refused, or repeated", code)
        code, log, _, _ = play(Session(session.connection), CREATE)
        tap.same((code, [entry["signature"] for entry in log][-1:]), (None, ["ok"]),
                 "the next call succeeds")


def test_quota():
    """If everything fails, a session soon stops repeating."""
    session = Session()
    emulator.reset()
    emulator.next(error="InternalServerException", times="always")
    attempts = []
    for _ in range(20):
        before = len(emulator.log())
        session.run(CREATE)
        attempts.append(len(emulator.log()) - before)
    tap.same(attempts, [3] * 17 + [2, 1, 1], "500 tokens allow 35 retries")
    emulator.reset()
    session.run(CREATE)
    emulator.next(error="ThrottlingException")
    tap.same(session.run(CREATE), None, "throttling costs less")


def main():
    """All checks, in one session if possible."""
    session = Session()
    test_heads(session)
    test_what(session)
    test_outcomes()
    test_kept_connection(session)
    # a host prefix cannot be added to an IP address
    with Cluster(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")),
                 environment={"AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}) as cluster:
        test_once(Session(cluster.connect()))
    test_waits(session)
    test_clock()
    test_quota()
    emulator.stop()
    tap.end()


main()
