#!/usr/bin/python3
"""FHIR requests in the queue: the outcome of each kind, with all losses of replies.

Each case is a request about its own id, so that all cases run at the same time: the earlier state,
how replies are lost, what another client writes meanwhile, and in the end the row, the requests
that were sent, and the versions in HealthLake.
"""

import hashlib
import json
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import libcurl  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MARK = "Mustermann-5071"
# after one line: without any, libcurl repeats the request on a kept connection
LOST = {"cut": 60}                  # carried out, and the reply was lost
NEVER = {"status": 200, "cut": 60}  # lost before it was carried out
ROW = """SELECT state, error_sqlstate, version_id, body IS NULL, note
    FROM healthlake_request WHERE reference ->> 'case' = %s"""


# newer versions repeat more requests on a kept connection that has died
REPEATS = libcurl.version() >= (8, 17)
tap = Tap()


def patient(id, family=MARK, **more):
    """A resource."""
    return {"resourceType": "Patient", "id": id, "name": [{"family": family}], **more}


def sql(function, *arguments, **named):
    """A statement that enqueues; values that are no strings become jsonb."""
    given = list(arguments) + list(named.values())
    places = ["%s"] * len(arguments) + [f"{name} => %s" for name in named]
    return (f"SELECT healthlake_fhir_enqueue{function}({', '.join(places)}, "
            "reference => jsonb_build_object('case', %s::text))",
            [one if isinstance(one, str) else json.dumps(one) for one in given])


# id: (what is enqueued, steps, what another writes meanwhile, state, SQLSTATE, requests, versions)
# before: "old" has been there for an hour, "new" for no time; "same" is as "old" with the same body
CASES = {
    # first, on new connections: libcurl may send again on a kept one that has died,
    # and then a refusal does not show the outcome of the first
    "match-stale": ("new", sql("_update", patient("match-stale"), if_match="7"), [], None,
                    ("failed", "38V01", None), "update", ["PUT"]),
    "refused": (None, sql("_create", patient("refused")), [
        {"status": 422, "error": "invariant", "message": MARK}], None,
                ("failed", "22023", None), "update", []),
    "create": (None, sql("_create", patient("create")), [], None,
               ("succeeded", None, "1"), "update", ["PUT"]),
    "create-lost": (None, sql("_create", patient("create-lost")), [LOST], None,
                    ("succeeded", None, "1"), "update read", ["PUT"]),
    "create-never": (None, sql("_create", patient("create-never")), [NEVER], None,
                     ("succeeded", None, "1"), "update read update", ["PUT"]),
    "create-twice-lost": (None, sql("_create", patient("create-twice-lost")), [NEVER, LOST], None,
                          ("succeeded", None, "1"), "update read update read", ["PUT"]),
    "create-taken": ("new", sql("_create", patient("create-taken")), [], None,
                     ("failed", "38V01", None), "update", ["PUT"]),
    "create-overtaken": (None, sql("_create", patient("create-overtaken")), [NEVER], "another",
                         ("failed", "38V01", None), "update read", ["PUT"]),
    "create-older": ("same", sql("_create", patient("create-older")), [NEVER], None,
                     ("failed", "38V01", None), "update read", ["PUT"]),
    "create-oldest": ("same", sql("_create", patient("create-oldest")), [NEVER], "another",
                      ("unknown", "38M01", None), "update read vread", ["PUT", "PUT"]),
    "create-changed": (None, sql("_create", patient("create-changed")), [LOST], "another",
                       ("succeeded", None, "1"), "update read vread", ["PUT", "PUT"]),
    "update": ("new", sql("_update", patient("update")), [], None,
               ("succeeded", None, "2"), "update", ["PUT", "PUT"]),
    "update-lost": ("new", sql("_update", patient("update-lost")), [LOST], None,
                    ("succeeded", None, "2"), "update read", ["PUT", "PUT"]),
    "update-never": ("old", sql("_update", patient("update-never")), [NEVER], None,
                     ("succeeded", None, "2"), "update read update", ["PUT", "PUT"]),
    "update-none": (None, sql("_update", patient("update-none")), [NEVER], None,
                    ("succeeded", None, "1"), "update read update", ["PUT"]),
    "update-overtaken": ("old", sql("_update", patient("update-overtaken")), [NEVER], "another",
                         ("unknown", "38M01", None), "update read", ["PUT", "PUT"]),
    # without an object "meta", a resource is compared all the same
    "meta-list-lost": ("new", sql("_update", patient("meta-list-lost", meta=[])), [LOST], None,
                       ("unknown", "38M01", None), "update read", ["PUT", "PUT"]),
    "meta-list": ("old", sql("_update", patient("meta-list", meta=["x"])), [NEVER], None,
                  ("succeeded", None, "2"), "update read update", ["PUT", "PUT"]),
    "meta-text": ("old", sql("_update", patient("meta-text", meta="x")), [NEVER], None,
                  ("succeeded", None, "2"), "update read update", ["PUT", "PUT"]),
    "match": ("new", sql("_update", patient("match"), if_match="1"), [], None,
              ("succeeded", None, "2"), "update", ["PUT", "PUT"]),
    "match-lost": ("new", sql("_update", patient("match-lost"), if_match='W/"1"'), [LOST], None,
                   ("succeeded", None, "2"), "update read", ["PUT", "PUT"]),
    "match-never": ("new", sql("_update", patient("match-never"), if_match="1"), [NEVER], None,
                    ("succeeded", None, "2"), "update read update", ["PUT", "PUT"]),
    "match-changed": ("new", sql("_update", patient("match-changed"), if_match="1"), [LOST],
                      "another", ("succeeded", None, "2"), "update read vread",
                      ["PUT", "PUT", "PUT"]),
    "match-overtaken": ("new", sql("_update", patient("match-overtaken"), if_match="1"), [NEVER],
                        "another", ("unknown", "38M01", None), "update read vread",
                        ["PUT", "PUT"]),
    "patch": ("new", sql("_patch", "Patient", "patch", [
        {"op": "add", "path": "/active", "value": True}]), [], None,
              ("succeeded", None, "2"), "patch", ["PUT", "PATCH"]),
    "patch-lost": ("new", sql("_patch", "Patient", "patch-lost", [
        {"op": "add", "path": "/active", "value": True}]), [LOST], None,
                   ("unknown", "38M01", None), "patch", ["PUT", "PATCH"]),
    "patch-never": ("new", sql("_patch", "Patient", "patch-never", [
        {"op": "add", "path": "/active", "value": True}], if_match="1"), [NEVER], None,
                    ("succeeded", None, "2"), "patch read patch", ["PUT", "PATCH"]),
    "patch-applied": ("new", sql("_patch", "Patient", "patch-applied", [
        {"op": "add", "path": "/active", "value": True}], if_match="1"), [LOST], None,
                      ("unknown", "38M01", None), "patch read", ["PUT", "PATCH"]),
    # the first request is carried out late, and the second finds nothing to delete
    "patch-late": ("new", sql("_patch", "Patient", "patch-late", [
        {"op": "add", "path": "/active", "value": True}], if_match="1"), [
            {"operation": "fhir:patch", **NEVER},
            {"operation": "fhir:patch", "status": 422, "error": "invariant", "apply": True}], None,
                   ("unknown", "38M01", None), "patch read patch read", ["PUT", "PATCH"]),
    "patch-invalid": ("new", sql("_patch", "Patient", "patch-invalid", [
        {"op": "remove", "path": "/active"}], if_match="1"), [
            {"operation": "fhir:patch", **NEVER},
            {"operation": "fhir:patch", "status": 422, "error": "invariant"}], None,
                      ("failed", "22023", None), "patch read patch read", ["PUT"]),
    "patch-none": (None, sql("_patch", "Patient", "patch-none", [
        {"op": "add", "path": "/active", "value": True}]), [], None,
                   ("failed", "42704", None), "patch", []),
    "delete": ("new", sql("_delete", "Patient", "delete"), [], None,
               ("succeeded", None, None), "delete", ["PUT", "DELETE"]),
    "delete-none": (None, sql("_delete", "Patient", "delete-none"), [
        {"status": 404, "error": "not-found"}], None,
                    ("succeeded", None, None), "delete", []),
    "delete-lost": ("new", sql("_delete", "Patient", "delete-lost"), [LOST], None,
                    ("succeeded", None, None), "delete read", ["PUT", "DELETE"]),
    # the first read returns another resource, with version and time
    "delete-other": ("new", sql("_delete", "Patient", "delete-other"), [
        LOST, {"operation": "fhir:read", "status": 200, "body": patient("somebody-else", meta={
            "versionId": "9", "lastUpdated": "2999-01-01T00:00:00Z"})}], None,
                     ("succeeded", None, None), "delete read read", ["PUT", "DELETE"]),
    "delete-never": ("old", sql("_delete", "Patient", "delete-never"), [NEVER], None,
                     ("succeeded", None, None), "delete read delete", ["PUT", "DELETE"]),
    "delete-overtaken": ("old", sql("_delete", "Patient", "delete-overtaken"), [NEVER], "another",
                         ("unknown", "38M01", None), "delete read", ["PUT", "PUT"]),
    "delete-match": ("new", sql("_delete", "Patient", "delete-match", if_match="1"), [NEVER], None,
                     ("succeeded", None, None), "delete read delete", ["PUT", "DELETE"]),
    "throttled": (None, sql("_create", patient("throttled")), [
        {"error": "ThrottlingException"}], None,
                  ("succeeded", None, "1"), "update update", ["PUT"]),
    # other keys may be permitted
    "rejected": (None, sql("_create", patient("rejected")), [{"status": 401, "error": "login"}],
                 None, ("succeeded", None, "1"), "update update", ["PUT"]),
    "fault": (None, sql("_create", patient("fault")), [
        {"status": 503, "error": "transient", "message": MARK}], None,
              ("succeeded", None, "1"), "update read update", ["PUT"]),
}
# a read without a version, or with an invalid one, is repeated
for how, meta in (("update-hostile", {"versionId": '1"\r\nX-Evil: yes'}), ("update-bare", {})):
    CASES[how] = ("old", sql("_update", patient(how)), [
        NEVER, {"operation": "fhir:read", "about": f"Patient/{how}", "status": 200, "body": {
            **patient(how, "Before"), "meta": {**meta, "lastUpdated": "2020-01-01T00:00:00Z"}}}],
                  None, ("succeeded", None, "2"), "update read read update", ["PUT", "PUT"])
# a success with another resource is none: a read determines the outcome
for how, given in (("other-id", patient("SOMEBODY-ELSE")), ("other-none", {}),
                   ("other-type", {"resourceType": "Group", "id": "other-type"})):
    CASES[how] = ("old", sql("_update", patient(how)), [{"status": 200, "body": given}], None,
                  ("succeeded", None, "2"), "update read update", ["PUT", "PUT"])
CASES["other-empty"] = ("old", sql("_update", patient("other-empty")), [{"status": 204}], None,
                        ("succeeded", None, "2"), "update read update", ["PUT", "PUT"])
CASES["other-done"] = ("new", sql("_update", patient("other-done")), [
    {"status": 200, "body": patient("SOMEBODY-ELSE"), "apply": True}], None,
                       ("succeeded", None, "2"), "update read", ["PUT", "PUT"])
# the reply has only a version and a time
CASES["other-version"] = ("new", sql("_update", patient("other-version")), [
    {"status": 200, "apply": True, "body": {**patient("other-version"), "meta": {
        "versionId": f"{MARK} <&>", "lastUpdated": MARK}}}], None,
                          ("succeeded", None, None), "update", ["PUT", "PUT"])
# refusals without effect: the row has the SQLSTATE of a call
for status, code, sqlstate in ((403, "forbidden", "42501"), (404, "not-found", "42704"),
                               (405, "not-supported", "38U01"), (409, "conflict", "55006"),
                               (412, "multiple-matches", "21000"), (413, "too-long", "54000"),
                               (415, "invalid", "38U01")):
    CASES[f"refused-{status}"] = (
        None, sql("_create", patient(f"refused-{status}")), [
            {"status": status, "error": code, "message": MARK}], None,
        ("failed", sqlstate, None), "update", [])
# for a bundle, the resource that it creates is read
def answers(*entries):
    """A success of a transaction."""
    return {"status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response",
                                    "entry": entries}}


DONE = {"response": {"status": "200"}}
for how, steps, asked in (("bundle", [], "bundle"), ("bundle-lost", [LOST], "bundle"),
                          ("bundle-never", [NEVER], "bundle bundle"),
                          # the first request is carried out late, and the second is then invalid
                          ("bundle-late", [NEVER, {"status": 400, "error": "invariant",
                                                   "apply": True}], "bundle bundle"),
                          ("bundle-unanswered", [answers()], "bundle bundle"),
                          ("bundle-422", [answers(DONE, {"response": {"status": "422"}})],
                           "bundle bundle"),
                          ("bundle-other", [answers(DONE, {"response": {
                              "status": "200", "location": f"Patient/{MARK}/_history/2"}})],
                           "bundle bundle"),
                          ("bundle-told", [{**answers(DONE, {"response": {
                              "status": f"200 {MARK}", "location": f"{MARK} <&>",
                              "lastModified": MARK}}), "apply": True}], "bundle"),
                          ("bundle-done", [{**answers(), "apply": True}], "bundle")):
    CASES[how] = ("new", sql("_bundle", [
        {"method": "POST", "url": "Observation", "resource": {
            "resourceType": "Observation", "status": "final", "code": {"text": how},
            "subject": {"reference": f"Patient/{how}"}}},
        {"method": "PUT", "url": f"Patient/{how}", "resource": patient(how), "ifMatch": "1"}]),
        steps, None, ("succeeded", None, None), asked, ["PUT", "PUT"])


def whose(entry, case):
    """Whether a request belongs to this case, not to one whose name begins with it."""
    said = entry["path"] + "?" + (entry["body"] or "")
    return any(f"Patient/{case}{end}" in said for end in ("?", '"', "/"))


class Run:
    """One run of all cases."""

    def __init__(self, session, emulator, store):
        self.session = session
        self.emulator = emulator
        self.store = store

    def prepare(self):
        """Writes the earlier state, and scripts the losses of replies."""
        self.emulator.write(*({"store": self.store, "ago": 0 if case[0] == "new" else 3600,
                               "resource": patient(id) if case[0] == "same" else
                               patient(id, "Before")}
                              for id, case in CASES.items() if case[0]))
        self.emulator.next(*({"about": f'"id": "{id}"' if "bundle" not in id else
                              f'"reference": "Patient/{id}"', **step}
                             if case[1][0].find("_patch") < 0 and case[1][0].find("_delete") < 0
                             else {"about": f"Patient/{id}", **step}
                             for id, case in self.longest_first() for step in self.steps(id)))

    def steps(self, id):
        """How replies are lost, and, at the first of them, what another writes meanwhile."""
        _, _, steps, another, *_ = CASES[id]
        return [{**step, "then": [{"store": self.store, "resource": patient(id, "Another")}]}
                if another and at == 0 else step for at, step in enumerate(steps)]

    @staticmethod
    def longest_first():
        """Cases with longer names first, since one name may be the beginning of another."""
        return sorted(CASES.items(), key=lambda one: -len(one[0]))

    def enqueue(self):
        """Enqueues all of them in one transaction."""
        self.session.run("BEGIN")
        for id, case in CASES.items():
            self.session.run(case[1][0], *case[1][1], id)
        self.session.run("COMMIT")

    def send(self):
        """Sends until all is finished."""
        def over():
            self.session.run("CALL healthlake_run_queue()")
            return self.session.one(OPEN) == 0
        return until(over, 40, 0.2)

    def check(self):
        """Compares each case with its expected results."""
        log, versions = self.emulator.log(), self.emulator.versions()
        for id, (_, _, _, _, wanted, asked, methods) in CASES.items():
            *row, emptied, note = self.session.run(ROW, id)[0]
            sent = [entry["operation"].partition(":")[2] for entry in log if whose(entry, id)]
            made = [one["method"] for one in versions if (one["type"], one["id"]) ==
                    ("Patient", id)]
            if REPEATS and (tuple(row), " ".join(sent), made) != (wanted, asked, methods):
                # the outcome is unknown then, so it is searched for regardless of the first reply
                tap.ok(row[0] in ("succeeded", "failed", "unknown") and
                       len(made) <= len(methods) + 1 and len(sent) <= len(asked.split()) + 2,
                       f"{id}: libcurl has sent it twice", row, sent, made)
                continue
            tap.same((tuple(row), " ".join(sent), made, emptied),
                     (wanted, asked, methods, wanted[0] == "succeeded" or "delete" in id),
                     f"{id}: {wanted[0]} ({note or 'no note'})")


def check_promoted(session, emulator, store):
    """After a promotion the outcome of requests is searched for first, also behind earlier ones."""
    session.run("BEGIN")
    for case, (call, arguments) in (
            ("heir", sql("_create", patient("heir"))),
            ("heir", sql("_update", patient("heir", "Second"))),
            ("heir", sql("_update", patient("heir", "Third"))),
            ("heir", sql("_delete", "Patient", "heir")),
            ("heir", sql("_update", patient("heir", "Fifth"))),
            ("heir", sql("_delete", "Patient", "heir")),
            ("heir-met", sql("_update", patient("heir-met")))):
        session.run(call, *arguments, case)
    session.run("UPDATE healthlake_request SET timeline = timeline + 1 "
                "WHERE reference ->> 'case' ~ '^heir'")
    session.run("COMMIT")
    emulator.write({"store": store, "ago": 3600, "resource": patient("heir-met", "Before")})
    emulator.next({"operation": "fhir:update", "about": "Patient/heir-met", "status": 412,
                   "error": "conflict"})

    def over():
        session.run("CALL healthlake_run_queue()")
        return session.one(OPEN) == 0
    until(over, 20, 0.2)
    made = {id: [one["method"] for one in emulator.versions() if one["id"] == id]
            for id in ("heir", "heir-met")}
    tap.same(([state for state, in session.run(
        "SELECT state FROM healthlake_request WHERE reference ->> 'case' = 'heir' ORDER BY id")],
              made["heir"]),
             (["succeeded"] * 6, ["PUT", "PUT", "PUT", "DELETE", "PUT", "DELETE"]),
             "promoted: each request continues from the version of the one before")
    sent = [entry["operation"].partition(":")[2] for entry in emulator.log()
            if whose(entry, "heir-met")]
    tap.same((session.run(ROW, "heir-met")[0][:3], " ".join(sent), made["heir-met"]),
             (("succeeded", None, "2"), "read update read update", ["PUT", "PUT"]),
             "promoted: if the version that was found is outdated, it is read again")


def check_turn(cluster, session, emulator):
    """A request that is committed while a later one is claimed waits for that one."""
    session.run("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END $$")
    session.run("CREATE TRIGGER slow BEFORE UPDATE ON healthlake_request FOR EACH ROW "
                "WHEN (OLD.state = 'queued' AND NEW.state = 'running' AND "
                "NEW.reference ->> 'case' = 'late') EXECUTE FUNCTION slow()")
    emulator.next({"operation": "fhir:update", "about": "Patient/turn", "delay": 1.5, "times": 2})
    call, arguments = sql("_update", patient("turn"))
    with closing(Session(cluster)) as early, closing(Session(cluster)) as other:
        early.run("BEGIN")
        early.run(call, *arguments, "early")
        session.run(call, *arguments, "late")
        runs = threading.Thread(target=other.run, args=("CALL healthlake_run_queue()",))
        runs.start()
        until(lambda: session.one("SELECT count(*) FROM pg_stat_activity "
                                  "WHERE wait_event = 'PgSleep'") == 1)
        early.run("COMMIT")
        session.run("CALL healthlake_run_queue()")
        runs.join()
    until(lambda: session.run("CALL healthlake_run_queue()") or session.one(OPEN) == 0, 10, 0.2)
    session.run("DROP FUNCTION slow CASCADE")
    first, second = [entry["time"] for entry in emulator.log() if whose(entry, "turn")]
    tap.ok(second - first >= 1.5, "two requests of one resource are never in flight together",
           f"the second arrived {second - first:.1f} s after the first")


def check_create(session, emulator, store):
    """A resource without an id gets one when it is enqueued; the request matches the row."""
    session.run("BEGIN")
    number = session.one("SELECT healthlake_fhir_enqueue_create(%s)", json.dumps(
        {"resourceType": "Encounter", "status": "planned"}))
    id, body, digest = session.run(
        "SELECT resource_id, body::text, body_sha256 FROM healthlake_request WHERE id = %s",
        number)[0]
    session.run("COMMIT")
    tap.same(json.loads(body), {"resourceType": "Encounter", "status": "planned", "id": id},
             "a resource without an id has one, in the transaction that enqueues it")
    session.run("CALL healthlake_run_queue()")
    sent = [entry for entry in emulator.log() if id in entry["path"]]
    tap.same([(entry["method"], entry["path"]) for entry in sent],
             [("PUT", f"/datastore/{store}/r4/Encounter/{id}")],
             "it is written by PUT under that id, once")
    headers = {name.lower(): value for name, value in sent[0]["headers"]}
    tap.same((headers.get("if-none-match"), headers.get("content-type")),
             ("*", "application/fhir+json"), "only if there is no version yet")
    tap.same(bytes(digest), hashlib.sha256(sent[0]["body"].encode()).digest(),
             "body_sha256 is the hash of the sent bytes")
    tap.same(session.run("SELECT state, body, body_sha256 = %s, resource_id, version_id, "
                         "response - 'lastUpdated' FROM healthlake_request WHERE id = %s",
                         digest, number),
             [("succeeded", None, True, id, "1",
               {"id": id, "versionId": "1", "resourceType": "Encounter"})],
             "a success keeps no body, but its hash, type, id and version")


def check_keyed(session, emulator):
    """A type whose ids AWS assigns is created with a key."""
    emulator.next({"operation": "fhir:create", **LOST}, {"operation": "fhir:create", **LOST},
                  {"operation": "fhir:create", "status": 201, "body": {
                      "resourceType": "AuditEvent", "id": f"{MARK}, born 1980-02-29 <&>"}})
    number = session.one("SELECT healthlake_fhir_enqueue_create(%s)", json.dumps(
        {"resourceType": "AuditEvent", "outcomeDesc": MARK}))

    def over():
        session.run("CALL healthlake_run_queue()")
        return session.one(OPEN) == 0
    until(over, 20, 0.2)
    made = [one for one in emulator.versions() if one["type"] == "AuditEvent"]
    sent = [entry for entry in emulator.log(operation="fhir:create")]
    keys = {value for entry in sent for name, value in entry["headers"]
            if name.lower() == "x-amz-fhir-idempotency-key"}
    tap.same(session.run("SELECT state, resource_id, body, client_token FROM healthlake_request "
                         "WHERE id = %s", number),
             [("succeeded", made[0]["id"], None, *keys)],
             "an AuditEvent is posted with the key of its row, which has its id in the end")
    tap.same((len(sent), len(made)), (4, 1),
             "four requests created one, although one reply had an invalid id")


def check_silence(cluster, session):
    """The marked name is in no log, event or succeeded row."""
    log = cluster.log()
    tap.ok(MARK not in log, "the server's log contains no part of a body",
           *[line for line in log.splitlines() if MARK in line][:3])
    tap.same(session.run("SELECT count(*) FROM healthlake_event AS e WHERE e::text ~ %s", MARK),
             [(0,)], "the history contains none")
    tap.same(session.run("SELECT DISTINCT state FROM healthlake_request AS r WHERE r::text ~ %s "
                         "ORDER BY 1", MARK), [("failed",), ("unknown",)],
             "only failed or unknown rows contain it")
    tap.same(session.run("SELECT count(*) FROM healthlake_request AS r WHERE "
                         "(to_jsonb(r) - 'body')::text ~ %s", MARK), [(0,)],
             "and only in the body")


def main():
    """All checks, on one server."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store,
                                 healthlake__autostart_worker="off",
                                 healthlake__request_timeout="5s",
                                 log_min_messages="debug5")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        run = Run(session, emulator, store)
        run.prepare()
        run.enqueue()
        began = time.monotonic()
        tap.ok(run.send(), "all requests are finished")
        tap.say(f"{len(CASES)} cases took {time.monotonic() - began:.1f} s")
        run.check()
        check_promoted(session, emulator, store)
        check_turn(cluster, session, emulator)
        check_create(session, emulator, store)
        check_keyed(session, emulator)
        check_silence(cluster, session)
    emulator.stop()
    tap.end()


main()
