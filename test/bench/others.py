"""Other clients of the same requests, where they are there: boto3, PL/Python, pgsql-http, node."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGE = "@aws-sdk/client-healthlake"

BOTO3 = """
import sys, time, boto3, botocore.config
url, ca, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5])
for i in range(-count // 10, count):
    if i == 0:
        began, busy = time.monotonic(), time.process_time()
    client.create_fhir_datastore(DatastoreName="bench", DatastoreTypeVersion="R4")
print((time.monotonic() - began) / count * 1e6, (time.process_time() - busy) / count * 1e6)
"""

THREADS = """
import sys, time, boto3, botocore.config
from concurrent.futures import ThreadPoolExecutor
url, ca, count, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[6])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5],
                      config=botocore.config.Config(max_pool_connections=most))
def describe(_):
    client.describe_fhir_datastore(DatastoreId="c1cbeeac03514069f5dcaa110f206385")
with ThreadPoolExecutor(most) as pool:
    list(pool.map(describe, range(most)))
    began = time.monotonic()
    list(pool.map(describe, range(count)))
    print((time.monotonic() - began) * 1e3)
"""

LIST = """
import sys, time, boto3
url, ca, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5])
def pages():
    token = {}
    while token is not None:
        page = client.list_fhir_datastores(**token)
        yield page
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
if client.can_paginate("list_fhir_datastores"):
    pages = client.get_paginator("list_fhir_datastores").paginate
began, found = time.monotonic(), 0
for page in pages():
    for store in page["DatastorePropertiesList"]:
        found += 1
assert found == count
print((time.monotonic() - began) * 1e3)
"""

NODE = """
import {HealthLakeClient, CreateFHIRDatastoreCommand} from "@aws-sdk/client-healthlake";
const [url, count, accessKeyId, secretAccessKey] = process.argv.slice(2);
const client = new HealthLakeClient({region: "us-east-1", endpoint: url,
    credentials: {accessKeyId, secretAccessKey}});
const call = () => client.send(new CreateFHIRDatastoreCommand(
    {DatastoreName: "bench", DatastoreTypeVersion: "R4"}));
for (let i = 0; i < count / 10 + 20; i++) await call();
const began = performance.now(), busy = process.cpuUsage();
for (let i = 0; i < count; i++) await call();
const used = process.cpuUsage(busy);
console.log((performance.now() - began) / count * 1e3, (used.user + used.system) / count);
"""

PLPYTHON = """
CREATE FUNCTION bench_boto3(url text, ca text, id text, secret text) RETURNS text
LANGUAGE plpython3u AS $$
    client = SD.get(url)
    if client is None:
        import boto3
        client = SD[url] = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url,
            verify=ca, aws_access_key_id=id, aws_secret_access_key=secret)
    return client.create_fhir_datastore(DatastoreName="bench",
                                        DatastoreTypeVersion="R4")["DatastoreId"]
$$
"""


def install_node_sdk():
    """The folder of the JavaScript SDK, and its version; None where there is no node, or no npm."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    (folder / "package.json").write_text("{}\n", "ascii")
    (folder / "bench.mjs").write_text(NODE, "ascii")
    try:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                        "--loglevel=error", PACKAGE], cwd=folder, check=True, timeout=300,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    about = folder / "node_modules" / PACKAGE / "package.json"
    return folder, json.loads(about.read_text("utf-8"))["version"]


def create(session, extension, more="SELECT 1"):
    """Creates an extension that this server may have; its version, or None."""
    with session.connection.cursor() as cursor:
        cursor.execute("SELECT default_version FROM pg_available_extensions WHERE name = %s",
                       [extension])
        row = cursor.fetchone()
        if row is not None:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}; {more}")
    return row and row[0]
