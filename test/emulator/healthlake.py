"""HealthLake: its 26 operations on data stores, jobs and profiles in memory."""

import base64
import json
import threading
import time

import eventstream
import wire
from resources import (Job, LifeCycle, Profile, Store, conversion, milliseconds, progress,
                       request_id)
from shapes import Model, NotSerializable
from wire import Fault

TARGET = "HealthLake."
CONTENT_TYPE = "application/x-amz-json-1.0"
NAMESPACE = "com.amazonaws.healthlake#"
TRANSITIONS = ("CREATING", "UPDATING", "DELETING")


class HealthLake:
    """The service: finds the operation, checks the request against the model, performs it."""

    name = "healthlake"
    protocol = "json"
    tolerance = None

    def __init__(self, settings):
        self.settings = settings
        self.model = Model()
        self.lock = threading.RLock()
        self.performers = {operation: getattr(self, snake(operation))
                           for operation in self.model.operations}
        self.reset()

    def reset(self):
        """Forgets everything."""
        with self.lock:
            self.stores, self.jobs, self.profiles = {}, {}, {}
            self.tokens, self.conversations = {}, set()

    # Called by the router

    @staticmethod
    def claims(_request):
        """HealthLake gets all requests that no other service claims."""
        return True

    @staticmethod
    def signed(_operation):
        """Every request is signed."""
        return True

    @staticmethod
    def operation(request):
        """The operation in X-Amz-Target, which may be unknown."""
        target = request.fields.get("x-amz-target", "")
        return target[len(TARGET):] if target.startswith(TARGET) else None

    @staticmethod
    def success(body):
        """A reply of status 200."""
        return wire.Reply(200, [("x-amzn-RequestId", request_id()),
                                ("Content-Type", CONTENT_TYPE)], body)

    @staticmethod
    def failure(status, code, message):
        """An error reply; modelled errors have the service's namespace."""
        modelled = code in ERRORS
        said = {"__type": (NAMESPACE if modelled else "") + code}
        if message is not None:
            said["Message" if modelled else "message"] = message
        return wire.Reply(status, [("x-amzn-RequestId", request_id()),
                                   ("Content-Type", CONTENT_TYPE)],
                          json.dumps(said, ensure_ascii=False).encode(), code)

    def perform(self, operation, request, caller, now):
        """The reply to a request that was let in."""
        try:
            body = self.parse(operation, request)
            self.check(operation, body)
            with self.lock:
                self.spend(operation)
                reply = self.performers[operation](body, caller, now)
            return self.answered(operation, reply)
        except Fault as fault:
            return self.failure(fault.status, fault.code, fault.message)

    @staticmethod
    def streamed(body):
        """A reply with an event stream, already in chunks."""
        return wire.Reply(200, [("x-amzn-RequestId", request_id()),
                                ("Content-Type", eventstream.CONTENT_TYPE),
                                ("Transfer-Encoding", "chunked")], body)

    def answered(self, operation, reply):
        """A success: JSON, or a stream of the events in a member."""
        member = self.model.stream_member(operation)
        reply = self.completed(operation, reply)
        if member is None:
            return self.success(eventstream.written(reply))
        return self.streamed(eventstream.chunked(eventstream.events_of(member, reply)))

    def spend(self, operation):
        """Takes one request of an operation's quota, or throttles it."""
        every, now = self.settings.quotas.get(operation), time.monotonic()
        if every is None:
            return
        if now < self.settings.taken.get(operation, 0) + every:
            raise Fault("ThrottlingException", "Rate exceeded")
        self.settings.taken[operation] = now

    def parse(self, operation, request):
        """The body as an object."""
        kind = request.fields.get("content-type", "")
        if request.method != "POST" or kind != CONTENT_TYPE:
            raise Fault("UnknownOperationException", None, 404)
        if operation not in self.performers:
            raise Fault("UnknownOperationException", None)
        try:
            return json.loads(request.body.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError) as fault:
            raise Fault("SerializationException", str(fault)) from None

    def check(self, operation, body):
        """Raises if the body is not valid by the model."""
        try:
            faults = self.model.check(operation, body)
        except NotSerializable as fault:
            raise Fault("SerializationException", str(fault)) from None
        if self.settings.unknown_members == "refuse":
            known = self.model.shapes[self.model.input_shape(operation)]["members"]
            faults += [f"Value at '{name}' failed to satisfy constraint: Member must be known"
                       for name in body if name not in known]
        if faults:
            plural = "s" if len(faults) > 1 else ""
            raise Fault("ValidationException", f"{len(faults)} validation error{plural} detected: "
                        + "; ".join(faults))

    def completed(self, operation, reply):
        """The reply with the members that the settings ask for."""
        if self.settings.members == "all":
            return self.model.fill(reply, self.model.output_shape(operation))
        if self.settings.members == "required":
            return self.model.strip(reply, self.model.output_shape(operation))
        return reply

    # Shared by operations

    def once(self, operation, body, caller, now, make):
        """The object that was created with this client token before, or a new one."""
        token = body.get("ClientToken")
        if token is None:
            return make()
        asked = {name: value for name, value in body.items() if value is not None}
        where = (operation, caller.region, token)
        known = self.tokens.get(where)
        lifetime = self.settings.token_lifetime
        if known and (lifetime is None or now - known[2] < lifetime):
            if known[0] != asked:
                raise Fault("ConflictException", "The client token was already used with "
                            "other parameters in an earlier request.")
            return known[1]
        made = make()
        self.tokens[where] = (asked, made, now)
        return made

    def life(self, now, *statuses):
        """A new life cycle."""
        return LifeCycle(self.settings, now, *statuses)

    def find_store(self, id, caller):
        """The data store of this id in the caller's region."""
        store = self.stores.get(id)
        if store is None or store.region != caller.region:
            raise Fault("ResourceNotFoundException", f"Data store {id} was not found.")
        return store

    def page(self, items, body, limit=None):
        """A page of the list, and the token of the next one."""
        size = body.get("MaxResults") or limit or self.settings.page_size
        start = 0
        if body.get("NextToken"):
            try:
                start = int(base64.b64decode(body["NextToken"], validate=True))
            except ValueError:
                raise Fault("ValidationException", "NextToken is not valid.") from None
        told = items[start:start + size]
        if start + size < len(items):
            return told, base64.b64encode(str(start + size).encode()).decode()
        return told, None

    def listing(self, member, items, body):
        """A reply with a page of the list in this member."""
        told, token = self.page(items, body)
        return {member: told} if token is None else {member: told, "NextToken": token}

    # Data stores

    def make_store(self, body, caller, now):
        """A data store that is being created."""
        failing = self.settings.create_fails
        life = self.life(now, "CREATING", "CREATE_FAILED" if failing else "ACTIVE")
        store = Store(body, caller, self.settings.account, life, now)
        store.cause = failing or None
        self.stores[store.id] = store
        return store

    def create_fhir_datastore(self, body, caller, now):
        """CreateFHIRDatastore"""
        key = (body.get("SseConfiguration") or {}).get("KmsEncryptionConfig", {})
        if key.get("CmkType") == "CUSTOMER_MANAGED_KMS_KEY" and not key.get("KmsKeyId"):
            raise Fault("ValidationException",
                        "KmsKeyId must be provided for CUSTOMER_MANAGED_KMS_KEY.")
        if (body.get("AnalyticsConfiguration") or {}).get("Status") == "DISABLED":
            raise Fault("ValidationException",
                        "AnalyticsConfiguration cannot be DISABLED when a data store is created.")
        store = self.once("CreateFHIRDatastore", body, caller, now,
                          lambda: self.make_store(body, caller, now))
        return store.brief(store.life.look(now, counts=False))

    def restore_fhir_datastore(self, body, caller, now):
        """RestoreFHIRDatastore"""
        source = self.find_store(body["SourceDatastoreId"], caller)
        if not source.request.get("BackupConfiguration"):
            raise Fault("ValidationException",
                        f"Data store {source.id} has no backups to restore from.")
        asked = {"DatastoreTypeVersion": "R4", **body}

        def make():
            store = self.make_store(asked, caller, now)
            store.restored_from = source.id
            return store
        store = self.once("RestoreFHIRDatastore", body, caller, now, make)
        return store.brief(store.life.look(now, counts=False))

    def describe_fhir_datastore(self, body, caller, now):
        """DescribeFHIRDatastore"""
        store = self.find_store(body["DatastoreId"], caller)
        return {"DatastoreProperties": store.properties(store.life.look(now), now)}

    def list_fhir_datastores(self, body, caller, now):
        """ListFHIRDatastores"""
        wanted = body.get("Filter") or {}
        stores = [store.properties(store.life.look(now, counts=False), now)
                  for store in self.stores.values() if store.region == caller.region]
        found = [told for told in stores
                 if wanted.get("DatastoreName") in (None, told["DatastoreName"])
                 and wanted.get("DatastoreStatus") in (None, told["DatastoreStatus"])
                 and within(told["CreatedAt"], wanted.get("CreatedAfter"),
                            wanted.get("CreatedBefore"))]
        return self.listing("DatastorePropertiesList", found, body)

    def update_fhir_datastore(self, body, caller, now):
        """UpdateFHIRDatastore"""
        store = self.find_store(body["DatastoreId"], caller)
        self.refuse_transition(store, now)
        changes = {name: value for name, value in body.items()
                   if name != "DatastoreId" and value is not None}
        store.request = {**store.request, **changes}  # a structure is replaced as a whole
        for name in changes:
            store.placed.pop("BackupStatusInfo" if name == "BackupConfiguration" else name, None)
        failing = self.settings.update_fails
        store.cause = failing or None
        store.life.go(now, "UPDATING", "UPDATE_FAILED" if failing else "ACTIVE")
        return {"DatastoreProperties": store.properties("UPDATING", now)}

    def delete_fhir_datastore(self, body, caller, now):
        """DeleteFHIRDatastore"""
        store = self.find_store(body["DatastoreId"], caller)
        self.refuse_transition(store, now)
        store.deleted = now
        store.life.go(now, "DELETING", "DELETED")
        return store.brief("DELETING")

    @staticmethod
    def refuse_transition(store, now):
        """Refuses to change a data store in a transition, or a deleted one."""
        status = store.life.look(now, counts=False)
        if status in TRANSITIONS:
            raise Fault("ConflictException", f"Data store {store.id} is in status {status}.")
        if status == "DELETED":
            raise Fault("ResourceNotFoundException", f"Data store {store.id} was not found.")

    # Tags

    def find_tagged(self, arn):
        """The data store or profile of this ARN."""
        id = arn.rpartition("/")[2]
        found = self.stores.get(id) or self.profiles.get(id)
        if found is None or found.arn != arn:
            raise Fault("ResourceNotFoundException", f"Resource {arn} was not found.")
        return found

    def tag_resource(self, body, _caller, _now):
        """TagResource"""
        found = self.find_tagged(body["ResourceARN"])
        found.tags.update({tag["Key"]: tag["Value"] for tag in body["Tags"]})
        return {}

    def untag_resource(self, body, _caller, _now):
        """UntagResource"""
        found = self.find_tagged(body["ResourceARN"])
        for key in body["TagKeys"]:
            found.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, body, _caller, _now):
        """ListTagsForResource"""
        found = self.find_tagged(body["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}

    # Imports and exports

    def start_job(self, operation, kind, body, caller, now):
        """A job that was just submitted."""
        def make():
            life = self.life(now, "SUBMITTED", "IN_PROGRESS", self.settings.job_outcome)
            job = Job(kind, body, caller.region, life, now)
            self.jobs[job.id] = job
            return job
        return self.once(operation, body, caller, now, make)

    def start_store_job(self, operation, kind, body, caller, now):
        """A job on a data store, which must be active."""
        store = self.find_store(body["DatastoreId"], caller)
        status = store.life.look(now, counts=False)
        if status != "ACTIVE":
            raise Fault("ValidationException",
                        f"Data store {store.id} must be ACTIVE; it is {status}.")
        job = self.start_job(operation, kind, body, caller, now)
        return {"JobId": job.id, "JobStatus": job.life.look(now, counts=False),
                "DatastoreId": store.id}

    def start_fhir_import_job(self, body, caller, now):
        """StartFHIRImportJob"""
        return self.start_store_job("StartFHIRImportJob", "import", body, caller, now)

    def start_fhir_export_job(self, body, caller, now):
        """StartFHIRExportJob"""
        return self.start_store_job("StartFHIRExportJob", "export", body, caller, now)

    def find_job(self, kind, body, caller):
        """The job that a request names."""
        job = self.jobs.get(body["JobId"])
        if job is None or job.kind != kind or job.region != caller.region or \
                body.get("DatastoreId") not in (None, job.request.get("DatastoreId")):
            raise Fault("ResourceNotFoundException", f"Job {body['JobId']} was not found.")
        return job

    def job_properties(self, job, now, counts):
        """The description of an import or export."""
        status = job.life.look(now, counts)
        told = {"JobId": job.id, "JobStatus": status, "SubmitTime": job.submitted}
        for member in JOB_MEMBERS[job.kind]:
            if job.request.get(member) is not None:
                told[member] = job.request[member]
        if not job.life.following:
            job.ended = job.ended or milliseconds(now)
            told["EndTime"] = job.ended
            if self.settings.job_message:
                told["Message"] = self.settings.job_message
        if job.kind == "import":
            told["JobProgressReport"] = progress(status)
        elif job.kind == "transformation":
            told["JobProgressReport"] = conversion(status)
        return told

    def list_store_jobs(self, kind, member, body, caller, now):
        """Imports or exports of a data store."""
        self.find_store(body["DatastoreId"], caller)
        jobs = [self.job_properties(job, now, False) for job in self.jobs.values()
                if job.kind == kind and job.request["DatastoreId"] == body["DatastoreId"]]
        return self.listing(member, [job for job in jobs if is_wanted(job, body)], body)

    def describe_fhir_import_job(self, body, caller, now):
        """DescribeFHIRImportJob"""
        job = self.find_job("import", body, caller)
        return {"ImportJobProperties": self.job_properties(job, now, True)}

    def describe_fhir_export_job(self, body, caller, now):
        """DescribeFHIRExportJob"""
        job = self.find_job("export", body, caller)
        return {"ExportJobProperties": self.job_properties(job, now, True)}

    def list_fhir_import_jobs(self, body, caller, now):
        """ListFHIRImportJobs"""
        return self.list_store_jobs("import", "ImportJobPropertiesList", body, caller, now)

    def list_fhir_export_jobs(self, body, caller, now):
        """ListFHIRExportJobs"""
        return self.list_store_jobs("export", "ExportJobPropertiesList", body, caller, now)

    # Data transformation

    def find_profile(self, body, caller):
        """The profile that a request names."""
        profile = self.profiles.get(body["ProfileId"])
        if profile is None or profile.region != caller.region:
            raise Fault("ResourceNotFoundException",
                        f"Profile {body['ProfileId']} was not found.")
        return profile

    def source_mapping(self, source, caller):
        """The mapping that a new profile begins with."""
        kind, given = next((name, value) for name, value in source.items() if value is not None)
        if kind == "ProfileMapping":
            return dict(given["ProfileMapping"])
        if kind == "ExistingVersionedProfileId":
            profile = self.find_profile(given, caller)
            return dict(self.version(profile, given["Version"])["mapping"])
        return {"Patient": '{"resourceType": "Patient"}'}

    @staticmethod
    def version(profile, number):
        """One version of a profile."""
        if not 0 <= number < len(profile.versions):
            raise Fault("ResourceNotFoundException",
                        f"Profile {profile.id} has no version {number}.")
        return profile.versions[number]

    def create_data_transformation_profile(self, body, caller, now):
        """CreateDataTransformationProfile"""
        def make():
            mapping = self.source_mapping(body["Source"], caller)
            profile = Profile(body, mapping, caller, self.settings.account, now)
            self.profiles[profile.id] = profile
            return profile
        profile = self.once("CreateDataTransformationProfile", body, caller, now, make)
        return profile.told(0)

    def get_data_transformation_profile(self, body, caller, _now):
        """GetDataTransformationProfile"""
        profile = self.find_profile(body, caller)
        number = body.get("ProfileVersion") or 0
        mapping = self.version(profile, number)["mapping"]
        return {**profile.told(number), "ProfileMapping": mapping}

    def list_data_transformation_profiles(self, body, caller, _now):
        """ListDataTransformationProfiles"""
        found = [told_of(profile.told(len(profile.versions) - 1), "ChangeDescription")
                 for profile in self.profiles.values() if profile.region == caller.region
                 and profile.request["SourceFormat"] == body["SourceFormat"]]
        return self.listing("Items", found, body)

    def list_data_transformation_profile_versions(self, body, caller, _now):
        """ListDataTransformationProfileVersions"""
        profile = self.find_profile(body, caller)
        found = [told_of(profile.told(number), "ProfileDescription")
                 for number in range(len(profile.versions))]
        return self.listing("Items", found, body)

    def update_data_transformation_profile(self, body, caller, now):
        """UpdateDataTransformationProfile"""
        profile = self.find_profile(body, caller)
        profile.versions[0] = {"mapping": dict(body["ProfileMapping"]), "at": milliseconds(now),
                               "change": body.get("ChangeDescription")}
        return told_of(profile.told(0), "Version", "ChangeDescription", "ProfileDescription")

    def publish_data_transformation_profile(self, body, caller, now):
        """PublishDataTransformationProfile"""
        profile = self.find_profile(body, caller)
        source = self.version(profile, body.get("FromExistingVersion") or 0)
        if len(profile.versions) > 99:
            raise Fault("ServiceQuotaExceededException",
                        f"Profile {profile.id} has 99 versions.", 400)
        profile.versions.append({"mapping": dict(source["mapping"]), "at": milliseconds(now),
                                 "change": body.get("ChangeDescription")})
        return told_of(profile.told(len(profile.versions) - 1), "ChangeDescription",
                       "ProfileDescription")

    def delete_data_transformation_profile(self, body, caller, now):
        """DeleteDataTransformationProfile"""
        profile = self.find_profile(body, caller)
        del self.profiles[profile.id]
        return {"ProfileId": profile.id, "ProfileName": profile.request["ProfileName"],
                "DeletionTime": milliseconds(now)}

    def update_profile_with_agent(self, body, caller, _now):
        """UpdateProfileWithAgent"""
        self.find_profile(body, caller)
        conversation = body.get("ConversationId") or request_id()
        if body.get("ConversationId") and conversation not in self.conversations:
            raise Fault("ResourceNotFoundException",
                        f"Conversation {conversation} was not found.")
        self.conversations.add(conversation)
        return {"AgentResponse": [
            {"ProgressEvent": {"Message": "Reading the profile"}}, {"HeartbeatEvent": {}},
            {"TextMessageEvent": {"Message": "You said: " + body["InputMessage"]["Body"]}},
            {"EndOfOutputEvent": {"FinalResponseMessage": "What next?",
                                  "Options": ["Go on", "Stop"],
                                  "ConversationId": conversation}}]}

    def start_data_transformation_job(self, body, caller, now):
        """StartDataTransformationJob"""
        self.find_profile(body, caller)
        job = self.start_job("StartDataTransformationJob", "transformation", body, caller, now)
        return {"JobId": job.id, "JobStatus": job.life.look(now, counts=False)}

    def describe_data_transformation_job(self, body, caller, now):
        """DescribeDataTransformationJob"""
        job = self.find_job("transformation", body, caller)
        told = self.job_properties(job, now, True)
        profile = self.profiles.get(job.request["ProfileId"])
        if profile is not None:
            told["ProfileName"] = profile.request["ProfileName"]
            told["ProfileVersion"] = len(profile.versions) - 1
        return {"TransformationJobProperties": told}

    def list_data_transformation_jobs(self, body, caller, now):
        """ListDataTransformationJobs"""
        found = []
        for job in self.jobs.values():
            if job.kind == "transformation" and job.region == caller.region:
                told = self.job_properties(job, now, False)
                brief = {name: told[name] for name in
                         ("JobId", "JobStatus", "SubmitTime", "JobName", "EndTime")
                         if name in told}
                source = job.request["InputDataConfig"].get("SourceFormat")
                found.append({**brief, "SourceFormat": source} if source else brief)
        return self.listing("Items", [job for job in found if is_wanted(job, body)], body)

    # Called by control

    def shown_stores(self, now):
        """Every data store: its properties, region, tags and the request that made it."""
        with self.lock:
            return [{**store.properties(store.life.look(now, counts=False), now),
                     "Region": store.region, "Tags": store.tags, "Request": store.request,
                     "RestoredFrom": store.restored_from}
                    for store in self.stores.values()]

    def place_stores(self, said, now):
        """Creates data stores, or changes existing ones; returns their ids."""
        placed = []
        with self.lock:
            for one in said if isinstance(said, list) else [said]:
                placed.append(self.place_store(dict(one), now).id)
        return placed

    def place_store(self, said, now):
        """Creates a data store with these properties, with a final status."""
        region = said.pop("Region", "us-east-1")
        status = said.pop("DatastoreStatus", "ACTIVE")
        store = self.stores.get(said.get("DatastoreId"))
        if store is None:
            store = Store(said, PlacedIn(region), self.settings.account,
                          self.life(now, status), now)
            if "DatastoreId" in said:
                store.id = said["DatastoreId"]
                store.arn = store.arn.rpartition("/")[0] + "/" + store.id
            self.stores[store.id] = store
        store.life.go(now, status)
        store.placed.update({name: value for name, value in said.items()
                             if name not in ("Tags", "DatastoreId")})
        store.cause = said.get("ErrorCause", store.cause)
        store.created = said.get("CreatedAt", store.created)
        store.request = {**store.request, **said}
        return store


class PlacedIn:
    """Stands for the caller if a test creates a data store directly."""

    def __init__(self, region):
        self.region = region


JOB_MEMBERS = {
    "import": ("JobName", "DatastoreId", "InputDataConfig", "JobOutputDataConfig",
               "DataAccessRoleArn", "ValidationLevel"),
    "export": ("JobName", "DatastoreId", "OutputDataConfig", "DataAccessRoleArn"),
    "transformation": ("InputDataConfig", "OutputDataConfig", "DataAccessRoleArn", "JobName",
                       "ProfileId", "DriftDetectionEnabled", "ProvenanceEnabled"),
}

ERRORS = {name for name, shape in Model().shapes.items() if shape.get("exception")}


def snake(operation):
    """An operation's method: create_fhir_datastore for CreateFHIRDatastore."""
    words, word = [], ""
    for index, letter in enumerate(operation):
        after = operation[index + 1:index + 2]
        if letter.isupper() and word and (word[-1].islower() or after.islower()):
            words.append(word)
            word = ""
        word += letter
    return "_".join(words + [word]).lower()


def refuse_constant(name):
    """Refuses NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is not valid JSON")


def within(when, after, before):
    """Whether a time lies between two that may be missing."""
    return (after is None or when >= after) and (before is None or when <= before)


def told_of(told, *without):
    """A reply without some members."""
    return {name: value for name, value in told.items() if name not in without}


def is_wanted(job, body):
    """Whether a job passes the filters of a list."""
    return body.get("JobName") in (None, job.get("JobName")) and \
        body.get("JobStatus") in (None, job["JobStatus"]) and \
        within(job["SubmitTime"], body.get("SubmittedAfter"), body.get("SubmittedBefore"))
