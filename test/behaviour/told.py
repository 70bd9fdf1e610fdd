#!/usr/bin/python3
"""Messages besides the rows: the comparison of a restore, unknown members, and sensitive members in
the server's log.
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

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:introspect"
SMART = {"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY",
                                                      "KmsKeyId": KEY}},
         "IdentityProviderConfiguration": {
             "AuthorizationStrategy": "SMART_ON_FHIR", "FineGrainedAuthorizationEnabled": True,
             "Metadata": '{"b": 1, "a": [2]}', "IdpLambdaArn": LAMBDA}}
ALL_OF_IT = ["key", "authorization strategy", "fine-grained authorization",
             "identity provider's metadata", "token introspection function"]
WORDS = "the private words of a patient"

tap = Tap()
emulator = client.emulator()


def connect():
    """A session that calls the emulator."""
    return session_of.connect(emulator)


def told(session, statement, parameters=None):
    """The complete warnings of a statement, and its SQLSTATE."""
    del session.notices[:]
    state = "00000"
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, parameters)
    except psycopg2.Error as caught:
        state = caught.pgcode
    return [text for text in session.notices if text.startswith("WARNING")], state


def place(name, more):
    """A data store that can be restored from."""
    emulator.place({"DatastoreId": name, "DatastoreName": name,
                    "BackupConfiguration": {"Status": "ENABLED"}, **more})


def restores(session):
    """Properties of the source that a restored data store would not have."""
    place("plain", {})
    place("smart", SMART)
    restore = "SELECT healthlake_restore_datastore('%s', 'copy'%s)"
    tap.same(told(session, restore % ("plain", "")), ([], "00000"),
             "no warning without a difference")
    tap.same(told(session, restore % ("plain", f", kms_key_id => '{KEY}'")), ([], "00000"),
             "no warning for additional properties")
    warnings, state = told(session, restore % ("smart", ""))
    tap.same((len(warnings), state), (5, "00000"), "a warning for each property that is not copied")
    for what, text in zip(ALL_OF_IT, warnings):
        tap.ok(f"the restored data store will not have the {what} of its source" in text and
               "the restore requests AWS's default" in text and "pass the argument" in text,
               f"a warning of the {what}", text)
    same = (f", kms_key_id => '{KEY}', authorization_strategy => 'SMART_ON_FHIR', "
            "fine_grained_authorization_enabled => true, "
            "identity_provider_metadata => '{\"a\": [2], \"b\": 1}', "
            f"idp_lambda_arn => '{LAMBDA}'")
    tap.same(told(session, restore % ("smart", same)), ([], "00000"),
             "no warning if all are specified")
    warnings, _ = told(session, restore % ("smart", same.replace("SMART_ON_FHIR", "AWS_AUTH")))
    tap.ok(len(warnings) == 1 and "The source has SMART_ON_FHIR, the restore requests AWS_AUTH."
           in warnings[0], "a warning for a different value", warnings)
    emulator.next(operation="DescribeFHIRDatastore", error="AccessDeniedException")
    warnings, state = told(session, restore % ("smart", ""))
    tap.ok(state == "00000" and len(warnings) == 1 and "could not compare" in warnings[0] and
           "42501" in warnings[0], "a source that cannot be described is restored", warnings)


def unknown_members(session):
    """Unknown members that are sent."""
    emulator.place(*({"DatastoreName": str(number)} for number in range(250)))
    told(session, "SET healthlake.unknown_members = send")
    warnings, state = told(session, "SELECT count(*) FROM healthlake_list_datastores("
                           "more => '{\"Colour\": \"red\", \"Filter\": {\"Shape\": 1}}')")
    tap.same((len(warnings), state), (2, "00000"), "one warning for each, regardless of pages")
    tap.ok(any("Filter.Shape is sent as it is" in text for text in warnings),
           "the warning has the path",
           warnings)
    tap.same(told(session, "SELECT healthlake_list_datastores(max_rows => 1)"), ([], "00000"),
             "no warning without unknown members")
    told(session, "RESET healthlake.unknown_members")


def sensitive(session):
    """Sensitive values are in no line of the log, and in no error."""
    with session.cursor() as cursor:
        cursor.execute("SELECT profile_id FROM healthlake_create_transformation_profile("
                       "'p', 'CCDA', starter_profile_name => 's')")
        profile = cursor.fetchone()[0]
    talk = "SELECT healthlake_update_profile_with_agent(%s, %s)"
    log = Path(os.environ["HEALTHLAKE_SERVER_LOG"])
    before = log.stat().st_size if log.exists() else 0
    said = []
    for step in (None, {"error": "InternalServerException"}, {"error": "ValidationException"},
                 {"body": "no JSON"}, {"body": {"AgentResponse": {"Body": WORDS}}}):
        if step:
            emulator.next(operation="UpdateProfileWithAgent", **step)
        try:
            with session.cursor() as cursor:
                cursor.execute("PREPARE talk (text, text) AS " + talk.replace("%s", "$%d") % (1, 2))
                cursor.execute("SET log_min_error_statement = panic")
                cursor.execute("EXECUTE talk (%s, %s)", [profile, WORDS])
        except psycopg2.Error as caught:
            said.append(f"{caught} {caught.diag.message_detail} {caught.diag.context}")
        told(session, "DEALLOCATE ALL")
    tap.same(len(said), 4, "four replies are errors")
    tap.ok(not any(WORDS in text for text in said), "no error has the sensitive text", *said)
    with open(log, "rb") as file:
        file.seek(before)
        written = file.read().decode("utf-8", "replace")
    lines = [line for line in written.splitlines() if "healthlake event=" in line]
    tap.ok(len(lines) == 10, "each call has two lines in the log", *lines)
    tap.ok(not any(WORDS in line for line in lines), "the lines do not have it either", *lines)


def main():
    """All checks."""
    session = connect()
    restores(session)
    unknown_members(session)
    sensitive(session)
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
