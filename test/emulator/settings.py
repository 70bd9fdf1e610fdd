"""The emulator's settings for tests, with their defaults."""

import copy
import time

DEFAULTS = {
    # the error of the emulator's clock, in seconds: in Date headers and for signatures
    "clock": 0,
    # the maximum deviation of a signature's date, in seconds
    "tolerance": 300,
    # whether an unsigned or badly signed request is refused (it is always noted in the log)
    "verify": True,
    # session tokens that are refused as expired, or as unknown
    "expired_tokens": [],
    "unknown_tokens": [],
    # a status in transition (CREATING, DELETING, SUBMITTED...) settles when it was
    # described so many times, or is so many seconds old, whichever comes first
    "settle_after_describes": 1,
    "settle_after_seconds": None,
    # the end of a creation: None, or {"ErrorMessage": ..., "ErrorCategory": ...} for CREATE_FAILED
    "create_fails": None,
    # the end of an update: None, or an ErrorCause for UPDATE_FAILED
    "update_fails": None,
    # the end of jobs, and its message
    "job_outcome": "COMPLETED",
    "job_message": None,
    # members of replies: "usual" (those that apply), "all" (every one of the shape), "required"
    "members": "usual",
    # default number of items in a list's page
    "page_size": 100,
    # lifetime of a client token in seconds; None: unlimited
    "token_lifetime": None,
    # members that the model does not know: "ignore", as AWS does, or "refuse"
    "unknown_members": "ignore",
    # throttled operations: seconds for one request, by operation
    "quotas": {},
    # FHIR: seconds after which a search sees a change, and a history a version
    "fhir_search_lag": 0,
    "fhir_history_lag": 0,
    # lifetime of a page token in seconds; None: unlimited
    "fhir_page_token_lifetime": None,
    # the status of deleting a missing resource: 204, 200 or 404
    "fhir_delete_missing": 204,
    # the beginning of links in replies, such as https://host; None: the request's host
    "fhir_link_base": None,
    # the number of entries of batches, from now on, that are throttled
    "fhir_busy_entries": 0,
    # the number of requests in the log
    "log_limit": 10000,
    "account": "123456789012",
    # lifetime of temporary credentials; None: as requested, or AWS's default
    "session_seconds": None,
    # roles that STS refuses, required external ids of roles, and the web identity tokens
    # that it accepts; None: any
    "denied_roles": [],
    "external_ids": {},
    "web_identity_tokens": None,
    # the Authorization that the container endpoint requires, and the portal's bearer token
    "container_token": None,
    "sso_tokens": None,
    # instance metadata: whether it exists, whether requests without a token are accepted,
    # the instance's role (None: it has none) and region
    "metadata": True,
    "metadata_v1": False,
    "instance_role": "ward-server",
    "instance_region": "us-east-1",
}


class Settings:
    """The current settings, as attributes."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Sets all defaults."""
        for name, value in DEFAULTS.items():
            setattr(self, name, copy.copy(value))
        self.taken = {}

    def change(self, changes):
        """Sets some; raises ValueError for an unknown name."""
        for name in changes:
            if name not in DEFAULTS:
                raise ValueError(f"there is no setting {name!r}; there are: "
                                 + ", ".join(DEFAULTS))
        for name, value in changes.items():
            setattr(self, name, value)

    def shown(self):
        """All of them, as an object."""
        return {name: getattr(self, name) for name in DEFAULTS}

    def now(self):
        """The emulator's time."""
        return time.time() + self.clock
