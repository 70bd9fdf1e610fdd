"""The objects of HealthLake: data stores, jobs and profiles, with the changes of their status."""

import os

PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"),
              ("us-iso-", "aws-iso"))
IMPORT_SIZE = 1000


def new_id():
    """32 hexadecimal digits, as HealthLake's identifiers are."""
    return os.urandom(16).hex()


def request_id():
    """A UUID, as in x-amzn-RequestId."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def partition(region):
    """The partition that ARNs of the region have."""
    return next((name for prefix, name in PARTITIONS if region.startswith(prefix)), "aws")


def milliseconds(seconds):
    """A time as AWS writes it in JSON."""
    return round(seconds, 3)


class LifeCycle:
    """A status and its automatic transitions."""

    def __init__(self, settings, now, first, *following):
        self.settings = settings
        self.status = first
        self.following = list(following)
        self.since = now
        self.looks = 0

    def go(self, now, *statuses):
        """Begins another transition."""
        self.status, *self.following = statuses
        self.since = now
        self.looks = 0

    def look(self, now, counts=True):
        """The current status; each call counts as a description."""
        while self.following and self.is_due(now):
            age = self.settings.settle_after_seconds
            self.since = now if age is None else self.since + age
            self.status = self.following.pop(0)
            self.looks = 0
        if counts:
            self.looks += 1
        return self.status

    def is_due(self, now):
        """Whether the current status was described often enough, or has lasted long enough."""
        looks, age = self.settings.settle_after_describes, self.settings.settle_after_seconds
        return (looks is not None and self.looks >= looks) or \
            (age is not None and now - self.since >= age)


class Store:
    """A data store."""

    __slots__ = ("id", "region", "arn", "endpoint", "created", "request", "tags", "life",
                 "cause", "restored_from", "placed", "deleted")

    def __init__(self, request, caller, account, life, now):
        self.id = new_id()
        self.region = caller.region
        self.arn = (f"arn:{partition(self.region)}:healthlake:{self.region}:{account}:"
                    f"datastore/fhir/{self.id}")
        self.endpoint = f"https://healthlake.{self.region}.amazonaws.com/datastore/{self.id}/r4/"
        self.created = milliseconds(now)
        self.request = request
        self.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
        self.life = life
        self.cause = None
        self.restored_from = None
        self.placed = {}
        self.deleted = None

    def name(self):
        """The name; AWS generates one if it is missing."""
        return self.request.get("DatastoreName") or "Datastore_" + self.id[:8]

    def brief(self, status):
        """The reply of a creation or deletion."""
        return {"DatastoreId": self.id, "DatastoreArn": self.arn, "DatastoreStatus": status,
                "DatastoreEndpoint": self.endpoint}

    def properties(self, status, now):
        """The reply of a description."""
        request = self.request
        told = {**self.brief(status), "DatastoreName": self.name(), "CreatedAt": self.created,
                "DatastoreTypeVersion": request.get("DatastoreTypeVersion", "R4"),
                "SseConfiguration": request.get("SseConfiguration") or
                {"KmsEncryptionConfig": {"CmkType": "AWS_OWNED_KMS_KEY"}},
                "IdentityProviderConfiguration": request.get("IdentityProviderConfiguration") or
                {"AuthorizationStrategy": "AWS_AUTH", "FineGrainedAuthorizationEnabled": False},
                "AnalyticsConfiguration": request.get("AnalyticsConfiguration") or
                {"Status": "ENABLED"},
                "NlpConfiguration": request.get("NlpConfiguration") or {"Status": "DISABLED"}}
        for member in ("PreloadDataConfig", "ProfileConfiguration"):
            if request.get(member):
                told[member] = request[member]
        if request.get("BackupConfiguration"):
            told["BackupStatusInfo"] = self.backup(now)
        if self.cause and status in ("CREATE_FAILED", "UPDATE_FAILED"):
            told["ErrorCause"] = self.cause
        return {**told, **self.placed}

    def backup(self, now):
        """The data of its backups."""
        told = {"Configuration": self.request["BackupConfiguration"],
                "BackupEnabledAt": self.created, "EarliestRestorePoint": self.created,
                "LatestRestorePoint": milliseconds(now)}
        if self.deleted:
            days = self.request["BackupConfiguration"].get("RetentionPeriodInDays", 7)
            told["ScheduledPermanentDeletionTime"] = milliseconds(self.deleted + days * 86400)
        return told


class Job:
    """An import, an export or a transformation."""

    def __init__(self, kind, request, region, life, now):
        self.kind = kind
        self.id = new_id()
        self.request = request
        self.region = region
        self.life = life
        self.submitted = milliseconds(now)
        self.ended = None


class Profile:
    """A data transformation profile: a draft (version 0) and published versions."""

    def __init__(self, request, mapping, caller, account, now):
        self.id = new_id()
        self.region = caller.region
        self.arn = (f"arn:{partition(self.region)}:healthlake:{self.region}:{account}:"
                    f"dataTransformationProfile/{self.id}")
        self.request = request
        self.tags = dict(request.get("Tags") or {})
        self.versions = [{"mapping": mapping, "at": milliseconds(now), "change": None}]

    def told(self, number):
        """The members that every reply about a version has."""
        version = self.versions[number]
        told = {"ProfileId": self.id, "Version": number,
                "SourceFormat": self.request["SourceFormat"], "TargetFormat": "FHIR_R4",
                "ProfileName": self.request["ProfileName"], "LastUpdatedAt": version["at"]}
        if self.request.get("ProfileDescription") is not None:
            told["ProfileDescription"] = self.request["ProfileDescription"]
        if version["change"] is not None:
            told["ChangeDescription"] = version["change"]
        return told


def progress(status):
    """The progress of an import of a thousand resources."""
    share = {"SUBMITTED": 0, "QUEUED": 0, "IN_PROGRESS": IMPORT_SIZE // 2}.get(status, IMPORT_SIZE)
    errors = 1 if status == "COMPLETED_WITH_ERRORS" else 0
    return {"TotalNumberOfScannedFiles": 10 if share else 0, "TotalSizeOfScannedFilesInMB": 12.5,
            "TotalNumberOfImportedFiles": share // 100,
            "TotalNumberOfResourcesScanned": IMPORT_SIZE,
            "TotalNumberOfResourcesImported": share - errors,
            "TotalNumberOfResourcesWithCustomerError": errors,
            "TotalNumberOfFilesReadWithCustomerError": errors, "Throughput": 250.5}


def conversion(status):
    """The progress of a transformation of ten files."""
    done = {"SUBMITTED": 0, "QUEUED": 0, "IN_PROGRESS": 5}.get(status, 10)
    failed = 1 if status == "COMPLETED_WITH_ERRORS" else 0
    return {"TotalFilesScanned": 10, "TotalFilesConverted": done - failed,
            "TotalFilesFailed": failed, "TotalResourcesGenerated": done * 100}
