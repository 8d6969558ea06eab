// A line of items.jsonl: an item that is shown, its leaf, and whether its record is as records are (FORMAT.md section 2).

import { escapedTextOf, FormatFault, textOf, unhex } from "./bytes.js";
import { DIGEST_BYTES } from "./digest.js";
import { canonical, hexMember, isMoment, readObject } from "./json.js";
import { LIMITS } from "./limits.js";
import { leafHash, recordHash } from "./merkle.js";
import { byCodePoint, quoted } from "./text.js";

/** @typedef {import("./json.js").JsonObject} JsonObject */

export const SALT_BYTES = 16;

/**
 * An item that is shown: `path` where its record is sound and shown, bytes that are no text as halves of pairs.
 * @typedef {{index: number, digest: Uint8Array, leaf: Uint8Array, record: JsonObject | null, recordFault: string,
 *   path: string | null, isText: boolean, file: string | null}} Item
 */

/**
 * @param {Uint8Array} line
 * @param {number} number  counted from 1
 * @returns {Item}
 */
export function readItem(line, number) {
  const what = `line ${number} of items.jsonl`;
  const members = readObject(line, what, LIMITS.itemLineBytes);
  const isNamed = members.has("t") && members.has("record");
  const required = ["index", "digest", "s", ...(isNamed ? ["t", "record"] : ["r"])];
  const count = required.length + (members.has("file") ? 1 : 0);
  if (members.size !== count || !required.every((key) => members.has(key))) {
    throw new FormatFault(`${what} has other keys than index, digest, s, t and record or r, and file`);
  }
  const [index, file] = [members.get("index"), members.get("file") ?? null];
  if (typeof index !== "number" || index < 0) throw new FormatFault(`${what}: index is not a number from 0`);
  if (members.has("file") && !(typeof file === "string" && file.startsWith("data/"))) {
    throw new FormatFault(`${what}: file is not a name under data/`);
  }
  const digest = hexMember(members, "digest", DIGEST_BYTES, what);
  const s = hexMember(members, "s", SALT_BYTES, what);
  const item = { index, digest, file: /** @type {string | null} */ (file) };
  if (!isNamed) {
    const leaf = leafHash(digest, s, hexMember(members, "r", DIGEST_BYTES, what));
    return { ...item, leaf, record: null, recordFault: "", path: null, isText: false };
  }
  const record = members.get("record");
  if (!(record instanceof Map)) throw new FormatFault(`${what}: record is not an object`);
  const t = hexMember(members, "t", SALT_BYTES, what);
  const leaf = leafHash(digest, s, recordHash(t, canonical(record)));
  const [recordFault, path] = checkedRecord(record);
  return { ...item, leaf, record, recordFault, path, isText: record.has("path") };
}

const RECORD_KEYS = ["path", "path_hex", "size", "mtime", "exhibit", "custodian", "bates", "description", "source"];

/**
 * What is wrong with a record, or the empty string and its path.
 * @param {JsonObject} record
 * @returns {[string, string | null]}
 */
function checkedRecord(record) {
  const unknown = [...record.keys()].filter((key) => !RECORD_KEYS.includes(key)).sort(byCodePoint);
  if (unknown.length) return [`a record has the unknown key ${quoted(unknown[0])}`, null];
  if (record.has("path") === record.has("path_hex")) return ["a record has either path or path_hex", null];
  const [size, mtime] = [record.get("size"), record.get("mtime")];
  if (typeof size !== "number" || size < 0) return ["a record's size is not a number of bytes", null];
  for (const key of ["path", "path_hex", "mtime"]) {
    if (record.has(key) && typeof record.get(key) !== "string") return [`a record's ${key} is not text`, null];
  }
  if (typeof mtime === "string" && !isMoment(mtime, true)) return ["a record's mtime is not a moment in UTC", null];
  let path = String(record.get("path"));
  if (record.has("path_hex")) {
    const bytes = unhex(String(record.get("path_hex")));
    if (!bytes || textOf(bytes) !== null) {
      return ["a record's path_hex is not the lower-case hex of bytes that are no UTF-8", null];
    }
    path = escapedTextOf(bytes);
  }
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    return ["a record's path is absolute, empty, or leaves its folder", null];
  }
  return ["", path];
}
