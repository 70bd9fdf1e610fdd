#!/usr/bin/python3
"""Credentials: precedence of sources, messages, renewal, and isolation of users.

The test starts its own server with one environment after the other. The emulator on loopback plays
all services that issue credentials; no other address is in any environment, and instance metadata
is disabled where the emulator does not play it.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import psycopg2  # noqa: E402 pylint: disable=wrong-import-position
import client  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402 pylint: disable=wrong-import-position

LIST = "SELECT count(*) FROM healthlake_list_datastores()"
ROLE = "arn:aws:iam::210987654321:role/ward/importer"
OTHER = "arn:aws:iam::210987654321:role/auditor"
START = "https://health.awsapps.example/start"
SECRET = "nobodyMustEverSeeThis"
OFF = {"AWS_EC2_METADATA_DISABLED": "true"}
PAST = "2020-01-01T00:00:00Z"

tap = Tap()


def iso(seconds):
    """The time in a number of seconds, in ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Place:
    """The server, the emulator, and the folder where AWS's files are."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.home = self.folder / "home"
        (self.home / ".aws" / "sso" / "cache").mkdir(parents=True)
        self.emulator = client.emulator()
        self.cluster = Cluster(self.folder / "server", settings={
            "healthlake.region": "us-east-1", "healthlake.endpoint_url": self.emulator.http,
            "healthlake.max_attempts": "1", "session_preload_libraries": "healthlake",
            "log_min_messages": "debug5"})
        self.session = None
        self.heard = []
        self.begin()
        self.run("CREATE EXTENSION healthlake")
        self.run("CREATE ROLE nurse; GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO nurse")

    def begin(self, **environment):
        """Restarts the server with these variables, and no other variables of AWS."""
        self.end()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.cluster.environment = {**kept, "HOME": str(self.home), **OFF,
                                    "AWS_ENDPOINT_URL_STS": self.emulator.http,
                                    "AWS_ENDPOINT_URL_SSO": self.emulator.http, **environment}
        self.cluster.start()
        self.session = self.cluster.connect()

    def end(self):
        """Closes the session and stops the server."""
        if self.session is not None:
            self.session.close()
            self.session = None
        self.cluster.stop()

    def again(self):
        """Opens a new session."""
        self.session.close()
        self.session = self.cluster.connect()

    def run(self, statement):
        """The rows of a statement; psycopg2.Error is raised."""
        cursor = self.session.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None

    def fails(self, statement=LIST):
        """SQLSTATE, message and hint of a failed statement; otherwise its rows."""
        try:
            return self.run(statement)
        except psycopg2.Error as caught:
            said = caught.diag
            self.heard.append(repr((said.message_primary, said.message_detail, said.message_hint,
                                    said.context)))
            return caught.pgcode, said.message_primary, said.message_hint or ""

    def check(self):
        """The rows of healthlake_check(), the first detail of each item."""
        rows = self.run("SELECT item, ok, detail FROM healthlake_check()")
        self.heard.append(repr(rows))
        found = {}
        for item, good, detail in rows:
            found.setdefault(item, (good, detail))
        found["passed"] = [detail for item, _, detail in rows if item == "credentials passed over"]
        return found

    def file(self, name, text, mode=0o600):
        """Writes a file under ~/.aws."""
        path = self.home / ".aws" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def clean(self):
        """Removes all files and settings, and resets the emulator."""
        for path in (self.home / ".aws").rglob("*"):
            if path.is_file():
                path.unlink()
        self.emulator.reset()
        self.run("RESET ALL")

    def operations(self, since=0):
        """The operations that the emulator has received."""
        return [entry["operation"] for entry in self.emulator.log(since=since)]

    def who(self):
        """Source and identity of a working call."""
        found = self.check()
        return found.get("credentials", (None, None))[1], found.get("identity", (None, None))[1]


def keys(place, name, **how):
    """Adds a key to the emulator: its id, secret and token."""
    place.emulator.key("AKIA" + name.upper(), SECRET + name, **how)
    return "AKIA" + name.upper(), SECRET + name


def profile(place, name, *lines, **how):
    """A section of a profile with keys."""
    key_id, secret = keys(place, name, **how)
    return "\n".join([f"[{name}]", f"aws_access_key_id = {key_id}",
                      f"aws_secret_access_key = {secret}", *lines, ""])


def environment_of(place, *sources):
    """The environment that configures these sources."""
    token = place.folder / "token"
    token.write_text("web-token-of-the-test\n", encoding="ascii")
    parts = {
        "environment": {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": SECRET + "env"},
        "web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE},
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI":
                      place.emulator.http + "/container/credentials"},
        "instance metadata": {"AWS_EC2_METADATA_DISABLED": "false",
                              "AWS_EC2_METADATA_SERVICE_ENDPOINT": place.emulator.http},
    }
    return {name: value for source in sources
            for name, value in parts.get(source, {}).items()}


ORDER = ["settings", "named profile", "environment", "profile", "web identity", "container",
         "instance metadata"]
WINNERS = {"settings": "the settings", "named profile": 'profile "named"',
           "environment": "the environment", "profile": 'profile "default"',
           "web identity": "the web identity of the environment",
           "container": "the container endpoint", "instance metadata": "instance metadata at"}
IDENTITIES = {"web identity": "assumed-role/importer/postgres",
              "container": "assumed-role/container/task",
              "instance metadata": "assumed-role/ward-server/"}


def set_up(place, present):
    """Configures exactly these sources."""
    place.clean()
    keys(place, "env")
    text = ""
    if "profile" in present:
        text += profile(place, "default")
    if "named profile" in present:
        text += profile(place, "named")
    place.file("credentials", text)
    if "named profile" in present:
        place.run("SET healthlake.profile = 'named'")
    if "settings" in present:
        key_id, secret = keys(place, "set")
        place.run(f"SET healthlake.access_key_id = '{key_id}';"
                  f"SET healthlake.secret_access_key = '{secret}'")


def check_order(place):
    """The first configured source is used."""
    for at, winner in enumerate(ORDER):
        present = ORDER[at:]
        place.begin(**environment_of(place, *present))
        set_up(place, present)
        source, identity = place.who()
        tap.ok(str(source).startswith(WINNERS[winner]),
               f"{winner} has precedence over later sources",
               source)
        if winner in IDENTITIES:
            tap.ok(IDENTITIES[winner] in str(identity),
                   "healthlake_check() shows the identity", identity)
        passed = place.check()["passed"]
        tap.same([line.split(":")[0] for line in passed], ORDER[:at],
                 "earlier sources are listed as skipped, with a reason")
    place.begin()
    place.clean()
    state, message, hint = place.fails()
    tap.ok(state == "38X01" and message.endswith("no AWS credentials found") and hint,
           "no source is configured", message)
    tap.same(place.operations(), [], "nothing was requested")


def check_list(place):
    """healthlake.credential_sources excludes sources."""
    place.begin(**environment_of(place, *ORDER))
    set_up(place, ORDER)
    for at, word in enumerate(["environment", "profile", "web_identity", "container",
                               "metadata"]):
        place.run(f"SET healthlake.credential_sources = '{word}'")
        place.run("RESET healthlake.profile")
        winner = ORDER[2:][at]
        tap.ok(str(place.who()[0]).startswith(WINNERS[winner]), f"{word} alone", place.who()[0])
    tap.same(place.fails("SET healthlake.credential_sources = 'environment, cloud'")[0], "22023",
             "an unknown source")


# how each source can be invalid: environment, files, settings, and the message
BROKEN = {
    "settings": ({}, None, "SET healthlake.access_key_id = 'AKIA'", "secret_access_key is not set"),
    "named profile": ({}, "", "SET healthlake.profile = 'nowhere'",
                      'profile "nowhere", which healthlake.profile names, does not exist'),
    "environment": ({"AWS_SECRET_ACCESS_KEY": ""}, None, None, "AWS_SECRET_ACCESS_KEY is not"),
    "profile": ({}, "[default]\naws_access_key_id = AKIA\n", None,
                "profile missing aws_secret_access_key"),
    "web identity": ({"AWS_ROLE_ARN": ""}, None, None, "AWS_ROLE_ARN is not"),
    "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}, None, None,
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used"),
    "instance metadata": ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}, None, None,
                          "instance metadata at http://127.0.0.1:1"),
}


def check_broken(place):
    """A source that is configured but invalid: an error names it, and no other is tried."""
    for at, source in enumerate(ORDER):
        environment, text, statement, wanted = BROKEN[source]
        present = ORDER[at:]
        place.begin(**{**environment_of(place, *present), **environment})
        set_up(place, [name for name in present if name != source])
        if text is not None:
            place.file("credentials", text)
        if statement:
            place.run("RESET healthlake.profile")
            place.run(statement)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message, f"{source}: invalid", message)
        tap.same(place.operations(), [], "and nobody else is asked")


# failures: environment, files, a statement, the message, and the hint
HINTS = [
    ("half of the settings", {}, {}, "SET healthlake.access_key_id = 'AKIA'",
     "secret_access_key is not set", "Set healthlake.access_key_id and"),
    ("half of the environment", {"AWS_ACCESS_KEY_ID": "AKIA"}, {}, None, "AWS_SECRET_ACCESS_KEY",
     "Correct the environment that the server is started with, and restart"),
    ("a line break in the environment",
     {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET + "\n"}, {}, None,
     "AWS_SECRET_ACCESS_KEY in the server's environment begins or ends with a blank, or has a line",
     "Correct the environment"),
    ("an unknown profile", {}, {"config": ""}, "SET healthlake.profile = 'nowhere'",
     'profile "nowhere", which healthlake.profile names, does not exist',
     "Correct healthlake.profile, or add the profile"),
    ("an unknown profile of the environment", {"AWS_PROFILE": "nowhere"}, {"config": ""}, None,
     'profile "nowhere", which AWS_PROFILE names, does not exist', "Correct AWS_PROFILE, or add"),
    ("a sign-on that is not read", {}, {"config": "[default]\nlogin_session = x\n"}, None,
     "login_session is not supported", "credential_source, or an sso_session"),
    ("half of a profile", {}, {"credentials": "[default]\naws_access_key_id = AKIA\n"}, None,
     "missing aws_secret_access_key", "Correct the profile in AWS's"),
    ("a file that is none", {}, {"credentials": "what?\n"}, None, "line 1", "Correct the file"),
    ("a web identity without a file",
     {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token",
      "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web"}, {}, None, "/nonexistent/token",
     "the server's user can read the token's file"),
    ("a container's endpoint that is not there",
     {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"}, {}, None,
     "the container endpoint", "role of the task or pod"),
    ("instance metadata that is named and not there",
     {"AWS_EC2_METADATA_DISABLED": "false",
      "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}, {}, None, "instance metadata at",
     "the server can reach instance metadata"),
    ("nothing at all", {}, {}, None, "no AWS credentials found",
     "Attach a role to the instance or container"),
]


def aim(place):
    """Sets the endpoints to the emulator."""
    place.clean()
    place.run(f"SET healthlake.endpoint_url = '{place.emulator.http}'")
    place.run("SET healthlake.region = 'us-east-1'")


def check_hints(place):
    """Hints depend on the source, and do not recommend keys in settings instead of roles."""
    for what, environment, files, statement, message, hint in HINTS:
        place.begin(**environment)
        aim(place)
        for name, text in files.items():
            place.file(name, text)
        if statement:
            place.run(statement)
        state, said, told = place.fails()
        tap.ok(state == "38X01" and message in said and hint in told, f"the hint of {what}",
               said, told)
        tap.ok(told.startswith("Set healthlake.access_key_id") == (what == "half of the settings"),
               "no other hint recommends keys in settings")
    place.begin(AWS_EC2_METADATA_DISABLED="false",
                AWS_EC2_METADATA_SERVICE_ENDPOINT=place.emulator.http)
    for operation, status, hint in (("metadata:roles", 404, "attach an IAM role"),
                                    ("metadata:token", 403, "Instance metadata is switched off")):
        aim(place)
        place.emulator.next(operation=operation, status=status, body="", times="always")
        _, said, told = place.fails()
        tap.ok(hint in told, f"instance metadata: {hint}", said, told)


def check_words(place):
    """A misspelt profile that would have the region; tokens of profiles; \\u0000 in a reply."""
    place.begin()
    aim(place)
    place.file("config", "[default]\n")
    place.run("SET healthlake.region = ''; SET healthlake.profile = 'nowhere'")
    state, said, told = place.fails()
    tap.ok(state == "55000" and 'profile "nowhere", which healthlake.profile names, does not exist'
           in said and "Correct healthlake.profile" in told,
           "no region, since the profile does not exist", said, told)
    aim(place)
    place.file("credentials", profile(place, "default", "aws_session_token ="))
    tap.same(place.fails(), [(0,)], "an empty aws_session_token is ignored")
    place.emulator.key("AKIAOLD", SECRET + "old", "old-token")
    place.file("credentials", f"[default]\naws_access_key_id = AKIAOLD\n"
               f"aws_secret_access_key = {SECRET}old\naws_security_token = old-token\n")
    tap.same(place.fails(), [(0,)], "aws_security_token is read")
    place.emulator.next(operation="ListFHIRDatastores", status=200,
                        body='{"DatastorePropertiesList": [], "NextToken": "\\u0000"}')
    state, said, _ = place.fails()
    tap.ok(state == "38P01" and "u0000" in said and "not JSON" not in said,
           "a reply with \\u0000 is JSON, but cannot be used", said)
    # botocore's SharedCredentialProvider reads one file alone, too
    place.file("credentials", "[default]\naws_access_key_id = AKIAOLD\n")
    place.file("config", f"[default]\naws_secret_access_key = {SECRET}old\n")
    state, said, _ = place.fails()
    tap.ok(state == "38X01" and "missing aws_secret_access_key" in said,
           "a secret of another file than its id's is none", said)


def unreachable(place):
    """A library that refuses connections to other machines."""
    source, library = place.folder / "no_link.c", place.folder / "no_link.so"
    source.write_text("""
        #define _GNU_SOURCE
        #include <arpa/inet.h>
        #include <dlfcn.h>
        #include <errno.h>
        #include <sys/socket.h>
        int connect(int fd, const struct sockaddr *to, socklen_t len)
        {
            int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
            const struct sockaddr_in *in = (const void *) to;

            if (to->sa_family == AF_INET && (ntohl(in->sin_addr.s_addr) >> 24) != 127)
            {
                errno = ENETUNREACH;
                return -1;
            }
            return real(fd, to, len);
        }""", encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


# what keeps a profile from being used: its lines, the message, and a statement
ROLE_LINES = f"role_arn = {ROLE}\n"
PROFILE_FAULTS = [
    ("an unknown credential_source", ROLE_LINES + "credential_source = Cloud\n",
     "credential_source is not Environment, EcsContainer or Ec2InstanceMetadata", None),
    ("a credential_source that is not there", ROLE_LINES + "credential_source = EcsContainer\n",
     "credential_source EcsContainer: ", None),
    ("a credential_source that is left out", ROLE_LINES + "credential_source = EcsContainer\n",
     "healthlake.credential_sources leaves its credential_source out",
     "SET healthlake.credential_sources = 'profile'"),
    ("a web identity that is left out", ROLE_LINES + "web_identity_token_file = ~/token\n",
     "healthlake.credential_sources leaves web_identity out",
     "SET healthlake.credential_sources = 'profile'"),
    ("a web identity's session name",
     ROLE_LINES + "web_identity_token_file = ~/token\nrole_session_name = a ward\n",
     "role_session_name is not a valid session name", None),
    ("a role's session name",
     ROLE_LINES + "credential_source = Environment\nrole_session_name = a ward\n",
     "role_session_name is not a valid session name", None),
    ("half of a sign-on", "sso_start_url = https://x/\nsso_account_id = 1\nsso_role_name = r\n",
     "sso_region", "SET healthlake.credential_sources = 'profile, sso'"),
    ("a sign-on's region", "sso_start_url = https://x/\nsso_account_id = 1\nsso_role_name = r\n"
     "sso_region = us/east\n", "sso_region is not a region",
     "SET healthlake.credential_sources = 'profile, sso'"),
    ("a sign-on that nobody has made", "sso_start_url = https://x/\nsso_account_id = 1\n"
     "sso_role_name = r\nsso_region = us-east-1\n", "could not open file",
     "SET healthlake.credential_sources = 'profile, sso'"),
]


def check_profile(place):
    """A profile that cannot be used is told, and one with a web identity is."""
    place.begin(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=SECRET + "env")
    for what, lines, message, statement in PROFILE_FAULTS:
        aim(place)
        place.file("config", f"[profile ward]\n{lines}")
        place.run("SET healthlake.profile = 'ward'")
        if statement:
            place.run(statement)
        state, said, *_ = place.fails()
        tap.ok(state == "38X01" and message in said and "ward" in said, what, said)
        tap.same(place.operations(), [], "and nobody is asked")
    token = place.folder / "token"
    token.write_text("web-token-of-the-test\n", encoding="ascii")
    for name in (None, "clerk"):
        aim(place)
        place.file("config", f"[profile ward]\n{ROLE_LINES}web_identity_token_file = {token}\n"
                   + (f"role_session_name = {name}\n" if name else ""))
        place.run("SET healthlake.profile = 'ward'")
        source, identity = place.who()
        tap.ok("ward" in str(source) and f"assumed-role/importer/{name or 'postgres'}"
               in str(identity), f"a profile's web identity, as {name}", source, identity)


def check_variables(place):
    """Variables that say how a source is asked."""
    metadata = {"AWS_EC2_METADATA_DISABLED": "false",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": place.emulator.http}
    for variable in ("AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"):
        for value in ("0", "soon", "10000"):
            place.begin(**metadata, **{variable: value})
            aim(place)
            _, said, _ = place.fails()
            tap.ok(f"{variable} is not a number from 1 to 9999" in said, f"{variable}={value}",
                   said)
            tap.same(place.operations(), [], "nobody is asked")
    place.begin(**metadata, AWS_METADATA_SERVICE_TIMEOUT="5", AWS_METADATA_SERVICE_NUM_ATTEMPTS="2")
    aim(place)
    place.emulator.next(operation="metadata:token", status=500, body="")
    tap.ok("instance metadata" in str(place.who()[0]), "a second attempt, where two are wanted")
    container = environment_of(place, "container")
    place.begin(**container, AWS_CONTAINER_AUTHORIZATION_TOKEN="two\nlines")
    aim(place)
    _, said, _ = place.fails()
    tap.ok("AWS_CONTAINER_AUTHORIZATION_TOKEN has a byte that no header can hold" in said,
           "a container's token that is no header", said)
    tap.same(place.operations(), [], "is not sent")
    place.begin(**container, AWS_CONTAINER_AUTHORIZATION_TOKEN="the token")
    aim(place)
    place.fails()
    sent = {name.lower(): value for name, value in place.emulator.log()[0]["headers"]}
    tap.same(sent.get("authorization"), "the token", "one that is, is")


def check_identity(place):
    """What STS says of the keys, or why it does not."""
    place.begin(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=SECRET + "env")
    for step, wanted in (({"status": 403, "error": "AccessDenied", "message": "not you"}, "STS: "),
                         ({"status": 200, "body": "<html/>"}, "the reply is not a reply of STS")):
        aim(place)
        keys(place, "env")
        place.emulator.next(operation="GetCallerIdentity", times="always", **step)
        good, detail = place.check()["identity"]
        tap.ok(good is False and wanted in detail, f"no identity: {wanted}", detail)
    for url, wanted in (("http://sts.example.com", "http is allowed only for a loopback address"),
                        ("https://sts example", "the endpoint of sts cannot be used")):
        place.begin(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=SECRET + "env",
                    AWS_ENDPOINT_URL_STS=url)
        aim(place)
        keys(place, "env")
        good, detail = place.check()["identity"]
        tap.ok(good is False and wanted in detail, f"STS at {url}", detail)
        place.run(f"SET healthlake.role_arn = '{ROLE}'")
        state, said, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in said, "nor is a role assumed there", said)


def check_unreachable(place):
    """Instance metadata that does not respond is skipped, with the reason."""
    place.begin(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE="IPv4",
                LD_PRELOAD=str(unreachable(place)))
    aim(place)
    passed = place.check()["passed"]
    tap.ok(any(line.startswith("instance metadata at ") for line in passed),
           "healthlake_check() has a row for instance metadata", passed)


def check_bundle(place):
    """The CA bundle: of the setting, AWS_CA_BUNDLE, or ca_bundle of the profile."""
    for what, environment, config, trusted in (
            ("none", {}, "", False),
            ("AWS_CA_BUNDLE", {"AWS_CA_BUNDLE": place.emulator.ca}, "", True),
            ("the profile's ca_bundle", {}, f"ca_bundle = {place.emulator.ca}\n", True),
            ("AWS_CA_BUNDLE before the profile's", {"AWS_CA_BUNDLE": place.emulator.ca},
             "ca_bundle = /nonexistent\n", True)):
        place.begin(**environment)
        aim(place)
        place.file("credentials", profile(place, "default"))
        place.file("config", "[default]\n" + config)
        place.run("SET healthlake.endpoint_url = '"
                  + place.emulator.https.replace("127.0.0.1", "localhost") + "'")
        got = place.fails()
        tap.ok(got == [(0,)] if trusted else got[0] == "38N01", f"trusted: {what}", got)


def check_expired(place):
    """Expired credentials: the error has the source and the time; no other source is tried."""
    cases = {
        "environment": ({"AWS_CREDENTIAL_EXPIRATION": PAST},
                        "credentials of the environment expired at 2020-01-01 00:00:00 UTC"),
        "container": ({}, "the container endpoint .* returned credentials that expired at "),
        "instance metadata": ({}, "instance metadata at .* returned credentials that expired at "),
        "web identity": ({}, "could not assume role .* ExpiredTokenException: Token expired"),
    }
    for source, (more, wanted) in cases.items():
        present = ORDER[ORDER.index(source):]
        place.begin(**{**environment_of(place, *present), **more})
        set_up(place, present)
        place.emulator.state(expired_tokens=["web-token-of-the-test"])
        if source in ("container", "instance metadata"):
            place.emulator.state(clock=-200000)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and re.search(wanted, message), f"{source}: expired", message)
        tap.ok("ListFHIRDatastores" not in place.operations(), "and nothing is sent with them")
    for source in ("settings", "named profile", "profile"):
        present = ORDER[ORDER.index(source):]
        place.begin(**environment_of(place, *present))
        set_up(place, present)
        place.emulator.next(operation="ListFHIRDatastores", error="ExpiredTokenException",
                            message="The security token included in the request is expired",
                            times="always")
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and "expired" in message, f"{source}: expired", message)
        tap.ok(set(place.operations()) == {"ListFHIRDatastores"}, "and nobody else is asked",
               place.operations())


def check_files(place):
    """AWS's files: permissions, faults, and changes."""
    place.begin()
    place.clean()
    text = profile(place, "default", "region = eu-west-1")
    path = place.file("credentials", text)
    tap.same(place.run(LIST), [(0,)], "a file of mode 0600")
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        state, message, hint = place.fails()
        tap.ok(state == "38X01" and "has group or world access" in message and "0600" in hint,
               f"a file of mode {mode:04o} is refused, with a hint", message, hint)
    path.chmod(0o600)
    tap.same(place.run(LIST), [(0,)], "it works again with mode 0600")
    place.file("credentials", text + f"[x]\n{SECRET} in a line that is none\n")
    state, message, _ = place.fails()
    tap.ok(state == "38X01" and re.search(r"\.aws/credentials\", line 6: ", message)
           and SECRET not in message,
           "a malformed line: the error has file and number, and does not quote it",
           message)
    place.file("credentials", text.replace("AKIADEFAULT", "AKIAUNKNOWN"))
    tap.same(place.fails()[0], "38X01", "a file that changes is read again")
    place.file("credentials", text)
    place.run("RESET healthlake.region")
    place.file("credentials", text)
    place.run("SET healthlake.region = ''")
    place.run(LIST)
    entry = place.emulator.log()[-1]
    tap.ok("/eu-west-1/healthlake/" in dict(entry["headers"])["Authorization"],
           "the profile's region")
    place.file("config", f"[default]\naws_access_key_id = AKIADEFAULT\n"
                         f"aws_secret_access_key = {SECRET}default\n", 0o644)
    place.file("credentials", "")
    tap.ok("has group or world access" in place.fails()[1], "a config file with keys in it")
    place.file("config", "[default]\nregion = us-east-1\n", 0o644)
    place.file("credentials", text)
    tap.same(place.run(LIST), [(0,)], "a config file without keys may be readable by others")
    own = place.folder / "own"
    own.write_text(text, encoding="ascii")
    own.chmod(0o600)
    place.file("credentials", "[default]\naws_access_key_id = AKIAUNKNOWN\n"
                              "aws_secret_access_key = x\n")
    place.run(f"SET healthlake.credentials_file = '{own}'")
    tap.same(place.run(LIST), [(0,)], "a file that a setting names")
    place.run(f"SET healthlake.credentials_file = '{own}.not'")
    tap.ok("could not open file" in place.fails()[1], "the error names a missing one")
    place.run(f"SET healthlake.credentials_file = '{place.folder}'")
    tap.ok("is not a file" in place.fails()[1], "or a directory")


def check_roles(place):
    """Roles by a profile and by settings, one after the other."""
    place.begin(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=SECRET + "env")
    place.clean()
    keys(place, "env")
    place.file("credentials", profile(place, "base"))
    place.file("config", "\n".join([
        "[profile first]", f"role_arn = {ROLE}", "source_profile = base",
        "external_id = x-1", "duration_seconds = 900", "role_session_name = by-profile",
        "[profile second]", f"role_arn = {OTHER}", "source_profile = first",
        "[profile env]", f"role_arn = {ROLE}", "credential_source = Environment",
        "[profile loop]", f"role_arn = {ROLE}", "source_profile = pool",
        "[profile pool]", f"role_arn = {ROLE}", "source_profile = loop",
        "[profile mfa]", f"role_arn = {ROLE}", "source_profile = base", "mfa_serial = 1",
        "[profile long]", f"role_arn = {ROLE}", "source_profile = base", "duration_seconds = 1d",
        ""]), 0o644)
    place.emulator.state(external_ids={ROLE: "x-1"})
    place.run("SET healthlake.profile = 'second'")
    source, identity = place.who()
    tap.ok(source.startswith('profile "second", until') and
           "assumed-role/auditor/postgres" in identity, "a chain of two roles", source, identity)
    bodies = [entry["body"] for entry in place.emulator.log(operation="AssumeRole")]
    tap.ok(len(bodies) == 2 and "ExternalId=x-1" in bodies[0] and "DurationSeconds=900" in bodies[0]
           and "RoleSessionName=by-profile" in bodies[0]
           and "RoleSessionName=postgres" in bodies[1],
           "each role is assumed once, with the properties of its profile", bodies)
    place.emulator.state(external_ids={})
    place.run("SET healthlake.profile = 'env'")
    tap.ok("assumed-role/importer/postgres" in place.who()[1], "a role by credential_source")
    for name, wanted in (("loop", "infinite loop"), ("mfa", "cannot ask"),
                         ("long", "duration_seconds"), ("none", "does not exist")):
        place.run(f"SET healthlake.profile = '{name}'")
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message and name in message,
               f"an invalid chain: {name}", message)
    place.run("RESET ALL")
    place.run(f"SET healthlake.role_arn = '{OTHER}'; SET healthlake.role_external_id = 'x-2';"
              "SET healthlake.role_session_name = 'by-setting'")
    tap.ok("assumed-role/auditor/by-setting" in place.who()[1], "a role by settings")
    place.run("RESET healthlake.role_session_name")
    place.emulator.state(denied_roles=[OTHER])
    since = len(place.emulator.log())
    answers = [place.fails() for _ in range(20)]
    tap.ok({state for state, *_ in answers} == {"38X01"} and
           all(f'could not assume role "{OTHER}": AccessDenied' in message
               for _, message, _ in answers), "a role is denied", answers[0])
    tap.same(place.operations(since), ["AssumeRole"], "it is not requested again immediately")
    place.emulator.state(denied_roles=[])
    time.sleep(5.1)
    tap.same(place.run(LIST), [(0,)], "it is requested again after some seconds")
    for step, wanted in (({"body": "<a/>"}, "unusable reply"), ({"body": "{}"}, "unusable reply"),
                         ({"body": "<!DOCTYPE a><a/>"}, "not STS's XML"),
                         ({"status": 500, "body": "no"}, "HTTP status 500"),
                         ({"reset": True}, "could not assume role"),
                         ({"error": "Throttling", "message": "slow"}, "Throttling: slow")):
        place.again()
        place.run(f"SET healthlake.role_arn = '{OTHER}'")
        place.emulator.next(operation="AssumeRole", **step)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message, f"STS returns an error: {step}", message)
    place.again()


def check_process(place):
    """A program that prints credentials."""
    program = place.folder / "program"
    program.write_text("#!/bin/sh\nexec /bin/cat \"$1\"\n", encoding="ascii")
    program.chmod(0o755)
    printed = place.folder / "printed it"
    place.begin(AWS_SECRET_ACCESS_KEY=SECRET, PGSECRET=SECRET)
    place.clean()
    key_id, secret = keys(place, "process")
    good = {"Version": 1, "AccessKeyId": key_id, "SecretAccessKey": secret}

    def prints(said):
        printed.write_text(said if isinstance(said, str) else json.dumps(said), encoding="ascii")

    def runs(line):
        place.file("config", f"[default]\ncredential_process = {line}\n")

    runs(f"{program} '{printed}'")
    prints(good)
    state, message, hint = place.fails()
    tap.ok(state == "38X01" and "credential_process is not allowed" in message
           and "configuration file" in hint,
           "it runs only if healthlake.allow_credential_process is on", message)
    tap.same(place.fails("SET healthlake.allow_credential_process = on")[0], "55P02",
             "a session cannot set that")
    tap.same(place.fails("ALTER SYSTEM SET healthlake.allow_credential_process = on")[0], "55P02",
             "a session cannot use ALTER SYSTEM")
    place.cluster.configure("healthlake.allow_credential_process = on")
    place.run("SELECT pg_reload_conf()")
    time.sleep(0.3)
    place.again()
    tap.ok(place.check()["credentials"] == (True, 'profile "default"'), "a program's credentials",
           place.check()["credentials"])
    for said, wanted in (({**good, "Version": 2}, "Version is not 1"), (SECRET, "not JSON"),
                         ({**good, "Expiration": PAST}, "returned credentials that expired"),
                         ({"Version": 1}, "access key id is missing"), ("x" * 70000, "64 kB")):
        place.again()
        prints(said)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message, f"it prints {str(said)[:40]}", message)
    prints(good)
    for line, wanted in (("/nowhere/program", "could not run"), ("/bin/false", "status 1"),
                         ("/bin/sh -c 'kill -9 $$'", "signal 9"), ("'/bin/cat", "quotes"),
                         (f"{program} $HOME", "status 1")):
        place.again()
        runs(line)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message, f"it is: {line}", message)
    place.again()
    runs("/usr/bin/sleep 73")
    place.run("SET healthlake.request_timeout = '1s'")
    started = time.monotonic()
    state, message, *_ = place.fails()
    tap.ok("longer than 1000 ms" in message and time.monotonic() - started < 10,
           "a slow program is ended", message)
    place.run("RESET healthlake.request_timeout")
    place.run("SET statement_timeout = '200ms'")
    tap.same(place.fails()[0], "57014", "a statement can be cancelled meanwhile")
    place.run("RESET statement_timeout")
    tap.ok(not any("sleep\0" + "73" in command_line(path) for path in Path("/proc").iterdir()),
           "the program does not outlive it")
    names = place.folder / "names"
    runs(f"/bin/sh -c '/usr/bin/env >{names}; ls -l /proc/self/fd >>{names}'")
    place.again()
    place.fails()
    seen = names.read_text(encoding="ascii")
    tap.ok("HOME=" in seen and SECRET not in seen and "PGSECRET" not in seen,
           "its environment contains no secrets", seen)
    tap.ok("socket:" not in seen and str(place.cluster.folder) not in seen,
           "it inherits no file descriptors", seen)
    runs(f"{program} '{printed}'")


def command_line(path):
    """The command line of a process; "" if it has ended."""
    try:
        return (path / "cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def check_metadata(place):
    """Invalid replies of instance metadata and container endpoints."""
    place.begin(**environment_of(place, "instance metadata"))
    place.clean()
    place.run(LIST)
    tap.same(place.operations(), ["metadata:token", "metadata:roles", "metadata:credentials",
                                  "ListFHIRDatastores"],
                                  "it requests a token, the role, and its credentials")
    place.run(LIST)
    tap.same(place.operations()[4:], ["ListFHIRDatastores"], "the credentials are kept")
    for settings, step, wanted in (
            ({"metadata": False}, None, "switched off"),
            ({"instance_role": None}, None, "has no role"),
            ({}, {"operation": "metadata:token", "status": 400}, "HTTP status 400"),
            ({}, {"operation": "metadata:token", "body": "a\nb"}, "token is empty or malformed"),
            ({}, {"operation": "metadata:token", "silence": True}, "imed out|timeout"),
            ({}, {"operation": "metadata:roles", "body": "<html>"}, "name of its role"),
            ({}, {"operation": "metadata:credentials", "body": "{"}, "it is not JSON"),
            ({}, {"operation": "metadata:credentials", "body": {
                "Code": "Failed", "Message": SECRET}}, "Code is not Success"),
            ({}, {"operation": "metadata:credentials", "status": 500, "body": SECRET},
             "HTTP status 500")):
        place.again()
        place.emulator.reset()
        if settings:
            place.emulator.state(**settings)
        if step:
            place.emulator.next(step)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and re.search(wanted, message), f"metadata: {wanted}", message)
    place.emulator.reset()
    token = place.folder / "token"
    place.begin(**environment_of(place, "container"),
                AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token),
                AWS_CONTAINER_AUTHORIZATION_TOKEN="wrong")
    token.write_text("open sesame\n", encoding="ascii")
    place.emulator.state(container_token="open sesame")
    tap.same(place.run(LIST), [(0,)], "a container's token file has precedence over the variable")
    place.again()
    token.write_text("close\r\nX-Evil: 1", encoding="ascii")
    tap.ok("no header can hold" in place.fails()[1], "a token that cannot be sent in a header")
    place.again()
    token.write_text("close", encoding="ascii")
    tap.ok("HTTP status 401" in place.fails()[1], "a wrong token")


def check_sso(place):
    """Single sign-on with a token, if healthlake.credential_sources contains it."""
    place.begin()
    place.clean()
    place.file("config", "\n".join([
        "[default]", f"sso_start_url = {START}", "sso_region = us-east-1",
        "sso_account_id = 123456789012", "sso_role_name = nurse", ""]))
    name = f"sso/cache/{hashlib.sha1(START.encode()).hexdigest()}.json"

    def sign_on(until, mode=0o600):
        place.file(name, json.dumps({"accessToken": "signed-on", "expiresAt": until}), mode)

    sign_on(iso(3600))
    state, message, hint = place.fails()
    tap.ok(state == "38X01" and "leaves sso out" in message and "sso" in hint,
           "it is used only if it is listed",
           message)
    place.run("SET healthlake.credential_sources = 'profile, sso'")
    tap.ok("assumed-role/nurse/person" in place.who()[1], "single sign-on")
    for until, mode, expired, wanted in ((PAST, 0o600, [], "sign-on expired at 2020-01-01"),
                                         (iso(3600), 0o644, [], "group or world access"),
                                         (iso(3600), 0o600, ["signed-on"], "HTTP status 401")):
        place.again()
        place.run("SET healthlake.credential_sources = 'profile, sso'")
        sign_on(until, mode)
        place.emulator.state(expired_tokens=expired)
        state, message, *_ = place.fails()
        tap.ok(state == "38X01" and wanted in message, f"single sign-on: {wanted}", message)


def check_renewal(place):
    """Credentials that expire while they are in use."""
    many = """DO $$ BEGIN FOR i IN 1..60 LOOP
        PERFORM count(*) FROM healthlake_list_datastores(); PERFORM pg_sleep(0.05);
        END LOOP; END $$"""
    place.begin(**environment_of(place, "container"))
    place.clean()
    place.emulator.state(session_seconds=2)
    tap.same(place.fails(many), None, "a statement of three seconds with keys that last two")
    fetched = place.operations().count("container:credentials")
    tap.ok(2 <= fetched <= 12, "fetches keys only when necessary", fetched)
    refused = [entry for entry in place.emulator.log() if entry["answer"]["status"] != 200]
    tap.same(refused, [], "and no call was refused")
    place.again()
    place.emulator.reset()
    place.emulator.next(*[step for _ in range(6) for step in (
        {"operation": "ListFHIRDatastores", "times": 8},
        {"operation": "ListFHIRDatastores", "error": "ExpiredTokenException"})])
    tap.same(place.fails(many), None, "AWS rejects the keys as expired six times")
    tap.same(place.operations().count("container:credentials"), 7, "they are renewed each time")
    place.again()
    place.emulator.reset()
    place.run(LIST)
    place.emulator.next(operation="ListFHIRDatastores", error="ExpiredTokenException",
                        message="The security token is expired", times="always")
    place.emulator.next(operation="container:credentials", status=503, times="always")
    state, message, *_ = place.fails()
    tap.ok(state == "38X01" and
           "AWS reports that the credentials of the container endpoint" in message
           and "valid until" in message and "could not be renewed" in message,
           "an error reports that they cannot be renewed", message)
    place.emulator.reset()
    place.again()
    place.emulator.state(session_seconds=9)
    place.run(LIST)
    place.emulator.next(operation="container:credentials", status=503, times="always")
    since = len(place.emulator.log())
    time.sleep(4.6)
    tap.same([place.run(LIST) for _ in range(3)], [[(0,)]] * 3,
             "if the renewal fails the old keys are used")
    asked = place.operations(since).count("container:credentials")
    tap.ok(1 <= asked <= 3, "the renewal is tried once, not at every call", asked)
    time.sleep(5)
    state, message, hint = place.fails()
    tap.ok(state == "38X01" and "healthlake_check" in hint and re.search(
        r"credentials of the container endpoint \S+ expired at \d{4}-.* UTC and could not be "
        r"renewed: ", message),
        "until AWS rejects them: the error has the source and the time of expiry",
           message)
    place.emulator.reset()
    time.sleep(5.1)
    tap.same(place.run(LIST), [(0,)], "afterwards calls work again")


def check_isolation(place):
    """Credentials of one role are not used for another role or for the next client."""
    place.begin(**environment_of(place, "container"))
    place.clean()
    place.run(f"SET healthlake.role_arn = '{ROLE}'")
    place.run(LIST)
    first = len(place.emulator.log(operation="container:credentials"))
    place.run(LIST)
    tap.same(len(place.emulator.log(operation="container:credentials")), first,
             "they are kept for the same role")
    place.run("SET ROLE nurse")
    place.run(LIST)
    tap.same(len(place.emulator.log(operation="container:credentials")), first + 1,
             "they are not used for another role")
    place.run("RESET ROLE")
    place.run("RESET healthlake.role_arn")
    tap.ok("assumed-role/container/task" in place.who()[1], "they are not used with other settings")
    since = len(place.emulator.log())
    place.run("DISCARD ALL")
    place.run(LIST)
    tap.ok("container:credentials" in place.operations(since),
           "they are not used after DISCARD ALL")
    tap.ok(place.fails("SET ROLE nurse; SET healthlake.role_arn = 'arn:aws:iam::1:role/x-y-z'")[0]
           == "42501", "an ordinary role cannot set a role to assume")
    place.run("RESET ROLE")


def check_endpoints(place):
    """Region, endpoints and kinds of endpoints of the environment and the profile."""
    base = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": SECRET + "env"}

    def endpoint(config="", **environment):
        place.begin(**base, **environment)
        place.clean()
        place.file("config", config)
        place.run("SET healthlake.endpoint_url = ''; SET healthlake.region = ''")
        try:
            rows = place.run("SELECT url FROM healthlake_preview('ListFHIRDatastores', '{}')")
        except psycopg2.Error as caught:
            return f"{caught.pgcode} {caught.diag.message_primary}"
        return rows[0][0]

    region = "[default]\nregion = eu-west-2\n"
    closed = "https://127.0.0.1:1"
    services = f"services = s\n[services s]\nhealthlake =\n  endpoint_url = {closed}/s\n"
    for what, got, wanted in (
            ("no region", endpoint(), "55000 no AWS region is set"),
            ("the profile's region", endpoint(region),
             "https://healthlake.eu-west-2.amazonaws.com/"),
            ("AWS_DEFAULT_REGION", endpoint(region, AWS_DEFAULT_REGION="eu-west-1"),
             "https://healthlake.eu-west-1.amazonaws.com/"),
            ("AWS_REGION", endpoint(region, AWS_DEFAULT_REGION="eu-west-1", AWS_REGION="us-west-2"),
             "https://healthlake.us-west-2.amazonaws.com/"),
            ("a FIPS region", endpoint("[default]\nregion = fips-us-east-1\n"),
             "https://healthlake-fips.us-east-1.amazonaws.com/"),
            ("the profile's FIPS", endpoint(region + "use_fips_endpoint = true\n"),
             "https://healthlake-fips.eu-west-2.amazonaws.com/"),
            ("but the environment's first", endpoint(region + "use_fips_endpoint = true\n",
                                                     AWS_USE_FIPS_ENDPOINT="false"),
             "https://healthlake.eu-west-2.amazonaws.com/"),
            ("dual stack", endpoint(region, AWS_USE_DUALSTACK_ENDPOINT="true"),
             "https://healthlake.eu-west-2.api.aws/"),
            ("neither true nor false", endpoint(region, AWS_USE_FIPS_ENDPOINT="yes"),
             "55000 AWS_USE_FIPS_ENDPOINT is neither true nor false"),
            ("the profile's URL", endpoint(region + f"endpoint_url = {closed}/p\n"),
             closed + "/p/"),
            ("the services section's", endpoint(region + f"endpoint_url = {closed}/p\n" + services),
             closed + "/s/"),
            ("AWS_ENDPOINT_URL", endpoint(region + services, AWS_ENDPOINT_URL=closed + "/e"),
             closed + "/e/"),
            ("AWS_ENDPOINT_URL_HEALTHLAKE", endpoint(
                region + services, AWS_ENDPOINT_URL=closed + "/e",
                AWS_ENDPOINT_URL_HEALTHLAKE=closed + "/h"), closed + "/h/"),
            ("all of them ignored", endpoint(
                region + services, AWS_ENDPOINT_URL=closed + "/e",
                AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true"),
             "https://healthlake.eu-west-2.amazonaws.com/"),
            ("a services section that is missing", endpoint(region + "services = t\n"),
             '55000 profile "default" names services section "t", which does not exist'),
            ("in clear to anywhere", endpoint(region, AWS_ENDPOINT_URL="http://192.0.2.1"),
             "22023 invalid endpoint (AWS_ENDPOINT_URL): "
             "http is allowed only for a loopback address"),
            ("FIPS with a URL", endpoint(region, AWS_ENDPOINT_URL=closed,
                                         AWS_USE_FIPS_ENDPOINT="true"),
             "55000 Invalid Configuration: FIPS and custom endpoint are not supported"),
            ("a config file that is none", endpoint("what?\n").split(" cannot")[0],
             "55000 AWS's config file")):
        tap.same(got, wanted, f"endpoint: {what}")


def without_environment(log):
    """
    The log without PostgreSQL's own messages about its environment when it
    starts: a message for each variable, or (18) one message with a line for each.
    """
    log = re.sub(r"(?m)^.*DEBUG:  initial environment dump:\n(\t.*\n)+", "", log)
    return re.sub(r"(?m)^.*DEBUG:  \t[A-Za-z_]\w*=.*\n", "", log)


def check_silence(place):
    """No message and no log line contains a secret."""
    issued = set(re.findall(r"(?:SecretAccessKey|SessionToken|Token|secretAccessKey|sessionToken)"
                            r"\W+([\w/+=]{16,})", json.dumps(place.issued)))
    said = "\n".join(place.heard) + without_environment(place.cluster.log())
    typed = [line for line in said.splitlines() if SECRET in line
             and "SET healthlake." not in line]
    tap.same(typed[:3], [], "no secret of the test was reported or logged")
    tap.ok(not any(secret in said for secret in issued),
           "no issued credentials were reported or logged")
    tap.ok(len(issued) > 5, "there were issued credentials", len(issued))


def main():
    """All checks."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        place = Place(folder)
        place.issued = []
        try:
            for check in (check_order, check_list, check_broken, check_hints, check_words,
                          check_profile, check_variables, check_identity,
                          check_unreachable, check_bundle, check_expired, check_files,
                          check_roles, check_process, check_metadata, check_sso, check_renewal,
                          check_isolation, check_endpoints):
                with tap.check(check.__doc__):
                    check(place)
                place.issued += [entry["answer"]["body"] for entry in place.emulator.log()]
            check_silence(place)
        finally:
            place.end()
            place.emulator.stop()
    tap.end()


main()
