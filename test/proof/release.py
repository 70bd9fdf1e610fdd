#!/usr/bin/python3
"""What is released: the Makefile finds its sources from a folder apart, and says so where there are
none; the zip for PGXN has all that is kept here and nothing else, and its META.json is whole."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test" / "python"))

from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

OF_THE_REPOSITORY = (".ci/", ".github/", ".gitattributes", ".gitignore")
GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@x.invalid", "-c", "safe.directory=*")
# by https://pgxn.org/spec/
REQUIRED = {"name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"}
STATUSES = {"stable", "testing", "unstable"}

tap = Tap()


def make(folder, *arguments):
    """Runs make for the server under test; returns status and output."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    done = subprocess.run(["make", f"PG_CONFIG={config}", *arguments], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def objects(root):
    """The objects of a library of all sources."""
    return {str(path.relative_to(root).with_suffix(".o"))
            for pattern in ("src/*.c", "src/*/*.c") for path in root.glob(pattern)}


def linked(told):
    """The objects in the linker's command line."""
    line = next((one for one in told.splitlines()
                 if "-shared" in one and re.search(r"-o \S*healthlake\.so\b", one)), "")
    return set(re.findall(r"\S+\.o\b", line))


def copy_sources(where):
    """A copy of the tree without objects, which make would find through VPATH."""
    built = shutil.ignore_patterns("*.o", "*.so", "*.bc", "__pycache__")
    shutil.copytree(ROOT, where, ignore=built)
    return where


def folder_apart(folder):
    """Builds in a separate folder, like PGXS and Debian's pg_buildext."""
    root = copy_sources(folder / "sources")
    for name, more in (("VPATH", [f"VPATH={root}"]), ("-f alone", [])):
        where = folder / name
        where.mkdir()
        status, told = make(where, "-n", "-f", f"{root}/Makefile", *more, "all", "install")
        tap.same(status, 0, f"{name}: make goes through")
        tap.same(linked(told), objects(root), f"{name}: the library has every source")
        tap.ok(f"{root}/sql/healthlake--1.0.sql" in told.replace("//", "/"),
               f"{name}: the script is installed", told[-500:])
        tap.ok("healthlake.control" in told, f"{name}: and the control file")


def no_sources(folder):
    """A build without sources fails."""
    for name in ("Makefile", "healthlake.control"):
        shutil.copy(ROOT / name, folder)
    status, told = make(folder, "-n")
    tap.ok(status != 0 and "has no sources of healthlake" in told, "no sources are an error", told)


def archive(folder):
    """The zip file, and git's list of files."""
    copy_sources(folder)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    status, told = make(folder, "-s", "dist")
    tap.same((status, told), (0, ""), "make dist")
    kept = subprocess.check_output([*GIT, "ls-files", "-z"], cwd=folder, text=True)
    return sorted(folder.glob("healthlake-*.zip")), kept.strip("\0").split("\0")


def check_zip(folder):
    """Its files, and that it builds."""
    zips, kept = archive(folder / "copy")
    meta = json.loads((ROOT / "META.json").read_text("utf-8"))
    release = f"healthlake-{meta['version']}"
    tap.same([path.name for path in zips], [f"{release}.zip"], "it is named by name and version")
    with zipfile.ZipFile(io.BytesIO(zips[0].read_bytes())) as content:
        names = {name for name in content.namelist() if not name.endswith("/")}
        content.extractall(folder)
    tap.same(names, {f"{release}/{name}" for name in kept
                     if not name.startswith(OF_THE_REPOSITORY)},
                     "it contains exactly the tracked files")
    status, told = make(folder / release, "-n")
    tap.same((status, linked(told)), (0, objects(ROOT)), "its contents can be built")


def check_meta():
    """META.json, by PGXN's specification."""
    meta = json.loads((ROOT / "META.json").read_text("utf-8"))
    provided = meta["provides"]["healthlake"]
    tap.same(REQUIRED - set(meta), set(), "META.json has what PGXN requires")
    tap.ok(all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in
               (meta["version"], provided["version"], meta["meta-spec"]["version"])),
           "its versions are semantic ones")
    tap.ok(meta["release_status"] in STATUSES, "its status is one of PGXN's")
    tap.same([name for name in (provided["file"], provided["docfile"])
              if not (ROOT / name).is_file()], [], "the files that it names exist")
    control = (ROOT / "healthlake.control").read_text("utf-8")
    changelog = (ROOT / "debian" / "changelog").read_text("utf-8")
    default = re.search(r"default_version = '(.*)'", control).group(1)
    tap.ok(meta["version"].startswith(default + "."), "its version is the control file's")
    tap.same(re.match(r"healthlake \((.*)\)", changelog).group(1), meta["version"],
             "and that of Debian's package")


def main():
    """All checks."""
    if not shutil.which("git"):
        skip_all("there is no git")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder_apart(folder)
        (folder / "empty").mkdir()
        no_sources(folder / "empty")
        check_zip(folder)
    check_meta()
    tap.end()


main()
