// What stands in a log, as C2SP writes it: signed notes, checkpoints, and proofs that an entry is in one. Signatures have
// to be well formed, and are not verified: this page knows no register's key.

import { FormatFault, hex, sameBytes, textOf, utf8 } from "./bytes.js";
import { DIGEST_BYTES } from "./digest.js";
import { LIMITS } from "./limits.js";
import { nodeHash } from "./merkle.js";

/** @typedef {{text: string, origin: string, size: bigint, root: Uint8Array}} Checkpoint  as a note's text has it */
/** @typedef {{index: bigint, hashes: Uint8Array[], checkpoint: Checkpoint}} TlogProof */

/** @param {unknown} isSound */
function demand(isSound) {
  if (!isSound) throw new FormatFault("it is not as C2SP writes it");
}

/**
 * What a text encodes in the one way that there is.
 * @param {string} text
 */
function unbase64(text) {
  let data = "";
  try {
    data = atob(text);
  } catch {} // is not what it would be written as
  demand(btoa(data) === text);
  return Uint8Array.from(data, (one) => one.charCodeAt(0));
}

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
export function readNote(data) {
  const whole = textOf(data) ?? "";
  const end = whole.lastIndexOf("\n\n") + 1;
  const text = whole.slice(0, end);
  const lines = whole.slice(end + 1, -1).split("\n");
  demand(data.length <= LIMITS.noteBytes && whole.endsWith("\n") && !/[\0-\x09\x0b-\x1f]/.test(whole));
  demand(end && lines.length <= LIMITS.noteSignatures);
  for (const line of lines) {
    const [, name = "", signature = ""] = /^\u2014 ([^\s+\x85]+) (\S+)$/.exec(line) ?? [];
    demand(unbase64(signature).length > 4 && utf8(name).length <= LIMITS.noteName);
  }
  const [origin, size, root, ...rest] = text.slice(0, -1).split("\n");
  demand(origin && root && rest.every(Boolean));
  return { text, origin, size: decimal(size), root: hash64(root) };
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
  const proof = { index: decimal(first.slice(6)), hashes: hashes.map(hash64), checkpoint: readNote(data.slice(end + 2)) };
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
