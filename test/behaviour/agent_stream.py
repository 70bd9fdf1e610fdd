#!/usr/bin/python3
"""Event streams: what the client receives and when, what keeps a call alive and what ends it, and
that the server's log contains none of the texts.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import session as session_of  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

OPERATION = "UpdateProfileWithAgent"
WORDS = "what a patient once confided"
HEARTBEAT = {"event": "HeartbeatEvent"}
END = {"event": "EndOfOutputEvent", "payload": {"FinalResponseMessage": f"{WORDS}, at the end",
                                                "Options": [f"{WORDS}, perhaps"]}}
TALK = "SELECT * FROM healthlake_update_profile_with_agent(md5('p'), 'hello')"
SAY = "SELECT event FROM healthlake_update_profile_with_agent(md5('p'), %s)"

tap = Tap()
emulator = client.emulator()


def text(message, name="TextMessageEvent", **more):
    """An event with a text."""
    return {"event": name, "payload": {"Message": message}, **more}


def answer(*events, **step):
    """Scripts the emulator's next answer."""
    emulator.next(operation=OPERATION, events=list(events), **step)


def run(session, statement, parameters=None):
    """Returns the rows, or the error with its SQLSTATE and context; and the duration in seconds."""
    begin = time.monotonic()
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, parameters)
            told = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as caught:
        told = f"{caught.pgcode} {caught} {caught.diag.context}"
    return told, time.monotonic() - begin


def settings_of(session):
    """The arguments with which psql has the session's settings."""
    settings = [f"-cSET {name} = '{value}'" for name, value in run(
        session, "SELECT name, setting FROM pg_settings WHERE name IN ('healthlake.endpoint_url',"
        " 'healthlake.region', 'healthlake.request_timeout')")[0]]
    return settings + [f"-cSET healthlake.access_key_id = '{emulator.access_key_id}'",
                       f"-cSET healthlake.secret_access_key = '{emulator.secret_access_key}'"]


def notices_as_they_come(session):
    """NOTICEs are sent as the events arrive, not at the end of the statement."""
    answer(text("first", "ProgressEvent"), text("second", pause=0.7), HEARTBEAT, END)
    with subprocess.Popen(["psql", "-XqAt", *settings_of(session), f"-c{TALK}"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8") as psql:
        told = [(psql.stderr.readline().strip(), time.monotonic()) for _ in range(2)]
        rows = psql.stdout.read().splitlines()
    tap.same([line for line, _ in told],
             ["NOTICE:  ProgressEvent: first", "NOTICE:  TextMessageEvent: second"],
             "progress and texts are notices")
    tap.ok(told[1][1] - told[0][1] > 0.4, "each is sent when it arrives", told)
    tap.same([row.split("|")[0] for row in rows],
             ["ProgressEvent", "TextMessageEvent", "EndOfOutputEvent"], "all rows are returned")
    answer(text("first"), END)
    del session.notices[:]
    run(session, "SET client_min_messages = warning")
    run(session, TALK)
    run(session, "RESET client_min_messages")
    tap.same(session.notices, [], "client_min_messages = warning suppresses them")


def time_between_events(session):
    """Heartbeats keep a call alive; other bytes do not."""
    run(session, "SET healthlake.request_timeout = '1 s'")
    answer(text("x"), {**HEARTBEAT, "pause": 0.5, "times": 5}, {**END, "pause": 0.5})
    told, seconds = run(session, TALK)
    tap.ok(len(told) == 2 and seconds > 2.5, "heartbeats keep a call alive", told, seconds)
    answer(text("x"), {**END, "pause": 5})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and "no event for 1000 ms" in told and 0.9 < seconds < 3,
           "silence ends the call", told, seconds)
    answer(text("x"), END, drip={"bytes": 1, "seconds": 0.03})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and "no event for 1000 ms" in told and seconds < 5,
           "single bytes do not keep it alive", told, seconds)
    emulator.next(operation=OPERATION, error="ThrottlingException", message="m" * 200,
                  drip={"bytes": 1, "seconds": 0.05})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and seconds < 3,
           "an error that arrives slowly is no event", told,
           seconds)
    emulator.next(operation=OPERATION, delay=5)
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and seconds < 3,
           "the first event must arrive in time, too", told, seconds)
    late_client(session)
    run(session, "RESET healthlake.request_timeout")


def late_client(session):
    """An event that arrives while the client takes long to read the one before."""
    before = len(emulator.log())
    answer(text("x", pause=0.7), text("x" * 60000, times=20), {**END, "pause": 0.3})
    with subprocess.Popen(["psql", "-XqAt", *settings_of(session), f"-c{TALK}"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding="utf-8") as psql:
        emulator.log(since=before, operation=OPERATION, count=1, wait=10)
        psql.send_signal(signal.SIGSTOP)
        time.sleep(3)
        psql.send_signal(signal.SIGCONT)
        rows = psql.stdout.read().splitlines()
    tap.same([row.split("|")[0] for row in rows], 21 * ["TextMessageEvent"] + ["EndOfOutputEvent"],
             "an event that has arrived meanwhile is not late")


def cancels(session):
    """Cancels in the middle of a stream."""
    answer(text("x"), {**HEARTBEAT, "times": 1000, "pause": 0.05}, END)
    timer = threading.Timer(0.7, session.cancel)
    timer.start()
    told, seconds = run(session, TALK)
    timer.join()
    tap.ok(told.startswith("57014") and seconds < 3 and
           f"{OPERATION}, which had been sent: its outcome is unknown" in told,
           "the error of a cancel says that the outcome is unknown", told, seconds)
    tap.same(run(session, "SELECT outcome, sqlstate, reply FROM healthlake_last_call()")[0],
             [("unknown", "57014", None)], "so does healthlake_last_call()")
    answer(text("x", times=100000))
    told, seconds = run(session, f"SET statement_timeout = '300 ms'; {TALK}")
    run(session, "RESET statement_timeout")
    tap.ok(told.startswith(("57014", "38M01")) and seconds < 5,
           "many events do not delay a cancel", told, seconds)
    end = time.monotonic() + 5
    while time.monotonic() < end and emulator.log()[-2]["answer"]["ended"] is None:
        time.sleep(0.05)
    tap.ok(emulator.log()[-2]["answer"]["ended"] != "sent", "the connection is closed",
           emulator.log()[-2]["answer"])
    answer(text("x"), END)
    tap.same(len(run(session, TALK)[0]), 2, "the next call works")


def deaf_client():
    """A client that does not read keeps no backend from being terminated."""
    answer(text("x" * 60000, times=100), END)
    deaf, watch = session_of.connect(emulator), session_of.open_session()
    watch.autocommit = True
    deaf.autocommit = True
    pid = deaf.info.backend_pid
    state = f"SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}"
    query = TALK.encode() + b"\0"
    os.write(deaf.fileno(), b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
    end = time.monotonic() + 20
    while run(watch, state)[0] != [("ClientWrite",)] and time.monotonic() < end:
        time.sleep(0.05)
    tap.same(run(watch, state)[0], [("ClientWrite",)], "a client does not read")
    run(watch, f"SELECT pg_terminate_backend({pid})")
    end = time.monotonic() + 10
    while run(watch, state)[0] and time.monotonic() < end:
        time.sleep(0.05)
    tap.same(run(watch, state)[0], [], "its backend can be terminated")
    deaf.close()
    watch.close()


def no_word_in_the_log(session):
    """No text of a stream is in the log at debug5, however the stream ends."""
    log = Path(os.environ["HEALTHLAKE_SERVER_LOG"])
    before = log.stat().st_size
    run(session, "SET log_min_messages = debug5")
    run(session, "SET log_min_error_statement = panic")
    del session.notices[:]
    error = {"event": "ErrorEvent", "payload": {"Error": "ThrottlingException", "Message": WORDS}}
    told = []
    for events in ([text(WORDS), END], [text(WORDS), error], [text(WORDS)],
                   [text(WORDS), {"event": "EndOfOutputEvent", "payload": f'"{WORDS}"'}],
                   [text(WORDS), {"event": "EndOfOutputEvent", "payload": {"Message": WORDS}}],
                   [text(WORDS), {**END, "spoil": "message"}]):
        answer(*events)
        told.append(run(session, SAY, ["hello"])[0])
    tap.same([one if isinstance(one, list) else one[:5] for one in told],
             [[("TextMessageEvent",), ("EndOfOutputEvent",)], "38T01", *["38M01"] * 4],
             "six streams with all kinds of ends")
    tap.ok(WORDS not in str(told), "no error contains their texts", *told)
    tap.same([line.strip() for line in session.notices if WORDS in line],
             [f"NOTICE:  {name}: {WORDS}" for name in (
                 "TextMessageEvent", "TextMessageEvent", "ErrorEvent", *["TextMessageEvent"] * 4)],
             "the client has received them")
    last = run(session, "SELECT l::text FROM healthlake_last_call() AS l")[0]
    answer(text(WORDS), END)
    run(session, SAY, ["hello"])
    last += run(session, "SELECT l::text FROM healthlake_last_call() AS l")[0]
    history = run(session, "SELECT e::text FROM healthlake_event AS e")[0]
    tap.ok(len(history) > 0 and "EndOfOutputEvent" in str(last)
           and WORDS not in str([last, history]),
           "neither the last call nor the history contains one", last)
    run(session, "DO $$ BEGIN RAISE NOTICE 'any other notice'; END $$")
    run(session, "RESET log_min_messages")
    with open(log, "rb") as file:
        file.seek(before)
        written = file.read().decode("utf-8", "replace")
    tap.ok("any other notice" in written, "notices are logged")
    tap.ok(WORDS not in written,
           "but not the notices of streams", *[line for line in written.splitlines()
                                                     if WORDS in line][:5])


def main():
    """All checks."""
    session = session_of.connect(emulator)
    emulator.reset()
    notices_as_they_come(session)
    time_between_events(session)
    cancels(session)
    no_word_in_the_log(session)
    deaf_client()
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
