"""Instance metadata, version 2: a token first, then the role's name and its credentials."""

import json
import os
import re

import wire
from signature import iso

LATEST = "/latest/"
ROLES = "/latest/meta-data/iam/security-credentials/"
PLACES = {"/latest/meta-data/placement/region": "",
          "/latest/meta-data/placement/availability-zone": "a",
          "/latest/meta-data/placement/availability-zone/": "a"}
TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"
TEXT = [("Content-Type", "text/plain"), ("Server", "EC2ws")]
ROTATION = 300


class Metadata:
    """The service."""

    name = "metadata"
    protocol = None
    tolerance = None

    def __init__(self, settings, verifier):
        self.settings = settings
        self.verifier = verifier
        self.reset()

    def reset(self):
        """Forgets tokens and credentials."""
        self.tokens = {}
        self.key = None

    @staticmethod
    def claims(request):
        """Everything under /latest/."""
        return request.path.startswith(LATEST)

    @staticmethod
    def operation(request):
        """The name of the request for steps."""
        if request.path == "/latest/api/token":
            return "metadata:token"
        if (request.path + "/").startswith(ROLES):
            return "metadata:credentials" if len(request.path) > len(ROLES) else "metadata:roles"
        if request.path in PLACES:
            return "metadata:region"
        return "metadata:other"

    @staticmethod
    def signed(_operation):
        """Requests are not signed."""
        return False

    @staticmethod
    def success(body):
        """A reply of status 200."""
        return wire.Reply(200, list(TEXT), body)

    @staticmethod
    def failure(status, code, message):
        """A reply that is an error."""
        body = json.dumps({"Code": code, "Message": message}).encode()
        return wire.Reply(status, list(TEXT), body, code)

    def perform(self, operation, request, _caller, now):
        """The reply."""
        if not self.settings.metadata:
            return wire.Reply(403, list(TEXT), b"", "Forbidden")
        if operation == "metadata:token":
            return self.give_token(request, now)
        if request.method != "GET":
            return wire.Reply(405, list(TEXT), b"", "Method Not Allowed")
        if not self.is_let_in(request, now):
            return wire.Reply(401, list(TEXT), b"", "Unauthorized")
        role = self.settings.instance_role
        if operation == "metadata:roles" and role:
            return self.success(role.encode())
        if operation == "metadata:credentials" and request.path[len(ROLES):] == role:
            return self.give_credentials(role, now)
        if operation == "metadata:region":
            return self.success((self.settings.instance_region + PLACES[request.path]).encode())
        return wire.Reply(404, list(TEXT), b"", "Not Found")

    def give_token(self, request, now):
        """A token for a number of seconds; requests through a proxy get none."""
        seconds = request.fields.get(TTL, "")
        if request.method != "PUT":
            return wire.Reply(405, list(TEXT), b"", "Method Not Allowed")
        if "x-forwarded-for" in request.fields:
            return wire.Reply(403, list(TEXT), b"", "Forbidden")
        if not re.fullmatch(r"\d{1,5}", seconds) or not 1 <= int(seconds) <= 21600:
            return wire.Reply(400, list(TEXT), b"", "Bad Request")
        token = os.urandom(30).hex()
        self.tokens[token] = now + int(seconds)
        reply = self.success(token.encode())
        reply.headers.append(("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", seconds))
        return reply

    def is_let_in(self, request, now):
        """Whether the token is valid, or version 1 is enabled."""
        token = request.fields.get(TOKEN)
        if token is None:
            return self.settings.metadata_v1
        return self.tokens.get(token, 0) > now

    def give_credentials(self, role, now):
        """The role's credentials; new ones five minutes before the old ones expire."""
        if self.key is None or self.key.expires - ROTATION <= now:
            account = self.settings.account
            seconds = self.settings.session_seconds or 21600
            self.key = self.verifier.issue(
                f"arn:aws:sts::{account}:assumed-role/{role}/i-0123456789abcdef0", account,
                now + seconds)
        return self.success(json.dumps({
            "Code": "Success", "LastUpdated": iso(now), "Type": "AWS-HMAC",
            "AccessKeyId": self.key.id, "SecretAccessKey": self.key.secret,
            "Token": self.key.token, "Expiration": iso(self.key.expires)}, indent=2).encode())
