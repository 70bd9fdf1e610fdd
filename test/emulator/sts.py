"""STS: AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity, in the query protocol."""

import re
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import wire
from resources import request_id
from signature import iso
from wire import Fault

SPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
VERSION = "2011-06-15"
FORM = "application/x-www-form-urlencoded"
ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]{1,64})")
LIMITS = {"RoleArn": (20, 2048, None), "RoleSessionName": (2, 64, r"[\w+=,.@-]*"),
          "ExternalId": (2, 1224, r"[\w+=,.@:/-]*"), "WebIdentityToken": (4, 20000, None)}


class Sts:
    """The service."""

    name = "sts"
    protocol = "query"
    tolerance = 900

    def __init__(self, settings, verifier):
        self.settings = settings
        self.verifier = verifier
        self.performers = {"AssumeRole": self.assume_role,
                           "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity,
                           "GetCallerIdentity": self.get_caller_identity}

    def reset(self):
        """Nothing is kept here: issued keys are the verifier's."""

    @staticmethod
    def claims(request):
        """A form, or an action in the query."""
        return request.fields.get("content-type", "").startswith(FORM) or \
            "Action=" in request.query

    @staticmethod
    def form(request):
        """The parameters, decoded."""
        text = request.query if "Action=" in request.query else \
            request.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True))

    def operation(self, request):
        """The parameter Action."""
        return self.form(request).get("Action")

    @staticmethod
    def signed(operation):
        """Requests with a web identity are not signed."""
        return operation != "AssumeRoleWithWebIdentity"

    @staticmethod
    def success(body):
        """A reply of status 200."""
        return wire.Reply(200, [("x-amzn-RequestId", request_id()), ("Content-Type", "text/xml")],
                          body)

    @staticmethod
    def failure(status, code, message):
        """A reply that is an error."""
        id = request_id()
        kind = "Receiver" if status >= 500 else "Sender"
        body = (f'<ErrorResponse xmlns="{SPACE}">\n  <Error>\n    <Type>{kind}</Type>\n'
                f"    <Code>{escape(code)}</Code>\n    <Message>{escape(message or '')}</Message>\n"
                f"  </Error>\n  <RequestId>{id}</RequestId>\n</ErrorResponse>\n")
        return wire.Reply(status, [("x-amzn-RequestId", id), ("Content-Type", "text/xml")],
                          body.encode(), code)

    def perform(self, operation, request, caller, now):
        """The reply to an accepted request."""
        form = self.form(request)
        try:
            if request.method not in ("POST", "GET") or operation not in self.performers or \
                    form.get("Version") != VERSION:
                raise Fault("InvalidAction", f"Could not find operation {operation} "
                            f"for version {form.get('Version')}")
            self.check(form)
            result = self.performers[operation](form, caller, now)
        except Fault as fault:
            return self.failure(fault.status, fault.code, fault.message)
        return self.success(self.written(operation, result))

    @staticmethod
    def written(operation, result):
        """The reply's XML."""
        return (f'<{operation}Response xmlns="{SPACE}">\n<{operation}Result>\n{xml(result)}'
                f"</{operation}Result>\n<ResponseMetadata>\n<RequestId>{request_id()}</RequestId>\n"
                f"</ResponseMetadata>\n</{operation}Response>\n").encode()

    @staticmethod
    def check(form):
        """Checks a parameter."""
        for name, (least, most, pattern) in LIMITS.items():
            value = form.get(name)
            if value is not None and not (least <= len(value) <= most
                                          and re.fullmatch(pattern or ".*", value, re.S)):
                raise Fault("ValidationError", "1 validation error detected: Value "
                            f"'{'' if name == 'WebIdentityToken' else value}' at "
                            f"'{name[0].lower() + name[1:]}' failed to satisfy constraint: Member "
                            f"must have length between {least} and {most}"
                            + (f" and satisfy regular expression pattern: {pattern}"
                               if pattern else ""))
        duration = form.get("DurationSeconds", "3600")
        if not duration.isdecimal() or not 900 <= int(duration) <= 43200:
            raise Fault("ValidationError", f"1 validation error detected: Value '{duration}' at "
                        "'durationSeconds' failed to satisfy constraint: Member must have value "
                        "between 900 and 43200")

    @staticmethod
    def required(form, *names):
        """Checks that a parameter is set."""
        for name in names:
            if not form.get(name):
                raise Fault("ValidationError", "1 validation error detected: Value null at "
                            f"'{name[0].lower() + name[1:]}' failed to satisfy constraint: "
                            "Member must not be null")

    def assume(self, form, now):
        """Temporary credentials of a role."""
        match = ROLE.fullmatch(form["RoleArn"])
        if not match:
            raise Fault("ValidationError", f"{form['RoleArn']} is invalid")
        account, role = match.groups()
        session = form["RoleSessionName"]
        arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
        seconds = self.settings.session_seconds or int(form.get("DurationSeconds", "3600"))
        key = self.verifier.issue(arn, account, now + seconds)
        return {"AssumedRoleUser": {"AssumedRoleId": f"AROAEXAMPLEROLEID0000:{session}",
                                    "Arn": arn},
                "Credentials": {"AccessKeyId": key.id, "SecretAccessKey": key.secret,
                                "SessionToken": key.token, "Expiration": iso(key.expires)},
                "PackedPolicySize": 6}

    def assume_role(self, form, caller, now):
        """AssumeRole"""
        self.required(form, "RoleArn", "RoleSessionName")
        wanted = self.settings.external_ids.get(form["RoleArn"])
        if form["RoleArn"] in self.settings.denied_roles or \
                (wanted is not None and wanted != form.get("ExternalId")):
            raise Fault("AccessDenied", f"User: {caller.key.arn} is not authorized to perform: "
                        f"sts:AssumeRole on resource: {form['RoleArn']}", 403)
        if form.get("SourceIdentity"):
            return {**self.assume(form, now), "SourceIdentity": form["SourceIdentity"]}
        return self.assume(form, now)

    def assume_role_with_web_identity(self, form, _caller, now):
        """AssumeRoleWithWebIdentity"""
        self.required(form, "RoleArn", "RoleSessionName", "WebIdentityToken")
        token = form["WebIdentityToken"]
        if token in self.settings.expired_tokens:
            raise Fault("ExpiredTokenException", "Token expired: current date/time "
                        f"{int(now)} must be before the expiration date/time {int(now) - 60}")
        known = self.settings.web_identity_tokens
        if known is not None and token not in known:
            raise Fault("InvalidIdentityToken", "No OpenIDConnect provider found in your account "
                        "for https://oidc.example.com")
        if form["RoleArn"] in self.settings.denied_roles:
            raise Fault("AccessDenied",
                        "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return {"SubjectFromWebIdentityToken": "system:serviceaccount:default:healthlake",
                "Audience": "sts.amazonaws.com", "Provider": "https://oidc.example.com",
                **self.assume(form, now)}

    @staticmethod
    def get_caller_identity(_form, caller, _now):
        """GetCallerIdentity"""
        session = caller.key.arn.rpartition("/")[2]
        user = f"AROAEXAMPLEROLEID0000:{session}" if ":assumed-role/" in caller.key.arn else \
            "AIDAEXAMPLEUSERID0000"
        return {"Arn": caller.key.arn, "UserId": user, "Account": caller.key.account}


def xml(value):
    """An object as elements."""
    return "".join(f"<{name}>{chr(10) + xml(part) if isinstance(part, dict) else escape(str(part))}"
                   f"</{name}>\n" for name, part in value.items())
