"""What a test can set about the emulator, and how it is by itself."""

import copy
import time

DEFAULTS = {
    # seconds that the emulator's clock is off: in Date headers and for signatures
    "clock": 0,
    # how far a signature's date may be off, in seconds
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
    # what creating ends in: None, or {"ErrorMessage": ..., "ErrorCategory": ...} for CREATE_FAILED
    "create_fails": None,
    # what updating ends in: None, or an ErrorCause for UPDATE_FAILED
    "update_fails": None,
    # what jobs end in, and the message that goes with it
    "job_outcome": "COMPLETED",
    "job_message": None,
    # members of replies: "usual" (those that apply), "all" (every one of the shape), "required"
    "members": "usual",
    # items of a list's page where the request does not say
    "page_size": 100,
    # seconds that a client token is remembered; None: for ever
    "token_lifetime": None,
    # members that the model does not know: "ignore", as AWS does, or "refuse"
    "unknown_members": "ignore",
    # operations that are throttled: one is taken in so many seconds, by operation
    "quotas": {},
    # FHIR: seconds after which a search sees a change, and a history a version
    "fhir_search_lag": 0,
    "fhir_history_lag": 0,
    # seconds that the token of a page is good for; None: for ever
    "fhir_page_token_lifetime": None,
    # what deleting a resource answers that is not there: 204, 200 or 404
    "fhir_delete_missing": 204,
    # what links in replies begin with, such as https://host; None: where the request went
    "fhir_link_base": None,
    # of how many entries of batches, from now on, it says that there is too much to do
    "fhir_busy_entries": 0,
    # how many requests the log keeps
    "log_limit": 10000,
    "account": "123456789012",
    # how long temporary credentials live; None: as asked for, or as long as AWS's do
    "session_seconds": None,
    # roles that STS refuses, external ids that roles want, and the web identity tokens
    # that it knows; None: any
    "denied_roles": [],
    "external_ids": {},
    "web_identity_tokens": None,
    # what the container endpoint wants as Authorization, and the portal as bearer token
    "container_token": None,
    "sso_tokens": None,
    # instance metadata: whether it is there, whether a request without a token will do,
    # the instance's role (None: it has none) and region
    "metadata": True,
    "metadata_v1": False,
    "instance_role": "ward-server",
    "instance_region": "us-east-1",
}


class Settings:
    """The settings in force, as attributes."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Sets everything as it is by itself."""
        for name, value in DEFAULTS.items():
            setattr(self, name, copy.copy(value))
        self.taken = {}

    def change(self, changes):
        """Sets some; raises ValueError for a name that is none."""
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
