"""What requests of FHIR's cost, beside libcurl with the same bytes; bench.py prints it.

One warm read, many reads at once, a table that is loaded, and a search of many pages.
"""

import json
import re
import statistics
import tempfile
import time
from pathlib import Path

STORE = "c1cbeeac03514069f5dcaa110f206385"
BASE = f"/datastore/{STORE}/r4/"
READ = "SELECT count(healthlake_fhir_read('Observation', 'o1')) FROM generate_series(1, {})"
READ_MANY = ("SELECT count(*) FILTER (WHERE status = 200) FROM healthlake_fhir_read_many("
             "'Observation', array_fill('o1'::text, ARRAY[{}]))")
SEARCH = ("SELECT count(*) FROM (SELECT healthlake_fhir_search('Observation', max_rows => {})"
          " OFFSET 0) AS found")
FOUND = 100_000  # by a search of all
LOADED = 100_000
BATCH = 100
RESOURCE = {"resourceType": "Patient", "active": True, "birthDate": "1980-04-01"}


def prepare(session):
    """Has a session call the data store that the fast server is.

    A statement of many calls is expensive enough for PostgreSQL to compile it; that takes longer
    than all of its calls here, and is no part of one.
    """
    session.run(f"SET healthlake.datastore_id = '{STORE}'; SET log_min_messages = fatal;"
                " SET healthlake.audit = off; SET jit = off")


def counted(session, url, statement, count):
    """The milliseconds of a statement that counts as many as it is asked for."""
    session.run(f"SET healthlake.endpoint_url = '{url}'")
    began = time.monotonic()
    with session.connection.cursor() as cursor:
        cursor.execute(statement.format(count))
        found = cursor.fetchone()[0]
    if found != count:
        raise RuntimeError(f"{found} instead of {count}: {statement}")
    return (time.monotonic() - began) * 1e3


def read(session, fast, url, rounds, count):
    """One read after the other."""
    bare, ours = [], []
    for _ in range(rounds):
        counted(session, url, READ, count // 10)
        bare.append(fast.bare(url, count, f"{BASE}Observation/o1")[0])
        ours.append(counted(session, url, READ, count) * 1e3 / count)
    ratio = statistics.median(one / other for one, other in zip(ours, bare))
    print(f"one warm read, {url.partition(':')[0]}: {statistics.median(ours):.1f} us,"
          f" {ratio:.2f} times bare libcurl's {statistics.median(bare):.1f} us")
    return ratio


def read_many(session, slow, rounds, count=10_000, most=64):
    """Many reads of a slow endpoint, some in flight."""
    session.run(f"SET healthlake.max_concurrency = {most}")
    bare, ours = [], []
    for _ in range(rounds):
        counted(session, slow.http, READ_MANY, most)
        bare.append(slow.measure(slow.program, "fan", f"{slow.http}{BASE}Observation/o1", slow.ca,
                                 str(count), str(most))[0])
        ours.append(counted(session, slow.http, READ_MANY, count))
    ratio = statistics.median(one / other for one, other in zip(ours, bare))
    print(f"{count} reads at 20 ms, {most} in flight: {statistics.median(ours):.0f} ms,"
          f" {ratio:.3f} times curl_multi's {statistics.median(bare):.0f} ms")
    return ratio


def write_bundles(path):
    """A file of the bundles that a load sends, one a line."""
    with open(path, "w", encoding="ascii") as file:
        for first in range(1, LOADED, BATCH):
            file.write(json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [
                {"request": {"method": "PUT", "url": f"Patient/p{number}"},
                 "resource": {**RESOURCE, "id": f"p{number}"}}
                for number in range(first, first + BATCH)]}) + "\n")


def load(session, fast, rounds, most=8):
    """A table, in batches, some in flight."""
    path = Path(tempfile.mkdtemp(dir=Path(fast.program).parent)) / "bundles"
    write_bundles(path)
    session.run(f"""SET healthlake.endpoint_url = '{fast.http}';
        SET healthlake.max_concurrency = {most};
        DROP TABLE IF EXISTS bench_load; CREATE TABLE bench_load (resource jsonb);
        INSERT INTO bench_load SELECT '{json.dumps(RESOURCE)}'::jsonb || jsonb_build_object('id',
            'p' || i) FROM generate_series(1, {LOADED}) AS i""")
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(fast.measure(fast.program, "post", fast.http + BASE, fast.ca, path,
                                 str(most))[0])
        began = time.monotonic()
        session.run(f"CALL healthlake_fhir_load('bench_load', batch_size => {BATCH},"
                    " restart => true)")
        ours.append((time.monotonic() - began) * 1e3)
    print(f"a load of {LOADED} resources, {BATCH} in a bundle, {most} in flight:"
          f" {LOADED / statistics.median(ours) * 1e3:.0f} a second;"
          f" curl_multi with the same bundles"
          f" {LOADED / statistics.median(bare) * 1e3:.0f} a second")


def peak(session):
    """The most memory that the backend has had, in kB."""
    status = Path(f"/proc/{session.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


def search(session, fast):
    """A search of many pages: its time, and its memory beside a short one's."""
    counted(session, fast.http, SEARCH, 2000)
    before = peak(session)
    took = counted(session, fast.http, SEARCH, FOUND)
    grown = (peak(session) - before) * 1024 / FOUND
    print(f"a search of {FOUND} in pages of 100: {FOUND / took * 1e3:.0f} a second,"
          f" {grown:.1f} bytes of memory for each")
    return grown


def report(session, fresh, fast, slow, rounds):
    """All of it; whether it is within its limits. A session that is fresh has used no memory yet.

    Of reads a round is short, so that what else the machine does falls on both sides of it.
    """
    prepare(session)
    prepare(fresh)
    held = [search(fresh, fast) <= 64,
            *(read(session, fast, url, rounds * 5, 500) <= 1.75 for url in (fast.http, fast.https)),
            read_many(session, slow, rounds) <= 1.2]
    load(session, fast, rounds)
    return all(held)
