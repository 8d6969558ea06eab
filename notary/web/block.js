// The block that a proof leads to: whether a header bears it out, and with how much trust (checks 11 and 12).

import { sameBytes } from "./bytes.js";
import { failed, passed, skipped } from "./check.js";
import { blockTime, boundary, instant, latestClock, meeting, rank, shownHash } from "./header.js";
import { LIMITS } from "./limits.js";
import { commas } from "./text.js";

/** @typedef {import("./check.js").Check} Check */
/** @typedef {import("./header.js").Header} Header */
/** @typedef {import("./header.js").Level} Level */
/** @typedef {import("./header.js").Trust} Trust */
/** @typedef {import("./ots.js").Attestation} Attestation */
/**
 * The header at a height and those behind it, as a source gave them; `vouched` is the trust that the source lends them.
 * @typedef {{height: number, headers: Header[], source: string, vouched?: Trust}} Sighting
 */
/**
 * What the verifier demands.
 * @typedef {{network: import("./header.js").Network, require: Level, checkpoints: import("./header.js").Checkpoints}} Policy
 */
/**
 * The attesting block; `latest` is the time by which what it attests existed, in seconds since 1970.
 * @typedef {{height: number, header: Header, trust: Trust, source: string, existedBy: string, latest: number,
 *   time: string}} Block
 */

/**
 * The least trust that counts: a header that nothing speaks for never does.
 * @param {Policy} policy
 * @returns {Level}
 */
export const least = (policy) => (policy.require === "none" ? "work" : policy.require);

/**
 * @param {Trust} trust
 * @param {Policy} policy
 */
export const isEnough = (trust, policy) => rank(trust) >= rank(least(policy));

/**
 * The level that a source's header reaches.
 * @param {Sighting} sighting
 * @param {Policy} policy
 * @returns {Trust}
 */
export function trustIn({ height, headers, vouched }, policy) {
  const { network, checkpoints } = policy;
  if (!headers[0].hasWork(network)) return "none";
  if (vouched) return vouched;
  if (meeting(height, headers, policy) === "linked") return "checkpoint";
  return checkpoints.workCounts(height, headers[0]) ? "work" : "none";
}

/**
 * The heights for which no header at hand is trusted enough: of the blocks, none once one is borne out; and of the one
 * that the manifest names.
 * @param {{blocks: Attestation[], named: import("./manifest.js").NamedBlock | null}} wanted
 * @param {Sighting[]} sightings
 * @param {Policy} policy
 */
export function openHeights({ blocks, named }, sightings, policy) {
  const trusted = sightings.filter((one) => isEnough(trustIn(one, policy), policy));
  const isBorneOut = (/** @type {Sighting} */ { height, headers }) =>
    blocks.some((block) => block.height === height && sameBytes(block.message, headers[0].merkleRoot));
  const wanted = trusted.some(isBorneOut) ? [] : blocks.map(({ height }) => height);
  if (named?.network === policy.network.name) wanted.push(named.height);
  const known = new Set(trusted.map(({ height }) => height));
  return [...new Set(wanted)].filter((height) => !known.has(height)).sort((one, other) => one - other);
}

/**
 * Checks 11 and 12: the earliest block that a header bears out with enough trust, else the most trusted one.
 * @param {Attestation[]} blocks
 * @param {Sighting[]} sightings
 * @param {Policy} policy
 * @param {string} why  where there is no header
 * @returns {{block: Block | null, checks: Check[]}}
 */
export function findBlock(blocks, sightings, policy, why) {
  /** @type {Block[]} */
  const found = [];
  /** @type {Check[]} */
  let faults = [];
  let unseen = 0;
  for (const one of blocks) {
    /** @type {{trust: Trust, fault: Check | null, sighting: Sighting} | null} */
    let best = null;
    for (const sighting of sightings.filter(({ height }) => height === one.height)) {
      const [trust, fault] = [trustIn(sighting, policy), headerFault(one, sighting, policy)];
      // Of two that are trusted alike, the one that contradicts the proof decides nothing.
      const isBetter = best && (rank(trust) - rank(best.trust) || Number(!fault) - Number(!best.fault)) > 0;
      if (!best || isBetter) best = { trust, fault, sighting };
    }
    if (!best) unseen++;
    else if (!best.fault) found.push(claim(best.sighting, best.trust, policy));
    else faults.push(best.fault);
  }
  if (faults.length && unseen && blocks.length > LIMITS.heights) {
    faults = []; // the true one may be among those that were not looked for
    why = `not all of the ${commas(blocks.length)} blocks that it names were looked for, and those that were are others`;
  }
  const asked = `trust of at least ${least(policy)}`;
  if (!found.length) {
    const none = skipped(12, "no header bears the attestation out");
    let checks = [skipped(11, why), skipped(12, "there is no header to place", asked)];
    if (faults.length) {
      checks =
        faults[0].number === 12
          ? [skipped(11, "the header at hand is of no block of the chain"), faults[0]]
          : [faults[0], none];
    }
    return { block: null, checks };
  }
  const enough = found.filter(({ trust }) => isEnough(trust, policy));
  const [block] = enough.length
    ? enough.sort((one, other) => one.height - other.height)
    : found.sort((one, other) => rank(other.trust) - rank(one.trust) || one.height - other.height);
  const beside = faults.map((fault) => `; beside it a wrong one: ${fault.found}`).join("");
  const root = shownHash(block.header.merkleRoot);
  const header = passed(11, `merkle root ${root}, sound proof of work`, `block ${block.header.shown}${beside}`);
  const trust = `trust ${block.trust}, from ${block.source}`;
  return { block, checks: [header, enough.length ? passed(12, asked, trust) : skipped(12, trust, asked)] };
}

/**
 * @param {Sighting} sighting
 * @param {Trust} trust
 * @param {Policy} policy
 * @returns {Block}
 */
function claim({ height, headers, source }, trust, { network }) {
  const [header] = headers;
  const latest = latestClock(headers, network);
  return { height, header, trust, source, existedBy: instant(latest).slice(0, 10), latest, time: blockTime(header) };
}

/**
 * What is wrong with the header for this attestation.
 * @param {Attestation} one
 * @param {Sighting} sighting
 * @param {Policy} policy
 */
function headerFault(one, sighting, policy) {
  const { height, headers, source } = sighting;
  const [header] = headers;
  if (!header.hasWork(policy.network)) {
    return failed(
      11,
      `proof of work for block ${commas(one.height)} of the network ${policy.network.name}`,
      `the hash ${header.shown} from ${source} does not meet its target`,
    );
  }
  if (meeting(height, headers, policy) === "diverged") {
    // Only if its end has work: a damaged copy of the checkpoint is no sign of another chain.
    const end = boundary(height);
    const last = headers[end - height];
    if (last.hasWork(policy.network) && last.isComparable(header)) {
      return failed(
        12,
        `headers that lead to the checkpoint of block ${commas(end)}: a hash that ends in ${policy.checkpoints.at(end)}`,
        `those from ${source} lead to ${last.shown}`,
      );
    }
  }
  if (sameBytes(header.merkleRoot, one.message)) return null;
  return failed(
    11,
    `block ${commas(one.height)} with merkle root ${shownHash(header.merkleRoot)}, from ${source}`,
    `the proof leads to ${shownHash(one.message)}`,
  );
}
