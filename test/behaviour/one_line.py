#!/usr/bin/python3
"""What STS, a header or a job says is told as one line, of whole characters, without control
characters: in the error, in the log, in the audit trail, and when it is told again from memory.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import session as session_of  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "SELECT id FROM healthlake_create_datastore('ward')"
SAID = "not\r\nyou\x7f" + "\u00e4" * 5000
FAULT = ("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
         f"<Message>{SAID}</Message></Error></ErrorResponse>")
BODY = '{"__type": "ValidationException", "message": "no"}'
HEAD = ("HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: id\x1b[31m\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(BODY)}\r\n\r\n")

tap = Tap()
emulator = client.emulator()


def error_of(session, statement):
    """Message, DETAIL and HINT of the error of a statement."""
    try:
        session_of.run(session, statement)
    except psycopg2.Error as caught:
        return [text or "" for text in (caught.diag.message_primary, caught.diag.message_detail,
                                        caught.diag.message_hint)]
    return ["", "", ""]


def is_line(text):
    """Whether a text is a line without control characters."""
    return text != "" and all(ord(c) >= 32 and not 127 <= ord(c) < 160 for c in text)


def test_sts(session):
    """STS refuses the role in many words, which are told again for some seconds."""
    role = "arn:aws:iam::123456789012:role/ward"
    session_of.configure(session, emulator, max_attempts="1", role_arn=role,
                         sts_endpoint_url=emulator.http)
    emulator.next(operation="AssumeRole", status=403, body=FAULT)
    first = error_of(session, CREATE)[0]
    tap.ok(is_line(first) and "not  you " in first, "the error is one line", repr(first[:300]))
    tap.ok(first.endswith("\u00e4..."), "and its end is a whole character", repr(first[-30:]))
    asked = len(emulator.log(operation="AssumeRole"))
    again = error_of(session, CREATE)[0]
    tap.same(len(emulator.log(operation="AssumeRole")), asked, "then STS is not asked")
    tap.ok(is_line(again) and again.endswith("\u00e4...") and "?" not in again,
           "and the shorter text from memory is one line of whole characters", repr(again[-60:]))
    session_of.run(session, "SET healthlake.role_arn = ''")


def test_header(session):
    """A request id with an escape sequence."""
    emulator.next(operation="CreateFHIRDatastore", http_garbage=HEAD + BODY)
    detail = error_of(session, CREATE)[1]
    tap.ok(is_line(detail) and "request id id [31m" in detail, "a request id is text", repr(detail))


def test_job(session):
    """A job whose status and message have line breaks."""
    store = session_of.run(session, CREATE)[0][0]
    job = {"JobId": "j" * 32, "JobStatus": "FAILED", "DatastoreId": store, "Message": "a\nb\x1bc",
           "SubmitTime": 1.0, "InputDataConfig": {"S3Uri": "s3://a"}, "JobName": "j"}
    emulator.next(operation="DescribeFHIRImportJob", status=200,
                  body={"ImportJobProperties": {**job, "JobStatus": "IN_\nPROGRESS" + "x" * 80}},
                  times=2)
    emulator.next(operation="DescribeFHIRImportJob", status=200,
                  body={"ImportJobProperties": job})
    del session.notices[:]
    told = error_of(session, "SELECT healthlake_wait_import_job("
                    f"'{store}', '{'j' * 32}', poll_interval => '10 ms', timeout => '9 s')")[0]
    tap.ok(is_line(told) and told.endswith("is FAILED: a b c"), "a job's message", repr(told))
    states = [one for one in session.notices if "IN_ PROGRESS" in one]
    tap.ok(len(states) == 1 and is_line(states[0].strip()),
           "a long status is a line, told once", states)


if not os.environ.get("HEALTHLAKE_WORK"):
    print("1..0 # SKIP it needs the server of test/run")
    sys.exit(0)
for test in (test_sts, test_header, test_job):
    test(session_of.connect(emulator))
emulator.stop()
tap.end()
