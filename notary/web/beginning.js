// The block that a manifest names: nobody knew its hash before it was mined, so the manifest is no older. Check 13.

import { isEnough, least, trustIn } from "./block.js";
import { failed, passed, skipped } from "./check.js";
import { blockTime, minedFrom, rank } from "./header.js";
import { commas } from "./text.js";

/**
 * The named block, as it stands in the chain, as `notary verify --json` tells of it: the manifest was made on `date`
 * (UTC) or later.
 * @typedef {{network: string, date: string, height: number, block_hash: string, block_time: string, trust: string,
 *   source: string}} Beginning
 */

/**
 * Check 13; with the block, if a source that is trusted enough has it. `anchor` is the attesting one.
 * @param {import("./manifest.js").NamedBlock} named
 * @param {import("./block.js").Sighting[]} sightings
 * @param {import("./block.js").Block | null} anchor
 * @param {import("./block.js").Policy} policy
 * @returns {[import("./check.js").Check, Beginning?]}
 */
export function findBeginning({ network, height, hash }, sightings, anchor, policy) {
  const name = `block ${commas(height)}`;
  const expected = `${name}, ${hash}, mined before the manifest was anchored`;
  if (network !== policy.network.name) {
    return [skipped(13, `the manifest names a block of the network ${network}`, expected)];
  }
  if (anchor && height >= anchor.height) {
    return [failed(13, expected, `it was anchored in block ${commas(anchor.height)} already`)];
  }
  // Of two that are trusted alike, the one that has another block decides nothing.
  const [best] = sightings
    .filter((one) => one.height === height)
    .map((one) => ({ ...one, isSame: one.headers[0].shown === hash, trust: trustIn(one, policy) }))
    .sort((one, other) => rank(other.trust) - rank(one.trust) || Number(other.isSame) - Number(one.isSame));
  if (!best) return [skipped(13, `no header of ${name} is at hand`, expected)];
  const { headers: [header], source, trust } = best;
  const from = `trust ${trust}, from ${source}`;
  if (!isEnough(trust, policy)) return [skipped(13, from, `trust of at least ${least(policy)}`)];
  if (!best.isSame) return [failed(13, expected, `${source} has ${header.shown} there`)];
  const [date, time] = [minedFrom(header), blockTime(header)];
  const beginning = { network, date, height, block_hash: hash, block_time: time, trust, source };
  return [passed(13, expected, `the same; ${from}; ${time}`), beginning];
}
