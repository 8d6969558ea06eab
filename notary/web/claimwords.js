// What a check of a claim comes to, in words: what a register's keeper asserted, and when at the latest.

import { isEnough } from "./block.js";
import { blockSentence, unconfirmed } from "./sentences.js";
import { shownText } from "./shown.js";
import { OFFICE } from "./vouching.js";

/** @typedef {import("./block.js").Policy} Policy */
/** @typedef {import("./claim.js").Claim} Claim */
/** @typedef {import("./judge.js").Judgement} Judgement */
/**
 * What a claim's judgement is made of beside a bundle's: `file` is the reader's registries.toml, if he gave any.
 * @typedef {{target: string, claim: Claim | null, registry: import("./trusted.js").Registry | undefined, file: string,
 *   cosigned: number, asserter: string | null, isPromised: boolean, lacksDigest: boolean, sentence: string,
 *   tried: string[], later: string | undefined}} Found
 */

/** @type {Record<number, string>} What a failed check means. */
const CLAIM_FAULTS = {
  1: "it is not a sound claim, and nothing in it was looked at further",
  2: "it was changed after it was made, or damaged",
  3: "what it claims cannot be read",
  4: "the document is not the one as filed",
  5: "its entry is not shown to be in the register",
  6: "the checkpoint that is anchored is not the one that its entry is in",
  7: "the register's signature is wrong, or the register is refused",
  8: "a witness's cosignature is wrong",
  10: "its anchor cannot be followed, or is of something else",
  11: "the block does not bear the anchor out",
  12: "the block is not where it should be in the chain",
};

/** A check that is reported beside the verdict. */
export const PERIOD_CHECK = 14;

const KEEPERS_WORD =
  "That is what the register's keeper asserted, and when at the latest. Whether it is true, whether the first filing" +
  " was the first, and what follows from either was not examined.";

/**
 * The answer, in one sentence first.
 * @param {Found} found
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
export function claimSentences(found, judgement, policy) {
  const { target, claim, tried } = found;
  const { outcome, checks, block, calendars } = judgement;
  const wrong = checks.find(({ status, number }) => status === "failed" && number !== PERIOD_CHECK);
  if (wrong || !claim) {
    const { number = 1, name = "", found: seen = "", expected = "" } = wrong ?? {};
    return [
      `${shownText(target)}: ${CLAIM_FAULTS[number]}.`,
      `Check ${number}, ${name}. Found: ${shownText(seen)}`,
      `Expected: ${shownText(expected)}`,
    ];
  }
  const { record, index, origin } = claim;
  const { event, office, number, right, filing_date: filed, date } = record;
  const what = `the record${event === "filed" ? "" : " `" + event + "` of " + date} of the ${right === "other" ? "" : right + " "}`;
  const given = `${what}application ${shownText([office, number].join(" "))}, filed on ${filed}, is `;
  const entry = `entry ${index} of the register of ${origin}`;
  if (outcome === "verified" && block) {
    const whose = found.asserter === OFFICE ? "asserted by the office (its key is" : "applicant-asserted (its key is not";
    const of = found.registry?.witnesses.length;
    const parts = [given + entry, `${whose} trusted for ${office})`];
    if (of) parts.push(`cosigned by ${found.cosigned} of ${of} witnesses`);
    parts.push(`in a checkpoint that existed no later than ${block.existedBy} (UTC)`);
    const beside = [parts.join(", ")];
    if (checks[3].status === "passed") beside.push("the document is the one as filed");
    if (found.sentence) beside.push(found.sentence.slice(0, -1).replace(/^The /, "the "));
    const sentences = [`${beside.join("; ")}.`, blockSentence(judgement, policy)];
    if (found.later && block.existedBy > found.later) {
      const stood = `That the entry stood in the register is shown only as of ${block.existedBy}`;
      sentences.push(`${stood}, after the later filing of ${found.later}.`);
    }
    return [...sentences, KEEPERS_WORD];
  }
  if (outcome === "pending") {
    const promised = `Promised by ${calendars.map(shownText).join(", ")}.`;
    return [`${given}${entry}: sound so far, but no block attests the checkpoint yet.`, promised];
  }
  const missing = missingOf(found, judgement, policy).join("; ");
  return [`${given}given as ${entry}, which is not proven: ${missing}.`, ...tried.map((why) => `Tried: ${shownText(why)}.`)];
}

/**
 * Why it is unconfirmed, as far as each reason goes.
 * @param {Found} found
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
function missingOf({ registry, cosigned, lacksDigest, isPromised }, judgement, policy) {
  const { block, checks } = judgement;
  const seen = (/** @type {number} */ number) => shownText(checks[number - 1].found);
  const why = [];
  if (checks[6].status === "skipped") why.push(`no key that you trust speaks for it: ${seen(7)}`);
  else if (registry && cosigned < registry.quorum) {
    why.push(`${seen(8)}, and ${registry.quorum} of your witnesses are asked for`);
  }
  if (lacksDigest) why.push(`the document cannot be compared: ${seen(4)}`);
  if (isPromised) why.push("no block attests its checkpoint yet");
  else if (!block || !isEnough(block.trust, policy)) why.push(shownText(`its checkpoint is ${unconfirmed(judgement, policy)}`));
  return why;
}

/**
 * What the reader may do next about who speaks for it.
 * @param {Found} found
 * @param {Judgement} judgement
 */
export function claimAdvice({ claim, registry, file, cosigned }, { outcome, checks }) {
  if (!claim || outcome !== "unconfirmed") return [];
  if (!file) {
    return [
      "To see who signed it, add your registries.toml: the list of the registers that you trust, with their keys. Have it" +
        " from somebody whom you trust, and never from whoever gave you the claim.",
    ];
  }
  const { origin } = claim;
  if (!registry) return [`If you trust ${origin}: have its vkey from its keeper, not with the claim, and put it into ${file}.`];
  if (checks[6].status === "skipped") return [`If ${origin} has a new key, have its vkey from its keeper, and put it into ${file}.`];
  return cosigned < registry.quorum ? ["Ask for a claim with more cosignatures."] : [];
}
