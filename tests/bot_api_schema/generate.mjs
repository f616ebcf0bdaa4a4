// Makes schema.json: what the published Bot API takes in the methods that local_chat knows.
// Run by `make api-schema`, which installs the packages into the folder given as argument.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const packages = createRequire(resolve(process.argv[2], "package.json"));
const { createGenerator } = packages("ts-json-schema-generator");
const types = resolve(process.argv[2], "node_modules/@gramio/types");
const { name, version, license } = JSON.parse(readFileSync(`${types}/package.json`));

const generator = createGenerator({
  path: `${types}/out/params.d.ts`,
  jsDoc: "none",
  skipTypeCheck: true,
  additionalProperties: false,
  topRef: false,
});
const published = readFileSync(`${types}/out/methods.d.ts`, "utf8");
const parameters = readFileSync(`${types}/out/params.d.ts`, "utf8");
const source = readdirSync("local_chat/bot_api")
  .filter((name) => name.endsWith(".py"))
  .map((name) => readFileSync(`local_chat/bot_api/${name}`, "utf8"))
  .join("\n");

const methods = {};
const definitions = {};
for (const [, snake] of source.matchAll(/^async def ([a-z]\w*)\(/gm)) {
  const method = snake.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  if (!new RegExp(`^ {4}${method}:`, "m").test(published)) continue;
  const type = `${method[0].toUpperCase()}${method.slice(1)}Params`;
  methods[method] = { type: "object", additionalProperties: false };
  if (!parameters.includes(`interface ${type} `)) continue; // takes none
  const { $schema, definitions: used, ...schema } = generator.createSchema(type);
  methods[method] = schema;
  Object.assign(definitions, used);
}
// A file travels beside the parameters, which name it.
definitions.TelegramInputFile = { type: "string", pattern: "^attach://." };
// What local_chat refuses anyway is not worth its length.
const refused = /Rich|InlineQueryResult(Cached)?(Audio|Contact|Game|Gif|Location|Mpeg4Gif|Venue|Video|Voice)$|InputMedia(Audio|LivePhoto|Location|Venue)$/;
for (const type of Object.keys(definitions)) if (refused.test(type)) definitions[type] = false;

/** Adds to `found` the definitions that a schema refers to, directly or not. */
function reach(schema, found) {
  for (const [, type] of JSON.stringify(schema).matchAll(/"#\/definitions\/(\w+)"/g)) {
    if (found.has(type)) continue;
    found.add(type);
    reach(definitions[type], found);
  }
  return found;
}

/** gramio also takes objects that turn into strings; Telegram does not. */
const asPublished = (_, value) =>
  value?.anyOf
    ? { ...value, anyOf: value.anyOf.filter((t) => !Object.hasOwn(t.properties ?? {}, "toString")) }
    : value;

const lines = (object) => Object.entries(object).map(([key, value]) => `"${key}":${JSON.stringify(value, asPublished)}`).join(",\n");
const bot_api = parameters.match(/Based on Bot API v([\d.]+)/)[1];
const [copyright] = readFileSync(`${types}/LICENSE`, "utf8").match(/Copyright.*/);
const $comment = `Made by generate.mjs from npm's ${name} ${version}, ${license} licence, ${copyright}`;
const needed = [...reach(methods, new Set())].sort().map((type) => [type, definitions[type]]);
writeFileSync(
  new URL("schema.json", import.meta.url),
  `{${lines({ $comment, bot_api })},\n"methods":{\n${lines(methods)}},\n"definitions":{\n${lines(Object.fromEntries(needed))}}}\n`,
);
