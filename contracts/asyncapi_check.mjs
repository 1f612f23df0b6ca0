// Is an AsyncAPI document valid? `node contracts/asyncapi_check.mjs [document]` says what is wrong and exits 1.
//
// The AsyncAPI project's own parser decides. It is fetched by npm at this exact version into the
// user's cache, never into the repository, and without running anybody's install scripts.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PARSER = "@asyncapi/parser";
const VERSION = "3.6.3";
const SEVERITIES = ["error", "warning"];

function fetchParser() {
  const caches = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const home = path.join(caches, "rekku", `asyncapi-parser-${VERSION}`);
  if (!existsSync(home)) {
    mkdirSync(path.dirname(home), { recursive: true });
    const fresh = mkdtempSync(`${home}-`);
    const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    try {
      execFileSync("npm", ["install", "--prefix", fresh, ...quiet, `${PARSER}@${VERSION}`], { stdio: ["ignore", 2, 2] });
      if (!existsSync(home)) renameSync(fresh, home);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return createRequire(path.join(home, "from-here.js"))(PARSER);
}

// Broken copies that have to be refused, or the check itself is worth nothing.
const DAMAGE = {
  "an operation on a channel that is not there": (d) => {
    Object.values(d.operations)[0].channel.$ref = "#/channels/nowhere";
  },
  "a message whose data structure is not there": (d) => {
    Object.values(d.components.messages)[0].payload.$ref = "#/components/schemas/Nothing";
  },
  "a data structure that is no JSON Schema": (d) => {
    Object.values(d.components.schemas).at(-1).type = "whole";
  },
  "an operation with a message of another channel": (d) => {
    const [first, , third] = Object.values(d.operations);
    first.messages = third.messages;
  },
  "a topic without partitions": (d) => {
    Object.values(d.channels)[0].bindings.kafka.partitions = 0;
  },
  "a document without its version": (d) => {
    delete d.info.version;
  },
};

const { Parser } = fetchParser();

async function check(text, source) {
  const { document, diagnostics } = await new Parser().parse(text, { source });
  return { document, diagnostics, valid: document !== undefined && diagnostics.every(({ severity }) => severity !== 0) };
}

const file = process.argv[2] ?? fileURLToPath(new URL("asyncapi.json", import.meta.url));
const text = readFileSync(file, "utf8");
const { document, diagnostics, valid } = await check(text, file);
for (const { severity, path: place, message } of diagnostics.filter(({ severity }) => severity < 2)) {
  console.error(`asyncapi: ${SEVERITIES[severity]} at ${place.join(".") || "$"}: ${message}`);
}
process.exitCode = valid ? 0 : 1;
for (const [name, damage] of valid ? Object.entries(DAMAGE) : []) {
  const broken = JSON.parse(text);
  damage(broken);
  if ((await check(JSON.stringify(broken), file)).valid) {
    console.error(`asyncapi: the check is blind to ${name}`);
    process.exitCode = 1;
  }
}
if (process.exitCode === 0) {
  const [channels, messages] = [document.channels().all().length, document.components().messages().all().length];
  const refused = Object.keys(DAMAGE).length;
  console.log(`asyncapi: ${channels} channels, ${messages} messages, valid; ${refused} broken copies refused`);
}
