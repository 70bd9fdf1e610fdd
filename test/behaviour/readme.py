"""README.md and doc/*.md are true: their commands work, and their results are as shown.

The pages are read in the order in which README.md links to them, then the other pages of doc/.
All sql blocks of a page run in one psql session; all pages use one database, on a server that is
configured with every conf block. A text block directly after an sql block is the expected output,
except for ids, tokens and times. Every line of an sh block runs in a copy of the tree; nothing is
really installed. The tables of arguments, settings and SQLSTATEs are compared with the catalog
and the sources, every message of the table of messages is provoked, and the target of every link
must exist. A comment above a block qualifies it:

    <!-- error 22023 -->         it must fail with this SQLSTATE
    <!-- needs pg_cron -->       it is skipped if that extension is not installed
    <!-- since 15 -->            it is skipped on older servers
    <!-- not run: reason -->     it is skipped, and the reason is printed
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "emulator")]

import client  # noqa: E402 pylint: disable=wrong-import-position
import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402 pylint: disable=wrong-import-position

WORK = Path(os.environ.get("HEALTHLAKE_WORK", "."))
BINDIR = bindir()
Block = namedtuple("Block", "page language text line marks")
MAJOR = int(os.environ.get("HEALTHLAKE_PG_VERSION", 0))
README_LINES = 400  # at most
LINK = re.compile(r"\]\(([^()\s]*)\)")
MARKS = re.compile(r"(error) ([0-9A-Z]{5})|(needs) (\w+)|(since) (\d+)|(not run): (\S.*)")

# Only localhost can be resolved: this library resolves names in the server.
NO_LOOKUPS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcmp(node, "localhost") != 0 && strchr(node, ':') == NULL &&
        strspn(node, "0123456789.") != strlen(node))
        return EAI_NONAME;
    return next(node, service, hints, result);
}
"""


def read_pages():
    """The text of each page by its path, in reading order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    there = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "doc").glob("*.md"))]
    linked = [link.partition("#")[0] for link in LINK.findall(readme[readme.index("\n| page |"):])]
    order = [name for name in dict.fromkeys(linked + there) if name in there]
    return {"README.md": readme,
            **{name: (ROOT / name).read_text(encoding="utf-8") for name in order}}


PAGES = read_pages()


def prose(text):
    """The lines of a page outside of its blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S).splitlines()


def anchors(text):
    """The anchors of a page's sections, as GitHub derives them from the headings."""
    return [re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in prose(text) if line.startswith("#")]


def dead_links(page):
    """The links of a page to files and sections that do not exist."""
    for link in LINK.findall("\n".join(prose(PAGES[page]))):
        if link.startswith("https://"):
            continue
        path, _, section = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or section and section not in anchors(
                target.read_text(encoding="utf-8")):
            yield link


def contents(page):
    """The sections of a page, and the links in its list of contents."""
    text = PAGES[page]
    wanted = [f"#{anchor}" for line in prose(text) if line.startswith("## ")
              for anchor in anchors(line)]
    top = text[:text.find("\n## ")] if wanted else ""
    return wanted, [link for link in LINK.findall(top) if link.startswith("#")]


def read_blocks(page):
    """The fenced blocks of a page, with the comments above them."""
    blocks, marks, opened = [], {}, None
    for number, line in enumerate(PAGES[page].splitlines(), 1):
        comment = re.fullmatch(r"<!-- (.*) -->", line)
        if opened is not None:
            if line == "```":
                blocks.append(Block(page, opened[0], "\n".join(opened[2]), opened[1], marks))
                opened, marks = None, {}
            else:
                opened[2].append(line)
        elif line.startswith("```"):
            opened = (line[3:], number, [])
        elif comment:
            said = MARKS.fullmatch(comment[1])
            if not said:
                raise ValueError(f"{page}:{number}: {comment[1]!r} says nothing to this test")
            words = [word for word in said.groups() if word]
            marks[words[0]] = words[1]
        elif line and marks:
            raise ValueError(f"{page}:{number}: the comment above belongs to no block")
    return blocks


def table_rows(heading):
    """The rows of the table whose headings begin with these, as lists of cells."""
    lines = iter("\n\n".join(PAGES.values()).splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def quoted(cell):
    """The texts in backquotes in a cell."""
    return re.findall(r"`([^`]*)`", cell)


def masked(text):
    """Output without values that differ in each run."""
    for pattern, mask in ((r"\b[0-9a-f]{32}\b", "ID"),
                          (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID")):
        text = re.sub(pattern, mask, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def without_tags(printed, wanted):
    """Output without the command tags before the shown result."""
    while printed and wanted and printed[0] != wanted[0] and \
            re.fullmatch(r"SET|RESET|(CREATE|ALTER|DROP|GRANT) ?[A-Z ]*", printed[0]):
        printed = printed[1:]
    return printed


def masked_log(line):
    """A log line without its values."""
    line = line[line.index("healthlake event="):]
    return re.sub(r"=[0-9.]+\b", "=N", re.sub(r'"[^"]*"', '"…"', line)).strip()


class Psql:
    """A psql session that is given one block at a time."""

    def __init__(self, where):
        self.child = subprocess.Popen(
            [str(BINDIR / "psql"), "-X", "-P", "pager=off", "-v", "ON_ERROR_STOP=0",
             "-h", where["host"], "-U", where["user"], where["dbname"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8")

    def run(self, text):
        """Runs a block; returns its output, and the SQLSTATE of its last error, or 00000."""
        self.child.stdin.write(f"\\set LAST_ERROR_SQLSTATE 00000\n{text}\n"
                               "\\echo END OF BLOCK :LAST_ERROR_SQLSTATE\n")
        self.child.stdin.flush()
        printed = []
        for line in self.child.stdout:
            if line.startswith("END OF BLOCK "):
                return "".join(printed), line.split()[-1]
            printed.append(line)
        raise RuntimeError("psql ended: " + "".join(printed))

    def end(self):
        """Ends the session."""
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()


class Check:
    """One run over all pages."""

    def __init__(self):
        self.tap = speech.Tap()
        self.emulator = client.emulator()
        self.blocks = [block for page in PAGES for block in read_blocks(page)]
        self.cron = None  # the version of pg_cron, if it is installed
        self.has_cron = bool(list(BINDIR.parents[3].glob(
            f"share/postgresql/{MAJOR}/extension/pg_cron.control")))
        self.left_out = []
        self.tree = WORK / "tree"
        self.demo = None

    def session(self):
        """A session in the database in which the blocks run."""
        return closing(self.server.connect(dbname="clinics"))

    # ------------------------------------------------------------ sh blocks ---

    def start_demo(self):
        """Starts test/demo, which takes the longest, beside everything else."""
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns("*.o", "*.so", ".git"))
        folder = WORK / "demo"
        folder.mkdir()
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("PG", "HEALTHLAKE_INSIDE", "HEALTHLAKE_EMULATOR"))}
        environment.update(HEALTHLAKE_NO_SETUP="1", TMPDIR=str(folder),
                           HEALTHLAKE_PG_VERSION=str(MAJOR))
        with open(WORK / "demo.log", "w", encoding="utf-8") as log:
            self.demo = subprocess.Popen(["test/demo"], cwd=self.tree, env=environment, stdout=log,
                                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def end_demo(self):
        """Checks its result, and that it has left nothing."""
        status = self.demo.wait(300)
        told = (WORK / "demo.log").read_text(encoding="utf-8")
        self.tap.ok(status == 0 and "CREATING" in told and "nothing of it is left" in told,
                    "test/demo shows a data store", f"status {status}", told[-4000:])
        self.tap.same(list((WORK / "demo").iterdir()), [], "test/demo leaves no folder behind")
        self.tap.same([line for line in told.splitlines() if line.startswith(("FATAL", "PANIC"))],
                      [], "test/demo breaks no session")

    def shell_line(self, line):
        """Runs one line of an sh block, or its substitute; returns None, or the problem."""
        words = line.removeprefix("sudo ").split()
        words = [re.sub("(?<=[/-])15(?=/|$)", str(MAJOR), word) for word in words]
        if words[:2] == ["apt-get", "install"]:
            listed = subprocess.run(["bash", "test/setup", "--list"], cwd=ROOT, text=True,
                                    stdout=subprocess.PIPE, check=True).stdout.split()
            missing = set(words[2:]) - set(listed)
            return f"test/setup does not install {missing}" if missing else None
        if words[0] == "make":
            words += [f"DESTDIR={WORK / 'installed'}"] if "install" in words else ["-j2"]
            done = subprocess.run(words, cwd=self.make_tree(), text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
            return done.stdout[-2000:] if done.returncode else None
        if words == ["test/demo"]:
            return None  # it is running
        return "this test does not know how to run it"

    def make_tree(self):
        """A copy of the sources and objects, so that make has little to compile."""
        folder = WORK / "make"
        if not folder.exists():
            shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("*.so", ".git"))
        return folder

    def shell_block(self, block):
        """Runs each line of an sh block."""
        for line in block.text.splitlines():
            wrong = self.shell_line(line)
            self.tap.ok(wrong is None, f"{block.page}:{block.line}: {line}", wrong)
        if "make install" in block.text:
            names = {path.name for path in (WORK / "installed").rglob("healthlake*")}
            self.tap.ok({"healthlake.so", "healthlake.control", "healthlake--1.0.sql"} <= names,
                        "what make install installs", names)

    # ----------------------------------------------------------- sql blocks ---

    def reason_to_leave_out(self, block):
        """The reason why a block is not run here; None if it is."""
        if "not run" in block.marks:
            return block.marks["not run"]
        if block.marks.get("needs") == "pg_cron" and not self.has_cron:
            return f"postgresql-{MAJOR}-cron is not installed"
        if MAJOR < int(block.marks.get("since", 0)):
            return f"it needs PostgreSQL {block.marks['since']}"
        return None

    def run_pages(self):
        """Runs all blocks of all pages, each page in its own session."""
        for page in PAGES:
            psql = Psql(self.server.where(dbname="clinics"))
            try:
                self.run_blocks(psql, [block for block in self.blocks if block.page == page])
            finally:
                psql.end()

    def run_blocks(self, psql, blocks):
        """The blocks of a page, in their order."""
        for at, block in enumerate(blocks):
            what = f"{block.page}:{block.line}: {block.language} block"
            reason = self.reason_to_leave_out(block)
            if reason:
                self.left_out.append(what)
                self.tap.skip(what, reason)
            elif block.language == "sh":
                self.shell_block(block)
            elif block.language == "sql":
                following = blocks[at + 1] if at + 1 < len(blocks) else None
                self.sql_block(psql, block, self.result_of(block, following), what)
            elif block.language == "json":
                with self.tap.check(f"{what} is JSON"):
                    json.loads(block.text)
            elif block.language not in ("conf", "text"):
                self.tap.ok(False, f"{what} has a language that this test knows")

    @staticmethod
    def result_of(block, following):
        """The text block that shows what a block prints, if it is next to it."""
        if following is None or following.language != "text":
            return None
        between = PAGES[block.page].splitlines()[
            block.line + len(block.text.splitlines()) + 1:following.line - 1]
        return following if not any(between) else None

    def sql_block(self, psql, block, result, what):
        """Runs a block, and compares its output."""
        printed, state = psql.run(block.text)
        if "cron.schedule" in block.text and state == "00000":
            self.hurry_job()
        wanted = block.marks.get("error", "00000")
        self.tap.ok(state == wanted, f"{what} {'fails' if wanted != '00000' else 'succeeds'}",
                    f"SQLSTATE {state}, not {wanted}", printed)
        if wanted == "00000":
            self.tap.ok(not re.search(r"^(ERROR|FATAL|PANIC): ", printed, re.M),
                        f"{what} has no error", printed)
        if result:
            shown = masked(result.text)
            self.tap.same(without_tags(masked(printed), shown), shown,
                          f"{what} prints the shown output")
        if "pg_reload_conf" in block.text:
            time.sleep(0.5)

    def counted(self, statement):
        """The number of data stores that a statement creates."""
        before = len(self.emulator.stores())
        with self.session() as connection:
            connection.cursor().execute(statement)
        return len(self.emulator.stores()) - before

    def check_counts(self):
        """Checks the table in doc/transactions.md, statement by statement."""
        for block in self.blocks:
            for line in block.text.splitlines():
                said = re.search(r"-- (?:creates )?(one|three|four)$", line)
                if block.language == "sql" and said:
                    self.tap.same(self.counted(line), {"one": 1, "three": 3, "four": 4}[said[1]],
                                  f"creates {said[1]}: {line.split('--')[0].strip()}")
        self.tap.same(sum(store["DatastoreName"] == "ward 11" for store in self.emulator.stores()),
                      1, "a call that is repeated with its token makes one data store")

    # ---------------------------------------------------------- the cron job ---

    def hurry_job(self):
        """Runs the scheduled jobs at the next second, or minute."""
        with self.session() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'")
            self.cron = tuple(map(int, re.findall(r"\d+", cursor.fetchone()[0])[:2]))
            cursor.execute("SELECT cron.alter_job(jobid, schedule => %s) FROM cron.job",
                           ["1 second" if self.cron >= (1, 5) else "* * * * *"])

    def end_job(self):
        """Checks the results of the jobs, after a minute if the schedule has no seconds."""
        if self.cron is None:
            return
        with self.session() as connection:
            cursor = connection.cursor()
            end = time.monotonic() + 70
            row = None
            while time.monotonic() < end and (row is None or row[0] != "succeeded"):
                time.sleep(0.5)
                cursor.execute("SELECT state, datastore_id, fault FROM clinic WHERE id = 2")
                row = cursor.fetchone()
            cursor.execute("SELECT cron.unschedule(jobid) FROM cron.job")
            cursor.execute("SELECT command, status, return_message FROM cron.job_run_details")
            details = cursor.fetchall()
            cursor.execute("SELECT count(*) FROM stray_datastore AS stray WHERE stray.id IN (SELECT"
                           " datastore_id FROM clinic UNION ALL SELECT datastore_id FROM branch"
                           " UNION ALL SELECT datastore_id FROM office)")
            strays = cursor.fetchone()[0]
        self.tap.ok(row[1] and row[2] is None, "pg_cron's job writes the data store back",
                    row, details)
        self.tap.same([row for row in details if row[1] == "failed"], [], "no job fails")
        names = [store["DatastoreName"] for store in self.emulator.stores()]
        self.tap.same([names.count(f"clinic {name}") for name in ("west", "north")], [1, 1],
                      "a clinic has one data store")
        self.tap.same(strays, 0, "a data store that a table refers to is not reported as stray")

    # ----------------------------------------------------------- the tables ---

    def check_arguments(self):
        """The table of arguments equals the function's arguments."""
        with self.session() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT pg_get_function_arguments(oid) FROM pg_proc"
                           " WHERE proname = 'healthlake_create_datastore' AND pronargs > 1")
            declared = [part.replace("::text", "").replace(" DEFAULT NULL", "").split(" DEFAULT ")
                        for part in re.sub(r"NULL::[\w\[\]]+", "NULL", cursor.fetchone()[0])
                        .split(", ")]
        wanted = [[*first.split(" ", 1), *rest] for first, *rest in declared]
        shown = [[quoted(row[0])[0], row[1].split(",")[0], *quoted(row[1])]
                 for row in table_rows("argument | type, default")]
        self.tap.same(shown, wanted, "the table of arguments")

    def check_functions(self):
        """The tables of functions are complete."""
        with self.session() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT DISTINCT proname FROM pg_proc WHERE proname ~ '^healthlake_'"
                           " AND proname <> ALL (%s)", [INTERNAL])
            there = {name for name, in cursor.fetchall()}
        self.tap.same({name for row in table_rows("functions") for name in quoted(row[0])}, there,
                      "the table of functions")
        words = self.provoke(Provocation(["SELECT healthlake_grant('postgres', 'nothing')"]))
        self.tap.same([quoted(row[0])[0] for row in table_rows("what | functions")],
                      re.findall(r"\w+(?=,| or |$)", words.partition(" must be ")[2]),
                      "the table of what can be granted")

    def check_settings(self):
        """The table of settings is complete, with defaults and contexts."""
        rows = {quoted(row[0])[0]: row for row in table_rows("setting | default")}
        with self.session() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT name FROM pg_settings WHERE name LIKE 'healthlake.%'")
            self.tap.ok({name for name, in cursor.fetchall()} <= set(rows),
                        "the table of settings has them all")
            for name, row in rows.items():
                cursor.execute("SELECT name, context FROM pg_settings WHERE name = %s"
                               " UNION ALL SELECT %s, 'superuser' WHERE %s"
                               " UNION ALL SELECT %s, 'user' WHERE %s", [name, name, (
                                   name.endswith(("_key", "_key_id", "session_token", ".proxy"))
                                   and not name.endswith("customer_key")), name,
                                   name.endswith(".bearer_token")])
                found = cursor.fetchone()
                self.tap.same(found and {"superuser": "superuser", "user": "anyone",
                                         "sighup": "configuration file"}[found[1]],
                              row[2], f"who may set {name}")
                standard = quoted(row[1])[0].strip("'")
                if found and found[1] == "sighup":  # no session can set it
                    cursor.execute("SELECT current_setting(%s)", [name])
                    self.tap.same(cursor.fetchone()[0], standard, f"the default of {name}")
                    continue
                cursor.execute(f"SET {name} = %s; SELECT current_setting(%s)", [standard, name])
                shown = cursor.fetchone()[0]
                cursor.execute("SELECT boot_val, unit FROM pg_settings WHERE name = %s", [name])
                boot, unit = cursor.fetchone() or ("", None)
                cursor.execute(f"SET {name} = %s; SELECT current_setting(%s)",
                               [f"{boot or ''}{unit or ''}", name])
                self.tap.same(shown, cursor.fetchone()[0], f"the default of {name}")

    def check_sqlstates(self):
        """The extension's SQLSTATEs in the sources are those of the table."""
        sources = "".join(path.read_text(encoding="utf-8")
                          for path in sorted((ROOT / "src").rglob("*.c")))
        header = (ROOT / "src/call/error.h").read_text(encoding="utf-8")
        ours = {"".join(re.findall(r"'(.)'", letters)) for name, letters in
                re.findall(r"define (HL_ERRCODE_\w+)\s+MAKE_SQLSTATE\((.*?)\)", header)
                if re.search(rf"\b{name}\b", sources)}
        shown = {row[0].strip("*") for row in table_rows("SQLSTATE")}
        self.tap.same({state for state in shown if state.startswith("38")}, ours | {"38000"},
                      "the table of SQLSTATEs has those of class 38")

    def check_raised(self):
        """Each SQLSTATE that the sources name is in the table."""
        folder = subprocess.run([BINDIR / "pg_config", "--includedir-server"], text=True,
                                stdout=subprocess.PIPE, check=True).stdout.strip()
        known = (Path(folder) / "utils" / "errcodes.h").read_text(encoding="utf-8")
        states = {name: "".join(re.findall(r"'(.)'", letters)) for name, letters in re.findall(
            r"define (ERRCODE_\w+)\s+MAKE_SQLSTATE\((.*?)\)", known)}
        named = {name for path in sorted((ROOT / "src").rglob("*.c")) for name in re.findall(
            r"\bERRCODE_(?!TO_CATEGORY)\w+", path.read_text(encoding="utf-8"))}
        shown = {state for row in table_rows("SQLSTATE") for state in re.findall(r"\w{5}", row[0])}
        self.tap.ok(len(named) > 20, "the SQLSTATEs of the sources can be read", named)
        self.tap.same(sorted(f"{name} {states[name]}" for name in named - COMPARED
                             if states[name] not in shown), [],
                      "the table of SQLSTATEs has each that the sources name")

    def check_log(self):
        """The log lines have the documented form."""
        seen = {masked_log(line) for line in self.server.log().splitlines()
                if "healthlake event=" in line}
        for block in self.blocks:
            for line in block.text.splitlines():
                if block.language == "text" and "healthlake event=" in line:
                    self.tap.ok(masked_log(line) in seen, f"logged: {masked_log(line)[:60]}…",
                                *sorted(seen))

    def check_pages(self):
        """Links, lists of contents, and the length of README.md."""
        self.tap.ok(len(PAGES["README.md"].splitlines()) <= README_LINES,
                    f"README.md has at most {README_LINES} lines")
        for page in PAGES:
            self.tap.same(list(dead_links(page)), [], f"the links of {page} exist")
            wanted, shown = contents(page)
            self.tap.same(shown, wanted, f"the contents at the top of {page}")

    # ------------------------------------------------------- troubleshooting ---

    def check_troubles(self, unloaded):
        """Each message of the table of messages can be provoked, with the documented text."""
        OPEN_FILE.write_text("[default]\n", encoding="utf-8")
        OPEN_FILE.chmod(0o644)
        for cells in table_rows("message"):
            message = quoted(cells[0])[0]
            how = PROVOKED.get(message)
            if how is None:
                self.tap.ok(False, f"this test can provoke: {message}")
                continue
            if message in unloaded:
                told = unloaded[message]
            elif message == UNKNOWN:
                self.tap.skip(message, "since PostgreSQL 17 ALTER SYSTEM takes any name")
                continue
            elif MAJOR < how.since:
                self.tap.skip(message, f"before PostgreSQL {how.since}")
                continue
            else:
                told = self.provoke(how)
            pattern = ".+".join(re.escape(part) for part in message.split("…"))
            self.tap.ok(re.fullmatch(pattern, told), f"told: {message}", f"got: {told}")
        self.tap.same(set(PROVOKED) - {quoted(row[0])[0] for row in table_rows("message")}, set(),
                      "every message that this test provokes is in the table of messages")

    def provoke(self, how):
        """The error message of some statements, in a new session."""
        self.emulator.next(*how.steps)
        self.emulator.state(**how.state)
        with self.session() as connection:
            try:
                for statement in how.statements:
                    connection.cursor().execute(statement)
            except psycopg2.Error as caught:
                return caught.diag.message_primary.replace(STAND_IN, "healthlake")
        return "no error"

    def without_preloading(self):
        """The warnings of a server that does not preload the library."""
        keys = "\n".join(block.text for block in self.blocks if block.language == "conf"
                         and "secret_access_key" in block.text)
        server = Cluster(WORK / "bare", self.environment)
        server.configure(f"{keys}\n{self.to_emulator()}\nmax_worker_processes = 0")
        with server, closing(server.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE EXTENSION healthlake;"
                           "SELECT healthlake_create_datastore('ward 7')")
            cursor.execute("SELECT healthlake_enqueue_create_datastore('ward 7')")
            cursor.execute("SET healthlake.audit = durable")
            refused = self.tap.raises(
                psycopg2.Error, lambda: cursor.execute(CREATE), "no slot, no durable audit")
            warnings = [line.split("WARNING:  ")[1].splitlines()[0] for line in connection.notices
                        if line.startswith("WARNING")]
            dropped = self.dropped(server, cursor)
            dropped[DUMPED] = self.dumped(server)
            if MAJOR < 17:
                dropped[UNKNOWN] = self.unknown(server)
        self.tap.same(len(warnings), 2, "a server that does not preload warns once, and one that "
                      "has no room for workers")
        return {**dropped, **dict(zip((EXPOSED, NO_WORKER), warnings + ["no warning"] * 2)),
                NO_WRITER: refused.diag.message_primary if refused else "no error"}

    def dropped(self, server, cursor):
        """The messages about settings that PostgreSQL drops when it loads the library."""
        cursor.execute("CREATE ROLE plain LOGIN; SELECT healthlake_grant('plain', 'read')")
        told = {}
        for message, options in ((IGNORED, "-c healthlake.region=us-east-1\\ "),
                                 (MISTYPED, "-c healthlake.regoin=us-east-1"),
                                 (HIDDEN, "-c healthlake.required_tags=")):
            with closing(server.connect(user="plain", options=options)) as connection:
                raised = self.tap.raises(
                    psycopg2.Error, lambda c=connection: c.cursor().execute(LIST), options)
                told[message] = raised.diag.message_primary if raised else "no error"
        return told

    def unknown(self, server):
        """The message of ALTER SYSTEM in a session that has not loaded the library."""
        with closing(server.connect()) as connection:
            raised = self.tap.raises(
                psycopg2.Error, lambda: connection.cursor().execute(
                    "ALTER SYSTEM SET healthlake.profile = 'ward'"), "ALTER SYSTEM")
        return raised.diag.message_primary if raised else "no error"

    @staticmethod
    def dumped(server):
        """The warning of pg_dump."""
        done = subprocess.run([BINDIR / "pg_dump", "-h", server.where()["host"], "-U", "postgres",
                               "postgres"], text=True, capture_output=True, check=False)
        return done.stderr.splitlines()[0].partition("warning: ")[2] if done.stderr else "nothing"

    # -------------------------------------------------------------- all of it ---

    def to_emulator(self):
        """The configuration lines for the emulator."""
        return (f"healthlake.endpoint_url = '{self.emulator.https}'\n"
                f"healthlake.ca_bundle = '{self.emulator.ca}'")

    def configuration(self):
        """Every conf block, without extensions that are not installed."""
        lines = "\n".join(block.text for block in self.blocks if block.language == "conf")
        if not self.has_cron:
            lines = re.sub(r"^cron\..*$", "", lines.replace(", pg_cron", ""), flags=re.M)
        return lines

    def guard_lookups(self):
        """Builds the library that resolves names in the server."""
        (WORK / "lookups.c").write_text(NO_LOOKUPS, encoding="utf-8")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(WORK / "lookups.so"),
                        str(WORK / "lookups.c"), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(WORK / "lookups.so")}

    def run(self):
        """All checks."""
        self.tap.say(f"PostgreSQL {MAJOR}, {len(PAGES)} pages, {len(self.blocks)} blocks")
        self.check_pages()
        self.start_demo()
        try:
            self.run_beside_demo()
        finally:
            self.demo.terminate()
            self.demo.wait(30)
        self.tap.say(f"{len(self.left_out)} blocks were left out")
        self.tap.end()

    def run_beside_demo(self):
        """Everything else, and the result of the demo."""
        self.guard_lookups()
        unloaded = self.without_preloading()
        self.emulator.reset()
        self.server = Cluster(WORK / "own", self.environment)
        self.server.configure(f"{self.configuration()}\n{self.to_emulator()}")
        with self.server:
            with closing(self.server.connect()) as connection:
                connection.cursor().execute("CREATE DATABASE clinics")
            self.run_pages()
            self.check_counts()
            self.check_log()
            self.check_arguments()
            self.check_functions()
            self.check_settings()
            self.check_sqlstates()
            self.check_raised()
            self.end_job()
            self.check_troubles(unloaded)
        self.end_demo()


Provocation = namedtuple("Provocation", "statements steps state since",
                         defaults=([], [], {}, 0))
STAND_IN = "healthlakf"  # for messages about an extension that is not installed
CREATE = "SELECT * FROM healthlake_create_datastore('ward 8')"
EXPOSED = ("healthlake credentials in a configuration file, role or database setting can be read "
           "by every role")
NO_WORKER = "no background worker could be started for the queue of healthlake"
NO_WRITER = "the audit trail of healthlake has no writer: …"
IGNORED = 'value of setting "healthlake.…" was ignored when the library was loaded'
MISTYPED = 'setting "healthlake.…" does not exist'
HIDDEN = ('setting "healthlake.…" is in the client\'s startup options, which hide the server\'s '
          'value')
UNKNOWN = 'unrecognized configuration parameter "healthlake.…"'
DUMPED = "unsupported pg_init_privs entry: 1247 …"
# classes with which an SQLSTATE is compared, and the end of a session, which PostgreSQL raises
COMPARED = {"ERRCODE_DATA_EXCEPTION", "ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION",
            "ERRCODE_INSUFFICIENT_RESOURCES", "ERRCODE_OPERATOR_INTERVENTION",
            "ERRCODE_ADMIN_SHUTDOWN"}
OPEN_FILE = WORK / "credentials_of_all"
STORE = "datastore_id => repeat('0', 32)"
READ = f"SELECT healthlake_fhir_read('Patient', 'p', {STORE})"
LIST = "SELECT * FROM healthlake_list_datastores()"
ENSURE = "SELECT healthlake_ensure_datastore('%s')"
NO_STORES = {"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}
ENQUEUE = "SELECT healthlake_enqueue_create_datastore('ward 8'%s)"
# functions that SQL needs, but users do not call
INTERNAL = ["healthlake_support", "healthlake_protect_request", "healthlake_protect_event",
            "healthlake_holds_leases"]
SENT = "could not send CreateFHIRDatastore: "
REFUSED = "AWS refused CreateFHIRDatastore: "

PROVOKED = {
    SENT + "no AWS credentials found": Provocation(
        ["SET healthlake.access_key_id = ''", "SET healthlake.secret_access_key = ''", CREATE]),
    SENT + "healthlake.secret_access_key is not set": Provocation(
        ["SET healthlake.secret_access_key = ''", CREATE]),
    "no AWS region is set": Provocation(["SET healthlake.region = ''", CREATE]),
    SENT + 'file "…" has group or world access': Provocation(
        ["SET healthlake.access_key_id = ''", "SET healthlake.secret_access_key = ''",
         f"SET healthlake.credentials_file = '{OPEN_FILE}'", CREATE]),
    "no data store is set": Provocation(["SELECT healthlake_fhir_read('Patient', 'p')"]),
    'invalid data store id "…"': Provocation(
        ["SELECT healthlake_fhir_read('Patient', 'p', datastore_id => 'ward 8')"]),
    'data store "…" is not allowed': Provocation(
        ["SELECT set_config('healthlake.allowed_datastores', repeat('1', 32), false)", READ]),
    '"…" is not a FHIR resource type': Provocation([READ.replace("Patient", "patient")]),
    "a bearer token is required": Provocation(["SET healthlake.require_bearer_token = on", READ]),
    "a customer managed key is required": Provocation(
        ["SET healthlake.require_customer_key = on", CREATE]),
    'tag "…" is required': Provocation(["SET healthlake.required_tags = 'env'", CREATE]),
    "permission denied for operation …": Provocation(
        ["SET ROLE clinic_app", "SELECT healthlake_call('DeleteFHIRDatastore',"
         " jsonb_build_object('DatastoreId', md5('x')))"]),
    'AWS region "…" is not allowed': Provocation(
        ["SET healthlake.allowed_regions = 'eu-west-2'", CREATE]),
    "permission denied for function healthlake_create_datastore": Provocation(
        ["CREATE ROLE nobody_in_particular", "SET ROLE nobody_in_particular", CREATE]),
    'permission denied to set parameter "healthlake.…"': Provocation(
        ["SET ROLE clinic_app", "SET healthlake.endpoint_url = 'https://example.org'"]),
    'argument "name" looks like a request in JSON': Provocation(
        ["SELECT * FROM healthlake_create_datastore('{}')"]),
    "function healthlake_create_datastore(…) does not exist": Provocation(
        ["SELECT * FROM healthlake_create_datastore(name => 'ward 8', kms_key => 'k')"]),
    'invalid configuration parameter name "healthlake.…"': Provocation(
        ["SET healthlake.regoin = 'us-east-1'"], since=15),
    "a masked value cannot be set as a credential": Provocation(
        ["SELECT set_config(n, current_setting(n), false)"
         " FROM (VALUES ('healthlake.secret_access_key')) AS s (n)"]),
    "a credential begins or ends with a blank, or has a line break in it": Provocation(
        ["SET healthlake.secret_access_key = 'copied\n'"]),
    REFUSED + "The security token included in the request is invalid.": Provocation(
        ["SET healthlake.access_key_id = 'AKIAUNKNOWN'", CREATE]),
    REFUSED + "The request signature we calculated does not match the signature you provided. …":
        Provocation(["SET healthlake.secret_access_key = 'another'", CREATE]),
    REFUSED + "The security token included in the request is expired": Provocation(
        ["SET healthlake.session_token = 'anOldOne'", CREATE],
        state={"expired_tokens": ["anOldOne"]}),
    REFUSED + "Insufficient Lake Formation permission(s): …": Provocation(
        [CREATE], [{"error": "AccessDeniedException", "message":
                    "Insufficient Lake Formation permission(s): Required Create Database on "
                    "Catalog"}]),
    REFUSED + "User: … is not authorized to perform: healthlake:CreateFHIRDatastore …": Provocation(
        [CREATE], [{"error": "AccessDeniedException", "message":
                    "User: arn:aws:iam::123456789012:user/a is not authorized to perform: "
                    "healthlake:CreateFHIRDatastore on resource: *"}]),
    SENT + "Could not resolve host: …": Provocation(
        ["SET healthlake.endpoint_url = 'https://healthlake.xx-nowhere-1.amazonaws.com'", CREATE]),
    SENT + "Failed to connect to …": Provocation(
        ["SET healthlake.endpoint_url = 'https://127.0.0.1:1'", CREATE]),
    SENT + "SSL certificate …": Provocation(["SET healthlake.ca_bundle = ''", CREATE]),
    SENT + "error … file: …": Provocation(
        ["SET healthlake.ca_bundle = '/nonexistent/ca.pem'", CREATE]),
    SENT + "no hashed certificates in folder: …": Provocation(
        ["SET healthlake.ca_bundle = '/var'", CREATE]),
    "outcome of CreateFHIRDatastore is unknown: …": Provocation(
        ["SET healthlake.max_attempts = 1", CREATE], [{"apply": True, "cut": 0}]),
    "AWS has carried out …, but it could not be recorded: …": Provocation(
        ["BEGIN", "ALTER TABLE healthlake_event ADD CHECK (operation <> 'CreateFHIRDatastore')"
         " NOT VALID", CREATE]),
    "the reply to … names more than 100000 patients": Provocation(
        ["SET healthlake.audit_reads = on",
         "SELECT healthlake_fhir_read('Group', 'g', datastore_id => repeat('0', 32))"],
        [{"status": 200, "body": {"resourceType": "Group", "id": "g", "member": [
            {"reference": f"Patient/{number}"} for number in range(100001)]}}]),
    "body of … is too large": Provocation(
        ["SELECT healthlake_fhir_create(jsonb_build_object('resourceType', 'Patient', 'text',"
         " repeat('x', 5242880)), datastore_id => repeat('0', 32))"]),
    "search parameters are too large": Provocation(
        ["SELECT healthlake_fhir_count('Patient', jsonb_build_object('name', repeat('x', 5242880)),"
         " datastore_id => repeat('0', 32))"]),
    "the ViewDefinition is too large for an SQL view": Provocation(
        ["BEGIN", "CREATE TABLE resources (resource jsonb)",
         "SELECT healthlake_fhir_create_view('v', jsonb_build_object('resource', 'Patient',"
         " 'title', repeat('x', 1048576)), 'resources')"]),
    "… cannot be recorded in a read-only transaction": Provocation(
        ["SET healthlake.audit_reads = on", "BEGIN READ ONLY",
         "SELECT healthlake_fhir_read('Patient', 'p', datastore_id => repeat('0', 32))"]),
    "… cannot be sent within a security-restricted operation of another role": Provocation(
        ["BEGIN", "CREATE MATERIALIZED VIEW listed AS SELECT * FROM healthlake_list_datastores()"
         " WITH NO DATA", "ALTER MATERIALIZED VIEW listed OWNER TO datastore_reader",
         "REFRESH MATERIALIZED VIEW listed"]),
    'column "…" of the history must have a value, and healthlake has none for it': Provocation(
        ["BEGIN", "ALTER TABLE healthlake_event ADD ward text NOT NULL DEFAULT ''",
         "ALTER TABLE healthlake_event ALTER ward DROP DEFAULT", CREATE]),
    'view "…" would use …': Provocation(
        ["BEGIN", "CREATE TABLE resources (resource jsonb)",
         "ALTER EXTENSION healthlake DROP FUNCTION healthlake_fhirpath_text(jsonb, text)",
         "SELECT healthlake_fhir_create_view('ids', '{\"resource\": \"Patient\", \"select\": "
         "[{\"column\": [{\"name\": \"id\", \"path\": \"getResourceKey()\"}]}]}', 'resources')"]),
    'operation "…" does not exist': Provocation(["SELECT healthlake_call('ListDatastores')"]),
    "function … would be called before the row is locked": Provocation(
        ["SELECT healthlake_create_datastore(relname) FROM pg_class FOR UPDATE"]),
    "function … cannot be called in WHEN MATCHED": Provocation(
        ["CREATE TEMPORARY TABLE target (id text)",
         "MERGE INTO target USING (VALUES ('x')) AS source (id) ON target.id = source.id"
         " WHEN MATCHED THEN UPDATE SET id = (healthlake_create_datastore('x')).id"], since=15),
    "function … cannot be called in a statement that a rule rewrites": Provocation(
        ["CREATE TEMPORARY TABLE target (id text)",
         "CREATE RULE twice AS ON INSERT TO target DO ALSO SELECT NEW.id",
         "INSERT INTO target VALUES ((healthlake_create_datastore('x')).id)"]),
    "function … would be called for rows that are dropped": Provocation(
        ["SELECT healthlake_create_datastore(relname) FROM pg_class OFFSET 3"]),
    'data store "…" is not named "…"': Provocation(
        ["SELECT healthlake_delete_datastore(id, 'another')"
         " FROM healthlake_list_datastores(max_rows => 1)"]),
    'AWS does not yet describe data store "…", which was created with the name "…"': Provocation(
        ["SELECT healthlake_create_datastore('unseen')", ENSURE % "unseen"],
        [NO_STORES, {"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException"}]),
    'AWS does not yet describe a data store that was created with the name "…"': Provocation(
        ["BEGIN", "SELECT healthlake_create_datastore('theirs')", "CREATE ROLE another",
         "SELECT healthlake_grant('another', 'create')", "SET ROLE another", ENSURE % "theirs"],
        [NO_STORES, {"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException"}]),
    'a request to create a data store named "…" is open': Provocation(
        ["SELECT healthlake_enqueue_create_datastore('later', run_after => '2999-01-01')",
         ENSURE % "later"], [NO_STORES]),
    'outcome of an earlier creation of a data store named "…" is unknown': Provocation(
        ["SELECT healthlake_enqueue_create_datastore('in doubt', run_after => '2999-01-01')",
         "UPDATE healthlake_request SET state = 'unknown', finished_at = now()"
         " WHERE request ->> 'DatastoreName' = 'in doubt'", ENSURE % "in doubt"], [NO_STORES]),
    "cannot use subquery in CALL argument": Provocation(
        ["CALL healthlake_await_datastore((SELECT 'x'))"]),
    "a procedure that waits cannot be called within a transaction block": Provocation(
        ["BEGIN", "CALL healthlake_await_datastore('x')"]),
    'a queued request cannot use the session\'s own setting of "healthlake.…"': Provocation(
        ["SET healthlake.profile = 'x'", ENQUEUE % ""]),
    "a request for … with sensitive members cannot be enqueued": Provocation(
        ["SELECT healthlake_enqueue('UpdateProfileWithAgent', jsonb_build_object('ProfileId', "
         "md5('x'), 'InputMessage', "
         """'{"Body": "a patient", "Type": "normal"}'::jsonb))"""]),
    '… has no status "…" to wait for': Provocation([ENQUEUE % ", until => 'DELETED'"]),
    "request … does not exist": Provocation(["SELECT healthlake_wait_request(0)"]),
    "request … is not sent before this transaction commits": Provocation(
        ["BEGIN", ENQUEUE % "", "SELECT healthlake_wait_request(max(id)) FROM healthlake_request"]),
    "request … is not finished after the time allowed": Provocation(
        [ENQUEUE % ", run_after => '2999-01-01'",
         "SELECT healthlake_wait_request(max(id), '1 ms') FROM healthlake_request"]),
    "healthlake_run_queue() cannot be called within a transaction block": Provocation(
        ["BEGIN", "CALL healthlake_run_queue()"]),
    "finished requests cannot be altered": Provocation(["DELETE FROM healthlake_request"]),
    "the history cannot be altered": Provocation(["DELETE FROM healthlake_event"]),
    "the audit trail cannot be written: …": Provocation(
        ["SET healthlake.audit = durable", "BEGIN", "LOCK TABLE healthlake_event",
         "SELECT healthlake_create_datastore('ward 8')"]),
    "permission denied for table healthlake_request": Provocation(
        ["SET ROLE datastore_reader", "SELECT FROM healthlake_request"]),
    NO_WORKER: Provocation(),
    NO_WRITER: Provocation(),
    EXPOSED: Provocation(),
    IGNORED: Provocation(),
    MISTYPED: Provocation(),
    HIDDEN: Provocation(),
    UNKNOWN: Provocation(),
    DUMPED: Provocation(),
    'extension "healthlake" is not available': Provocation([f"CREATE EXTENSION {STAND_IN}"]),
    'could not access file "$libdir/healthlake": No such file or directory': Provocation(
        [f"LOAD '$libdir/{STAND_IN}'"]),
}

if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
Check().run()
