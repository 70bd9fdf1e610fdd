#!/usr/bin/python3
"""The emulator, judged by the AWS SDK for JavaScript, where node and npm are there.

The SDK is installed once, in a cache outside the tree.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

from client import Emulator  # noqa: E402
from tap import skip_all  # noqa: E402

PACKAGE = "@aws-sdk/client-healthlake"
VERSION = "3.1048.0"
NODE = 18


def cache():
    """The folder that holds this version of the SDK."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "healthlake-test" / f"javascript-{VERSION}"


def check_node():
    """Skips where there is no node that the SDK runs in."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            skip_all(f"there is no {program}: the AWS SDK for JavaScript is not tried")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    if int(told.stdout.strip().lstrip("v").partition(".")[0] or 0) < NODE:
        skip_all(f"node is {told.stdout.strip()}, older than {NODE}: "
                 "the AWS SDK for JavaScript is not tried")


def install(folder):
    """Installs the SDK, unless that was done before; skips where npm cannot."""
    if (folder / "node_modules" / PACKAGE / "package.json").exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}\n", encoding="ascii")
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
             "--save-exact", f"{PACKAGE}@{VERSION}"],
            cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as fault:
        skip_all(f"npm could not install {PACKAGE}: {fault}")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        skip_all(f"npm could not install {PACKAGE}: {said}")


def clean_environment(emulator):
    """An environment in which the SDK finds nothing but what it is given."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
    nowhere = str(cache() / "none")
    return {**kept, "HOME": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "NODE_EXTRA_CA_CERTS": emulator.ca}


def main():
    """Runs the SDK; its program prints the checks."""
    check_node()
    install(cache())
    print(f"# {PACKAGE} {VERSION}, which knows 13 of the 26 operations", flush=True)
    with Emulator() as emulator:
        done = subprocess.run(
            ["node", str(HERE / "emulator_javascript.mjs"), str(cache()), emulator.http,
             emulator.https], env=clean_environment(emulator), timeout=120, check=False)
    sys.exit(done.returncode)


main()
