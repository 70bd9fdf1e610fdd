// Flattens Observations for test/fhir/bench.py as the reference runner of SQL on FHIR does: each
// column by npm's fhirpath without a model, here compiled beforehand. Resources are lines of
// stdin; the first line is the paths. Prints the seconds, reading and JSON left out.
// node bench.mjs FOLDER      FOLDER has the package installed
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const fhirpath = createRequire(`${process.argv[2]}/`)("fhirpath");
const userInvocationTable = {
  getResourceKey: { fn: (nodes) => nodes.map((node) => node.id), arity: { 0: [] } },
  getReferenceKey: {
    fn: (nodes, type) => nodes.flatMap((node) => {
      if (!node.reference) return [];
      const [name, id] = node.reference.split("/");
      return !type || name === type.name ? [id] : [];
    }),
    arity: { 0: [], 1: ["TypeSpecifier"] },
  },
};
let columns;
let seconds = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const value = JSON.parse(line);
  if (!columns) {
    columns = value.map((path) => fhirpath.compile(path.replace(
      /\.ofType\(([a-zA-Z])(\w+)\)/g, (_, first, rest) => first.toUpperCase() + rest,
    ), null, { userInvocationTable }));
    continue;
  }
  const begin = process.hrtime.bigint();
  columns.map((column) => column(value)[0] ?? null);
  seconds += Number(process.hrtime.bigint() - begin) / 1e9;
}
console.log(seconds);
