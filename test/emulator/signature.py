"""AWS Signature Version 4, from the service's side.

Knows the keys, recalculates each signature from the request as it arrived, and
refuses with AWS's own words. Codes differ by protocol: a JSON service says
InvalidSignatureException where STS says SignatureDoesNotMatch.
"""

import calendar
import hashlib
import hmac
import os
import re
import time
from base64 import b32encode, b64encode
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/([^/,\s]+)/([^/,\s]+)/([^/,\s]+)/aws4_request,"
    r"\s*SignedHeaders=([a-z0-9;_.-]+),\s*Signature=([0-9a-f]{64})")

CODES = {
    "json": {
        "missing": (400, "MissingAuthenticationTokenException"),
        "incomplete": (400, "IncompleteSignatureException"),
        "unknown": (400, "UnrecognizedClientException"),
        "expired": (400, "ExpiredTokenException"),
        "mismatch": (400, "InvalidSignatureException"),
    },
    "query": {
        "missing": (403, "MissingAuthenticationToken"),
        "incomplete": (400, "IncompleteSignature"),
        "unknown": (403, "InvalidClientTokenId"),
        "expired": (403, "ExpiredToken"),
        "mismatch": (403, "SignatureDoesNotMatch"),
    },
    "fhir": {
        "missing": (401, "MissingAuthenticationToken"),
        "incomplete": (403, "IncompleteSignature"),
        "unknown": (403, "UnrecognizedClientException"),
        "expired": (403, "ExpiredToken"),
        "mismatch": (403, "SignatureDoesNotMatch"),
    },
}

MISMATCH = ("The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details.")


class Refusal(Exception):
    """A refused request: the kind, AWS's message, and the compared texts."""

    def __init__(self, kind, message, canonical=None, to_sign=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.canonical = canonical
        self.to_sign = to_sign

    def answer(self, protocol):
        """HTTP status and AWS's code."""
        return CODES[protocol][self.kind]


class Key:
    """An access key; one with a token is temporary."""

    __slots__ = ("id", "secret", "token", "expires", "arn", "account")

    def __init__(self, id, secret, token=None, expires=None, arn=None,
                 account="123456789012"):
        self.id = id
        self.secret = secret
        self.token = token
        self.expires = expires
        self.account = account
        self.arn = arn or f"arn:aws:iam::{account}:user/tester"


class Caller:
    """The signer of a request, with region and service."""

    __slots__ = ("key", "region", "service")

    def __init__(self, key, region, service):
        self.key = key
        self.region = region
        self.service = service


def sha256(content):
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def canonical_path(path):
    """The path without dot segments, encoded once more than on the wire."""
    if path in ("/", ""):
        return "/"
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    clean = "/" + "/".join(kept)
    if kept and path.endswith("/"):
        clean += "/"
    return quote(clean.encode("latin-1"), safe="/-_.~")


def canonical_query(query):
    """The parameters of the query, encoded again and sorted."""
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            pairs.append(tuple(quote(unquote_to_bytes(part), safe="-_.~")
                               for part in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_request(request, signed):
    """The text whose hash is signed."""
    lines = [request.method, canonical_path(request.path), canonical_query(request.query)]
    for name in signed.split(";"):
        lines.append(name + ":" + " ".join(request.fields.get(name, "").split()))
    lines += ["", signed, sha256(request.body)]
    return "\n".join(lines)


def basic_iso(seconds):
    """A time in the form of signatures."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


@lru_cache(maxsize=16)
def seconds_of(stamp):
    """The time of a signature's date."""
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))


def iso(seconds):
    """A time in the form of an expiration."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Verifier:
    """Keeps the keys and verifies requests."""

    def __init__(self, settings):
        self.settings = settings
        self.keys = {}
        self.derived = {}

    def add(self, key):
        """Adds a key."""
        self.keys[key.id] = key
        self.derived.clear()

    def issue(self, arn, account, expires):
        """Creates a temporary key and adds it."""
        key = Key("ASIA" + b32encode(os.urandom(10)).decode(),
                  b64encode(os.urandom(30)).decode(), b64encode(os.urandom(180)).decode(),
                  int(expires), arn, account)
        self.add(key)
        return key

    def forget(self, keep):
        """Removes all keys except these."""
        self.keys = {key.id: key for key in keep}
        self.derived.clear()

    def check(self, request, service, now, tolerance=None):
        """The caller who signed a request; raises a Refusal."""
        text = request.fields.get("authorization")
        if not text:
            raise Refusal("missing", "Missing Authentication Token")
        match = AUTHORIZATION.fullmatch(text)
        if not match:
            raise Refusal("incomplete", self.what_is_missing(text))
        key_id, date, region, scope_service, signed, given = match.groups()
        key = self.check_key(request, key_id, now)
        stamp = self.check_date(request, now, tolerance or self.settings.tolerance)
        self.check_scope(date, stamp, scope_service, service)
        self.check_signed(request, signed.split(";"))
        canonical = canonical_request(request, signed)
        to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp,
                             f"{date}/{region}/{scope_service}/aws4_request",
                             sha256(canonical.encode("latin-1"))))
        derived = self.derive(key, date, region, scope_service)
        if not hmac.compare_digest(hmac.digest(derived, to_sign.encode(), "sha256").hex(), given):
            raise Refusal("mismatch", MISMATCH, canonical, to_sign)
        return Caller(key, region, service)

    @staticmethod
    def what_is_missing(text):
        """AWS's message for a malformed Authorization header."""
        if not text.startswith("AWS4-HMAC-SHA256"):
            return f"Unsupported AWS 'algorithm': '{text.split(' ')[0][:40]}'."
        missing = [f"Authorization header requires '{part}' parameter."
                   for part in ("Credential", "Signature", "SignedHeaders")
                   if part + "=" not in text]
        return " ".join(missing) or "Credential must have exactly 5 slash-delimited elements."

    def check_key(self, request, key_id, now):
        """The key if it is known, valid, and used with its token."""
        key = self.keys.get(key_id)
        token = request.fields.get("x-amz-security-token")
        invalid = "The security token included in the request is invalid."
        if key is None or (key.token is not None and key.token != token):
            raise Refusal("unknown", invalid)
        if token is not None and token in self.settings.unknown_tokens:
            raise Refusal("unknown", invalid)
        if token is not None and (token in self.settings.expired_tokens or
                                  (key.expires is not None and key.expires <= now)):
            raise Refusal("expired", "The security token included in the request is expired")
        return key

    @staticmethod
    def check_date(request, now, tolerance):
        """The request's time if it is close enough to the service's clock."""
        stamp = request.fields.get("x-amz-date") or request.fields.get("date", "")
        try:
            then = seconds_of(stamp)
        except ValueError:
            raise Refusal("incomplete", "Date must be in ISO-8601 'basic format'. "
                          f"Got '{stamp}'. See https://en.wikipedia.org/wiki/ISO_8601") from None
        minutes = tolerance // 60
        clock = basic_iso(now)
        if then < now - tolerance:
            raise Refusal("mismatch", f"Signature expired: {stamp} is now earlier than "
                          f"{basic_iso(now - tolerance)} ({clock} - {minutes} min.)")
        if then > now + tolerance:
            raise Refusal("mismatch", f"Signature not yet current: {stamp} is still later than "
                          f"{basic_iso(now + tolerance)} ({clock} + {minutes} min.)")
        return stamp

    @staticmethod
    def check_scope(date, stamp, given, service):
        """The credential's scope must be this day's and this service's."""
        if given != service:
            raise Refusal("mismatch",
                          f"Credential should be scoped to correct service: '{service}'. ")
        if date != stamp[:8]:
            raise Refusal("mismatch", "Date in Credential scope does not match YYYYMMDD from "
                          f"ISO-8601 version of date from HTTP: '{date}' != '{stamp[:8]}', "
                          f"from '{stamp}'.")

    @staticmethod
    def check_signed(request, signed):
        """Host and every x-amz-* header must be among the signed ones."""
        for name in request.fields:
            if (name == "host" or name.startswith("x-amz-")) and name not in signed:
                shown = "Host' or ':authority" if name == "host" else name
                raise Refusal("mismatch", f"'{shown}' must be a 'SignedHeader' "
                              "in the AWS Authorization.")
        if signed != sorted(signed):
            raise Refusal("mismatch", "SignedHeaders must be sorted.")

    def derive(self, key, date, region, service):
        """The day's signing key."""
        where = (key.id, date, region, service)
        derived = self.derived.get(where)
        if derived is None:
            derived = ("AWS4" + key.secret).encode()
            for part in (date, region, service, "aws4_request"):
                derived = hmac.digest(derived, part.encode(), "sha256")
            self.derived[where] = derived
        return derived
