#!/usr/bin/python3
"""The pictures of the documentation are up to date."""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "doc" / "pictures"
sys.path.insert(0, str(ROOT / "test" / "python"))

from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

tap = Tap()


def main():
    """Draws them again, and checks that pages show them."""
    pages = [path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "doc").glob("*.md"))]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, PICTURES / "draw", folder], check=True)
        drawn = {path.name: path.read_text("utf-8") for path in Path(folder).iterdir()}
    kept = {path.name: path.read_text("utf-8") for path in PICTURES.glob("*.svg")}
    tap.same(sorted(kept), sorted(drawn), "every picture is drawn by the script")
    for name, content in drawn.items():
        tap.ok(kept.get(name) == content, f"{name} is as the code has it", "run doc/pictures/draw")
        with tap.check(f"{name} is well-formed"):
            ElementTree.fromstring(content)
        tap.ok(any(f"pictures/{name}" in page for page in pages), f"{name} is shown")
    tap.end()


main()
