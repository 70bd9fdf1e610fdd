#!/usr/bin/python3
"""Streams of random events, as the emulator sends them: botocore and SQL read the same of each.

Texts in all of Unicode, members that nobody knows, heartbeats and unknown events, with and without
the end, with a wrong checksum, an error or an exception somewhere, in pieces of random size. What
botocore gives is what healthlake_call() gives; where botocore raises an error of AWS's, SQL raises
it too. Two differences are wanted: a stream without its end is none here, and a stream without an
initial response is one. HEALTHLAKE_SEED is another seed.
"""

import json
import os
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("python", "emulator")]

import oracle  # noqa: E402
import psycopg2  # noqa: E402
from botocore import eventstream, exceptions, parsers  # noqa: E402
from client import emulator as find_emulator  # noqa: E402
from session import connect  # noqa: E402
from tap import Tap  # noqa: E402

COUNT = 25
OPERATION = "UpdateProfileWithAgent"
END = "EndOfOutputEvent"
LETTERS = "abc XYZ 0\"\\\n\t\x01äß€字𝄞\u2028"
CODES = {"InternalServerException": "38M01", "ThrottlingException": "38T01",
         "ValidationException": "22023", "AccessDeniedException": "42501",
         "ResourceNotFoundException": "42704"}


class Maker:
    """Makes streams for the emulator; the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choices(LETTERS, k=self.random.choice([1, 5, 300, 9000])))

    def more(self):
        """Unknown members."""
        return self.random.choice([{}, {}, {"New": 1}, {"New": {"a": [None, self.text()]}}])

    def event(self):
        """An event that does not end the stream."""
        name = self.random.choice(["TextMessageEvent", "ProgressEvent", "HeartbeatEvent",
                                   "Unknown"])
        message = {} if name == "HeartbeatEvent" else {"Message": self.text()}
        return {"event": name, "payload": {**message, **self.more()}}

    def end(self):
        """The final event."""
        payload = {"FinalResponseMessage": self.text()}
        if self.random.random() < 0.5:
            payload["Options"] = [self.text() for _ in range(self.random.randrange(4))]
        if self.random.random() < 0.5:
            payload["ConversationId"] = self.text()[:36]
        return {"event": END, "payload": {**payload, **self.more()}}

    def events(self):
        """The messages of a valid stream."""
        return [{"event": "initial-response", "payload": self.more()},
                *(self.event() for _ in range(self.random.randrange(8))), self.end()]

    def step(self, events):
        """A step that makes the emulator send them."""
        drip = {"bytes": self.random.choice([50, 1000, 5000]), "seconds": 0}
        return {"operation": OPERATION, "events": events,
                "drip": self.random.choice([None, drip])}


class Sides:
    """Makes the same call with botocore and SQL."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.lake = oracle.client(emulator)
        self.session = connect(emulator)
        made = self.lake.create_data_transformation_profile(
            ProfileName="p", SourceFormat="CSV",
            Source={"StarterProfile": {"StarterProfileName": "s"}})
        self.request = {"ProfileId": made["ProfileId"],
                        "InputMessage": {"Body": "hello", "Type": "normal"}}

    def theirs(self, step):
        """The events of botocore, and AWS's code or the parser's error."""
        self.emulator.next(**step)
        events = []
        try:
            for event in self.lake.update_profile_with_agent(**self.request)["AgentResponse"]:
                events.append(event)
        except exceptions.EventStreamError as caught:
            return events, caught.response["Error"]["Code"]
        except (eventstream.ParserError, parsers.ResponseParserError) as caught:
            return events, type(caught).__name__
        return events, None

    def ours(self, step):
        """The reply of healthlake_call(), and the SQLSTATE."""
        self.emulator.next(**step)
        try:
            with self.session.cursor() as cursor:
                cursor.execute("SELECT healthlake_call(%s, %s::jsonb)::text",
                               [OPERATION, json.dumps(self.request)])
                return json.loads(cursor.fetchone()[0]), "00000"
        except psycopg2.Error as caught:
            return None, caught.pgcode


def known(event):
    """An event without unknown members, like botocore's."""
    shapes = oracle.DOCUMENT["shapes"]
    return {name: {member: value for member, value in payload.items()
                   if member in shapes[name]["members"]} for name, payload in event.items()}


def compare_good(tap, sides, maker):
    """Compares valid streams."""
    wrong = []
    for _ in range(COUNT):
        step = maker.step(maker.events())
        theirs, failure = sides.theirs(step)
        ours, state = sides.ours(step)
        if failure or state != "00000" or [known(one) for one in ours["AgentResponse"]] != theirs \
                or END not in theirs[-1]:
            wrong.append((step, theirs, failure, ours, state))
    tap.ok(not wrong, f"{COUNT} streams of events", *wrong[:1])
    events = [{"event": "ProgressEvent", "payload": {"Message": "m", "New": [1]}}, maker.end()]
    ours, _ = sides.ours(maker.step(events))
    tap.same(ours and ours["AgentResponse"][0], {"ProgressEvent": {"Message": "m", "New": [1]}},
             "unknown members are kept")


def compare_errors(tap, sides, maker):
    """Errors in a stream; botocore does not know those in events."""
    for code, wanted in CODES.items():
        for kind in ("error", "exception", "ErrorEvent"):
            events = maker.events()
            said = {"error": {"error": code, "message": "because"},
                    "exception": {"exception": code, "payload": {"Message": "because"}},
                    "ErrorEvent": {"event": "ErrorEvent",
                                   "payload": {"Error": code, "Message": "because"}}}[kind]
            events.insert(maker.random.randrange(1, len(events)), said)
            theirs, failure = sides.theirs(maker.step(events))
            if kind == "ErrorEvent":
                failure = [one["ErrorEvent"]["Error"] for one in theirs if "ErrorEvent" in one][0]
            elif kind == "exception":
                failure = code if failure == "" else failure  # outside of the model: no name
            tap.same((failure, sides.ours(maker.step(events))[1]), (code, wanted),
                     f"{kind}: {code}")


def compare_broken(tap, sides, maker):
    """A wrong checksum before the end."""
    wrong = []
    for _ in range(COUNT):
        events = maker.events()
        at = maker.random.randrange(1, len(events))
        events[at] = {**events[at], "spoil": maker.random.choice(["prelude", "message"])}
        step = maker.step(events)
        failure, state = sides.theirs(step)[1], sides.ours(step)[1]
        if failure != "ChecksumMismatch" or state != "38M01":
            wrong.append((step, failure, state))
    tap.ok(not wrong, f"{COUNT} streams with a wrong checksum", *wrong[:1])


def main():
    """All checks."""
    tap = Tap()
    emulator = find_emulator()
    emulator.reset()
    sides = Sides(emulator)
    maker = Maker(int(os.environ.get("HEALTHLAKE_SEED", "20261129")))
    tap.say(oracle.VERSIONS)
    compare_good(tap, sides, maker)
    compare_errors(tap, sides, maker)
    compare_broken(tap, sides, maker)
    events = [{"event": "initial-response"}, maker.event()]
    tap.same((sides.theirs(maker.step(events))[1], sides.ours(maker.step(events))[1]),
             (None, "38M01"), "without its end: an intended difference")
    events = [maker.event(), maker.end()]
    tap.same((sides.theirs(maker.step(events))[1], sides.ours(maker.step(events))[1]),
             ("ResponseParserError", "00000"), "without a beginning: an intended difference")
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
