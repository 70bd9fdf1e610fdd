"""doc/functions.md is the output of test/functions-page, and every object has a comment."""

import os
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

import functions_page  # noqa: E402 pylint: disable=wrong-import-position
import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position

if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
tap = speech.Tap()
with Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / "own") as server:
    with closing(server.connect()) as session:
        session.cursor().execute("CREATE EXTENSION healthlake")
        wanted = functions_page.make_page(session.cursor())
shown = (ROOT / "doc" / "functions.md").read_text(encoding="utf-8")
differing = [f"page: {have!r}, catalog: {want!r}" for have, want in
             zip(shown.splitlines(), wanted.splitlines()) if have != want][:3]
tap.ok(shown == wanted, "doc/functions.md is the output of `test/functions-page`", *differing)
tap.ok("\nNone.\n" not in wanted, "every function, type, table and view has a comment")
tap.end()
