// What emulator_javascript.py runs in node: the AWS SDK for JavaScript against the
// emulator. Prints the Test Anything Protocol. Arguments: the folder with node_modules,
// the address over HTTP, the address over TLS.

import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, http, https] = process.argv.slice(2);
const sdk = createRequire(join(folder, "package.json"))("@aws-sdk/client-healthlake");
const keys = { accessKeyId: "AKIDEXAMPLE",
               secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const role = "arn:aws:iam::123456789012:role/import";
const bucket = { S3Configuration: { S3Uri: "s3://bucket/out/", KmsKeyId: "alias/health" } };
let count = 0;

function ok(holds, what, why) {
  count += 1;
  console.log(`${holds ? "ok" : "not ok"} ${count} - ${what}`);
  if (!holds) {
    console.log(`# ${String(why).replaceAll("\n", "\n# ")}`);
    process.exitCode = 1;
  }
}

function client(changes = {}) {
  return new sdk.HealthLakeClient({ endpoint: http, region: "us-east-1", credentials: keys,
                                    maxAttempts: 1, ...changes });
}

// The reply of an operation by its name.
function call(lake, operation, members = {}) {
  return lake.send(new sdk[`${operation}Command`](members));
}

// What an operation fails with.
async function failure(lake, operation, members = {}) {
  try {
    await call(lake, operation, members);
  } catch (error) {
    return error;
  }
  return { name: "nothing" };
}

async function control(door, said) {
  const reply = await fetch(`${http}/_emulator/${door}`,
    said === undefined ? {} : { method: "POST", body: JSON.stringify(said) });
  return reply.json();
}

// Every operation that this SDK knows.
async function everyOperation(where, endpoint) {
  const lake = client({ endpoint });
  const made = await call(lake, "CreateFHIRDatastore", {
    DatastoreName: "station 7 病房 Zürich", DatastoreTypeVersion: "R4",
    Tags: [{ Key: "env", Value: "prod" }] });
  const DatastoreId = made.DatastoreId;
  const ResourceARN = made.DatastoreArn;
  ok(made.DatastoreStatus === "CREATING", `${where}: CreateFHIRDatastore`, made);
  await call(lake, "DescribeFHIRDatastore", { DatastoreId });
  const told = (await call(lake, "DescribeFHIRDatastore", { DatastoreId })).DatastoreProperties;
  ok(told.DatastoreStatus === "ACTIVE" && told.DatastoreName === "station 7 病房 Zürich" &&
     told.CreatedAt instanceof Date, `${where}: DescribeFHIRDatastore`, JSON.stringify(told));
  const list = await call(lake, "ListFHIRDatastores", {
    Filter: { CreatedAfter: new Date(Date.now() - 60000.5) } });
  ok(list.DatastorePropertiesList.some((one) => one.DatastoreId === DatastoreId),
     `${where}: ListFHIRDatastores`, JSON.stringify(list));
  await call(lake, "TagResource", { ResourceARN, Tags: [{ Key: "team", Value: "" }] });
  await call(lake, "UntagResource", { ResourceARN, TagKeys: ["env"] });
  const tags = (await call(lake, "ListTagsForResource", { ResourceARN })).Tags;
  ok(JSON.stringify(tags) === '[{"Key":"team","Value":""}]',
     `${where}: TagResource, UntagResource, ListTagsForResource`, JSON.stringify(tags));
  await everyJob(where, lake, DatastoreId);
  const gone = await call(lake, "DeleteFHIRDatastore", { DatastoreId });
  ok(gone.DatastoreStatus === "DELETING", `${where}: DeleteFHIRDatastore`, gone);
}

async function everyJob(where, lake, DatastoreId) {
  const brought = await call(lake, "StartFHIRImportJob", {
    InputDataConfig: { S3Uri: "s3://bucket/in/" }, JobOutputDataConfig: bucket, DatastoreId,
    DataAccessRoleArn: role });
  const taken = await call(lake, "StartFHIRExportJob", {
    OutputDataConfig: bucket, DatastoreId, DataAccessRoleArn: role });
  ok(brought.JobStatus === "SUBMITTED" && taken.JobStatus === "SUBMITTED",
     `${where}: StartFHIRImportJob, StartFHIRExportJob`);
  const first = await call(lake, "DescribeFHIRImportJob", { DatastoreId, JobId: brought.JobId });
  const second = await call(lake, "DescribeFHIRExportJob", { DatastoreId, JobId: taken.JobId });
  ok(first.ImportJobProperties.InputDataConfig.S3Uri === "s3://bucket/in/" &&
     second.ExportJobProperties.SubmitTime instanceof Date,
     `${where}: DescribeFHIRImportJob, DescribeFHIRExportJob`);
  const imports = await call(lake, "ListFHIRImportJobs", { DatastoreId });
  const exports = await call(lake, "ListFHIRExportJobs", { DatastoreId });
  ok(imports.ImportJobPropertiesList.length === 1 && exports.ExportJobPropertiesList.length === 1,
     `${where}: ListFHIRImportJobs, ListFHIRExportJobs`);
}

async function everyRefusal() {
  const wrong = { ...keys, secretAccessKey: "wrong" };
  const unknown = { ...keys, accessKeyId: "AKIANOBODY" };
  await control("state", { expired_tokens: ["stale"] });
  for (const [what, credentials, name] of [
    ["a wrong secret", wrong, "InvalidSignatureException"],
    ["an unknown key", unknown, "UnrecognizedClientException"],
    ["an expired token", { ...keys, sessionToken: "stale" }, "ExpiredTokenException"],
    ["a good token", { ...keys, sessionToken: "fresh" }, "nothing"],
  ]) {
    const error = await failure(client({ credentials }), "ListFHIRDatastores");
    ok(error.name === name, `signature: ${what}: ${name}`, error);
  }
  const error = await failure(client(), "CreateFHIRDatastore", { DatastoreTypeVersion: "R5" });
  ok(error instanceof sdk.ValidationException &&
     error.message.startsWith("1 validation error detected: Value 'R5' at 'datastoreTypeVersion'"),
     "a bad request is a ValidationException with its message", error);
  const missing = await failure(client(), "DescribeFHIRDatastore", { DatastoreId: "none" });
  ok(missing instanceof sdk.ResourceNotFoundException, "what is not there is not found", missing);
}

async function everyRetry() {
  await control("reset", {});
  await control("next", [{ reset: true, apply: true }, { error: "ThrottlingException" }]);
  await call(client({ maxAttempts: 3 }), "CreateFHIRDatastore", { DatastoreTypeVersion: "R4" });
  const log = await control("log");
  ok(log.map((entry) => entry.attempt).join() === "1,2,3", "three attempts are logged");
  ok(new Set(log.map((entry) => JSON.parse(entry.body).ClientToken)).size === 1,
     "with one client token");
  ok((await control("state")).stores === 1, "and made one data store");
  await control("reset", {});
  await control("state", { clock: 3600 });
  const skewed = await call(client({ maxAttempts: 3 }), "ListFHIRDatastores");
  const entries = await control("log");
  ok(skewed.DatastorePropertiesList.length === 0 &&
     entries.map((entry) => entry.signature).join() === "InvalidSignatureException,ok",
     "an SDK that corrects its clock is let in at its second attempt", JSON.stringify(entries));
  await control("reset", {});
}

async function everyPage() {
  await control("stores", Array.from({ length: 25 }, () => ({ DatastoreName: "x" })));
  const found = [];
  for await (const page of sdk.paginateListFHIRDatastores({ client: client(), pageSize: 10 }, {})) {
    found.push(page.DatastorePropertiesList.length);
  }
  ok(found.join() === "10,10,5", "the SDK's paginator goes through all pages", found);
}

try {
  await everyOperation("http", http);
  await everyOperation("https", https);
  const log = await control("log");
  ok(log.every((entry) => entry.signature === "ok"), "every signature verified");
  await everyRefusal();
  await everyRetry();
  await everyPage();
} catch (error) {
  ok(false, "nothing unexpected happens", error.stack);
}
console.log(`1..${count}`);
