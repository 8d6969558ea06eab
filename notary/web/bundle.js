// What a bundle holds (FORMAT.md section 2), and how files at hand compare with it: checks 2 to 6 of section 3.

import { escapedTextOf, FormatFault, hex, joined, Refused, sameBytes, textOf, unhex, utf8 } from "./bytes.js";
import { canonical, hexMember, isMoment, readObject } from "./json.js";
import { LIMITS } from "./limits.js";
import { leafHash, recordHash, rootByCover } from "./merkle.js";
import { byCodePoint, commas, quoted } from "./text.js";

/** @typedef {import("./json.js").JsonObject} JsonObject */
/** @typedef {import("./zip.js").Zip} Zip */
/** One thing that is not as it should be. @typedef {{name: string, expected: string, found: string}} Fault */
/**
 * A file to be matched; `shownAs` is what it was given as, `recorded` its path in a given folder, where it may be
 * something else.
 * @typedef {{name: string, shownAs: string, recorded: string, digest: Uint8Array}} Given
 */

const DIGEST_BYTES = 32;
const SALT_BYTES = 16;

/** Faults by name: the first few are listed, the others counted. */
export class Faults {
  constructor() {
    /** @type {Fault[]} */
    this.listed = [];
    this.count = 0;
  }

  /** @param {string} name @param {string} expected @param {string} found */
  add(name, expected, found) {
    this.count++;
    if (this.listed.length < LIMITS.listedProblems) this.listed.push({ name, expected, found });
  }

  /** The first of `more` by name, and all in number. @param {FaultsByName} more */
  addAll(more) {
    this.listed.push(...more.first().slice(0, LIMITS.listedProblems - this.listed.length));
    this.count += more.count;
  }

  describe() {
    const more = this.count - this.listed.length;
    const listed = this.listed.map(({ name, found }) => `${name}: ${found}`).join("; ");
    return listed + (more ? `; and ${commas(more)} more` : "");
  }
}

/** Faults that come in any order, of which the first by name are kept. */
class FaultsByName {
  constructor() {
    /** @type {Fault[]} */
    this.kept = [];
    this.count = 0;
  }

  /** @param {string} name @param {string} expected @param {string} found */
  add(name, expected, found) {
    this.count++;
    this.kept.push({ name, expected, found });
    if (this.kept.length > 1000) this.kept = this.first();
  }

  first() {
    return this.kept.sort((one, other) => byCodePoint(one.name, other.name)).slice(0, LIMITS.listedProblems);
  }
}

// -- bag manifests ---------------------------------------------------------------------------------------------------

const PAYLOAD_MANIFEST = "manifest-sha256.txt";
const TAG_MANIFEST = "tagmanifest-sha256.txt";

/**
 * Every file is listed once, by the right manifest, with the digest that it has.
 * @param {Zip} zip @param {Uint8Array[]} digests  by the files' numbers
 */
export async function bagFaults(zip, digests) {
  const faults = new Faults();
  for (const manifest of [PAYLOAD_MANIFEST, TAG_MANIFEST]) {
    if (!zip.entry(manifest)) {
      faults.add(manifest, "there", "missing");
      continue;
    }
    try {
      faults.addAll(await manifestFaults(zip, digests, manifest));
    } catch (fault) {
      if (!(fault instanceof FormatFault)) throw fault;
      faults.add(manifest, "a bag manifest", fault.message);
    }
  }
  return faults;
}

/** @param {Zip} zip @param {Uint8Array[]} digests @param {string} manifest */
async function manifestFaults(zip, digests, manifest) {
  const faults = new FaultsByName();
  const isListed = new Uint8Array(zip.entries.length);
  /** @param {string} name */
  const belongs = (name) => name.startsWith("data/") === (manifest === PAYLOAD_MANIFEST) && name !== TAG_MANIFEST;
  for await (const { name, digest } of bagLines(zip, manifest)) {
    const number = zip.numbers.get(name);
    if (number === undefined || !belongs(name)) {
      faults.add(name, digest, "missing");
      continue;
    }
    if (isListed[number]) throw new FormatFault(`${manifest} has ${quoted(name)} twice`);
    isListed[number] = 1;
    const found = hex(digests[number]);
    if (found !== digest) faults.add(name, digest, `has the SHA-256 ${found}`);
  }
  zip.entries.forEach(({ name }, number) => {
    if (belongs(name) && !isListed[number]) faults.add(name, `listed in ${manifest}`, "not listed");
  });
  return faults;
}

/** The names and digests of a bag manifest (RFC 8493, section 2.1.3). @param {Zip} zip @param {string} manifest */
async function* bagLines(zip, manifest) {
  let number = 0;
  for await (const lines of linesOf(zip, manifest)) {
    for (const line of lines) {
      number++;
      const text = textOf(line);
      if (text === null) throw new FormatFault(`${manifest} is not UTF-8`);
      const found = /^([0-9a-fA-F]{64}) +\*?([^ *][^]*)$/.exec(text);
      if (!found) throw new FormatFault(`${manifest}: line ${number} is no digest and name`);
      const name = found[2].replace(/%0D|%0A|%25/gi, (code) => decodeURIComponent(code));
      yield { name, digest: found[1].toLowerCase() };
    }
  }
}

/**
 * A bag manifest's lines, some at a time, without what ends them: line feed, carriage return or both.
 * @param {Zip} zip @param {string} name
 */
async function* linesOf(zip, name) {
  const entry = zip.entry(name);
  if (!entry) return;
  let rest = new Uint8Array();
  for await (const piece of zip.pieces(entry)) {
    const data = joined(rest, piece);
    const lines = [];
    let start = 0;
    for (let at = 0; at < data.length; at++) {
      if (data[at] !== 10 && data[at] !== 13) continue;
      const end = at;
      if (data[at] === 13 && data[at + 1] === 10) at++;
      if (at + 1 === data.length) break; // behind a carriage return a line feed may still come
      lines.push(data.subarray(start, end));
      start = at + 1;
    }
    rest = data.slice(start);
    if ([...lines, rest].some((line) => line.length > LIMITS.bagLineBytes)) {
      throw new FormatFault(`${name} has a line of over ${LIMITS.bagLineBytes} bytes`);
    }
    yield lines;
  }
  const ending = rest.findIndex((byte) => byte === 10 || byte === 13);
  if (rest.length) yield [ending < 0 ? rest : rest.subarray(0, ending)];
}

// -- the manifest ----------------------------------------------------------------------------------------------------

/** A manifest of a format that this does not read. */
export class UnknownVersion extends FormatFault {}

/**
 * `namesBlock` says whether there is a `not_before`.
 * @typedef {{root: Uint8Array, size: number, network: string, declaredAt: string, tool: string, title: string | null, namesBlock: boolean}} Manifest
 */

const REQUIRED = ["declared_at", "format", "network", "root", "size", "tool"];
const OPTIONAL = ["title", "previous", "not_before", "signer", "policy"];

/** @param {Uint8Array} data @returns {Manifest} */
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

// -- items -----------------------------------------------------------------------------------------------------------

/**
 * An item that is shown: `path` where its record is sound and shown, bytes that are no text as halves of pairs.
 * @typedef {{index: number, digest: Uint8Array, leaf: Uint8Array, record: JsonObject | null, recordFault: string,
 *   path: string | null, isText: boolean, file: string | null}} Item
 */

/** @param {Uint8Array} line @param {number} number  counted from 1 @returns {Item} */
function readItem(line, number) {
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
 * @param {JsonObject} record @returns {[string, string | null]}
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

/** The last part of a path. @param {string} path */
export const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** One pass over items.jsonl: files and records are compared while the root is computed. Checks 4, 5 and 6. */
export class ItemsPass {
  /** @param {Zip} zip @param {Uint8Array[]} digests @param {Given[]} given */
  constructor(zip, digests, given) {
    this.zip = zip;
    this.digests = digests;
    this.given = given;
    this.wanted = new Set(given.map(({ digest }) => hex(digest)));
    /** @type {Set<string>} */
    this.met = new Set();
    /** @type {Map<string, Given[]>} */
    this.byName = new Map();
    for (const one of given) this.byName.set(one.name, [...(this.byName.get(one.name) ?? []), one]);
    /** Files that have an item's name but not its digest, with that. @type {Map<Given, string>} */
    this.namesakes = new Map();
    this.isClaimed = new Uint8Array(zip.entries.length);
    this.files = new Faults();
    this.records = new Faults();
    this.counts = { disclosed: 0, named: 0, matched: 0, extra: 0 };
    /** @type {{item: Item, match: string}[]} */
    this.first = [];
  }

  /** The root over a batch of `size`, or what keeps it from being computed. @param {number} size */
  async root(size) {
    const lines = this.lines();
    const hashes = this.hashes();
    /** @type {Uint8Array[]} */
    let waiting = [];
    let [at, number] = [0, 0];
    const nextLeaf = () => (at < waiting.length ? shown(waiting[at++]) : moreLines());
    const moreLines = async () => {
      do {
        const next = await lines.next();
        if (next.done) return null;
        [waiting, at] = [next.value, 0];
      } while (!waiting.length);
      return shown(waiting[at++]);
    };
    /** @param {Uint8Array} line */
    const shown = (line) => {
      const item = readItem(line, ++number);
      this.counts.disclosed++;
      this.compareRecord(item);
      this.compareFile(item);
      return item;
    };
    const row = { data: new Uint8Array(), at: 0 };
    const nextHash = () => (row.at < row.data.length ? hashAt() : moreHashes());
    const hashAt = () => row.data.subarray(row.at, (row.at += DIGEST_BYTES));
    const moreHashes = async () => {
      const next = await hashes.next();
      if (next.done) return null;
      [row.data, row.at] = [next.value, 0];
      return hashAt();
    };
    try {
      const root = await rootByCover(size, nextLeaf, nextHash);
      if (!this.counts.disclosed) return { root: null, fault: "no item is shown" };
      this.compareRest();
      return { root, fault: "" };
    } catch (fault) {
      if (!(fault instanceof FormatFault)) throw fault;
      return { root: null, fault: fault.message };
    }
  }

  /** The lines of items.jsonl without their line feeds, some at a time. */
  async *lines() {
    const name = "notary/items.jsonl";
    const entry = this.zip.entry(name);
    if (!entry) throw new FormatFault(`${name} is missing`);
    let rest = new Uint8Array();
    for await (const piece of this.zip.pieces(entry)) {
      const data = joined(rest, piece);
      const lines = [];
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
        lines.push(data.subarray(start, end));
        start = end + 1;
      }
      rest = data.slice(start);
      if ([...lines, rest].some((line) => line.length > LIMITS.itemLineBytes)) {
        throw new Refused(`${name} has a line of over ${LIMITS.itemLineBytes} bytes`);
      }
      yield lines;
    }
    if (rest.length) throw new Refused(`${name} does not end in a newline`);
  }

  /** tree.bin, in rows of whole hashes. */
  async *hashes() {
    const name = "notary/tree.bin";
    const entry = this.zip.entry(name);
    if (!entry) throw new FormatFault(`${name} is missing`);
    if (entry.size > LIMITS.treeBytes) throw new Refused(`${name} is over ${LIMITS.treeBytes} bytes`);
    if (entry.size % DIGEST_BYTES) throw new FormatFault(`${name} is not a whole number of hashes`);
    let rest = new Uint8Array();
    for await (const piece of this.zip.pieces(entry)) {
      const data = joined(rest, piece);
      const whole = data.length - (data.length % DIGEST_BYTES);
      rest = data.slice(whole);
      if (whole) yield data.subarray(0, whole);
    }
  }

  /** @param {Item} item */
  label(item) {
    return item.path ?? `item ${item.index}`;
  }

  /** @param {Item} item */
  compareRecord(item) {
    const aside = `data/_/${item.index}`;
    const places = item.path !== null && item.isText ? [`data/${item.path}`, aside] : [aside];
    if (item.file !== null && !places.includes(item.file)) {
      this.records.add(this.label(item), `its bytes under ${places[0]}`, `its bytes under ${item.file}`);
    }
    if (!item.record) return;
    this.counts.named++;
    if (item.recordFault) {
      this.records.add(this.label(item), "a record", item.recordFault);
      return;
    }
    const entry = item.file === null ? undefined : this.zip.entry(item.file);
    const size = item.record.get("size");
    if (entry && entry.size !== size) this.records.add(this.label(item), `${size} bytes`, `${entry.size} bytes`);
  }

  /** @param {Item} item */
  compareFile(item) {
    let isFound = this.given.length > 0 && this.compareWithGiven(item);
    let isAltered = false;
    if (item.file !== null) {
      const expected = `SHA-256 ${hex(item.digest)}`;
      const number = this.zip.numbers.get(item.file);
      if (number === undefined) this.files.add(item.file, expected, "missing");
      else {
        this.isClaimed[number] = 1;
        isAltered = !sameBytes(this.digests[number], item.digest);
        if (isAltered) this.files.add(item.file, expected, `SHA-256 ${hex(this.digests[number])}`);
        else isFound = true;
      }
    }
    if (isFound) this.counts.matched++;
    if (this.first.length < LIMITS.itemsListed) {
      this.first.push({ item, match: isAltered ? "differs" : isFound ? "matches" : "" });
    }
  }

  /**
   * Whether a given file has the item's digest; those of its name that have not are kept in mind.
   * @param {Item} item
   */
  compareWithGiven(item) {
    const wanted = hex(item.digest);
    const namesakes = item.path === null ? [] : (this.byName.get(baseName(item.path)) ?? []);
    for (const one of namesakes) {
      const isCalled = one.recorded ? one.recorded === item.path : true;
      if (isCalled && !sameBytes(one.digest, item.digest)) this.namesakes.set(one, wanted);
    }
    if (!this.wanted.has(wanted)) return false;
    this.met.add(wanted);
    return true;
  }

  /** Every file in data/ is some item's, and every file that was named. */
  compareRest() {
    const unclaimed = new FaultsByName();
    this.zip.entries.forEach(({ name }, number) => {
      if (name.startsWith("data/") && !this.isClaimed[number]) {
        unclaimed.add(name, "the digest of an item", "no item names this file");
      }
    });
    this.files.addAll(unclaimed);
    for (const one of this.given) {
      const found = hex(one.digest);
      if (this.met.has(found)) continue;
      const expected = this.namesakes.get(one);
      if (expected) this.files.add(one.shownAs, `SHA-256 ${expected}`, `SHA-256 ${found}`);
      else if (one.recorded) this.counts.extra++;
      else this.files.add(one.shownAs, "the digest of an item in this bundle", `SHA-256 ${found}`);
    }
    if (this.given.length && !this.met.size && !this.files.count) {
      this.files.add("the evidence given", "files of this bundle", "no file in it matches");
    }
  }

  /** The first items: whether their bytes were at hand, or others under their names. */
  listed() {
    const altered = new Set();
    for (const [one, expected] of this.namesakes) if (!this.met.has(hex(one.digest))) altered.add(expected);
    return this.first.map(({ item, match }) => {
      const sha = hex(item.digest);
      const status = match || (altered.has(sha) ? "differs" : "not at hand");
      return { index: item.index, name: item.path, sha256: sha, status };
    });
  }
}
