#!/usr/bin/python3
"""An event stream while it comes: what the client sees and when, what keeps a call alive and what
ends it, and that no text of it is in the server's log."""

import os
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
    """What the emulator answers next."""
    emulator.next(operation=OPERATION, events=list(events), **step)


def run(session, statement, parameters=None):
    """The rows, or the SQLSTATE and all that is said; and the seconds."""
    begin = time.monotonic()
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, parameters)
            told = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as caught:
        told = f"{caught.pgcode} {caught} {caught.diag.context}"
    return told, time.monotonic() - begin


def notices_as_they_come(session):
    """When psql prints them."""
    answer(text("first", "ProgressEvent"), text("second", pause=0.7), HEARTBEAT, END)
    settings = [f"-cSET {name} = '{value}'" for name, value in run(
        session, "SELECT name, setting FROM pg_settings WHERE name IN "
        "('healthlake.endpoint_url', 'healthlake.region')")[0]]
    settings += [f"-cSET healthlake.access_key_id = '{emulator.access_key_id}'",
                 f"-cSET healthlake.secret_access_key = '{emulator.secret_access_key}'"]
    with subprocess.Popen(["psql", "-XqAt", *settings, f"-c{TALK}"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8") as psql:
        told = [(psql.stderr.readline().strip(), time.monotonic()) for _ in range(2)]
        rows = psql.stdout.read().splitlines()
    tap.same([line for line, _ in told],
             ["NOTICE:  ProgressEvent: first", "NOTICE:  TextMessageEvent: second"],
             "progress and texts are notices")
    tap.ok(told[1][1] - told[0][1] > 0.4, "each when it comes", told)
    tap.same([row.split("|")[0] for row in rows],
             ["ProgressEvent", "TextMessageEvent", "EndOfOutputEvent"], "the rows are all there")
    answer(text("first"), END)
    del session.notices[:]
    run(session, "SET client_min_messages = warning")
    run(session, TALK)
    run(session, "RESET client_min_messages")
    tap.same(session.notices, [], "who wants no notices gets none")


def time_between_events(session):
    """Heartbeats keep a call alive; whatever is no event does not."""
    run(session, "SET healthlake.request_timeout = '1 s'")
    answer(text("x"), {**HEARTBEAT, "pause": 0.5, "times": 5}, {**END, "pause": 0.5})
    told, seconds = run(session, TALK)
    tap.ok(len(told) == 2 and seconds > 2.5, "heartbeats keep a call alive", told, seconds)
    answer(text("x"), {**END, "pause": 5})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and "no event for 1000 ms" in told and 0.9 < seconds < 3,
           "silence ends it", told, seconds)
    answer(text("x"), END, drip={"bytes": 1, "seconds": 0.03})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and "no event for 1000 ms" in told and seconds < 5,
           "so do single bytes", told, seconds)
    emulator.next(operation=OPERATION, error="ThrottlingException", message="m" * 200,
                  drip={"bytes": 1, "seconds": 0.05})
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and seconds < 3, "an error that drips is no event", told,
           seconds)
    emulator.next(operation=OPERATION, delay=5)
    told, seconds = run(session, TALK)
    tap.ok(told.startswith("38M01") and seconds < 3, "the first event must come too", told, seconds)
    run(session, "RESET healthlake.request_timeout")


def cancels(session):
    """In the midst of a stream."""
    answer(text("x"), {**HEARTBEAT, "times": 1000, "pause": 0.05}, END)
    timer = threading.Timer(0.7, session.cancel)
    timer.start()
    told, seconds = run(session, TALK)
    timer.join()
    tap.ok(told.startswith("57014") and seconds < 3 and
           f"{OPERATION}, which had been sent: its outcome is unknown" in told,
           "a cancel is told what is unknown", told, seconds)
    tap.same(run(session, "SELECT outcome, sqlstate, reply FROM healthlake_last_call()")[0],
             [("unknown", "57014", None)], "the last call, too")
    answer(text("x", times=100000))
    told, seconds = run(session, f"SET statement_timeout = '300 ms'; {TALK}")
    run(session, "RESET statement_timeout")
    tap.ok(told.startswith(("57014", "38M01")) and seconds < 5,
           "a flood of events does not keep a cancel away", told, seconds)
    end = time.monotonic() + 5
    while time.monotonic() < end and emulator.log()[-2]["answer"]["ended"] is None:
        time.sleep(0.05)
    tap.ok(emulator.log()[-2]["answer"]["ended"] != "sent", "the connection is given up",
           emulator.log()[-2]["answer"])
    answer(text("x"), END)
    tap.same(len(run(session, TALK)[0]), 2, "the next call is as any other")


def no_word_in_the_log(session):
    """At the log's most talkative, whatever becomes of the stream."""
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
             "six streams of every kind")
    tap.ok(WORDS not in str(told), "no error has a word of them", *told)
    tap.same([line.strip() for line in session.notices if WORDS in line],
             [f"NOTICE:  {name}: {WORDS}" for name in (
                 "TextMessageEvent", "TextMessageEvent", "ErrorEvent", *["TextMessageEvent"] * 4)],
             "the client has seen them")
    last = run(session, "SELECT l::text FROM healthlake_last_call() AS l")[0]
    answer(text(WORDS), END)
    run(session, SAY, ["hello"])
    last += run(session, "SELECT l::text FROM healthlake_last_call() AS l")[0]
    history = run(session, "SELECT e::text FROM healthlake_event AS e")[0]
    tap.ok(len(history) > 0 and "EndOfOutputEvent" in str(last)
           and WORDS not in str([last, history]),
           "neither the last call nor the history has one", last)
    run(session, "DO $$ BEGIN RAISE NOTICE 'any other notice'; END $$")
    run(session, "RESET log_min_messages")
    with open(log, "rb") as file:
        file.seek(before)
        written = file.read().decode("utf-8", "replace")
    tap.ok("any other notice" in written, "notices are logged")
    tap.ok(WORDS not in written, "but not these", *[line for line in written.splitlines()
                                                     if WORDS in line][:5])


def main():
    """All of it."""
    session = session_of.connect(emulator)
    emulator.reset()
    notices_as_they_come(session)
    time_between_events(session)
    cancels(session)
    no_word_in_the_log(session)
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
