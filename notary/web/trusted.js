// Whom the reader of a register trusts: his registries.toml (FORMAT.md section 7, Whose word it is). Of TOML this reads
// what such a file needs, and refuses the rest: [[registry]], and keys with a text, a whole number or a list of texts.

import { FormatFault, hex, orFault, textOf } from "./bytes.js";
import { ADDRESS, isOrigin } from "./claim.js";
import { ESCAPES } from "./json.js";
import { LIMITS } from "./limits.js";
import { keyOf } from "./note.js";

/** @typedef {import("./note.js").VerifierKey} VerifierKey */
/** @typedef {{origin: string, key: VerifierKey, offices: string[], witnesses: VerifierKey[], quorum: number}} Registry */

/** Blanks and a remark, then what counts; nothing at the end. */
const TOML =
  /[ \t]*(?:#[^\0-\x08\n-\x1f\x7f]*)?(\n|"(?:[^"\\\0-\x08\n-\x1f\x7f]|\\(?:[btnfr"\\]|u[\dA-Fa-f]{4}|U[\dA-Fa-f]{8}))*"|'[^'\0-\x08\n-\x1f\x7f]*'|\[\[[ \t]*registry[ \t]*\]\]|[\w-]+|[=[\],]|$)/y;
const SYNTAX = 'this page reads [[registry]], and below it lines such as quorum = 2, origin = "..." or offices = ["...", "..."]';

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value !== "" && !value.includes("\0");

/** @param {number} least @param {number} most */
const within = (least, most) => (/** @type {any} */ value) => typeof value === "number" && value >= least && value <= most;

/**
 * @param {number} type
 * @param {any} value
 */
const isKey = (type, value) => typeof value === "string" && !!orFault(() => keyOf(value, type)).value;

/** @type {Record<string, [string, (value: any) => boolean]>} What the value of each key has to be. */
const KEYS = {
  origin: ["the name of a registry, such as registry.example.org/ip", isOrigin],
  vkey: ["the vkey of a registry, to the letter: its name, its key ID, a key of type 1", (value) => isKey(1, value)],
  offices: [
    "a list of WIPO ST.3 codes, such as EP",
    (value) => Array.isArray(value) && value.every((one) => /^[A-Z]{2}$/.test(one)),
  ],
  url: [
    "an http or https address without ? and #",
    (value) => isText(value) && value.length <= LIMITS.registryUrlBytes && ADDRESS.test(value) && !/[?#]/.test(value),
  ],
  folder: ["a text", isText],
  witnesses: [
    `a list of up to ${LIMITS.registryWitnesses} vkeys of witnesses, to the letter: keys of type 4`,
    (value) =>
      Array.isArray(value) && value.length <= LIMITS.registryWitnesses && value.every((one) => isKey(4, one)),
  ],
  quorum: ["the number of witnesses that have to have cosigned", within(0, LIMITS.registryWitnesses)],
  stale_after: [`a number of days from 1 to ${LIMITS.registryStaleDays}`, within(1, LIMITS.registryStaleDays)],
};

/**
 * The registries of the file, in its order. Throws FormatFault, which says its name and the line.
 * @param {Uint8Array} data
 * @param {string} name
 */
export function readTrusted(data, name) {
  const text = data.length <= LIMITS.registriesBytes && textOf(data)?.replace(/^\ufeff/, "").replace(/\r\n/g, "\n");
  if (typeof text !== "string") throw new FormatFault(`${name} is not UTF-8, or over ${LIMITS.registriesBytes} bytes`);
  let [at, line, token] = [0, 1, ""];
  /** @returns {never} */
  const refuse = (why = SYNTAX, where = line) => {
    throw new FormatFault(`${name}, line ${where}: ${why}`);
  };
  const next = () => {
    if (token === "\n") line++;
    TOML.lastIndex = at;
    token = TOML.exec(text)?.[1] ?? refuse();
    at = TOML.lastIndex;
    return token;
  };
  const string = () => {
    if (token[0] === "'") return token.slice(1, -1);
    if (token[0] !== '"') refuse();
    return token.slice(1, -1).replace(/\\(?:u(.{4})|U(.{8})|(.))/g, (_, four, eight, one) => {
      if (one) return ESCAPES[one];
      const code = parseInt(four ?? eight, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse();
      return String.fromCodePoint(code);
    });
  };
  const value = () => {
    if (/^(0|[1-9]\d*)$/.test(next())) return Number(token);
    if (token !== "[") return string();
    const nextOfLines = () => {
      do next();
      while (token === "\n");
      return token;
    };
    const list = [];
    for (let one = nextOfLines(); one !== "]"; one = nextOfLines()) {
      list.push(string());
      const mark = nextOfLines();
      if (mark === "]") break;
      if (mark !== ",") refuse();
    }
    return list;
  };
  /** @type {{line: number, said: Record<string, any>}[]} */
  const tables = [];
  while (next()) {
    if (token === "\n") continue;
    const [start, key] = [line, token];
    if (key.startsWith("[[")) tables.push({ line, said: {} });
    else {
      if (!tables.length || !/^[\w-]+$/.test(key)) refuse();
      const { said } = tables[tables.length - 1];
      if (!Object.hasOwn(KEYS, key)) refuse(`${key} is none of ${Object.keys(KEYS).join(", ")}`);
      if (key in said) refuse(`${key} stands there twice`);
      if (next() !== "=") refuse();
      said[key] = value();
      const [what, isSound] = KEYS[key];
      if (!isSound(said[key])) refuse(`${key} has to be ${what}`, start);
    }
    if (next() && token !== "\n") refuse();
  }
  if (tables.length > LIMITS.registries) throw new FormatFault(`${name} has over ${LIMITS.registries} registries`);
  /** @type {Set<string>} */
  const seen = new Set();
  return tables.map(({ line: where, said }) => {
    /** @param {unknown} isSound @param {string} why */
    const ask = (isSound, why) => isSound || refuse(`${said.origin ?? "this registry"} ${why}`, where);
    for (const key of ["origin", "vkey", "offices"]) ask(key in said, `has no ${key}`);
    ask("url" in said !== "folder" in said, "has either url or folder");
    const witnesses = (said.witnesses ?? []).map((/** @type {string} */ one) => keyOf(one, 4));
    ask(!witnesses.length || "quorum" in said, "has witnesses and no quorum: say how many of them have to have cosigned");
    const { origin, offices, quorum = 0 } = said;
    ask(quorum <= witnesses.length, "asks for more witnesses than it names");
    const key = keyOf(said.vkey, 1);
    const own = hex(key.raw);
    // By the key itself: under two names, or as its own witness, one party would count twice.
    const raws = new Set([own, ...witnesses.map((/** @type {VerifierKey} */ one) => hex(one.raw))]);
    ask(raws.size > witnesses.length, "has one public key twice, as its own and its witnesses'");
    ask(!seen.has(`${origin} `) && !seen.has(own), "stands there twice, or its public key does");
    seen.add(`${origin} `).add(own);
    return /** @type {Registry} */ ({ origin, key, offices, witnesses, quorum });
  });
}
