"""The credentials of a container (ECS, EKS Pod Identity) under /container/, and those of
single sign-on under /federation/credentials."""

import json
from urllib.parse import parse_qs

import wire
from signature import iso

JSON = [("Content-Type", "application/json")]


class Container:
    """The credentials endpoint of a container."""

    name = "container"
    protocol = None
    tolerance = None

    def __init__(self, settings, verifier):
        self.settings = settings
        self.verifier = verifier

    def reset(self):
        """Nothing is kept here."""

    @staticmethod
    def claims(request):
        """Everything under /container/."""
        return request.path.startswith("/container/")

    @staticmethod
    def operation(_request):
        """The only operation."""
        return "container:credentials"

    @staticmethod
    def signed(_operation):
        """Requests are not signed."""
        return False

    @staticmethod
    def success(body):
        """A reply of status 200."""
        return wire.Reply(200, list(JSON), body)

    @staticmethod
    def failure(status, code, message):
        """A reply that is an error."""
        return wire.Reply(status, list(JSON),
                          json.dumps({"code": code, "message": message}).encode(), code)

    def perform(self, _operation, request, _caller, now):
        """Returns the credentials if the request has the container's token."""
        wanted = self.settings.container_token
        if request.method != "GET":
            return self.failure(405, "MethodNotAllowed", "GET it")
        if wanted is not None and request.fields.get("authorization") != wanted:
            return self.failure(401, "AccessDenied", "The token in the request is not valid")
        account = self.settings.account
        arn = f"arn:aws:sts::{account}:assumed-role/container/task"
        key = self.verifier.issue(arn, account, now + (self.settings.session_seconds or 21600))
        return self.success(json.dumps({
            "RoleArn": f"arn:aws:iam::{account}:role/container", "AccessKeyId": key.id,
            "SecretAccessKey": key.secret, "Token": key.token, "AccountId": account,
            "Expiration": iso(key.expires)}).encode())


class SingleSignOn(Container):
    """The portal's GetRoleCredentials."""

    name = "sso"

    @staticmethod
    def claims(request):
        """The portal's path."""
        return request.path == "/federation/credentials"

    @staticmethod
    def operation(_request):
        """The operation's name in the portal's API."""
        return "GetRoleCredentials"

    @staticmethod
    def failure(status, code, message):
        """A reply that is an error, its code in a header."""
        return wire.Reply(status, [*JSON, ("x-amzn-ErrorType", code)],
                          json.dumps({"message": message}).encode(), code)

    def perform(self, _operation, request, _caller, now):
        """Returns a role's credentials if the request has a valid access token."""
        token = request.fields.get("x-amz-sso_bearer_token")
        known = self.settings.sso_tokens
        if not token or token in self.settings.expired_tokens or \
                (known is not None and token not in known):
            return self.failure(401, "UnauthorizedException", "Session token not found or invalid")
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        role, account = query.get("role_name"), query.get("account_id")
        if not role or not account:
            return self.failure(400, "InvalidRequestException", "role_name and account_id")
        key = self.verifier.issue(f"arn:aws:sts::{account}:assumed-role/{role}/person", account,
                                  now + (self.settings.session_seconds or 3600))
        return self.success(json.dumps({"roleCredentials": {
            "accessKeyId": key.id, "secretAccessKey": key.secret, "sessionToken": key.token,
            "expiration": int(key.expires * 1000)}}).encode())
