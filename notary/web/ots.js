// OpenTimestamps proof files (FORMAT.md section 4): one walk through the bytes, without recursion, within bounds.

import { newHash } from "./digest.js";
import { FormatFault, hex, joined, sameBytes, textOf, utf8 } from "./bytes.js";
import { LIMITS } from "./limits.js";
import { commas } from "./text.js";

/** @typedef {import("./digest.js").HashName} HashName */
/** @typedef {"pending" | "bitcoin" | "litecoin" | "ethereum" | "unknown"} Kind */
/**
 * An attestation with the message that it attests; `counts` unless a broken hash lies on the path to it.
 * @typedef {{kind: Kind, tag: string, message: Uint8Array, counts: boolean, uri: string, height: number}} Attestation
 */
/**
 * `lead` has the first operations that all attestations lie behind, in hex: tag and operand.
 * @typedef {{hashName: HashName, digest: Uint8Array, attestations: Attestation[], lead: string[]}} Proof
 */

export const MAGIC = joined(
  utf8("\0OpenTimestamps\0\0Proof\0"),
  Uint8Array.of(0xbf, 0x89, 0xe2, 0xe8, 0x84, 0xe8, 0x92, 0x94),
);

/** @type {Map<number, {name: HashName, size: number}>} */
const HASHES = new Map([
  [0x02, { name: "sha1", size: 20 }],
  [0x03, { name: "ripemd160", size: 20 }],
  [0x08, { name: "sha256", size: 32 }],
  [0x67, { name: "keccak256", size: 32 }],
]);
const [FORK, ATTESTATION, APPEND, PREPEND, REVERSE, HEXLIFY, SHA1] = [0xff, 0x00, 0xf0, 0xf1, 0xf2, 0xf3, 0x02];

/** @type {Map<string, Kind>} */
const KINDS = new Map([
  ["83dfe30d2ef90c8e", "pending"],
  ["0588960d73d71901", "bitcoin"],
  ["06869a0d73d71b45", "litecoin"],
  ["30fe8087b5c7ead7", "ethereum"],
]);

/** Operations that have to be known one by one: a token's are the first three. */
const LEAD = 3;

/**
 * @param {Uint8Array} data
 * @returns {Proof}
 */
export function readProof(data) {
  if (data.length > LIMITS.proofBytes) {
    throw new FormatFault(`over ${LIMITS.proofBytes} bytes: no OpenTimestamps proof is so long`);
  }
  if (!sameBytes(data.subarray(0, MAGIC.length), MAGIC)) {
    throw new FormatFault("not an OpenTimestamps proof: it does not start with the proof's magic bytes");
  }
  const reader = new ProofReader(data, MAGIC.length);
  const version = reader.number();
  if (version !== 1n) throw new FormatFault(`an OpenTimestamps proof of version ${version}; this reads version 1`);
  const tag = reader.byte();
  const hash = HASHES.get(tag);
  if (!hash) throw new FormatFault(`unknown file hash 0x${hex(Uint8Array.of(tag))} at byte ${reader.at - 1}`);
  const digest = reader.take(hash.size);
  return { hashName: hash.name, digest, ...walk(reader, digest, new Set([tag])) };
}

class ProofReader {
  /**
   * @param {Uint8Array} data
   * @param {number} at
   */
  constructor(data, at) {
    this.data = data;
    this.at = at;
  }

  /** @param {number} count */
  take(count) {
    const taken = this.data.subarray(this.at, this.at + count);
    if (taken.length < count) {
      throw new FormatFault(`truncated: ${count} bytes are needed at byte ${this.at}, ${taken.length} are there`);
    }
    this.at += count;
    return taken;
  }

  byte() {
    return this.take(1)[0];
  }

  number() {
    const start = this.at;
    let value = 0n;
    for (let place = 0; place < LIMITS.proofVarintBytes; place++) {
      const digit = this.byte();
      value |= BigInt(digit & 0x7f) << BigInt(7 * place);
      if (digit < 0x80) return value;
    }
    throw new FormatFault(`a number of over ${LIMITS.proofVarintBytes} bytes at byte ${start}`);
  }

  /** A number of any length; null for one that is no block's height. */
  height() {
    let value = 0;
    for (let weight = 1; ; weight *= 2 ** 7) {
      const digit = this.byte();
      if (digit & 0x7f) value += (digit & 0x7f) * weight; // the weight of noughts may have no end
      if (digit < 0x80) return value > LIMITS.blockHeight ? null : value;
    }
  }

  /**
   * Bytes with their length before them.
   * @param {number} most
   * @param {string} what
   */
  block(most, what, least = 0) {
    const start = this.at;
    const length = this.number();
    if (length < least || length > most) {
      throw new FormatFault(`${what} of ${length} bytes at byte ${start}: ${least} to ${most} are allowed`);
    }
    return this.take(Number(length));
  }

  /** @param {string} what */
  end(what) {
    const left = this.data.length - this.at;
    if (left) throw new FormatFault(`${left} bytes too many after ${what}`);
  }
}

/**
 * @param {ProofReader} reader
 * @param {Uint8Array} message
 * @param {Set<number>} hashes
 */
function walk(reader, message, hashes) {
  /** @type {{message: Uint8Array, depth: number, hashes: Set<number>}[]} */
  const forks = [];
  /** @type {Map<string, Attestation>} */
  const found = new Map();
  /** @type {string[]} */
  const lead = [];
  let [depth, work, isLeading] = [0, 0, true];
  for (;;) {
    let tag = reader.byte();
    if (tag === FORK) {
      forks.push({ message, depth, hashes });
      isLeading = false;
      tag = reader.byte();
    }
    if (tag === ATTESTATION) {
      isLeading = false;
      const name = hex(reader.take(8));
      const payload = reader.block(LIMITS.proofPayloadBytes, "an attestation");
      const one = attestation(name, payload, message, hashes);
      const key = [name, hex(payload), hex(message), [...hashes].sort()].join();
      if (!found.has(key)) found.set(key, one);
      if (found.size > LIMITS.proofAttestations) {
        throw new FormatFault(`over ${LIMITS.proofAttestations} attestations`);
      }
      const fork = forks.pop();
      if (!fork) break;
      ({ message, depth, hashes } = fork);
      continue;
    }
    const start = reader.at - 1;
    if (++depth > LIMITS.proofDepth) {
      throw new FormatFault(`over ${LIMITS.proofDepth} operations deep at byte ${start}`);
    }
    work += message.length;
    const operand = tag === APPEND || tag === PREPEND ? operandOf(reader) : NOTHING;
    message = applied(tag, operand, message, start);
    work += message.length;
    if (work > LIMITS.proofWorkBytes) {
      throw new FormatFault(`its operations make over ${LIMITS.proofWorkBytes} bytes`);
    }
    if (HASHES.has(tag)) hashes = new Set([...hashes, tag]);
    if (isLeading && lead.length < LEAD) lead.push(hex(Uint8Array.of(tag)) + hex(operand));
  }
  reader.end("the proof");
  return { attestations: [...found.values()], lead };
}

const NOTHING = new Uint8Array();
const operandOf = (/** @type {ProofReader} */ reader) => reader.block(LIMITS.proofResultBytes, "an operand", 1);

/**
 * The message that an operation makes.
 * @param {number} tag
 * @param {Uint8Array} operand
 * @param {Uint8Array} message
 * @param {number} start
 */
function applied(tag, operand, message, start) {
  const hash = HASHES.get(tag);
  if (hash) {
    const hasher = newHash(hash.name);
    hasher.update(message);
    return hasher.digest();
  }
  let made;
  if (tag === APPEND) made = joined(message, operand);
  else if (tag === PREPEND) made = joined(operand, message);
  else if (tag === REVERSE) made = message.slice().reverse();
  else if (tag === HEXLIFY) made = utf8(hex(message));
  else throw new FormatFault(`unknown operation 0x${hex(Uint8Array.of(tag))} at byte ${start}`);
  if (made.length > LIMITS.proofResultBytes) {
    throw new FormatFault(`the operation at byte ${start} makes over ${LIMITS.proofResultBytes} bytes`);
  }
  return made;
}

/**
 * @param {string} tag
 * @param {Uint8Array} payload
 * @param {Uint8Array} message
 * @param {Set<number>} hashes
 * @returns {Attestation}
 */
function attestation(tag, payload, message, hashes) {
  const reader = new ProofReader(payload, 0);
  const kind = KINDS.get(tag) ?? "unknown";
  // Two different files can be made with one SHA-1 digest (SHAttered, 2017), so a path over it proves too little.
  const one = { kind, tag, message, counts: !hashes.has(SHA1), uri: "", height: 0 };
  if (kind === "unknown") return one;
  if (kind === "pending") {
    const uri = textOf(reader.block(LIMITS.proofUriBytes, "a calendar's URI"));
    if (uri === null || !/^[A-Za-z0-9._/:-]*$/.test(uri)) {
      throw new FormatFault("a calendar's URI has characters that are not allowed there");
    }
    reader.end("a calendar's URI");
    return { ...one, uri };
  }
  const height = reader.height();
  reader.end("a block's height");
  return height === null ? { ...one, kind: "unknown" } : { ...one, height };
}

/**
 * An attestation in words; on a test network its blocks are not Bitcoin's.
 * @param {Attestation} one
 * @param {boolean} isTest
 */
export function describeAttestation(one, isTest) {
  const height = commas(one.height);
  switch (one.kind) {
    case "bitcoin": return isTest ? `block ${height} of the test network` : `Bitcoin block ${height}`;
    case "pending": return `pending at ${one.uri}`;
    case "unknown": return `an attestation of unknown kind ${one.tag}`;
    default: return `${one.kind === "litecoin" ? "Litecoin" : "Ethereum"} block ${height} (not checked by notary)`;
  }
}
