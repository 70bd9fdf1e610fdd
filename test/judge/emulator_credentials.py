#!/usr/bin/python3
"""Compares the emulator's STS, metadata, container and single sign-on with botocore."""

import datetime
import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import oracle  # noqa: E402
import botocore.session  # noqa: E402
from botocore import credentials, exceptions, utils  # noqa: E402
from client import Emulator  # noqa: E402
from tap import Tap  # noqa: E402

tap = Tap()
ROLE = "arn:aws:iam::210987654321:role/path/importer"


def lists(emulator, found):
    """Whether a call with these credentials works."""
    if found is None:
        return "no credentials"
    lake = oracle.client(emulator, aws_access_key_id=found.access_key,
                         aws_secret_access_key=found.secret_key, aws_session_token=found.token)
    try:
        lake.list_fhir_datastores()
    except exceptions.ClientError as caught:
        return caught.response["Error"]["Code"]
    return "ok"


def code(call, **members):
    """The AWS code and the HTTP status that a call fails with."""
    try:
        call(**members)
    except exceptions.ClientError as caught:
        return (caught.response["Error"]["Code"],
                caught.response["ResponseMetadata"]["HTTPStatusCode"])
    return None


def check_sts(emulator):
    """STS through boto3's own client."""
    sts = oracle.client(emulator, service="sts")
    who = sts.get_caller_identity()
    tap.same((who["Account"], who["Arn"]),
             ("123456789012", "arn:aws:iam::123456789012:user/tester"), "GetCallerIdentity")
    got = sts.assume_role(RoleArn=ROLE, RoleSessionName="night", DurationSeconds=900)
    arn = "arn:aws:sts::210987654321:assumed-role/importer/night"
    tap.same(got["AssumedRoleUser"]["Arn"], arn, "AssumeRole")
    left = got["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    tap.ok(890 < left.total_seconds() <= 900, "its credentials have the requested lifetime", left)
    keys = {"aws_access_key_id": got["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": got["Credentials"]["SecretAccessKey"],
            "aws_session_token": got["Credentials"]["SessionToken"]}
    tap.same(oracle.client(emulator, service="sts", **keys).get_caller_identity()["Arn"], arn,
             "they have the right identity")
    emulator.state(clock=1000, tolerance=2000)
    tap.same(code(oracle.client(emulator, **keys).list_fhir_datastores),
             ("ExpiredTokenException", 400), "they expire")
    emulator.reset()
    emulator.state(external_ids={ROLE: "x-1"}, denied_roles=[ROLE + "2"], expired_tokens=["stale"],
                   web_identity_tokens=["fresh"])
    asked = {"RoleArn": ROLE, "RoleSessionName": "night"}
    web = sts.assume_role_with_web_identity
    wrong = oracle.client(emulator, service="sts", aws_secret_access_key="wrong")
    nobody = oracle.client(emulator, service="sts", aws_access_key_id="AKIANOBODY")
    for what, call, members, wanted in (
            ("its external id", sts.assume_role, {"ExternalId": "x-1"}, None),
            ("no external id", sts.assume_role, {}, ("AccessDenied", 403)),
            ("a denied role", sts.assume_role, {"RoleArn": ROLE + "2"}, ("AccessDenied", 403)),
            ("a bad session name", sts.assume_role, {"RoleSessionName": "a b"},
             ("ValidationError", 400)),
            ("a duration that is too long", sts.assume_role, {"DurationSeconds": 43201},
             ("ValidationError", 400)),
            ("a wrong secret", wrong.assume_role, {}, ("SignatureDoesNotMatch", 403)),
            ("an unknown key", nobody.assume_role, {}, ("InvalidClientTokenId", 403)),
            ("a web identity", web, {"WebIdentityToken": "fresh"}, None),
            ("an expired web identity", web, {"WebIdentityToken": "stale"},
             ("ExpiredTokenException", 400)),
            ("an unknown web identity", web, {"WebIdentityToken": "strange"},
             ("InvalidIdentityToken", 400))):
        tap.same(code(call, **{**asked, **members}), wanted, f"STS: {what}")
    emulator.next(operation="AssumeRole", error="RegionDisabledException", status=403)
    tap.same(code(sts.assume_role, **asked), ("RegionDisabledException", 403), "STS: a step")
    [entry] = [entry for entry in emulator.log() if "fresh" in (entry["body"] or "")]
    tap.ok(entry["signature"] is None and entry["service"] == "sts", "web identity is not signed")


def check_container(emulator):
    """The container's endpoint, through botocore's provider."""
    url = emulator.http + "/container/credentials"

    def load(token=None):
        environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}
        if token:
            environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token
        fetcher = utils.ContainerMetadataFetcher(sleep=lambda _: None)
        return credentials.ContainerProvider(environment, fetcher).load()

    tap.same(lists(emulator, load()), "ok", "container: valid credentials")
    emulator.state(container_token="open sesame")
    tap.same(lists(emulator, load("open sesame")), "ok", "container: with its token")
    tap.raises(exceptions.CredentialRetrievalError, load, "container: without it")
    emulator.next(operation="container:credentials", status=200, body="{", times="always")
    tap.raises(exceptions.CredentialRetrievalError, lambda: load("open sesame"),
               "container: no JSON")


def check_metadata(emulator):
    """Instance metadata, through botocore's provider."""
    def load(**settings):
        emulator.reset()
        emulator.state(**settings)
        environment = {}
        fetcher = utils.InstanceMetadataFetcher(
            timeout=0.5, num_attempts=1, base_url=emulator.http + "/", env=environment)
        return credentials.InstanceMetadataProvider(fetcher).load()

    tap.same(lists(emulator, load(instance_role="ward")), "ok",
             "metadata: valid credentials")
    log = [(entry["operation"], entry["answer"]["status"]) for entry in emulator.log()[:3]]
    tap.same(log, [("metadata:token", 200), ("metadata:roles", 200),
                   ("metadata:credentials", 200)], "metadata: a token, the role, its credentials")
    tap.same(load(instance_role=None), None, "metadata: an instance without a role")
    tap.same(load(metadata=False), None, "metadata: disabled")
    emulator.reset()
    tap.same(utils.InstanceMetadataRegionFetcher(
        timeout=0.5, base_url=emulator.http + "/").retrieve_region(), "us-east-1",
             "metadata: the region")
    emulator.next(operation="metadata:token", silence=True)
    fetcher = utils.InstanceMetadataFetcher(timeout=0.2, num_attempts=1,
                                            base_url=emulator.http + "/")
    tap.same(fetcher.retrieve_iam_role_credentials(), {}, "metadata: version 2 is required")


def check_sso(emulator):
    """Single sign-on's portal, through botocore's provider."""
    start = "https://health.awsapps.example/start"
    cache = oracle.FOLDER / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(start.encode()).hexdigest() + ".json"
    (cache / name).write_text(json.dumps({
        "accessToken": "signed-on", "startUrl": start, "region": "us-east-1",
        "expiresAt": "2999-01-01T00:00:00Z"}), encoding="ascii")
    session = botocore.session.get_session()

    def make_client(service, config=None, **_):
        return session.create_client(service, region_name="us-east-1", config=config,
                                     endpoint_url=emulator.http)

    profile = {"sso_start_url": start, "sso_region": "us-east-1", "sso_role_name": "nurse",
               "sso_account_id": "123456789012"}

    def load():
        return credentials.SSOProvider(
            load_config=lambda: {"profiles": {"default": profile}}, client_creator=make_client,
            profile_name="default", cache={}, token_cache=utils.JSONFileCache(str(cache))).load()

    tap.same(lists(emulator, load()), "ok", "single sign-on: valid credentials")
    emulator.state(expired_tokens=["signed-on"])
    tap.raises(exceptions.UnauthorizedSSOTokenError,
               lambda: load().get_frozen_credentials(), "single sign-on: signed off")


def main():
    """All checks, against a separate emulator."""
    tap.say(oracle.VERSIONS)
    os.environ.pop("AWS_EC2_METADATA_DISABLED", None)
    with Emulator() as emulator:
        for check in (check_sts, check_container, check_metadata, check_sso):
            emulator.reset()
            with tap.check(check.__doc__):
                check(emulator)
    tap.end()


main()
