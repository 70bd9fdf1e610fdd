#!/usr/bin/python3
"""doc/functions.md, generated from the catalog of a database with the extension.

As a program it creates the extension in the database of libpq's environment variables and prints
the page. test/functions-page starts a server for that.
"""

from contextlib import closing
from itertools import groupby

from session import open_session

HEAD = """# Functions

Every function, procedure, row type, table and view of the extension, with its comment. This page
is generated from the catalog by `test/functions-page`. [Reference](reference.md#functions-by-topic)
lists the functions by topic.

**Contents:**

- [Functions and procedures](#functions-and-procedures)
- [Row types](#row-types)
- [Tables and views](#tables-and-views)

"""

MEMBERS = """SELECT objid FROM pg_catalog.pg_depend
    WHERE classid = '{}'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass
      AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'healthlake')"""

# functions of triggers, policies and the planner are not for users
FUNCTIONS = f"""
SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid),
    obj_description(oid, 'pg_proc')
FROM pg_catalog.pg_proc
WHERE oid IN ({MEMBERS.format('pg_proc')})
  AND prorettype NOT IN ('trigger'::regtype, 'internal'::regtype)
  AND proname <> 'healthlake_holds_leases'
ORDER BY proname COLLATE "C", pronargs, pg_get_function_arguments(oid) COLLATE "C"
"""

RELATIONS = f"""
SELECT oid, relname, obj_description(coalesce(nullif(reltype, 0), oid),
    CASE relkind WHEN 'c' THEN 'pg_type' ELSE '' END), obj_description(oid, 'pg_class')
FROM pg_catalog.pg_class
WHERE relkind = ANY (%s) AND oid IN ({MEMBERS.format('pg_class')}
    UNION SELECT typrelid FROM pg_catalog.pg_type WHERE oid IN ({MEMBERS.format('pg_type')}))
ORDER BY relname COLLATE "C"
"""

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def function_entries(cursor):
    """A section for each function; one for all functions of one name and comment."""
    cursor.execute(FUNCTIONS)
    for (name, comment), alike in groupby(cursor.fetchall(), lambda row: (row[0], row[3])):
        signatures = []
        for _, arguments, result, _ in alike:
            indented = arguments.replace(", ", ",\n    ") if len(arguments) > 80 else arguments
            opened = "(\n    " if indented != arguments else "("
            returned = f"\nRETURNS {result}" if result else ""
            signatures.append(f"{name}{opened}{indented}){returned}\n")
        yield f"### {name}\n\n```text\n{''.join(signatures)}```\n\n{comment}.\n\n"


def relation_entries(cursor, kinds):
    """A section for each row type, table or view, with a table of its columns."""
    cursor.execute(RELATIONS, [kinds])
    for oid, name, of_type, of_class in cursor.fetchall():
        cursor.execute(COLUMNS, [oid])
        columns = "".join(f"| `{column}` | {kind} | {(said or '').replace('|', chr(92) + '|')} |\n"
                          for column, kind, said in cursor.fetchall())
        yield (f"### {name}\n\n{of_type or of_class}.\n\n"
               f"| column | type | |\n|---|---|---|\n{columns}\n")


def make_page(cursor):
    """The page, generated from the catalog."""
    return "".join([HEAD, "## Functions and procedures\n\n", *function_entries(cursor),
                    "## Row types\n\n", *relation_entries(cursor, ["c"]),
                    "## Tables and views\n\n", *relation_entries(cursor, ["r", "v"])]
                   ).rstrip("\n") + "\n"


if __name__ == "__main__":
    with closing(open_session()) as opened:
        opened.cursor().execute("CREATE EXTENSION healthlake")
        print(make_page(opened.cursor()), end="")
