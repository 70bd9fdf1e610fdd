#!/usr/bin/python3
"""Compares the emulator with the AWS SDK for JavaScript, if node and npm are installed.

The SDK is installed once, in a cache outside the tree.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

from client import Emulator  # noqa: E402
import npm  # noqa: E402

PACKAGE = "@aws-sdk/client-healthlake"
PACKAGES = {PACKAGE: "3.1048.0"}


def clean_environment(emulator):
    """An environment without settings for the SDK."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
    nowhere = str(npm.folder_of(PACKAGES) / "none")
    return {**kept, "HOME": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "NODE_EXTRA_CA_CERTS": emulator.ca}


def main():
    """Runs the SDK; its program prints the checks."""
    folder = npm.install("the AWS SDK for JavaScript", PACKAGES)
    print(f"# {PACKAGE} {PACKAGES[PACKAGE]}, which knows 13 of the 26 operations", flush=True)
    with Emulator() as emulator:
        done = subprocess.run(
            ["node", str(HERE / "emulator_javascript.mjs"), str(folder), emulator.http,
             emulator.https], env=clean_environment(emulator), timeout=120, check=False)
    sys.exit(done.returncode)


main()
