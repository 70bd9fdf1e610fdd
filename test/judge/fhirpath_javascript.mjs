// Evaluates expressions for test/judge/fhirpath_javascript.py with npm's fhirpath and its R4 model:
// a line {"resource", "path"} of stdin becomes a line {"values"} or {"error"} of stdout.
// node fhirpath_javascript.mjs FOLDER      FOLDER has the package installed
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

for await (const line of createInterface({ input: process.stdin })) {
  const { resource, path } = JSON.parse(line);
  let answer;
  try {
    answer = { values: fhirpath.evaluate(resource, path, {}, model) };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
