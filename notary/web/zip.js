// The files in a zip file, once its directory is read: their bytes, which have to be what that says.

import { isNative, nativeDigest, newHash, sha256 } from "./digest.js";
import { FormatFault, joined, RefusedBundle, Source } from "./bytes.js";
import { inflated } from "./inflate.js";
import { LIMITS } from "./limits.js";

export const STORED = 0;
/** Up to this size a file is held in memory while it is hashed. */
const SMALL_BYTES = 32 * 1024 * 1024;

/**
 * `at` is where an entry begins and, once its local header was read, where its bytes do.
 * @typedef {{name: string, flags: number, method: number, crc: number, packed: number, size: number, at: number}} Entry
 */

/** CRC-32, eight bytes at a step. */
const CRC = (() => {
  const table = new Int32Array(8 * 256);
  for (let i = 0; i < 8 * 256; i++) {
    let value = i < 256 ? i : table[i - 256];
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[i] = value;
  }
  return table;
})();

/**
 * @param {Uint8Array} data
 * @param {number} crc  of what comes before
 */
function crc32(data, crc = 0) {
  const t = CRC;
  let i = 0;
  crc = ~crc;
  for (const end = data.length - 7; i < end; i += 8) {
    crc ^= data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24);
    crc =
      t[1792 + (crc & 255)] ^ t[1536 + ((crc >>> 8) & 255)] ^ t[1280 + ((crc >>> 16) & 255)] ^ t[1024 + (crc >>> 24)] ^
      t[768 + data[i + 4]] ^ t[512 + data[i + 5]] ^ t[256 + data[i + 6]] ^ t[data[i + 7]];
  }
  for (; i < data.length; i++) crc = (crc >>> 8) ^ t[(crc ^ data[i]) & 255];
  return ~crc >>> 0;
}

/** The files of a bag in a zip file, numbered in the order of their places. */
export class Zip {
  /**
   * @param {Blob} blob
   * @param {Entry[]} entries
   * @param {import("./bytes.js").Tell} tell
   */
  constructor(blob, entries, tell) {
    this.source = new Source(blob, LIMITS.readBytes);
    this.entries = entries;
    this.tell = tell;
    this.numbers = new Map(entries.map((entry, number) => [entry.name, number]));
  }

  /** The same, which tells nobody what it reads. */
  quiet() {
    return new Zip(this.source.blob, this.entries, () => {});
  }

  /** @param {string} name */
  entry(name) {
    const number = this.numbers.get(name);
    return number === undefined ? undefined : this.entries[number];
  }

  /**
   * The file's bytes, piece by piece. RefusedBundle where they are not what the zip says.
   * @param {Entry} entry
   */
  async *pieces(entry) {
    let [size, crc] = [0, 0];
    const packed = this.stored(entry);
    try {
      for await (const piece of entry.method === STORED ? packed : inflated(packed)) {
        size += piece.length;
        if (size > entry.size) break;
        crc = crc32(piece, crc);
        yield piece;
      }
    } catch (fault) {
      if (fault instanceof RefusedBundle || !(fault instanceof FormatFault)) throw fault;
      throw new RefusedBundle(`${entry.name}: ${fault.message}`);
    }
    if (size !== entry.size || crc !== entry.crc) throw contradicted(entry);
  }

  /** @param {Entry} entry */
  async *stored(entry) {
    for (let at = entry.at, end = at + entry.packed; at < end; ) {
      const piece = await this.source.read(at, Math.min(LIMITS.readBytes, end - at));
      if (!piece.length) return;
      at += piece.length;
      this.tell(piece.length);
      yield piece;
    }
  }

  /** @param {Entry} entry */
  async digest(entry) {
    if (entry.method === STORED && entry.size <= SMALL_BYTES) {
      const bytes = await this.source.read(entry.at, entry.size);
      this.tell(bytes.length);
      if (bytes.length !== entry.size || crc32(bytes) !== entry.crc) throw contradicted(entry);
      return isNative("sha256", bytes.length) ? nativeDigest("sha256", bytes) : sha256(bytes);
    }
    const hasher = newHash("sha256");
    for await (const piece of this.pieces(entry)) hasher.update(piece);
    return hasher.digest();
  }

  /**
   * A whole tag file, if it is there. RefusedBundle where it is over `limit` bytes.
   * @param {string} name
   * @param {number} limit
   */
  async small(name, limit) {
    const entry = this.entry(name);
    if (!entry) return null;
    if (entry.size > limit) throw new RefusedBundle(`${name} is over ${limit} bytes`);
    const pieces = [];
    for await (const piece of this.pieces(entry)) pieces.push(piece.slice());
    return joined(...pieces);
  }
}

/** @param {Entry} entry */
const contradicted = (entry) => new RefusedBundle(`${entry.name}: its bytes are not what the zip says (size or CRC)`);
