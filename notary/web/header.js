// Block headers: hash, target, linkage, checkpoints, the date rule; and what each network demands (FORMAT.md 2 and 3).

import { sha256 } from "./digest.js";
import { FormatFault, hex } from "./bytes.js";
import { readObject } from "./json.js";
import { LIMITS } from "./limits.js";

export const HEADER_BYTES = 80;
/** Blocks from one adjustment of the target to the next: a checkpoint stands at the end of each. */
const PERIOD = 2016;
const HALF_A_HASH = 16;
/** How much easier than another a target may be, if one retarget is all that lies between them. */
const EASING = 4n;
/** Blocks whose clocks the date rule looks at, and the seconds that a clock may run ahead. */
export const DATE_WINDOW = 12;
export const CLOCK_SLACK = 2 * 60 * 60;

/** Levels of trust, weakest first. The last two need a machine's own chain or node, and are never reached here. */
const LEVELS = /** @type {const} */ (["none", "work", "checkpoint", "explorers", "chain", "node"]);
/** @typedef {typeof LEVELS[number]} Level */
/** @typedef {"none" | "work" | "checkpoint" | "explorers"} Trust */
/** @param {Level} trust */
export const rank = (trust) => LEVELS.indexOf(trust);

/**
 * `limit` is the easiest target allowed, `genesis` the hash of its first block as explorers show it.
 * @typedef {{name: string, limit: bigint, genesis: string, isTest: boolean, leastTrust: Trust}} Network
 */

const TEST = {
  limit: 0x7fffffn << 232n,
  genesis: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
  isTest: true,
  leastTrust: /** @type {Trust} */ ("work"),
};
const BITCOIN = {
  limit: 0xffffn << 208n,
  genesis: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
  isTest: false,
  leastTrust: /** @type {Trust} */ ("checkpoint"),
};
/** @type {Map<string, Network>} */
export const NETWORKS = new Map([
  ["bitcoin", { name: "bitcoin", ...BITCOIN }],
  ["regtest", { name: "regtest", ...TEST }],
  ["local", { name: "local", ...TEST }],
]);

/**
 * A hash as explorers show it.
 * @param {Uint8Array} hash
 */
export const shownHash = (hash) => hex(hash.slice().reverse());

/**
 * The number that `bits` writes in compact form; null where no hash could meet it.
 * @param {number} bits
 */
function targetOf(bits) {
  const exponent = bits >>> 24;
  const rest = BigInt(bits & 0x7fffff);
  const value = exponent <= 3 ? rest >> BigInt(8 * (3 - exponent)) : rest << BigInt(8 * (exponent - 3));
  return value === 0n || bits & 0x800000 || value >> 256n ? null : value;
}

export class Header {
  /** @param {Uint8Array} raw  80 bytes */
  constructor(raw) {
    const view = new DataView(raw.buffer, raw.byteOffset, HEADER_BYTES);
    this.raw = raw;
    this.time = view.getUint32(68, true);
    this.target = targetOf(view.getUint32(72, true));
    this.hash = "";
    this.before = "";
  }

  get merkleRoot() {
    return this.raw.subarray(36, 68);
  }

  /** Its hash, and that of the block before, as explorers show them. */
  get shown() {
    return (this.hash ||= shownHash(sha256(sha256(this.raw))));
  }

  get previous() {
    return (this.before ||= shownHash(this.raw.subarray(4, 36)));
  }

  /** How many hashes are expected for one such block: log2 of it. */
  get difficulty() {
    return Math.log2(Number((1n << 256n) / ((this.target ?? 0n) + 1n)));
  }

  /**
   * Whether its hash meets its target, and that is one that the network allows.
   * @param {Network} network
   */
  hasWork(network) {
    return this.target !== null && this.target <= network.limit && BigInt(`0x${this.shown}`) <= this.target;
  }

  /**
   * Whether it is not so much easier than `other` that no retarget explains it.
   * @param {Header} other
   */
  isComparable(other) {
    return this.target !== null && other.target !== null && this.target <= EASING * other.target;
  }
}

/**
 * The leading headers each of which names the one before.
 * @param {Header[]} headers
 */
export function linked(headers) {
  const end = headers.findIndex((header, at) => at > 0 && header.previous !== headers[at - 1].shown);
  return end < 0 ? headers : headers.slice(0, end);
}

/**
 * Of those the ones with work, none much easier than the first.
 * @param {Header[]} headers
 * @param {Network} network
 */
export function soundRow(headers, network) {
  const row = linked(headers);
  const end = row.findIndex((header) => !header.hasWork(network) || !header.isComparable(headers[0]));
  return end < 0 ? row : row.slice(0, end);
}

/**
 * The last height of the period that `height` is in.
 * @param {number} height
 */
export const boundary = (height) => height - (height % PERIOD) + PERIOD - 1;

/**
 * For each period from the first on half the hash of its last block, and the target that follows the last.
 *
 * The half is the one in which work leaves no zeros. To make a header that agrees with its 128 bits takes 2^128 hashes,
 * and more since it needs proof of work as well: with the least that there is, 2^160.
 */
export class Checkpoints {
  /** @param {Uint8Array} [data]  16 bytes for each, the first ones of the hash as headers have it; 4 with the bits */
  constructor(data = new Uint8Array()) {
    this.data = data;
    this.count = Math.floor(data.length / HALF_A_HASH);
    this.target = this.count ? targetOf(parseInt(hex(data.subarray(-4)), 16)) : null;
  }

  /**
   * How the hash of a pinned period's last block ends, as explorers show it; or null.
   * @param {number} height
   */
  at(height) {
    const end = (HALF_A_HASH * (height + 1)) / PERIOD;
    if (end % HALF_A_HASH || end < HALF_A_HASH || end > HALF_A_HASH * this.count) return null;
    return shownHash(this.data.subarray(end - HALF_A_HASH, end));
  }

  /**
   * Whether a header's own work says anything: above the last checkpoint, and not much easier than there.
   * @param {number} height
   * @param {Header} header
   */
  workCounts(height, header) {
    if (height < this.count * PERIOD) return false;
    return this.target === null || (header.target !== null && header.target <= EASING * this.target);
  }
}

/**
 * Where headers lead, the first at `height`: `open` where they end before the checkpoint, or there is none.
 * @param {number} height
 * @param {Header[]} headers
 * @param {import("./block.js").Policy} policy
 */
export function meeting(height, headers, { network, checkpoints }) {
  const length = boundary(height) - height + 1;
  const pinned = checkpoints.at(boundary(height));
  const row = headers.slice(0, length);
  if (!pinned || row.length < length || linked(row).length < length) return "open";
  const last = row[length - 1];
  return last.shown.endsWith(pinned) && last.hasWork(network) ? "linked" : "diverged";
}

/**
 * The time by which all in the first of these blocks existed, in seconds since 1970.
 * @param {Header[]} headers
 * @param {Network} network
 */
export function latestClock(headers, network) {
  return Math.max(0, ...soundRow(headers.slice(0, DATE_WINDOW), network).map(({ time }) => time)) + CLOCK_SLACK;
}

/**
 * The day (UTC) before which nobody can have known this block.
 * @param {Header} header
 */
export const minedFrom = ({ time }) => instant(time - CLOCK_SLACK).slice(0, 10);

/** @param {number} seconds  since 1970 */
export const instant = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** @param {Header} header */
export const blockTime = ({ time }) => instant(time);

/** Runs of headers, as a bundle has them, of one network. */
export class HeaderRuns {
  /**
   * @param {string} network
   * @param {{start: number, headers: Header[]}[]} runs
   */
  constructor(network, runs) {
    this.network = network;
    this.runs = runs;
  }

  /**
   * The header at `height` and all behind it that a proof has a use for, as far as each names the one before.
   * @param {number} height
   */
  from(height) {
    const end = Math.max(boundary(height) + 1, height + DATE_WINDOW);
    const near = this.runs.filter(({ start, headers }) => start < end && start + headers.length > height);
    /** @type {Header[]} */
    const found = [];
    for (let at = height; at < end; at++) {
      const run = near.find(({ start, headers }) => {
        const header = headers[at - start];
        return header && (at === height || header.previous === found[found.length - 1].shown);
      });
      if (!run) break;
      found.push(run.headers[at - run.start]);
    }
    return found;
  }
}

/**
 * headers.json and headers.bin.
 * @param {Uint8Array} index
 * @param {Uint8Array} data
 */
export function readRuns(index, data) {
  const what = "headers.json";
  const members = readObject(index, what, LIMITS.headersIndexBytes);
  const [network, runs] = [members.get("network"), members.get("runs")];
  if (members.size !== 2 || typeof network !== "string" || !Array.isArray(runs)) {
    throw new FormatFault(`${what} has other keys than network and runs`);
  }
  if (data.length > LIMITS.headers * HEADER_BYTES) {
    throw new FormatFault(`headers.bin has over ${LIMITS.headers} headers`);
  }
  if (data.length % HEADER_BYTES) {
    throw new FormatFault(`${data.length} bytes are not a whole number of ${HEADER_BYTES}-byte headers`);
  }
  /** @type {Header[]} */
  const headers = [];
  for (let at = 0; at < data.length; at += HEADER_BYTES) {
    headers.push(new Header(data.subarray(at, at + HEADER_BYTES)));
  }
  const found = [];
  let used = 0;
  for (const run of runs) {
    if (!(run instanceof Map && run.size === 2 && run.has("start") && run.has("count"))) {
      throw new FormatFault(`${what}: a run has other keys than start and count`);
    }
    const [start, count] = [run.get("start"), run.get("count")];
    if (typeof start !== "number" || typeof count !== "number" || start < 0 || count < 1) {
      throw new FormatFault(`${what}: a run's start or count is out of range`);
    }
    found.push({ start, headers: linked(headers.slice(used, used + count)) });
    used += count;
  }
  if (used !== headers.length) {
    throw new FormatFault(`${what} tells of ${used} headers, headers.bin has ${headers.length}`);
  }
  return new HeaderRuns(network, found);
}
