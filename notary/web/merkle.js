// The commitment of FORMAT.md section 1, and the root that tree.bin gives (section 2).

import { sha256 } from "./digest.js";
import { FormatFault, hex, u64, utf8 } from "./bytes.js";
import { LIMITS } from "./limits.js";

const [LEAF, NODE, HEAD, SEAL, STATEMENT, RECORD] = [0, 1, 2, 3, 4, 5].map((tag) => Uint8Array.of(tag));
const CONTEXT = utf8("notary/v1\n");

/**
 * @param {Uint8Array} t
 * @param {Uint8Array} record
 */
export const recordHash = (t, record) => sha256(RECORD, t, record);

/**
 * @param {Uint8Array} digest
 * @param {Uint8Array} s
 * @param {Uint8Array} r
 */
export const leafHash = (digest, s, r) => sha256(LEAF, digest, s, r);

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export const nodeHash = (left, right) => sha256(NODE, left, right);

/**
 * @param {Uint8Array} root
 * @param {number} size
 * @param {Uint8Array} manifest
 * @param {Uint8Array} signature
 */
export function headHash(root, size, manifest, signature) {
  return sha256(HEAD, CONTEXT, root, u64(size), sha256(STATEMENT, sha256(manifest), sha256(signature)));
}

/**
 * The operations that lead from the head to the seal where there is a token, in hex: tag and operand.
 * @param {Uint8Array} token
 */
export function stepsToSeal(token) {
  return [`f0${hex(sha256(token))}`, `f1${hex(SEAL)}`, "08"];
}

/** @typedef {{index: number, leaf: Uint8Array}} Shown */

const JOIN = { low: -1, high: -1 };

/**
 * The root that the shown leaves, in ascending order, and tree.bin's hashes give.
 *
 * `nextLeaf` and `nextHash` give what comes next, or null behind the last: at once where they can, for the million.
 * @param {number} size
 * @param {() => Shown | null | Promise<Shown | null>} nextLeaf
 * @param {() => Uint8Array | null | Promise<Uint8Array | null>} nextHash
 */
export async function rootByCover(size, nextLeaf, nextHash) {
  if (size < 1 || size > LIMITS.batchItems) throw new FormatFault(`a batch of ${size} items is out of range`);
  let before = -1;
  /** @param {Shown | null} coming */
  const checked = (coming) => {
    if (!coming) return { index: size, leaf: CONTEXT };
    const { index } = coming;
    if (index >= size) throw new FormatFault(`item ${index} lies outside a batch of ${size}`);
    if (index <= before) {
      throw new FormatFault(`item ${index} follows item ${before}: items are listed once, in ascending order`);
    }
    before = index;
    return coming;
  };
  const first = nextLeaf();
  let coming = checked(first instanceof Promise ? await first : first);
  const ranges = [{ low: 0, high: size }];
  /** @type {Uint8Array[]} */
  const values = [];
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const { low, high } = range;
    if (range === JOIN) {
      const right = /** @type {Uint8Array} */ (values.pop());
      values.push(nodeHash(/** @type {Uint8Array} */ (values.pop()), right));
    } else if (coming.index >= high) {
      const next = nextHash();
      const hash = next instanceof Promise ? await next : next;
      if (!hash) throw new FormatFault("the tree's hashes end too early");
      values.push(hash);
    } else if (high - low === 1) {
      values.push(coming.leaf);
      const next = nextLeaf();
      coming = checked(next instanceof Promise ? await next : next);
    } else {
      let half = 1; // the largest power of two below the length; bit operations end at 2^32
      while (2 * half < high - low) half *= 2;
      ranges.push(JOIN, { low: low + half, high }, { low, high: low + half });
    }
  }
  if (await nextHash()) throw new FormatFault("the tree has hashes left over");
  return values[0];
}
