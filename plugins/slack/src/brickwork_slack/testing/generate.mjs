// Turns TypeScript types into JSON Schema: node generate.mjs NODE_MODULES TYPES_TS
//
// The file has one `export type NAME = ...;` a line. What is printed is an object of schemas by
// name; a type that JSON cannot have, such as a stream, is left out.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, path] = process.argv.slice(2);
const entry = join(modules, "ts-json-schema-generator", "dist", "index.js");
const generator = await import(pathToFileURL(entry).href);
const config = {
  ...generator.DEFAULT_CONFIG,
  path,
  tsconfig: join(dirname(path), "tsconfig.json"),
  skipTypeCheck: true,
  expose: "all",
  jsDoc: "none",
  additionalProperties: false,
};
const program = generator.createProgram(config);
const schemas = {};
for (const [, name] of readFileSync(path, "utf8").matchAll(/^export type (\w+) =/gm)) {
  // A generator for each: names that two files have must not meet.
  const parser = generator.createParser(program, config);
  const formatter = generator.createFormatter(config);
  try {
    schemas[name] = new generator.SchemaGenerator(program, parser, formatter, config).createSchema(name);
  } catch (error) {
    if (!(error instanceof generator.BaseError)) throw error;
  }
}
process.stdout.write(JSON.stringify(schemas));
