// Headers of the blocks that a proof names, from one source after another until one bears it out.

import { openHeights } from "./block.js";
import { agreed, Unhelpful } from "./explorers.js";
import { rank, readRuns } from "./header.js";
import { LIMITS } from "./limits.js";

/** @typedef {import("./block.js").Policy} Policy */
/** @typedef {import("./block.js").Sighting} Sighting */
/** @typedef {import("./header.js").HeaderRuns} HeaderRuns */
/**
 * What may be looked at beside the bundle, and who may be asked: nobody, unless they are named; and the day of the filing
 * that a claim's priority period is compared with.
 * @typedef {{headers?: {index: Uint8Array, data: Uint8Array}, explorers?: import("./explorers.js").Explorers,
 *   laterFiling?: string}} Sources
 */

/** @typedef {Parameters<typeof openHeights>[0]} Wanted */

/**
 * What the sources have of the blocks, and why some did not help.
 * @param {Wanted} wanted
 * @param {Policy} policy
 * @param {Sources} sources
 * @param {HeaderRuns | null} bundled  that came with the proof
 */
export async function sightingsFor(wanted, policy, { headers: given, explorers }, bundled, whose = "bundle") {
  const { network } = policy;
  /** @type {Sighting[]} */
  const sightings = [];
  /** @type {string[]} */
  const tried = [];
  const open = () => openHeights(wanted, sightings, policy);
  if (!open().length) return { sightings, tried };
  const file = given ? readRuns(given.index, given.data) : null;
  for (const { runs, source } of [
    { runs: file, source: "the headers file" },
    { runs: bundled, source: `the ${whose}'s own headers` },
  ]) {
    const heights = runs ? open() : [];
    if (!runs || (!heights.length && runs.network === network.name)) continue;
    if (runs.network !== network.name) {
      tried.push(`${source} is of the network ${runs.network}`);
      continue;
    }
    for (const height of heights) {
      const headers = runs.from(height);
      if (headers.length) sightings.push({ height, headers, source });
    }
  }
  if (!explorers?.urls.length || rank(policy.require) > rank("explorers")) return { sightings, tried };
  /** @type {Set<string>} */
  const silent = new Set();
  for (const height of open().slice(0, LIMITS.heights)) {
    try {
      sightings.push(await agreed(explorers, network, height, silent));
    } catch (fault) {
      if (!(fault instanceof Unhelpful)) throw fault;
      tried.push(fault.message);
    }
    if (!open().length || explorers.urls.length - silent.size < explorers.least) break;
  }
  return { sightings, tried };
}
