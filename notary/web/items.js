// The items that a bundle shows, and how files at hand compare with them: checks 4 to 6 of FORMAT.md section 3.

import { FormatFault, hex, joined, RefusedBundle, sameBytes } from "./bytes.js";
import { DIGEST_BYTES } from "./digest.js";
import { Faults, FaultsByName } from "./faults.js";
import { readItem } from "./item.js";
import { LIMITS } from "./limits.js";
import { textLines } from "./lines.js";
import { rootByCover } from "./merkle.js";

/** @typedef {import("./item.js").Item} Item */
/** @typedef {import("./zip.js").Zip} Zip */
/**
 * A file to be matched; `shownAs` is what it was given as, `recorded` its path in a given folder, where it may be
 * something else.
 * @typedef {{name: string, shownAs: string, recorded: string, digest: Uint8Array}} Given
 */

/**
 * The last part of a path.
 * @param {string} path
 */
export const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** One pass over items.jsonl: files and records are compared while the root is computed. Checks 4, 5 and 6. */
export class ItemsPass {
  /**
   * @param {Zip} zip
   * @param {Uint8Array[]} digests
   * @param {Given[]} given
   */
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
    /**
     * Files that have an item's name but not its digest, with that.
     * @type {Map<Given, string>}
     */
    this.namesakes = new Map();
    this.isClaimed = new Uint8Array(zip.entries.length);
    this.files = new Faults();
    this.records = new Faults();
    this.counts = { disclosed: 0, named: 0, matched: 0, extra: 0 };
    /** @type {{item: Item, match: string}[]} */
    this.first = [];
  }

  /**
   * The root over a batch of `size`, or what keeps it from being computed.
   * @param {number} size
   */
  async root(size) {
    const lines = textLines(this.zip, "notary/items.jsonl", LIMITS.itemLineBytes);
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

  /** tree.bin, in rows of whole hashes. */
  async *hashes() {
    const name = "notary/tree.bin";
    const entry = this.zip.entry(name);
    if (!entry) throw new FormatFault(`${name} is missing`);
    if (entry.size > LIMITS.treeBytes) throw new RefusedBundle(`${name} is over ${LIMITS.treeBytes} bytes`);
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
