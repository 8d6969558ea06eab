// registry/claim.json (FORMAT.md section 7, Claims): what a claim says of one entry of a register, and the entry's leaf.

import { FormatFault, hex, textOf, utf8 } from "./bytes.js";
import { sha256 } from "./digest.js";
import { canonical, hexMember, isMoment, readObject } from "./json.js";
import { SALT_BYTES } from "./item.js";
import { LIMITS } from "./limits.js";
import { recordHash } from "./merkle.js";

/** @typedef {import("./json.js").JsonObject} JsonObject */
/**
 * `record` is an open entry, whose members are sound; `link` leads to the entry, and has its leaf.
 * @typedef {{origin: string, index: number, record: Record<string, any>, sealed: boolean, leaf: Uint8Array, link: string}} Claim
 */

export const CLAIM_FILE = "registry/claim.json";
const ENTRY_FORMAT = "notary-registry/v1";
const EVENTS = "filed corrected published granted refused withdrawn assigned licensed lapsed".split(" ");
const RIGHTS = "patent utility-model design trademark other".split(" ");
export const ADDRESS =
  /^https?:\/\/([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\/[\w.~:/@!$&'()*+,;=%-]*)?([?#][\w.~:/?#@!$&'()*+,;=%-]*)?$/;
/** What WIPO DAS gives as access codes, which are credentials. */
const CODE_WORDS = /([Aa][Cc][Cc][Ee][Ss]{2}|[Dd][Aa][Ss])[^0-9A-Za-z]{0,3}[Cc][Oo][Dd][Ee]/u;
const CODE_BEHIND = /.((?!\ufeff)[\s,;:|#=\\([]|[/._-](?=\d*[A-Za-z])(?=[A-Za-z]*\d))[\dA-Za-z]{4}[\])]?$/;

/**
 * Whether it is one line of text, of at most so many bytes.
 * @param {unknown} value
 */
const isLine = (value, longest = LIMITS.registryTextBytes) =>
  typeof value === "string" &&
  /^[^ ](.*[^ ])?$/u.test(value) &&
  !/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(value) &&
  utf8(value).length <= longest &&
  !CODE_WORDS.test(value);

/** @param {unknown} value */
const isDay = (value) => typeof value === "string" && isMoment(`${value}T00:00:00Z`, false);

/** @param {RegExp} pattern */
const like = (pattern) => (/** @type {unknown} */ value) => typeof value === "string" && pattern.test(value);
const isHash = like(/^[0-9a-f]{64}$/);

/**
 * @param {unknown} kind
 * @param {unknown} value
 */
function isReference(kind, value) {
  if (kind === "url") return isLine(value, LIMITS.registryUrlBytes) && ADDRESS.test(String(value));
  if (kind !== "das") return ["case", "pct", "madrid", "hague"].includes(String(kind)) && isLine(value);
  const number = /^[A-Z]{2} ([^ ].*)$/.exec(String(value))?.[1];
  return isLine(value) && !!number && !CODE_BEHIND.test(number);
}

/**
 * Whether a registry can have it as its name.
 * @param {unknown} value
 * @returns {value is string}
 */
export const isOrigin = (value) =>
  typeof value === "string" && value.length <= LIMITS.noteName && /^[\w.~-]+(\/[\w.~-]+)*$/.test(value);

/** @type {Record<string, (value: any) => boolean>} */
const MEMBERS = {
  format: (value) => value === ENTRY_FORMAT,
  event: (value) => EVENTS.includes(value),
  office: like(/^[A-Z]{2}$/),
  number: (value) => isLine(value, LIMITS.registryNumberBytes),
  right: (value) => RIGHTS.includes(value),
  filing_date: isDay,
  date: isDay,
  digest: isHash,
  st13: like(/^([A-Z]{2})?\d{15}$/),
  references: (value) => value instanceof Map && value.size > 0 && [...value].every((one) => isReference(...one)),
  to: (value) => isLine(value),
  object: isHash,
  previous: isHash,
  t: like(/^[0-9a-f]{32}$/),
  record: (value) => value instanceof Map && !value.has("record") && isEntry(value) && value.get("event") !== "published",
};

/**
 * Whether it is an open entry, or one that opens a sealed one.
 * @param {JsonObject} entry
 */
function isEntry(entry) {
  const has = (/** @type {string} */ key) => entry.has(key);
  const event = entry.get("event");
  const isFiled = event === "filed";
  return (
    [...entry].every(([key, value]) => Object.hasOwn(MEMBERS, key) && MEMBERS[key](value)) &&
    ["format", "event", "office", "number", "right", "filing_date", isFiled ? "digest" : "date"].every(has) &&
    !(isFiled && has("date")) &&
    (!has("to") || event === "assigned" || event === "licensed") &&
    has("object") === has("previous") &&
    has("t") === has("record") &&
    (!has("t") || (event === "published" && has("object")))
  );
}

/**
 * @param {Uint8Array} data
 * @returns {Claim}
 */
export function readClaim(data) {
  const members = readObject(data, CLAIM_FILE, LIMITS.registryClaimBytes);
  const isSealed = !members.has("entry");
  const [origin, index] = [members.get("origin"), members.get("index")];
  const record = members.get(isSealed ? "record" : "entry");
  if (
    members.get("format") !== "notary-registry-claim/v1" ||
    members.size !== (isSealed ? 5 : 4) ||
    !isOrigin(origin) ||
    typeof index !== "number" ||
    index < 0 ||
    !(record instanceof Map && isEntry(record)) ||
    (isSealed && record.get("event") === "published")
  ) {
    throw new FormatFault(`${CLAIM_FILE} is not as FORMAT.md has it`);
  }
  let bytes = canonical(record);
  const stated = JSON.parse(textOf(bytes) ?? "");
  if (isSealed) {
    const commitment = hex(recordHash(hexMember(members, "t", SALT_BYTES, CLAIM_FILE), bytes));
    bytes = utf8(`{"commitment":"${commitment}","format":"${ENTRY_FORMAT}"}`);
  }
  const leaf = sha256(Uint8Array.of(0), bytes);
  return { origin, index, record: stated, sealed: isSealed, leaf, link: `notary:${origin}/${index}#${hex(leaf)}` };
}
