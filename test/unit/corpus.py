"""The corpora of the fuzz targets: a file for each in test/unit/corpus, an input a line, in base64.

    corpus.py open TARGET FOLDER     writes the inputs as files, as libFuzzer wants them
    corpus.py close TARGET FOLDER    makes the target's file of such files
"""

import base64
import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "corpus"


def read(target):
    """The inputs."""
    path = HERE / target
    return [base64.b64decode(line) for line in path.read_text("ascii").split()] \
        if path.exists() else []


def open_corpus(target, folder):
    """Writes the inputs as files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for content in read(target):
        (folder / hashlib.sha1(content, usedforsecurity=False).hexdigest()).write_bytes(content)


def close_corpus(target, folder):
    """Makes the target's file, the smallest inputs first."""
    inputs = sorted({path.read_bytes() for path in Path(folder).iterdir()},
                    key=lambda content: (len(content), content))
    HERE.mkdir(exist_ok=True)
    (HERE / target).write_text("".join(base64.b64encode(content).decode() + "\n"
                                       for content in inputs if content), "ascii")


if __name__ == "__main__":
    {"open": open_corpus, "close": close_corpus}[sys.argv[1]](*sys.argv[2:])
