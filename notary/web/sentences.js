// A verdict in words: what existed no later than when, on what trust; or what is wrong, or missing.

import { least } from "./block.js";
import { LINE_CHECK, OF_CERTIFICATES } from "./check.js";
import { shownText } from "./shown.js";
import { commas } from "./text.js";
import { UNCHECKED_TOKEN } from "./token.js";

/** @typedef {import("./judge.js").Facts} Facts */
/** @typedef {import("./judge.js").Judgement} Judgement */
/** @typedef {import("./block.js").Policy} Policy */

const TRUST_WORDS = {
  none: "nothing ties the header at hand to the chain",
  work: "the block's own proof of work was checked, not its place in the chain",
  checkpoint: "linked to a checkpoint in this release",
};

/** What a failed check means, by its number. */
const FAILURE_WORDS = [
  "",
  "it is not a sound bundle, and nothing in it was looked at further",
  "it was changed after it was made, or damaged",
  "its manifest cannot be read",
  "a file is not what was stamped",
  "a record is not as records are",
  "its items are not those that the manifest commits to",
  "its signature is wrong, or not one that is asked for",
  "its proof is of something else",
  "its TSA token is wrong, or not one that is asked for",
  "its proof cannot be followed",
  "the block does not bear the proof out",
  "the block is not where it should be in the chain",
  "the block that its manifest names is not where the manifest says",
  "",
  "",
  "the batches that it lists before its own are not those that were anchored",
];

const NOT_PROVEN =
  "It does not prove who wrote, owns or invented anything, that the content is true or new, or that no earlier" +
  " version exists.";

/**
 * What has to be said of every certificate, since only its inside was looked at.
 * @param {string} what  it carries
 */
export const notCompared = (what) =>
  `Only the ${what} inside this certificate was checked. What is printed on it was NOT compared with that, and may be` +
  ` forged: go by what stands here, or let notary ${what === "claim" ? "registry check" : "verify"} compare it.`;

/**
 * How the block was confirmed, or how far that went.
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
export function trustText({ block }, { network }) {
  if (!block) return TRUST_WORDS.none;
  if (block.trust === "work" && !network.isTest) {
    const hashes = Math.round(block.header.difficulty);
    return `${TRUST_WORDS.work}; to forge such a block takes about 2^${hashes} hashes`;
  }
  return block.trust === "explorers" ? `given alike by ${block.source}` : TRUST_WORDS[block.trust];
}

/**
 * @param {Facts} facts
 * @param {Judgement} judgement
 * @param {Policy} policy
 * @returns {string[]}
 */
export function sentences(facts, judgement, policy) {
  const { outcome, block, checks, calendars } = judgement;
  const subject = subjectText(facts, judgement);
  const named = subject.replace(/,$/, "");
  if (outcome === "verified" && block) {
    const how = facts.files.matched ? "existed, byte for byte," : "existed";
    return [
      `${subject} ${how} no later than ${block.existedBy} (UTC).`,
      blockSentence(judgement, policy),
      ...further(judgement, block.existedBy, facts.bundle?.manifest?.signer),
      ...(checks.some(({ number }) => number === OF_CERTIFICATES)
        ? ["That is what the bundle in it gives; printed text proves nothing by itself."]
        : []),
      NOT_PROVEN,
    ];
  }
  if (outcome === "pending") {
    const promised = calendars.length ? [`Promised by ${calendars.join(", ")}.`] : [];
    return [`${named}: sound so far, but no block attests it yet.`, ...promised];
  }
  const failed = checks.find(({ status }) => status === "failed");
  if (failed) {
    return [
      `${shownText(facts.target)}: ${FAILURE_WORDS[failed.number]}.`,
      `Check ${failed.number}, ${failed.name}. Found: ${shownText(failed.found)}`,
      `Expected: ${shownText(failed.expected)}`,
    ];
  }
  const tried = facts.tried.map((why) => `Tried: ${shownText(why)}.`);
  return [`${named}: ${unconfirmed(judgement, policy)}.`, ...tried];
}

/**
 * Who signed, what the second clock says, since when at the earliest: as far as they are in the bundle and hold.
 * @param {Judgement} judgement
 * @param {string} existedBy
 * @param {import("./manifest.js").Signer | null} [stated]
 */
function further({ beginning, signature, stamped, checks }, existedBy, stated) {
  const said = [];
  if (beginning) {
    const { date, height } = beginning;
    const days = date === existedBy ? `on ${date}` : `between ${date} and ${existedBy}`;
    said.push(`Its manifest was made ${days} (UTC): it names block ${commas(height)}, which nobody knew before.`);
  }
  if (signature) said.push(`The manifest is signed with the key ${signature.fingerprint}.`);
  const declared = [stated?.name, stated?.organisation].flatMap((one) => (one ? shownText(one) : []));
  if (signature && declared.length) said.push(`Declared with it, and not checked: ${declared.join(", ")}.`);
  if (stamped) said.push(`A time-stamping token says that the head existed at ${stamped.time}; ${UNCHECKED_TOKEN}.`);
  const line = checks.find(({ number }) => number === LINE_CHECK);
  if (line) said.push(`It lists the batches of its line: ${line.found}.`);
  return said;
}

/**
 * What the sentence is about; bytes that nobody looked at are spoken of by their digests.
 * @param {Facts} facts
 * @param {Judgement} judgement
 */
function subjectText({ files, subject }, { checks }) {
  const { disclosed, of, matched } = files;
  const name = shownText(subject);
  if (checks[0].status !== "passed") return name;
  let count = disclosed < of ? `${commas(disclosed)} of a batch's ${commas(of)} files` : `${commas(of)} files`;
  if (of === 1) count = "1 file";
  if (!matched) return `the digests of ${count}, as ${name} gives them,`;
  const which = `${count}, shown by ${name}`;
  return matched === disclosed ? `${which},` : `${which} (${commas(matched)} of them at hand),`;
}

/**
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
function blockText({ block }, { network }) {
  const height = commas(block?.height ?? 0);
  return network.isTest ? `block ${height} of the test network ${network.name}` : `Bitcoin block ${height}`;
}

/**
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
export function blockSentence(judgement, policy) {
  const where = blockText(judgement, policy);
  return `${where[0].toUpperCase()}${where.slice(1)}; ${trustText(judgement, policy)}.`;
}

/**
 * @param {Judgement} judgement
 * @param {Policy} policy
 */
export function unconfirmed(judgement, policy) {
  const { madeOn, checks } = judgement;
  const { network } = policy;
  if (madeOn !== null && madeOn !== network.name) {
    return `made on the network ${madeOn}, not on ${network.name}; it proves nothing here`;
  }
  const check = (/** @type {number} */ wanted) => checks.filter(({ number }) => number === wanted)[0];
  for (const number of [10, 11]) {
    if (check(number).status === "skipped") return `attested, but not confirmed: ${shownText(check(number).found)}`;
  }
  const asked = `at least ${least(policy)} is asked for (${shownText(check(12).found)})`;
  return `attested by ${blockText(judgement, policy)}, but not confirmed: ${trustText(judgement, policy)}, and ${asked}`;
}
