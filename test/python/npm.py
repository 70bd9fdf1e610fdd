"""npm packages that a test uses as a judge, if node and npm are installed."""

import os
import shutil
import subprocess
from pathlib import Path

from tap import skip_all


def folder_of(packages):
    """The folder, in a cache outside of the tree, for packages by name and version."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name, version = next(iter(packages.items()))
    return Path(home) / "healthlake-test" / f"{name.strip('@').replace('/', '-')}-{version}"


def check_node(judge, least):
    """Skips the test if there is no node of that version."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            skip_all(f"there is no {program}: {judge} is no judge")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    if int(told.stdout.strip().lstrip("v").partition(".")[0] or 0) < least:
        skip_all(f"node is {told.stdout.strip()}, older than {least}: {judge} is no judge")


def install(judge, packages, least=18):
    """The folder with the packages, which are installed once; skips the test if that fails."""
    check_node(judge, least)
    folder = folder_of(packages)
    if all((folder / "node_modules" / name / "package.json").exists() for name in packages):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}\n", encoding="ascii")
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
             "--save-exact", *(f"{name}@{version}" for name, version in packages.items())],
            cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as fault:
        skip_all(f"npm could not install {judge}: {fault}")
    if done.returncode:
        skip_all(f"npm could not install {judge}: {done.stderr.strip()[-200:]}")
    return folder
