"""The Test Anything Protocol for tests in Python.

    from tap import Tap
    tap = Tap()
    tap.ok(True, "something holds")
    tap.same(1 + 1, 2, "two values are equal")
    with tap.check("a block that fails when it raises"):
        ...
    tap.end()
"""

import sys
import traceback
from contextlib import contextmanager


def skip_all(reason):
    """Ends a program that cannot run here, with the reason."""
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


class Tap:
    """Counts checks and prints them."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def say(self, text):
        """Prints a comment."""
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def ok(self, holds, what, *why):
        """Reports a check; the details are printed if it fails."""
        self.count += 1
        print(f"{'ok' if holds else 'not ok'} {self.count} - {what}".replace("\n", " "),
              flush=True)
        if not holds:
            self.failed += 1
            for line in why:
                self.say(line)
        return bool(holds)

    def same(self, got, wanted, what):
        """Checks that two values are equal."""
        return self.ok(got == wanted, what, f"got:    {got!r}", f"wanted: {wanted!r}")

    def raises(self, kind, call, what):
        """Checks that a call raises this exception; returns it, or None."""
        try:
            got = call()
        except kind as caught:
            self.ok(True, what)
            return caught
        except Exception as caught:  # pylint: disable=broad-except
            self.ok(False, what, f"raised {type(caught).__name__}: {caught}")
            return None
        self.ok(False, what, f"raised nothing, gave {got!r}")
        return None

    @contextmanager
    def check(self, what):
        """Checks that a block does not raise."""
        try:
            yield
        except Exception:  # pylint: disable=broad-except
            self.ok(False, what, traceback.format_exc())
        else:
            self.ok(True, what)

    def skip(self, what, reason):
        """Reports a check that cannot be made here."""
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {reason}", flush=True)

    def end(self):
        """Prints the plan, and exits."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)
