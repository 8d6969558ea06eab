// The manifest of a batch (FORMAT.md section 1). Check 3.

import { FormatFault } from "./bytes.js";
import { DIGEST_BYTES } from "./digest.js";
import { hexMember, isMoment, readObject } from "./json.js";
import { LIMITS } from "./limits.js";
import { byCodePoint, quoted } from "./text.js";

/** A manifest of a format that this does not read. */
export class UnknownVersion extends FormatFault {}

/**
 * `namesBlock` says whether there is a `not_before`.
 * @typedef {{root: Uint8Array, size: number, network: string, declaredAt: string, tool: string, title: string | null, namesBlock: boolean}} Manifest
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
  const [network, declaredAt, tool, title] = ["network", "declared_at", "tool", "title"].map((key) => {
    const value = members.has(key) ? members.get(key) : "";
    if (typeof value !== "string" || (value.length > LIMITS.declaredText && [...value].length > LIMITS.declaredText)) {
      throw new FormatFault(`${what}: ${key} is not a short text`);
    }
    return value;
  });
  if (!isMoment(declaredAt, false)) {
    throw new FormatFault(`${what}: declared_at is not a moment in UTC such as 2019-08-03T10:00:00Z`);
  }
  const root = hexMember(members, "root", DIGEST_BYTES, what);
  const named = members.has("title") ? title : null;
  return { root, size, network, declaredAt, tool, title: named, namesBlock: members.has("not_before") };
}
