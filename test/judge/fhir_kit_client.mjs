// What fhir_kit_client.py runs in node: npm's fhir-kit-client against the emulator, with
// AWS's own signer. Prints a line of JSON for each call: its name and the numbers of the
// requests that it made. Arguments: the folder with node_modules, and JSON of what the calls
// are about.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, text] = process.argv.slice(2);
const given = JSON.parse(text);
const require = createRequire(join(folder, "package.json"));
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");
const { Client } = await import(
  pathToFileURL(join(folder, "node_modules/fhir-kit-client/dist/index.js")));
const base = `${given.http}/datastore/${given.store}/r4/`;
const signer = new SignatureV4({ region: "us-east-1", service: "healthlake", sha256: Sha256,
                                 credentials: given.keys });

// The client's own hook. A query is signed as it is decoded, and a plus in it is a plus; AWS
// wants its own headers signed.
async function sign(url, init) {
  const { hostname, port, host, pathname, search } = new URL(url);
  const headers = { host };
  init.headers.forEach((value, name) => {
    if (name.startsWith("x-amz")) {
      headers[name] = value;
    }
  });
  const query = {};
  for (const pair of search.slice(1).split("&").filter(Boolean)) {
    const at = pair.indexOf("=");
    const name = decodeURIComponent(pair.slice(0, at));
    (query[name] ??= []).push(decodeURIComponent(pair.slice(at + 1)));
  }
  const signed = await signer.sign({ method: init.method, protocol: "http:", hostname, port,
                                     path: pathname, query, body: init.body,
                                     headers });
  for (const [name, value] of Object.entries(signed.headers)) {
    init.headers.set(name, value);
  }
}

const client = new Client({ baseUrl: base, requestSigner: sign });
const bearer = new Client({ baseUrl: base, bearerToken: given.token });
const strict = { postSearch: true, headers: { Prefer: "handling=strict" } };
const { patient, key, bundle, urnBundle, batch, pathPatch, jsonPatch } = given;
const Patient = { resourceType: "Patient" };
const withKey = (key) => ({ headers: { "x-amz-fhir-idempotency-key": key } });
const of = (id, more = {}) => ({ ...patient, id, ...more });

function search(resourceType, searchParams, options = strict) {
  return client.search({ resourceType, searchParams: { ...searchParams, _count: 100 }, options });
}

function update(id, headers = {}) {
  return client.update({ ...Patient, id, body: of(id), options: { headers } });
}

function everything(input) {
  return client.operation({ ...Patient, id: "p1", name: "$everything", method: "GET",
                            input: { ...input, _count: 100 } });
}

// Of what a key has made the client is told the place, and reads it there.
async function createAgain() {
  try {
    await client.create({ ...Patient, body: patient, options: withKey(key[0]) });
  } catch (error) {
    const id = error.config.headers.get("location").split("/").pop();
    await client.read({ ...Patient, id });
  }
}

async function pages() {
  let page = await client.search({ ...Patient, options: strict,
                                   searchParams: { "family:exact": "Page", _count: 2 } });
  for (; page !== undefined; page = await client.nextPage({ bundle: page })) {
    if (page.link.length === 1) {
      break;
    }
  }
}

const calls = {
  "capabilities": () => client.capabilityStatement(),
  "read": () => client.read({ ...Patient, id: "p1" }),
  "read of nobody": () => client.read({ ...Patient, id: "nobody" }),
  "read of an old version": () => client.vread({ ...Patient, id: "p1", version: "1" }),
  "read of several": () => Promise.all(["p1", "p2", "page1"].map(
    (id) => client.read({ ...Patient, id }))),
  "read with a bearer token": () => bearer.read({ ...Patient, id: "p1" }),
  "creation": () => client.create({ ...Patient, body: patient, options: withKey(key[0]) }),
  "creation once more": createAgain,
  "creation of what is never changed": () => client.create({
    resourceType: "AuditEvent", body: { resourceType: "AuditEvent" }, options: withKey(key[1]) }),
  "creation with a level": () => client.create({ ...Patient, body: patient, options: {
    headers: { "x-amz-fhir-idempotency-key": key[2],
               "x-amzn-healthlake-fhir-validation-level": "structure-only" } } }),
  "update": () => update("p1"),
  "update that creates": () => update("fresh"),
  "update of a version": () => update("fresh", { "If-Match": 'W/"1"' }),
  "update of a stale version": () => update("fresh", { "If-Match": 'W/"1"' }),
  "update of what is new": () => update("fresher", { "If-None-Match": "*" }),
  "update of what is not new": () => update("fresher", { "If-None-Match": "*" }),
  "update with a level": () => update("fresh", {
    "x-amzn-healthlake-fhir-validation-level": "strict" }),
  "conditional update": () => client.update({
    ...Patient, body: patient, options: { headers: strict.headers },
    searchParams: { identifier: "urn:mrn|77" } }),
  "conditional update by several": () => client.update({
    ...Patient, body: patient, options: { headers: strict.headers },
    searchParams: { "family:exact": given.odd, birthdate: ["ge1980", "lt1990"] } }),
  "JSON Patch": () => client.patch({ ...Patient, id: "p2", jsonPatch }),
  "JSON Patch of a version": () => client.patch({
    ...Patient, id: "p2", jsonPatch, options: { headers: { "If-Match": 'W/"2"' } } }),
  "FHIRPath Patch": () => client.request("Patient/p2", {
    method: "PATCH", body: pathPatch,
    options: { headers: { "Content-Type": "application/fhir+json" } } }),
  "deletion": () => client.delete({ ...Patient, id: "p3" }),
  "read of what was deleted": () => client.read({ ...Patient, id: "p3" }),
  "deletion of a version": () => client.delete({
    ...Patient, id: "p4", options: { headers: { "If-Match": 'W/"1"' } } }),
  "deletion of nobody": () => client.delete({ ...Patient, id: "nobody" }),
  "search of all": () => search("Patient", {}),
  "search by values of all kinds": () => search("Patient", {
    family: "Aalto", active: true, birthdate: "1980-04-01" }),
  "search by this and that": () => search("Patient", {
    birthdate: ["ge1980-01-01", "lt1990-01-01"], gender: "male,female" }),
  "search by a code of a system": () => search("Observation", {
    "code:not": "http://loinc.org|8867-4", "subject:Patient.family": "Aalto" }),
  "search by odd signs": () => search("Patient", { "name:contains": [given.odd, "\u{1F9EA}?"] }),
  "search sorted and cut": () => search("Patient", {
    _sort: "-birthdate,family", _elements: "id,name" }),
  "search with what belongs to it": () => search("Observation", {
    _include: "Observation:subject", _revinclude: "Provenance:target" }),
  "search page by page": pages,
  "search that is lenient": () => search("Patient", { famly: "Aalto" }, { postSearch: true }),
  "count": () => client.search({ ...Patient, options: strict, searchParams: {
    gender: "female", _count: 1, _total: "accurate" } }),
  "everything": () => everything({}),
  "everything of some": () => everything({
    start: "2020-02-29", end: "2021-01-01", _since: given.since, _type: "Patient,Observation" }),
  "history": () => client.request("Patient/p1/_history?_count=100"),
  "history of a type": () => client.request(
    `Patient/_history?_since=${encodeURIComponent(given.since)}&_count=100`),
  "history of all": () => client.request("_history?_count=100"),
  "batch": () => client.batch({ body: batch }),
  "transaction": () => client.transaction({ body: bundle }),
  "transaction with new references": () => client.transaction({ body: urnBundle }),
  "validation": () => client.operation({ ...Patient, name: "$validate", input: patient }),
  "validation by a profile": () => client.operation({ ...Patient, name: "validate", input: {
    resourceType: "Parameters", parameter: [
      { name: "resource", resource: patient },
      { name: "profile", valueUri: "http://example.org/StructureDefinition/p" }] } }),
  "operation": () => client.operation({ ...Patient, name: "$member-match",
                                        input: given.parameters }),
  "operation of a resource": () => client.operation({ resourceType: "Group", id: "g1",
                                                      name: "$member-add",
                                                      input: given.parameters }),
  "operation by GET": () => client.operation({
    resourceType: "ValueSet", name: "$expand", method: "GET",
    input: { url: "http://example.org/vs|1", filter: given.odd } }),
};

for (const [name, call] of Object.entries(calls)) {
  const counted = async () => (await (await fetch(`${given.http}/_emulator/state`)).json()).requests;
  const before = await counted();
  let status = 200;
  try {
    await call();
  } catch (error) {
    status = error.response?.status ?? String(error);
  }
  console.log(JSON.stringify({ name, first: before + 1, last: await counted(), status }));
}
