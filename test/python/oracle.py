"""botocore as a judge: Debian's, fed with the newest model, and loopback alone.

Importing this empties the environment of everything that AWS's SDKs read, gives the
process a home of its own, and makes every connection to another machine an error.
"""

import atexit
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

MODEL = Path(__file__).resolve().parent.parent / "emulator" / "model.json"
LOOPBACK = ("127.", "::1", "localhost")


def refuse_far_addresses(event, arguments):
    """Refuses connections to other machines."""
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        if not str(arguments[1][0]).startswith(LOOPBACK):
            raise PermissionError(f"a test tried {arguments[1][0]}")
    if event == "socket.getaddrinfo" and arguments[0] not in (None, b"", "") and \
            not str(arguments[0]).endswith("localhost") and \
            not str(arguments[0]).startswith(LOOPBACK):
        raise PermissionError(f"a test looked up {arguments[0]}")


sys.addaudithook(refuse_far_addresses)
FOLDER = Path(tempfile.mkdtemp(prefix="healthlake-judge-"))
atexit.register(shutil.rmtree, FOLDER, True)
for variable in list(os.environ):
    if variable.startswith("AWS_") or variable.lower().endswith("_proxy"):
        del os.environ[variable]
os.environ.update({"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(FOLDER),
                   "AWS_CONFIG_FILE": str(FOLDER / "none"), "AWS_DATA_PATH": str(FOLDER),
                   "AWS_SHARED_CREDENTIALS_FILE": str(FOLDER / "none")})


def write_model():
    """Writes the model to a folder that botocore's loader searches first."""
    document = json.loads(MODEL.read_text(encoding="utf-8"))
    folder = FOLDER / "healthlake" / document["metadata"]["apiVersion"]
    folder.mkdir(parents=True)
    parts = {"paginators-1": {"pagination": document.pop("paginators")},
             "waiters-2": {"version": 2, "waiters": document.pop("waiters")},
             "service-2": document}
    for name, part in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    return document


DOCUMENT = write_model()

import boto3  # noqa: E402 pylint: disable=wrong-import-position
import botocore  # noqa: E402 pylint: disable=wrong-import-position
from botocore.auth import SigV4Auth  # noqa: E402 pylint: disable=wrong-import-position
from botocore.awsrequest import AWSRequest  # noqa: E402 pylint: disable=wrong-import-position
from botocore.config import Config  # noqa: E402 pylint: disable=wrong-import-position
from botocore.credentials import Credentials  # noqa: E402 pylint: disable=wrong-import-position

VERSIONS = f"boto3 {boto3.__version__}, botocore {botocore.__version__}"


def client(emulator, tls=False, service="healthlake", **changes):
    """A boto3 client of the emulator, with other keys, region or Config if specified."""
    keys = {"aws_access_key_id": emulator.access_key_id,
            "aws_secret_access_key": emulator.secret_access_key,
            "region_name": "us-east-1", "verify": emulator.ca if tls else None,
            "endpoint_url": emulator.https if tls else emulator.http}
    keys.update({name: changes.pop(name) for name in list(changes) if name in
                 (*keys, "aws_session_token")})
    settings = {"inject_host_prefix": False, "retries": {"total_max_attempts": 1},
                "connect_timeout": 5, "read_timeout": 10, **changes}
    session = boto3.session.Session()
    return session.client(service, config=Config(**settings), **keys)


def has_its_signature(emulator, entry):
    """Whether botocore computes the same signature for a request in the log."""
    headers = {name.lower(): value for name, value in entry["headers"]}
    given = headers["authorization"]
    signer = SigV4Auth(Credentials(emulator.access_key_id, emulator.secret_access_key),
                       "healthlake", "us-east-1")
    names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest(entry["method"], f"http://{headers['host']}{entry['path']}",
                         data=(entry["body"] or "").encode(),
                         headers={name: headers[name] for name in names})
    request.context["timestamp"] = headers["x-amz-date"]
    made = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)),
                            request)
    return given.endswith("Signature=" + made)
