// A claim in a zip file, checked as `notary registry check` does for a reader who trusts no register's key: checks 7 to 9
// are skipped, and a claim whose other checks pass is unconfirmed. What a later filing cites and its priority period
// (checks 13 and 14) are left to the program.

import { bagFaults } from "./bag.js";
import { isEnough } from "./block.js";
import { FormatFault, hex, orFault, RefusedBundle, sameBytes } from "./bytes.js";
import { failed, passed, skipped } from "./check.js";
import { CLAIM_FILE, readClaim } from "./claim.js";
import { openZip } from "./directory.js";
import { Faults } from "./faults.js";
import { NO_BUNDLE, small } from "./gathering.js";
import { readRuns } from "./header.js";
import { baseName } from "./items.js";
import { judge, REFUSED, wantedBy } from "./judge.js";
import { LIMITS } from "./limits.js";
import { readProof } from "./ots.js";
import { unconfirmed } from "./sentences.js";
import { shownText } from "./shown.js";
import { sightingsFor } from "./sighting.js";
import { byCodePoint, commas, quoted } from "./text.js";
import { inclusionFault, readNote, readTlogProof } from "./tlog.js";

/** @typedef {import("./check.js").Check} Check */
/** @typedef {import("./claim.js").Claim} Claim */
/** @typedef {import("./gathering.js").Gathering} Gathering */
/** @typedef {import("./judge.js").Facts} Facts */
/** @typedef {import("./judge.js").Judgement} Judgement */
/** @typedef {import("./tlog.js").Checkpoint} Checkpoint */
/** @typedef {import("./tlog.js").TlogProof} TlogProof */
/** @typedef {import("./zip.js").Zip} Zip */
/** @typedef {{name: string, digest: Uint8Array, isGiven: boolean}} Package  a file that is said to be the one as filed */
/**
 * @template T
 * @typedef {{value: T | null, fault: string}} Had  what there is, or why it could not be had
 */

const FOLDER = "registry/";
const CLAIM_NAMES =
  ",container,bag manifests,claim,document,entry's inclusion,anchored checkpoint,registry's signature,witnesses," +
  "whose word it is,OpenTimestamps path,block header,place in the chain,as cited,priority period";
/** @type {Record<number, string>} What a failed check means. */
const CLAIM_FAULTS = {
  1: "it is not a sound claim, and nothing in it was looked at further",
  2: "it was changed after it was made, or damaged",
  3: "what it claims cannot be read",
  4: "the document is not the one as filed",
  5: "its entry is not shown to be in the register",
  6: "the checkpoint that is anchored is not the one that its entry is in",
  10: "its anchor cannot be followed, or is of something else",
  11: "the block does not bear the anchor out",
  12: "the block is not where it should be in the chain",
};
const NO_ENTRY = "there is no entry to compare with";

/**
 * A claim's facts and judgement, and what else is told of it, if the target is one.
 * @param {Gathering} gathering
 */
export async function judgedClaim(gathering) {
  try {
    const zip = await openZip(gathering.target.blob, gathering.read);
    return zip.entry(CLAIM_FILE) ? await judged(zip, gathering) : null;
  } catch (fault) {
    if (fault instanceof FormatFault) return null; // is refused as what it is taken for
    throw fault;
  }
}

/**
 * @param {Zip} zip
 * @param {Gathering} gathering
 */
async function judged(zip, gathering) {
  const { policy, target, evidence } = gathering;
  const { facts, claim, own } = await gathered(zip, gathering);
  const judgement = judge(facts, policy);
  const isRefused = !!facts.bundle?.containerFault;
  const byNumber = new Map([...judgement.checks, ...own].map((check) => [check.number, check]));
  const checks = CLAIM_NAMES.split(",").flatMap((name, number) => {
    const check = byNumber.get(number);
    return number ? { ...(check && (number === 1 || !isRefused) ? check : skipped(number, REFUSED)), name } : [];
  });
  const wrong = checks.find(({ status }) => status === "failed");
  /** @type {Judgement} */
  const ours = { ...judgement, checks, outcome: wrong ? "failed" : "unconfirmed" };
  const tried = facts.tried.map((why) => `Tried: ${shownText(why)}.`);
  const sentences = wrong
    ? [
        `${shownText(target.name)}: ${CLAIM_FAULTS[wrong.number]}.`,
        `Check ${wrong.number}, ${wrong.name}. Found: ${shownText(wrong.found)}`,
        `Expected: ${shownText(wrong.expected)}`,
      ]
    : [`${claim ? given(claim) : ""}: ${missing(facts, ours, policy, !!evidence.length).join("; ")}.`, ...tried];
  const entry = claim && { ...claim, leaf: undefined };
  const told = { kind: "claim", sentences, entry, asserted_by: claim && !wrong ? "applicant-asserted" : null };
  return { facts, judgement: ours, told };
}

/** @param {Claim} claim */
function given({ record, index, origin }) {
  const { event, office, number, right, filing_date: filed, date } = record;
  const what = `the record${event === "filed" ? "" : " `" + event + "` of " + date} of the ${right === "other" ? "" : right + " "}`;
  const which = `application ${shownText([office, number].join(" "))}, filed on ${filed}, is given as entry ${index}`;
  return `${what}${which} of the register of ${origin}, which is not proven`;
}

/**
 * @param {Facts} facts
 * @param {Judgement} judgement
 * @param {import("./block.js").Policy} policy
 * @param {boolean} hasDocument
 */
function missing({ proof }, judgement, policy, hasDocument) {
  const { block, checks } = judgement;
  const why = [`no key that you trust speaks for it: ${shownText(checks[6].found)}`];
  if (hasDocument && checks[3].status === "skipped") why.push(`the document cannot be compared: ${shownText(checks[3].found)}`);
  if (isPromised(proof)) why.push("no block attests its checkpoint yet");
  else if (!block || !isEnough(block.trust, policy)) why.push(`its checkpoint is ${unconfirmed(judgement, policy)}`);
  return why;
}

/**
 * Whether only calendars speak for what it is a proof of.
 * @param {import("./ots.js").Proof | null} proof
 */
const isPromised = (proof) =>
  !wantedBy(proof, null).blocks.length && proof?.attestations.some((one) => one.counts && one.kind === "pending");

/**
 * What the claim holds, for the checks that it has in common with bundles, and the checks of its own.
 * @param {Zip} zip
 * @param {Gathering} gathering
 */
async function gathered(zip, gathering) {
  const { policy, sources, target, evidence } = gathering;
  const files = { disclosed: 0, of: 0, named: 0, matched: 0, extra: 0, faults: new Faults() };
  const about = { target: target.name, subject: "", files, isCertificate: false };
  /** @type {Uint8Array[]} */
  const digests = [];
  try {
    for (const entry of zip.entries) digests.push(await zip.digest(entry));
  } catch (fault) {
    if (!(fault instanceof RefusedBundle)) throw fault;
    const bundle = { ...NO_BUNDLE, containerFault: fault.message };
    return { facts: { ...about, bundle, proof: null, proofFault: "", sightings: [], tried: [] }, claim: null, own: [] };
  }
  const quiet = zip.quiet(); // what is read again is not told again
  /**
   * @template T
   * @param {string} name
   * @param {number} limit
   * @param {(data: Uint8Array) => T} read
   * @returns {Promise<Had<T>>}
   */
  const part = async (name, limit, read, before = `${FOLDER}${name}: `) => {
    const [data, fault] = await small(quiet, FOLDER + name, limit);
    return orFault(() => data && read(data), fault, before);
  };
  const bag = await bagFaults(quiet, digests);
  let claim = await part("claim.json", LIMITS.registryClaimBytes, readClaim, "");
  if (zip.entries.some(({ name }) => name.startsWith("notary/"))) {
    claim = { value: null, fault: "it has files of a bundle too, under notary/" };
  }
  const entry = await part("entry.tlog-proof", LIMITS.tlogProofBytes, readTlogProof);
  const note = await part("checkpoint", LIMITS.noteBytes, readNote);
  const ots = await part("checkpoint.ots", LIMITS.proofBytes, readProof);
  const proof = ots.value;
  const index = await part("headers.json", LIMITS.headersIndexBytes, (data) => data);
  const data = await part("headers.bin", LIMITS.treeBytes, (data) => data);
  const runs = orFault(() => index.value && data.value && readRuns(index.value, data.value));
  const madeOn = runs.value?.network;
  const isHere = !madeOn || madeOn === policy.network.name;
  const seen = await sightingsFor(wantedBy(isHere ? proof : null, null), policy, sources, isHere ? runs.value : null);
  const bundle = { ...NO_BUNDLE, entries: zip.entries.length, bag, headersFault: runs.fault };
  /** @type {Package[]} */
  const packages = zip.entries
    .map(({ name }, number) => ({ name, digest: digests[number], isGiven: false }))
    .filter(({ name }) => name.startsWith("data/"))
    .sort((one, other) => byCodePoint(one.name, other.name));
  for (const { name, blob } of evidence) {
    packages.push({ name: baseName(name), digest: await gathering.hash(blob, "sha256"), isGiven: true });
  }
  const own = [...checksOf(claim, entry, note), documentCheck(claim.value, packages)];
  const anchored = digests[zip.numbers.get(`${FOLDER}checkpoint`) ?? -1];
  if (proof && anchored && (proof.hashName !== "sha256" || !sameBytes(proof.digest, anchored))) {
    const expected = `a proof of ${FOLDER}checkpoint, SHA-256 ${hex(anchored)}`;
    own.push(failed(10, expected, `a proof of ${hex(proof.digest)}`));
  }
  return { facts: { ...about, bundle, proof, proofFault: ots.fault, ...seen, madeOn }, claim: claim.value, own };
}

/**
 * @param {Claim | null} claim
 * @param {Package[]} packages
 */
function documentCheck(claim, packages) {
  if (!claim) return skipped(4, NO_ENTRY);
  const { event, digest } = claim.record;
  if (!digest) return skipped(4, "the entry `" + event + "` has no digest; the application's first entry has one");
  const [first, second] = packages.filter(({ isGiven }) => !isGiven);
  if (second) return failed(4, "one package, as filed", `several files under data/: ${first.name}, ${second.name}`);
  const expected = `SHA-256 ${digest}, as the entry has it`;
  const wrong = packages.filter((one) => hex(one.digest) !== digest);
  if (wrong.length) {
    return failed(4, expected, wrong.map((one) => `${one.name} has the SHA-256 ${hex(one.digest)}`).join("; "));
  }
  if (!packages.length) return skipped(4, "no document is at hand", expected);
  return passed(4, expected, `the same: ${packages.map(({ name }) => name).join(", ")}`);
}

/**
 * All but check 4.
 * @param {Had<Claim>} claim
 * @param {Had<TlogProof>} proof
 * @param {Had<Checkpoint>} note
 * @returns {Check[]}
 */
function checksOf({ value: claim, fault }, proof, note) {
  const stated = "a claim of format notary-registry-claim/v1";
  const anchored = "registry/checkpoint, which is anchored, is the checkpoint of the entry's proof";
  let checkpoint = failed(6, anchored, note.fault);
  if (note.value && !proof.value) checkpoint = skipped(6, "there is no proof of the entry to compare with", anchored);
  else if (note.value) {
    const isSame = note.value.text === proof.value?.checkpoint.text;
    checkpoint = isSame ? passed(6, anchored, "the same text") : failed(6, anchored, "another checkpoint");
  }
  const how = claim?.sealed ? "sealed, and opened by this claim" : "open";
  const trusted = `registries.toml has no registry of the origin ${claim?.origin}`;
  return [
    claim ? passed(3, stated, `${claim.link}, ${how}`) : failed(3, stated, fault),
    inclusionCheck(claim, proof),
    checkpoint,
    claim ? skipped(7, trusted, "a key that you trust") : skipped(7, "there is no claim that names a registry"),
    skipped(8, "no witnesses of a registry that is not trusted are known"),
    skipped(9, "applicant-asserted: no key that you trust speaks for this entry"),
    skipped(13, claim ? "nothing that a later filing cites was given" : NO_ENTRY),
    skipped(14, claim ? "no later filing was named" : "there is no entry that gives a filing date"),
  ];
}

/**
 * @param {Claim | null} claim
 * @param {Had<TlogProof>} proof
 */
function inclusionCheck(claim, { value, fault }) {
  if (!value) return failed(5, "a proof of the entry, as C2SP tlog-proof has it", fault);
  if (!claim) return skipped(5, "there is no claim to compare with");
  const { origin, index, leaf } = claim;
  const { checkpoint } = value;
  let found = inclusionFault(value, leaf);
  if (checkpoint.origin !== origin) found = `a checkpoint of ${quoted(checkpoint.origin)}`;
  if (value.index !== BigInt(index)) found = `a proof of index ${value.index}`;
  const expected = `the leaf ${hex(leaf)} at index ${index} of the register of ${origin}`;
  if (found) return failed(5, expected, found);
  return passed(5, expected, `it leads to the root of the checkpoint of ${commas(checkpoint.size)} entries`);
}
