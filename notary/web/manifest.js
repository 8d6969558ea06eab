// The manifest of a batch (FORMAT.md section 1). Check 3.

import { FormatFault, hex, UnknownVersion } from "./bytes.js";
import { DIGEST_BYTES } from "./digest.js";
import { hexMember, isMoment, readObject } from "./json.js";
import { LIMITS } from "./limits.js";
import { byCodePoint, quoted } from "./text.js";

/** @typedef {import("./json.js").JsonObject} JsonObject */
/** @typedef {{network: string, height: number, hash: string}} NamedBlock  `hash` as explorers show it */
/**
 * Who signed, as the manifest states it.
 * @typedef {{key: string, did: string, name: string | null, organisation: string | null}} Signer
 */
/**
 * `previous` is the head of the batch before it, in hex; empty where none is named.
 * @typedef {{root: Uint8Array, size: number, network: string, declaredAt: string, tool: string, title: string | null,
 *   previous: string, notBefore: NamedBlock | null, signer: Signer | null}} Manifest
 */

const REQUIRED = ["declared_at", "format", "network", "root", "size", "tool"];
const OPTIONAL = ["title", "previous", "not_before", "signer", "policy"];

/**
 * @param {Uint8Array} data
 * @returns {Manifest}
 */
export function readManifest(data) {
  const what = "the manifest";
  const members = readObject(data, what, LIMITS.manifestBytes);
  if (members.get("format") !== "notary/v1") {
    throw new UnknownVersion(
      `the manifest's format is ${quoted(members.get("format"))}; this release reads 'notary/v1'`,
      "a newer release of notary may read it",
    );
  }
  const missing = REQUIRED.find((key) => !members.has(key));
  const unknown = [...members.keys()].filter((key) => ![...REQUIRED, ...OPTIONAL].includes(key)).sort(byCodePoint);
  if (missing) throw new FormatFault(`${what} lacks '${missing}'`);
  if (unknown.length) throw new FormatFault(`${what} has the unknown key ${quoted(unknown[0])}`);
  const size = members.get("size");
  if (typeof size !== "number" || size < 1 || size > LIMITS.batchItems) {
    throw new FormatFault(`${what}: size is not a number of items`);
  }
  const [network, declaredAt, tool, title] = ["network", "declared_at", "tool", "title"].map((key) =>
    members.has(key) ? shortText(members, key, what) : "",
  );
  if (!isMoment(declaredAt, false)) {
    throw new FormatFault(`${what}: declared_at is not a moment in UTC such as 2019-08-03T10:00:00Z`);
  }
  const root = hexMember(members, "root", DIGEST_BYTES, what);
  const previous = members.has("previous") ? hex(hexMember(members, "previous", DIGEST_BYTES, what)) : "";
  const notBefore = members.has("not_before") ? namedBlock(members.get("not_before")) : null;
  const signer = members.has("signer") ? statedSigner(members.get("signer")) : null;
  const named = members.has("title") ? title : null;
  return { root, size, network, declaredAt, tool, title: named, previous, notBefore, signer };
}

/**
 * @param {JsonObject} members
 * @param {string} key
 * @param {string} what
 */
function shortText(members, key, what) {
  const value = members.get(key);
  if (typeof value === "string" && (value.length <= LIMITS.declaredText || [...value].length <= LIMITS.declaredText)) {
    return value;
  }
  throw new FormatFault(`${what}: ${key} is not a short text`);
}

/**
 * @param {unknown} value
 * @returns {NamedBlock}
 */
function namedBlock(value) {
  const what = "the manifest's not_before";
  if (!(value instanceof Map) || value.size !== 3 || !["network", "height", "hash"].every((key) => value.has(key))) {
    throw new FormatFault(`${what} does not have exactly network, height and hash`);
  }
  const network = shortText(value, "network", what);
  const height = value.get("height");
  if (typeof height !== "number" || height < 0 || height > LIMITS.blockHeight) {
    throw new FormatFault(`${what}: height is no block's`);
  }
  return { network, height, hash: hex(hexMember(value, "hash", DIGEST_BYTES, what)) };
}

/**
 * @param {unknown} value
 * @returns {Signer}
 */
function statedSigner(value) {
  const what = "the manifest's signer";
  const known = ["key", "did", "name", "organisation"];
  const isSound = value instanceof Map && value.has("key") && value.has("did");
  if (!isSound || [...value.keys()].some((key) => !known.includes(key))) {
    throw new FormatFault(`${what} has not key and did, or more than name and organisation beside them`);
  }
  const texts = new Map([...value.keys()].map((key) => [key, shortText(value, key, what)]));
  const [key, did, name, organisation] = known.map((one) => texts.get(one) ?? null);
  return { key: key ?? "", did: did ?? "", name, organisation };
}
