// What stands in a log, as C2SP writes it: checkpoints, and proofs that an entry is in one.

import { hex, sameBytes, textOf } from "./bytes.js";
import { DIGEST_BYTES, sha256 } from "./digest.js";
import { LIMITS } from "./limits.js";
import { nodeHash } from "./merkle.js";
import { demand, readNote, unbase64 } from "./note.js";

/** @typedef {import("./note.js").Note} Note */
/** @typedef {{note: Note, origin: string, size: bigint, root: Uint8Array}} Checkpoint  as a note's text has it */
/** @typedef {{index: bigint, hashes: Uint8Array[], checkpoint: Checkpoint}} TlogProof */

/** @param {string} text */
function hash64(text) {
  const data = unbase64(text);
  demand(data.length === DIGEST_BYTES);
  return data;
}

/** @param {string} text */
function decimal(text) {
  demand(/^(0|[1-9]\d{0,18})$/.test(text) && BigInt(text) < 2n ** 63n);
  return BigInt(text);
}

/**
 * The checkpoint of a signed note.
 * @param {Uint8Array} data
 * @returns {Checkpoint}
 */
export function readCheckpoint(data) {
  const note = readNote(data);
  const [origin, digits, encoded, ...rest] = note.text.slice(0, -1).split("\n");
  demand(origin && encoded && rest.every(Boolean));
  const [size, root] = [decimal(digits), hash64(encoded)];
  demand(size || sameBytes(root, sha256()));
  return { note, origin, size, root };
}

/**
 * @param {Uint8Array} data
 * @returns {TlogProof}
 */
export function readTlogProof(data) {
  const end = data.findIndex((byte, at) => byte === 10 && data[at + 1] === 10);
  demand(end > 0);
  const [header, ...lines] = (textOf(data.slice(0, end)) ?? "").split("\n");
  if (lines[0]?.startsWith("extra ")) {
    const { length } = unbase64(lines[0].slice(6));
    demand(length && length <= LIMITS.tlogProofExtraBytes);
    lines.shift();
  }
  const [first = "", ...hashes] = lines;
  demand(header === "c2sp.org/tlog-proof@v1" && first.startsWith("index ") && hashes.length < 64);
  const proof = { index: decimal(first.slice(6)), hashes: hashes.map(hash64), checkpoint: readCheckpoint(data.slice(end + 2)) };
  demand(proof.index < proof.checkpoint.size);
  return proof;
}

/**
 * Why the proof does not lead from the leaf to its checkpoint's root (RFC 9162, 2.1.3.2); nothing where it does.
 * @param {TlogProof} proof
 * @param {Uint8Array} leaf
 */
export function inclusionFault({ index, hashes, checkpoint: { size, root } }, leaf) {
  let [at, last, found] = [index, size - 1n, leaf];
  for (const hash of hashes) {
    if (!last) return "the inclusion proof is too long";
    if (at & 1n || at === last) {
      found = nodeHash(hash, found);
      for (; at && !(at & 1n); at >>= 1n) last >>= 1n;
    } else found = nodeHash(found, hash);
    at >>= 1n;
    last >>= 1n;
  }
  if (last) return "the inclusion proof is too short";
  return sameBytes(found, root) ? "" : `the inclusion proof leads to the root ${hex(found)}; expected ${hex(root)}`;
}
