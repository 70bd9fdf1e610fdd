"""Requests of every kind, told apart by a number in each, and what effect each has had.

    requests = Mixed(emulator, dice, 150)
    session.run(*requests.enqueue(7))
    requests.effects()                 # {7: 1}: how often each was carried out
"""

import json
from collections import Counter, defaultdict

CREATE, DELETE, TAG = "CreateFHIRDatastore", "DeleteFHIRDatastore", "TagResource"
PUBLISH, IMPORT = "PublishDataTransformationProfile", "StartFHIRImportJob"
# with and without a client token; FHIR requests whose outcome the resource shows, and others
TOKEN = (CREATE, IMPORT)
NO_TOKEN = (DELETE, TAG, PUBLISH)
FOUND = ("fhir create", "fhir update", "fhir delete", "fhir bundle")
BLIND = ("fhir patch", "fhir patch if")
KINDS = (*TOKEN, *NO_TOKEN, *FOUND, *BLIND)
INTERACTIONS = ("fhir:update", "fhir:patch", "fhir:delete", "fhir:bundle")
ROWS = """SELECT (reference ->> 'n')::int, reference ->> 'kind', state,
    extract(epoch FROM first_sent_at)::float, error_message FROM healthlake_request"""
IMPORTED = {"InputDataConfig": {"S3Uri": "s3://bucket/in/"},
            "DataAccessRoleArn": "arn:aws:iam::123456789012:role/import",
            "JobOutputDataConfig": {"S3Configuration": {"S3Uri": "s3://bucket/out/",
                                                        "KmsKeyId": "alias/health"}}}
ACTIVE = json.dumps([{"op": "add", "path": "/active", "value": True}])
# for these kinds the resource exists before, with one version
PLACED = ("fhir update", "fhir delete", *BLIND)


def patient(id, **more):
    """A resource."""
    return {"resourceType": "Patient", "id": id, **more}


class Mixed:
    """A number of requests of all kinds, for one emulator; they are numbered from 0."""

    def __init__(self, emulator, dice, count):
        self.emulator = emulator
        emulator.state(log_limit=200000)
        # each kind equally often, in any order
        self.kinds = [KINDS[number % len(KINDS)] for number in range(count)]
        dice.shuffle(self.kinds)
        self.clinic = emulator.place({"DatastoreName": "clinic"})[0]
        self.stores = emulator.place(*[{"DatastoreName": f"there-{n}"} for n in range(count)])
        self.arn = {store["DatastoreId"]: store["DatastoreArn"] for store in emulator.stores()}
        emulator.write(*({"store": self.clinic, "resource": patient(f"p-{n}"), "ago": 86400}
                         for n, kind in enumerate(self.kinds) if kind in PLACED))

    def slow(self, seconds, once=False):
        """Delays each reply after the request was carried out, or one reply of each kind.

        Earlier steps are used first.
        """
        for operation in (CREATE, DELETE, TAG, IMPORT, *INTERACTIONS):
            two = operation in ("fhir:update", "fhir:patch")
            self.emulator.next(operation=operation, delay=seconds,
                               times=1 + two if once else "always")
        published = {"ProfileId": "0" * 32, "SourceFormat": "CCDA", "Version": 1,
                     "TargetFormat": "FHIR_R4", "LastUpdatedAt": 1700000000}
        self.emulator.next(operation=PUBLISH, delay=seconds, status=200, body=published,
                           times=1 if once else "always")

    def enqueue(self, number):
        """The statement that enqueues a request, and its values."""
        kind = self.kinds[number]
        reference = json.dumps({"n": number, "kind": kind})
        if kind.startswith("fhir"):
            said, values = self.fhir(kind, number)
            return (f"SELECT healthlake_fhir_enqueue_{said}, reference => %s)", *values, reference)
        return ("SELECT healthlake_enqueue(%s, %s, reference => %s)", kind,
                json.dumps(self.request(kind, number)), reference)

    def request(self, kind, number):
        """A request of the control plane."""
        store = self.stores[number]
        return {
            CREATE: {"DatastoreName": f"new-{number}", "DatastoreTypeVersion": "R4"},
            DELETE: {"DatastoreId": store},
            TAG: {"ResourceARN": self.arn[store], "Tags": [{"Key": "n", "Value": str(number)}]},
            PUBLISH: {"ProfileId": f"{number:032d}", "SourceFormat": "CCDA"},
            IMPORT: {"JobName": f"job-{number}", "DatastoreId": store, **IMPORTED}}[kind]

    @staticmethod
    def fhir(kind, number):
        """A request of the data plane: the beginning of the call, and the values."""
        id = f"p-{number}"
        bundle = [{"method": "POST", "url": "Observation", "resource": {
            "resourceType": "Observation", "status": "final", "code": {"text": id}}},
                  {"method": "PUT", "url": f"Patient/{id}", "resource": patient(id)}]
        return {
            "fhir create": ("create(%s", [json.dumps(patient(id))]),
            "fhir update": ("update(%s", [json.dumps(patient(id, active=True))]),
            "fhir delete": ("delete('Patient', %s", [id]),
            "fhir bundle": ("bundle(%s", [json.dumps(bundle)]),
            "fhir patch": ("patch('Patient', %s, %s", [id, ACTIVE]),
            "fhir patch if": ("patch('Patient', %s, %s, if_match => '1'", [id, ACTIVE])}[kind]

    def arrived(self):
        """
        The number of arrivals of each request of the control plane, and the jobs it has started.
        """
        counts, jobs = Counter(), defaultdict(set)
        for entry in self.emulator.log():
            operation = entry["operation"]
            if operation in (DELETE, TAG, PUBLISH):
                counts[self.number_of(operation, json.loads(entry["body"]))] += 1
            elif operation == IMPORT and entry["answer"] and entry["answer"]["status"] == 200:
                number = int(json.loads(entry["body"])["JobName"].rpartition("-")[2])
                jobs[number].add(json.loads(entry["answer"]["body"])["JobId"])
        return counts, jobs

    def number_of(self, operation, body):
        """The number of a request without a token that has arrived."""
        if operation == TAG:
            return int(body["Tags"][0]["Value"])
        if operation == PUBLISH:
            return int(body["ProfileId"])
        return self.stores.index(body["DatastoreId"])

    def effects(self):
        """
        How often each request was carried out, by number; without a token, how often it was sent.
        """
        counts, jobs = self.arrived()
        counts.update({number: len(ids) for number, ids in jobs.items()})
        for store in self.emulator.stores():
            if store["DatastoreName"].startswith("new-"):
                counts[int(store["DatastoreName"].partition("-")[2])] += 1
        versions = Counter(
            one["id"] if one["id"].startswith("p-") else one["resource"]["code"]["text"]
            for one in self.emulator.versions())
        for id, count in versions.items():
            number = int(id.partition("-")[2])
            # a bundle has created two: a patient and an observation
            counts[number] += (count - 1 if self.kinds[number] in PLACED else
                               count / 2 if self.kinds[number] == "fhir bundle" else count)
        return counts
