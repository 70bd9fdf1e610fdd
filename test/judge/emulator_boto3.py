#!/usr/bin/python3
"""Compares the emulator with AWS's SDK: all calls of boto3 must work against it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import oracle  # noqa: E402
import wire  # noqa: E402
from botocore import exceptions as failures  # noqa: E402
from client import PROGRAM, Emulator  # noqa: E402
from tap import Tap  # noqa: E402

tap = Tap()
REFUSED = failures.ClientError
ROLE = "arn:aws:iam::123456789012:role/import"
EITHER = object()  # depends on the version of botocore
S3 = {"S3Configuration": {"S3Uri": "s3://bucket/out/", "KmsKeyId": "alias/health"}}


def code(call, **members):
    """The AWS code that a call fails with, or None."""
    try:
        call(**members)
    except REFUSED as caught:
        return caught.response["Error"]["Code"]
    return None


def message(call, **members):
    """The message that a call fails with."""
    try:
        call(**members)
    except REFUSED as caught:
        return caught.response["Error"]["Message"]
    return None


def plain(reply):
    """A reply without botocore's own part."""
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


# Every operation


def store_operations(lake):
    """All operations on a data store."""
    made = lake.create_fhir_datastore(
        DatastoreName="ward 7", DatastoreTypeVersion="R4",
        Tags=[{"Key": "env", "Value": "prod"}],
        BackupConfiguration={"Status": "ENABLED", "RetentionPeriodInDays": 5})
    id, arn = made["DatastoreId"], made["DatastoreArn"]
    yield "CreateFHIRDatastore", made["DatastoreStatus"] == "CREATING"
    seen = [lake.describe_fhir_datastore(DatastoreId=id)["DatastoreProperties"]
            for _ in range(2)]
    yield "DescribeFHIRDatastore", [one["DatastoreStatus"] for one in seen] == \
        ["CREATING", "ACTIVE"] and seen[1]["BackupStatusInfo"]["Configuration"]["Status"] == \
        "ENABLED"
    yield "ListFHIRDatastores", id in [one["DatastoreId"] for one in lake.list_fhir_datastores(
        Filter={"DatastoreName": "ward 7"})["DatastorePropertiesList"]]
    changed = lake.update_fhir_datastore(DatastoreId=id, DatastoreName="ward 8")
    yield "UpdateFHIRDatastore", changed["DatastoreProperties"]["DatastoreName"] == "ward 8" and \
        changed["DatastoreProperties"]["DatastoreStatus"] == "UPDATING"
    lake.describe_fhir_datastore(DatastoreId=id)
    lake.describe_fhir_datastore(DatastoreId=id)
    restored = lake.restore_fhir_datastore(
        SourceDatastoreId=id, DatastoreName="again",
        RestoreConfiguration={"ContinuousBackupRestoreConfiguration": {}})
    yield "RestoreFHIRDatastore", restored["DatastoreId"] != id
    lake.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": ""}])
    tags = lake.list_tags_for_resource(ResourceARN=arn)["Tags"]
    yield "TagResource, ListTagsForResource", tags == [{"Key": "env", "Value": "prod"},
                                                       {"Key": "team", "Value": ""}]
    lake.untag_resource(ResourceARN=arn, TagKeys=["env"])
    yield "UntagResource", len(lake.list_tags_for_resource(ResourceARN=arn)["Tags"]) == 1
    yield from job_operations(lake, id)
    gone = lake.delete_fhir_datastore(DatastoreId=id)
    yield "DeleteFHIRDatastore", gone["DatastoreStatus"] == "DELETING"


def job_operations(lake, store):
    """Imports and exports."""
    made = lake.start_fhir_import_job(
        InputDataConfig={"S3Uri": "s3://bucket/in/"}, JobOutputDataConfig=S3, DatastoreId=store,
        DataAccessRoleArn=ROLE, ValidationLevel="strict", JobName="night")
    yield "StartFHIRImportJob", made["JobStatus"] == "SUBMITTED"
    seen = [lake.describe_fhir_import_job(DatastoreId=store, JobId=made["JobId"])
            ["ImportJobProperties"]["JobStatus"] for _ in range(3)]
    yield "DescribeFHIRImportJob", seen == ["SUBMITTED", "IN_PROGRESS", "COMPLETED"]
    yield "ListFHIRImportJobs", len(lake.list_fhir_import_jobs(
        DatastoreId=store, JobName="night", JobStatus="COMPLETED")["ImportJobPropertiesList"]) == 1
    made = lake.start_fhir_export_job(OutputDataConfig=S3, DatastoreId=store,
                                      DataAccessRoleArn=ROLE)
    yield "StartFHIRExportJob", made["DatastoreId"] == store
    yield "DescribeFHIRExportJob", lake.describe_fhir_export_job(
        DatastoreId=store, JobId=made["JobId"])["ExportJobProperties"]["OutputDataConfig"] == S3
    yield "ListFHIRExportJobs", len(lake.list_fhir_export_jobs(
        DatastoreId=store)["ExportJobPropertiesList"]) == 1


def transformation_operations(lake):
    """Profiles and their jobs."""
    made = lake.create_data_transformation_profile(
        SourceFormat="CSV", ProfileName="rows", Tags={"env": "prod"},
        Source={"ProfileMapping": {"ProfileMapping": {"Patient": "one"}}})
    id = made["ProfileId"]
    yield "CreateDataTransformationProfile", made["Version"] == 0
    lake.update_data_transformation_profile(ProfileId=id, ProfileMapping={"Patient": "two"})
    published = lake.publish_data_transformation_profile(ProfileId=id, SourceFormat="CSV")
    yield "UpdateDataTransformationProfile, PublishDataTransformationProfile", \
        published["Version"] == 1
    yield "GetDataTransformationProfile", lake.get_data_transformation_profile(
        ProfileId=id, ProfileVersion=1)["ProfileMapping"] == {"Patient": "two"}
    yield "ListDataTransformationProfiles", id in [one["ProfileId"] for one in
        lake.list_data_transformation_profiles(SourceFormat="CSV")["Items"]]
    yield "ListDataTransformationProfileVersions", len(
        lake.list_data_transformation_profile_versions(ProfileId=id)["Items"]) == 2
    said = list(lake.update_profile_with_agent(
        ProfileId=id, InputMessage={"Body": "hello", "Type": "normal"})["AgentResponse"])
    yield "UpdateProfileWithAgent", [name for event in said for name in event] == \
        ["ProgressEvent", "HeartbeatEvent", "TextMessageEvent", "EndOfOutputEvent"] and \
        "hello" in said[2]["TextMessageEvent"]["Message"]
    job = lake.start_data_transformation_job(
        InputDataConfig={"S3Uri": "s3://bucket/in"}, OutputDataConfig=S3, ClientToken="job-" + id,
        DataAccessRoleArn=ROLE, ProfileId=id)
    yield "StartDataTransformationJob", job["JobStatus"] == "SUBMITTED"
    yield "DescribeDataTransformationJob", lake.describe_data_transformation_job(
        JobId=job["JobId"])["TransformationJobProperties"]["ProfileName"] == "rows"
    yield "ListDataTransformationJobs", job["JobId"] in [
        one["JobId"] for one in lake.list_data_transformation_jobs()["Items"]]
    yield "DeleteDataTransformationProfile", lake.delete_data_transformation_profile(
        ProfileId=id)["ProfileId"] == id


def check_operations(emulator):
    """All 26 operations, over HTTP and TLS, and with every member in the reply."""
    for tls in (False, True):
        lake = oracle.client(emulator, tls)
        where = "https" if tls else "http"
        for run in (store_operations, transformation_operations):
            try:
                for name, holds in run(lake):
                    tap.ok(holds, f"{where}: {name}")
            except (REFUSED, KeyError) as caught:
                tap.ok(False, f"{where}: {run.__name__}", repr(caught))
    asked = {entry["operation"] for entry in emulator.log()}
    tap.same(asked, set(oracle.DOCUMENT["operations"]), "every operation of the model was called")
    tap.ok(all(entry["signature"] == "ok" for entry in emulator.log()), "every signature verified")


def members_of(value, shape):
    """The members of a reply that are missing, by path."""
    shapes = oracle.DOCUMENT["shapes"]
    kind = shapes[shape]["type"]
    if kind == "list":
        return [path for element in value
                for path in members_of(element, shapes[shape]["member"]["shape"])]
    if kind != "structure":
        return []
    missing = []
    for member, reference in shapes[shape]["members"].items():
        if member not in value:
            missing += [] if shapes[shape].get("union") else [f"{shape}.{member}"]
        else:
            missing += members_of(value[member], reference["shape"])
    return missing


def check_members(emulator):
    """Replies with every member, and with only the required ones."""
    for wish in ("all", "required"):
        emulator.reset()
        emulator.state(members=wish)
        lake = oracle.client(emulator)
        for run in (store_operations, transformation_operations):
            try:
                list(run(lake))
            except (REFUSED, KeyError) as caught:
                tap.ok(wish == "required" and isinstance(caught, KeyError),
                       f"members: {wish}: {run.__name__}", repr(caught))
        document = oracle.DOCUMENT
        for entry in emulator.log():
            shape = document["operations"][entry["operation"]]["output"]["shape"]
            if entry["operation"] == "UpdateProfileWithAgent":
                continue  # no JSON: check_stream_members
            reply = json.loads(entry["answer"]["body"])
            if wish == "all":
                tap.same(members_of(reply, shape), [], f"every member: {entry['operation']}")
            else:
                tap.same(sorted(reply), sorted(document["shapes"][shape].get("required", [])),
                         f"required members alone: {entry['operation']}")
        check_stream_members(lake, wish)
    emulator.reset()


def check_stream_members(lake, wish):
    """The same of the events in a stream."""
    id = lake.create_data_transformation_profile(
        SourceFormat="CSV", ProfileName="rows",
        Source={"StarterProfile": {"StarterProfileName": "s"}})["ProfileId"]
    reply = lake.update_profile_with_agent(
        ProfileId=id, InputMessage={"Body": "hello", "Type": "normal"})
    for event in reply["AgentResponse"]:
        for name, told in event.items():
            shape = oracle.DOCUMENT["shapes"][name]
            wanted = shape["members"] if wish == "all" else shape.get("required", [])
            tap.same(sorted(told), sorted(wanted), f"{wish} members: {name}")


# Authentication


def check_signatures(emulator):
    """Every wrong signature is refused, with AWS's message."""
    def refusal(**changes):
        return code(oracle.client(emulator, **changes).list_fhir_datastores)

    emulator.key("ASIATEMPORARY", "temporary", "the-token", time.time() + 60)
    emulator.key("ASIAEXPIRED", "temporary", "old", time.time() - 1)
    emulator.state(expired_tokens=["stale"], unknown_tokens=["strange"])
    cases = (
        ("a wrong secret", "InvalidSignatureException", {"aws_secret_access_key": "wrong"}),
        ("an unknown key", "UnrecognizedClientException", {"aws_access_key_id": "AKIANOBODY"}),
        ("an expired token", "ExpiredTokenException", {"aws_session_token": "stale"}),
        ("a strange token", "UnrecognizedClientException", {"aws_session_token": "strange"}),
        ("a token that is accepted", None, {"aws_session_token": "fresh"}),
        ("a temporary key", None, {"aws_access_key_id": "ASIATEMPORARY",
                                   "aws_secret_access_key": "temporary",
                                   "aws_session_token": "the-token"}),
        ("a temporary key without its token", "UnrecognizedClientException",
         {"aws_access_key_id": "ASIATEMPORARY", "aws_secret_access_key": "temporary"}),
        ("an expired temporary key", "ExpiredTokenException",
         {"aws_access_key_id": "ASIAEXPIRED", "aws_secret_access_key": "temporary",
          "aws_session_token": "old"}),
        ("any region", None, {"region_name": "eu-west-1"}),
    )
    for what, wanted, changes in cases:
        tap.same(refusal(**changes), wanted, f"signature: {what}")
    tap.same(code(oracle.client(emulator, signature_version=oracle.botocore.UNSIGNED)
                  .list_fhir_datastores),
             "MissingAuthenticationTokenException", "signature: none at all")
    entry = emulator.log()[0]
    tap.ok(entry["signature"] == "InvalidSignatureException"
           and entry["canonical_request"].startswith("POST\n/\n\n")
           and entry["string_to_sign"].startswith("AWS4-HMAC-SHA256\n"),
           "the log has the texts that were signed")
    check_clock(emulator)
    emulator.reset()


def check_clock(emulator):
    """A date that is off by five minutes of the emulator's clock is refused."""
    lake = oracle.client(emulator)
    for seconds, words in ((400, "Signature expired: "), (-400, "Signature not yet current: ")):
        emulator.state(clock=seconds)
        told = message(lake.list_fhir_datastores) or ""
        tap.ok(told.startswith(words) and "5 min.)" in told, f"clock {seconds} s off: {words}",
               told)
    emulator.state(clock=200)
    tap.same(code(lake.list_fhir_datastores), None, "clock 200 s off: accepted")
    emulator.state(clock=0)
    emulator.next(clock=86400)
    try:
        lake.list_fhir_datastores()
        tap.ok(False, "a step's clock is the service's for that request")
    except REFUSED as caught:
        told = caught.response["ResponseMetadata"]["HTTPHeaders"]["date"]
        then = time.mktime(time.strptime(told, "%a, %d %b %Y %H:%M:%S GMT"))
        tap.ok(abs(then - time.mktime(time.gmtime()) - 86400) < 10,
               "a step's clock is the service's for that request", told)


def check_tampering(emulator):
    """A signed request must not be changed."""
    lake = oracle.client(emulator)

    def tamper(change):
        lake.meta.events.register("before-send.healthlake", change, unique_id="tamper")
        told = code(lake.list_fhir_datastores, MaxResults=7)
        lake.meta.events.unregister("before-send.healthlake", unique_id="tamper")
        return told

    def body(request, **_):
        request.body = request.body.replace(b"7", b"8")

    def target(request, **_):
        request.headers["X-Amz-Target"] = "HealthLake.DeleteFHIRDatastore"

    def scope(request, **_):
        text = request.headers["Authorization"]
        text = text if isinstance(text, str) else text.decode()
        request.headers["Authorization"] = text.replace("/healthlake/", "/sts/")

    def garbled(request, **_):
        request.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=x"

    for what, change, wanted in (("body", body, "InvalidSignatureException"),
                                 ("X-Amz-Target", target, "InvalidSignatureException"),
                                 ("scope", scope, "InvalidSignatureException"),
                                 ("header", garbled, "IncompleteSignatureException")):
        tap.same(tamper(change), wanted, f"tampered {what}")
    tap.same(emulator.state()["stores"], 0, "and nothing was carried out")


# Refusals


def check_validation(emulator):
    """Constraints that SDKs do not check are reported by the service, all at once."""
    lake = oracle.client(emulator, parameter_validation=False)
    create = lake.create_fhir_datastore
    r4 = {"DatastoreTypeVersion": "R4"}

    def sse(**config):
        return {**r4, "SseConfiguration": {"KmsEncryptionConfig": config}}

    fails = "failed to satisfy constraint: Member must"
    cases = (
        ({}, f"1 validation error detected: Value null at 'datastoreTypeVersion' {fails} "
             "not be null"),
        ({"DatastoreTypeVersion": "R5"}, "1 validation error detected: Value 'R5' at "
         f"'datastoreTypeVersion' {fails} satisfy enum value set: [R4]"),
        ({**r4, "DatastoreName": ""}, "1 validation error detected: Value '' at "
         f"'datastoreName' {fails} have length greater than or equal to 1"),
        ({**r4, "DatastoreName": "x" * 257}, f"{fails} have length less than or equal to 256"),
        ({**r4, "DatastoreName": "a#b"}, f"Value 'a#b' at 'datastoreName' {fails} satisfy "
         "regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-%@]*)$"),
        (sse(), f"at 'sseConfiguration.kmsEncryptionConfig.cmkType' {fails} not be null"),
        (sse(CmkType="NONE", KmsKeyId=""), "3 validation errors detected: "),
        (sse(CmkType="CUSTOMER_MANAGED_KMS_KEY"), "KmsKeyId must be provided"),
        ({**r4, "Tags": [{"Key": "ok", "Value": "ok"}, {"Key": "", "Value": "v"}]},
         f"Value '' at 'tags.2.member.key' {fails} have length"),
        ({**r4, "BackupConfiguration": {"RetentionPeriodInDays": 31}},
         f"at 'backupConfiguration.retentionPeriodInDays' {fails} have value less than"),
        ({**r4, "IdentityProviderConfiguration": {"AuthorizationStrategy": "AWS_AUTH",
                                                  "IdpLambdaArn": "arn:aws:lambda:x"}},
         "at 'identityProviderConfiguration.idpLambdaArn'"),
    )
    for members, words in cases:
        told = message(create, **members) or ""
        tap.ok(words in told, f"refused: {words[:90]}", told)
    for members in ({"DatastoreTypeVersion": 4}, {**r4, "Tags": "x"}, {**r4, "Tags": {"a": "b"}},
                    {**r4, "SseConfiguration": []},
                    {**r4, "BackupConfiguration": {"RetentionPeriodInDays": "5"}}):
        told = code_raw(emulator, members)
        tap.same(told, "SerializationException", f"refused: {json.dumps(members)}")
    for name in ("Zürich 病房 7", "a_b.c:d/e=f+g-h%i@j", "\u00a0", "x" * 256):
        tap.same(code(create, DatastoreName=name, **r4), None, f"accepted: {name[:40]}")
    tap.same(emulator.state()["stores"], 4, "refused requests were not carried out")
    emulator.reset()


def code_raw(emulator, body):
    """The code for a body that botocore would not write."""
    lake = oracle.client(emulator)

    def replace(request, **_):
        request.data = json.dumps(body).encode()

    lake.meta.events.register_first("before-sign.healthlake", replace)
    return code(lake.create_fhir_datastore, DatastoreTypeVersion="R4")


def check_tokens(emulator):
    """One client token, one data store."""
    lake = oracle.client(emulator)
    asked = {"DatastoreTypeVersion": "R4", "DatastoreName": "once", "ClientToken": "token-1"}
    first, again = lake.create_fhir_datastore(**asked), lake.create_fhir_datastore(**asked)
    tap.same(first["DatastoreId"], again["DatastoreId"], "the same token: the same data store")
    tap.same(emulator.state()["stores"], 1, "there is no second one")
    tap.same(code(lake.create_fhir_datastore, **{**asked, "DatastoreName": "twice"}),
             "ConflictException", "the same token with another request")
    other = oracle.client(emulator, region_name="eu-west-1").create_fhir_datastore(**asked)
    tap.ok(other["DatastoreId"] != first["DatastoreId"], "another region, another data store")
    ids = {lake.create_fhir_datastore(DatastoreTypeVersion="R4")["DatastoreId"] for _ in "123"}
    tap.same(len(ids), 3, "without a token every call creates one")
    emulator.reset()


def check_life(emulator):
    """The transitions of statuses."""
    lake = oracle.client(emulator)

    def create(**members):
        return lake.create_fhir_datastore(DatastoreTypeVersion="R4", **members)["DatastoreId"]

    def status(id):
        return lake.describe_fhir_datastore(DatastoreId=id)["DatastoreProperties"]

    emulator.state(settle_after_describes=None, settle_after_seconds=100)
    id = create()
    tap.same(status(id)["DatastoreStatus"], "CREATING", "before its time: CREATING")
    tap.same(code(lake.delete_fhir_datastore, DatastoreId=id), "ConflictException",
             "a data store that is being created cannot be deleted")
    emulator.state(clock=150)
    tap.same(status(id)["DatastoreStatus"], "ACTIVE", "after its time: ACTIVE")
    emulator.reset()
    emulator.state(create_fails={"ErrorMessage": "no quota", "ErrorCategory":
                                 "NON_RETRYABLE_ERROR"})
    id = create()
    status(id)
    told = status(id)
    tap.ok(told["DatastoreStatus"] == "CREATE_FAILED"
           and told["ErrorCause"]["ErrorMessage"] == "no quota",
           "CREATE_FAILED with its cause", told)
    waiter = lake.get_waiter("fhir_datastore_active")
    tap.raises(failures.WaiterError, lambda: waiter.wait(
        DatastoreId=id, WaiterConfig={"Delay": 0, "MaxAttempts": 3}), "boto3's waiter sees it")
    emulator.reset()
    id = create()
    waiter.wait(DatastoreId=id, WaiterConfig={"Delay": 0, "MaxAttempts": 3})
    lake.delete_fhir_datastore(DatastoreId=id)
    lake.get_waiter("fhir_datastore_deleted").wait(
        DatastoreId=id, WaiterConfig={"Delay": 0, "MaxAttempts": 3})
    tap.same(status(id)["DatastoreStatus"], "DELETED", "boto3's waiters see ACTIVE and DELETED")
    tap.same(code(lake.describe_fhir_datastore, DatastoreId="f" * 32),
             "ResourceNotFoundException", "a missing data store is not found")
    [placed] = emulator.place({"DatastoreName": "old", "DatastoreStatus": "UPDATE_FAILED",
                               "CreatedAt": 1e9, "ErrorCause": {"ErrorMessage": "x"}})
    tap.ok(status(placed)["ErrorCause"]["ErrorMessage"] == "x"
           and status(placed)["CreatedAt"].year == 2001, "a data store that a test has created")
    emulator.reset()


def check_pages(emulator):
    """Lists have pages."""
    lake = oracle.client(emulator)
    emulator.place(*({"DatastoreName": f"store {number % 2}", "CreatedAt": 1e9 + number}
                     for number in range(25)))
    emulator.state(page_size=10)
    sizes, token = [], {}
    while True:
        reply = lake.list_fhir_datastores(**token)
        sizes.append(len(reply["DatastorePropertiesList"]))
        if "NextToken" not in reply:
            break
        token = {"NextToken": reply["NextToken"]}
    tap.same(sizes, [10, 10, 5], "pages of ten")
    one = lake.list_fhir_datastores(MaxResults=1)
    tap.same(len(one["DatastorePropertiesList"]), 1, "MaxResults")
    found = lake.list_fhir_datastores(MaxResults=100, Filter={
        "DatastoreName": "store 1", "CreatedAfter": 1e9 + 10, "DatastoreStatus": "ACTIVE"})
    tap.same(len(found["DatastorePropertiesList"]), 7, "a filter")
    tap.same(code(lake.list_fhir_datastores, NextToken="no token"), "ValidationException",
             "an invalid token")
    emulator.reset()


# Scripts


def check_script(emulator):
    """Every step has its effect on boto3."""
    lake = oracle.client(emulator, read_timeout=1)

    def create():
        return lake.create_fhir_datastore(DatastoreTypeVersion="R4")

    def step(what, kind, stores, **said):
        emulator.reset()
        emulator.next(operation="CreateFHIRDatastore", **said)
        if kind is EITHER:
            try:
                create()
            except Exception as caught:  # pylint: disable=broad-except
                tap.say(f"{type(caught).__name__}: {caught}")
        elif kind is None:
            with tap.check(f"step: {what}"):
                create()
        elif isinstance(kind, str):
            tap.same(code(create), kind, f"step: {what}")
        else:
            tap.raises(kind, create, f"step: {what}")
        tap.same(emulator.state()["stores"], stores, f"step: {what}: {stores} data stores")

    closed = failures.ConnectionClosedError
    lost = (closed, failures.HTTPClientError)
    step("error", "ThrottlingException", 0, error="ThrottlingException", message="slow down")
    step("error with a status", "InternalServerException", 0, error="InternalServerException")
    step("status alone", "503", 0, status=503)
    step("status and text", "400", 0, status=400, body="no JSON")
    step("an object", None, 0, body={"DatastoreId": "x"})
    step("silence", failures.ReadTimeoutError, 0, silence=True)
    step("silence after doing it", failures.ReadTimeoutError, 1, silence=True, apply=True)
    step("reset", lost, 0, reset=True)
    step("reset after doing it", lost, 1, reset=True, apply=True)
    step("reset in the middle", lost, 1, reset=True, apply=True, cut=100)
    step("nothing at all", closed, 1, cut=0)
    step("nothing at all, not done", closed, 0, cut=0, apply=False)
    step("all but the last byte", EITHER, 1, cut=-1)
    step("done, but 500 said", "500", 1, status=500, body="", apply=True)
    step("delay", None, 1, delay=0.1)
    step("delay longer than patience", failures.ReadTimeoutError, 1, delay=3)
    step("drip", None, 1, drip={"bytes": 100, "seconds": 0.02})
    step("drip from the head on", None, 1, drip={"bytes": 100, "seconds": 0.02, "head": True})
    step("close", None, 1, close=True)
    step("chunks", None, 1, chunked=7)
    step("chunks that end early", lost, 1, chunked=7, cut=-20)
    step("headers", None, 1, headers={"x-odd": "1", "Connection": "close"})
    step("garbage", lost, 0, http_garbage="no HTTP at all\r\n\r\n")
    step("base64", "400", 0, status=400, body_base64="AAEC")
    step("a length that is too long", EITHER, 0, status=200, body="{}",
         headers=[["Content-Length", "9999"]], close=True)
    tap.raises(ValueError, lambda: emulator.next(opration="x"),
               "a step with an unknown name is refused")
    emulator.reset()
    emulator.next(operation="DeleteFHIRDatastore", status=500)
    emulator.next(error="ThrottlingException", times=2)
    tap.same([code(create) for _ in "123"], ["ThrottlingException"] * 2 + [None],
             "a step for any operation, twice")
    tap.same([one["operation"] for one in emulator.pending()], ["DeleteFHIRDatastore"],
             "a step of another operation waits")
    check_retries(emulator)


def check_retries(emulator):
    """An SDK repeats its token in retries, and the log shows the attempts."""
    emulator.reset()
    lake = oracle.client(emulator, retries={"mode": "standard", "total_max_attempts": 3})
    emulator.next({"reset": True, "apply": True}, {"error": "ThrottlingException"})
    made = lake.create_fhir_datastore(DatastoreTypeVersion="R4", DatastoreName="ward 9")
    log = emulator.log()
    tap.same([entry["attempt"] for entry in log], [1, 2, 3], "three attempts are logged")
    tap.same(len({json.loads(entry["body"])["ClientToken"] for entry in log}), 1,
             "with one client token")
    tap.same([store["DatastoreId"] for store in emulator.stores()], [made["DatastoreId"]],
             "and created one data store")
    tap.same([(entry["answer"]["ended"], entry["answer"]["applied"]) for entry in log],
             [("reset", True), ("sent", False), ("sent", True)], "the log has the reply of each")
    emulator.reset()


class Witness:
    """A socket that records the sent bytes, and whether an end was logged by then."""

    def __init__(self):
        self.noted, self.pieces = None, []

    def sendall(self, content):
        """Records bytes."""
        if content:
            self.pieces.append((len(content), self.noted))


def check_ends(_emulator):
    """The log has the end of a reply before the client has read all of it."""
    big = 3 * wire.LAST_PIECE
    pause = {"bytes": 100, "seconds": 0}
    for what, size, how, delivery in (
            ("a reply", 100, "sent", wire.PLAIN), ("a long one", big, "sent", wire.PLAIN),
            ("no body", 0, "sent", wire.PLAIN), ("one of many", big, "sent", wire.Delivery()),
            ("drip", 1000, "sent", wire.Delivery(drip=pause)),
            ("drip of nothing", 0, "sent", wire.Delivery(drip=pause)),
            ("drip with the head", 1000, "sent", wire.Delivery(drip={**pause, "head": True})),
            ("pauses", 1000, "sent", wire.Delivery(pauses=[(500, 0)])),
            ("cut", 1000, "cut", wire.Delivery(cut=-1)),
            ("reset", 1000, "reset", wire.Delivery(cut=50, reset=True)),
            ("garbage", 0, "sent", wire.Delivery(raw=b"no HTTP"))):
        connection = wire.Wire(Witness(), 1, False)
        connection.wait_for_leave = lambda seconds=None: False
        reply = wire.Reply(200, [], b"x" * size)

        def note(noted, witness=connection.sock):
            witness.noted = noted

        told = connection.send(reply, delivery, "", False, note)
        pieces = connection.sock.pieces
        unnoted = sum(length for length, noted in pieces if noted is None)
        tap.same((told, pieces[-1][1]), (how, how), f"{what}: noted before the last byte")
        tap.ok(unnoted >= sum(length for length, _ in pieces) - wire.LAST_PIECE,
               f"{what}: not noted long before", pieces)


def check_connections(emulator):
    """Faults before the first byte."""
    def refusal(url=None, tls=False):
        lake = oracle.client(emulator, tls, connect_timeout=1, read_timeout=1,
                             **({"endpoint_url": url} if url else {}))
        try:
            lake.list_fhir_datastores()
        except failures.BotoCoreError as caught:
            return type(caught).__name__
        return None

    tap.same(refusal(emulator.ready["deaf"]), "ConnectTimeoutError", "a deaf port")
    tap.same(refusal(emulator.ready["closed"]), "EndpointConnectionError", "a closed port")
    for tls in (False, True):
        where = "https" if tls else "http"
        for said in ({"silence": True}, {"reset": True}, {"http_garbage": "\x15\x03\x01 no"}):
            emulator.next(operation="@connect", **said)
            # the connection that scripted it is already accepted, so the next one takes it
            told = refusal(tls=tls)
            tap.ok(told is not None, f"{where}: @connect {said}: {told}")
        tap.same(refusal(tls=tls), None, f"{where}: and the next one works")
    untrusted = oracle.client(emulator, True, verify=None)
    tap.raises(failures.SSLError, untrusted.list_fhir_datastores, "a CA that is not trusted")
    for port, words in (("misnamed", "doesn't match|mismatch"), ("expired", "expired")):
        wrong = oracle.client(emulator, True, endpoint_url=emulator.ready[port])
        told = tap.raises(failures.SSLError, wrong.list_fhir_datastores, f"{port} certificate")
        tap.ok(re.search(words, str(told)), f"{port} certificate: {words}", told)


# The log, and other properties


def check_log(emulator):
    """The log shows a request as it was sent."""
    emulator.reset()
    sent = (b"GET /odd/p%20ath?b=2&a=1 HTTP/1.1\r\nX-One:  1 \r\nhost: here\r\nX-one: 2\r\n"
            b"Content-Length: 3\r\n\r\n\xff\xfea")
    with socket.create_connection(("127.0.0.1", int(emulator.http.rpartition(":")[2]))) as sock:
        sock.sendall(sent[:20])
        time.sleep(0.05)
        sock.sendall(sent[20:] + sent)
        reply = sock.recv(65536)
    [first, second] = emulator.log(count=2, wait=5)
    tap.ok(reply.startswith(b"HTTP/1.1 400 Bad Request\r\nDate: "), "any request gets a reply")
    tap.same((first["method"], first["path"]), ("GET", "/odd/p%20ath?b=2&a=1"), "path and query")
    tap.same(first["headers"], [["X-One", "1"], ["host", "here"], ["X-one", "2"],
                                ["Content-Length", "3"]], "headers in their order, with their case")
    tap.ok(first["body"] is None and first["body_base64"] == "//5h", "a binary body")
    tap.ok(first["connection"] == second["connection"], "two requests in one packet")
    tap.same([entry["n"] for entry in emulator.log(since=1)], [2], "since")
    emulator.reset()
    tap.same(emulator.log(), [], "reset clears it, and control requests are not in it")
    start = time.monotonic()
    emulator.log(count=1, wait=0.3)
    tap.ok(time.monotonic() - start >= 0.3, "waiting for a request that does not arrive")


def check_speed(emulator):
    """A call on a kept connection is fast."""
    lake = oracle.client(emulator)
    lake.create_fhir_datastore(DatastoreTypeVersion="R4", DatastoreName="quick")
    entry = emulator.log()[-1]
    head = "".join(f"{name}: {value}\r\n" for name, value in entry["headers"])
    request = f"POST / HTTP/1.1\r\n{head}\r\n{entry['body']}".encode()
    with socket.create_connection(("127.0.0.1", int(emulator.http.rpartition(":")[2]))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rounds = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(200):
                sock.sendall(request)
                sock.recv(65536)
            rounds.append((time.perf_counter() - start) / 200)
    each = min(rounds)
    tap.say(f"{each * 1e6:.0f} microseconds a call")
    tap.ok(each < 0.002, "a call takes less than 2 ms")
    tap.same(emulator.state()["stores"], 1, "a thousand repetitions created nothing")
    emulator.reset()


def check_end():
    """It ends when told to, and leaves nothing."""
    for what, end in (("SIGTERM", lambda child: child.send_signal(signal.SIGTERM)),
                      ("SIGINT", lambda child: child.send_signal(signal.SIGINT)),
                      ("the end of its input", lambda child: child.stdin.close())):
        child = subprocess.Popen([sys.executable, str(PROGRAM), "--until-stdin-closes"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = json.loads(child.stdout.readline())
        held = socket.create_connection(("127.0.0.1", int(ready["http"].rpartition(":")[2])))
        end(child)
        try:
            status = child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        held.close()
        tap.same((status, os.path.exists(ready["ca"])), (0, False), f"it ends with {what}")
        child.stdout.close()


def main():
    """All checks, against a separate emulator."""
    tap.say(oracle.VERSIONS)
    with Emulator() as emulator:
        for check in (check_operations, check_members, check_signatures, check_tampering,
                      check_validation, check_tokens, check_life, check_pages, check_script,
                      check_ends, check_connections, check_log, check_speed):
            emulator.reset()
            with tap.check(check.__doc__.splitlines()[0]):
                check(emulator)
    check_end()
    tap.end()


main()
