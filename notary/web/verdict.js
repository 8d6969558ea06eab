// The door of the verifier: has gathered what a bundle or a proof holds, judges it, and says it as `notary verify --json`
// does. Nothing but the given files is read, and nothing is sent anywhere, unless `explorers` are named to be asked.

import { openHeights } from "./block.js";
import { FormatFault, hex } from "./bytes.js";
import { judgedClaim } from "./claimverdict.js";
import { Gathering, Told } from "./gathering.js";
import { Checkpoints, NETWORKS } from "./header.js";
import { judge, wantedBy } from "./judge.js";
import { LIMITS } from "./limits.js";
import { notCompared, sentences, trustText } from "./sentences.js";

/** @typedef {import("./block.js").Policy} Policy */
/** @typedef {import("./gathering.js").GivenFile} GivenFile */
/** @typedef {import("./header.js").Level} Level */
/** @typedef {import("./judge.js").Facts} Facts */
/** @typedef {import("./judge.js").Judgement} Judgement */
/**
 * What is demanded: `checkpoints` by network as `Checkpoints` has them; `headers`, a headers.json with its headers.bin,
 * may stand beside a target that has none of its own.
 * @typedef {{network?: string, require?: Level, checkpoints?: Record<string, Uint8Array>, signal?: AbortSignal}
 *   & import("./sighting.js").Sources} Demands
 */
/** @typedef {(done: number, total: number) => void} Progress */
/** @typedef {ReturnType<typeof verdictOf>} Verdict */
/** @typedef {{error: string, hints: string[]}} NoVerdict */

/**
 * The verdict on a bundle, a claim, a `.ots` file or a certificate; `evidence` is matched to it by digest. What cannot be
 * read at all gets an error and hints instead. It throws only what `tell` throws, or the signal.
 * @param {GivenFile} target
 * @param {GivenFile[]} evidence
 * @param {Demands} demands
 * @param {Progress} tell
 * @returns {Promise<Verdict | NoVerdict>}
 */
export async function verify(target, evidence, demands, tell = () => {}) {
  let done = 0;
  const total = [target, ...evidence].reduce((sum, { blob }) => sum + blob.size, 0);
  const read = (/** @type {number} */ bytes) => {
    demands.signal?.throwIfAborted();
    tell((done += bytes), total);
  };
  try {
    const told = new Told();
    const policy = policyOf(demands);
    const gathering = new Gathering(target, evidence, policy, demands, read, told);
    const found = await judgedClaim(gathering);
    if (found) return { ...verdictOf(found.facts, found.judgement, policy, told), ...found.told };
    const facts = await gathering.facts();
    return verdictOf(facts, judge(facts, policy), policy, told);
  } catch (fault) {
    if (fault instanceof FormatFault) return { error: fault.message, hints: fault.hints };
    // The browser's own faults: a file that was moved, changed or made unreadable since it was chosen.
    const isUnreadable = fault instanceof DOMException && ["NotFoundError", "NotReadableError"].includes(fault.name);
    if (isUnreadable) return { error: "a file cannot be read", hints: ["choose the files again"] };
    throw fault;
  }
}

/**
 * @param {Demands} demands
 * @returns {Policy}
 */
function policyOf({ network: name = "bitcoin", require, checkpoints }) {
  const network = NETWORKS.get(name);
  if (!network) throw new FormatFault(`unknown network '${name}'`, `the networks are ${[...NETWORKS.keys()].join(", ")}`);
  const pinned = new Checkpoints(checkpoints?.[name]);
  return { network, require: require ?? network.leastTrust, checkpoints: pinned };
}

/**
 * @param {Facts} facts
 * @param {Judgement} judgement
 * @param {Policy} policy
 * @param {Told} told
 */
function verdictOf(facts, judgement, policy, told) {
  const { block, outcome, checks, signature, stamped, beginning } = judgement;
  const { manifest = null, head = null } = facts.bundle ?? {};
  const { disclosed, of, matched, faults } = facts.files;
  const isOpen = outcome === "unconfirmed" || (outcome === "verified" && !policy.network.isTest);
  const isAsked = isOpen && [null, policy.network.name].includes(judgement.madeOn);
  const network = policy.network.name;
  return {
    verdict: outcome,
    target: facts.target,
    network,
    test_network: policy.network.isTest,
    trust: block?.trust ?? "none",
    trust_meaning: block ? trustText(judgement, policy) : null,
    required_trust: policy.require,
    existed_by: block && outcome === "verified" ? block.existedBy : null,
    sentences: sentences(facts, judgement, policy),
    attestation: block && {
      network,
      height: block.height,
      block_hash: block.header.shown,
      block_time: block.time,
      source: block.source,
    },
    head: head && hex(head),
    signature: signature
      ? {
          ...signature,
          declared_name: manifest?.signer?.name ?? null,
          declared_organisation: manifest?.signer?.organisation ?? null,
          listed_as: [],
          listed_in: null,
        }
      : null,
    token: stamped
      ? { authority: null, time: stamped.time, root: null, roots_from: null, certificate_expires: null }
      : null,
    not_before: beginning ?? null,
    previous: manifest?.previous || null,
    tried: facts.tried,
    checks,
    items: { disclosed, of, matched, failed: faults.count },
    // What the page shows beside: what to beware of, the first items, what is declared, and the blocks that somebody may be asked about.
    cautions: facts.isCertificate && outcome !== "failed" ? [notCompared("bundle")] : [],
    items_listed: told.items,
    declared: told.declared,
    made_on: judgement.madeOn,
    open_blocks: isAsked
      ? openHeights(wantedBy(facts.proof, manifest), facts.sightings, policy).slice(0, LIMITS.heights)
      : [],
  };
}
