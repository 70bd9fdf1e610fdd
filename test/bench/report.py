"""A report of figures: Markdown that is printed as it grows, and plots in SVG.

With a folder, report.md and the plots are written there, to be shown by the documentation.
"""

import statistics
import textwrap
from html import escape
from pathlib import Path

WIDTH, LEFT, ROW = 760, 250, 28
STYLE = """<style>text { font: 14px sans-serif; fill: #1f2937 } .quiet { fill: #6b7280 }
.title { font-weight: bold } .bar { fill: #93c5fd } .own { fill: #2563eb }
.line { stroke: #e5e7eb }</style>"""


def middle(values):
    """The median."""
    return statistics.median(values)


def number_of(value):
    """A number of three digits, or of all that it has before its point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values):
    """The median and the quartiles, as text."""
    if len(values) < 2:
        return number_of(values[0])
    low, at, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{number_of(at)} ({number_of(low)}–{number_of(high)})"


class Report:
    """What has been told so far."""

    spread = staticmethod(spread)

    def __init__(self, folder=None):
        self.folder = Path(folder) if folder else None
        self.lines = []

    def say(self, *lines):
        """Lines of Markdown, with an empty one after them."""
        for line in (*lines, ""):
            whole = line.startswith(("|", "!", "#")) or not line
            for part in [line] if whole else textwrap.wrap(line, 120, break_on_hyphens=False):
                print(part, flush=True)
                self.lines.append(part)

    def table(self, heads, rows):
        """A table; all but the first column are numbers."""
        self.say("| " + " | ".join(heads) + " |", "|---" + "|--:" * (len(heads) - 1) + "|",
                 *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows))

    def bars(self, name, title, unit, rows):
        """A plot of bars: (name, number), those of the extension in another colour."""
        if self.folder is None or not rows:
            return
        most = max(number for _, number in rows)
        shapes = [f'<text x="12" y="26" class="title">{escape(title)}</text>']
        for at, (label, number) in enumerate(rows):
            y = 44 + at * ROW
            kind = "own" if label.startswith("healthlake") else "bar"
            long = max(2, round((WIDTH - LEFT - 110) * number / most))
            shapes += [f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(label)}'
                       "</text>",
                       f'<rect x="{LEFT}" y="{y}" width="{long}" height="20" class="{kind}"/>',
                       f'<text x="{LEFT + long + 8}" y="{y + 15}" class="quiet">'
                       f"{number_of(number)} {escape(unit)}</text>"]
        height = 56 + len(rows) * ROW
        (self.folder / f"{name}.svg").write_text("\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">', STYLE,
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *shapes, "</svg>\n"]),
            "utf-8")
        self.say(f"![{title}](benchmarks/{name}.svg)")

    def contents(self):
        """The list of contents, for the top of the page."""
        heads = [line[3:] for line in self.lines if line.startswith("## ")]
        return ["**Contents:**", "", *(f"- [{head}](#{head.lower().replace(' ', '-')})"
                                       for head in heads), ""]

    def write(self):
        """Writes the text, with its contents before the first section."""
        if self.folder is not None:
            at = next(at for at, line in enumerate(self.lines) if line.startswith("## "))
            lines = self.lines[:at] + self.contents() + self.lines[at:]
            (self.folder / "report.md").write_text("\n".join(lines), "utf-8")
