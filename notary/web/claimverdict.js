// A claim in a zip file, checked as `notary registry check` does. What a later filing cites (check 13), and what the
// reader has seen of the register himself, are left to the program.

import { bagFaults } from "./bag.js";
import { isEnough } from "./block.js";
import { FormatFault, hex, orFault, RefusedBundle, sameBytes } from "./bytes.js";
import { failed, passed, skipped } from "./check.js";
import { CLAIM_FILE, readClaim } from "./claim.js";
import { claimAdvice, claimSentences, PERIOD_CHECK } from "./claimwords.js";
import { sha256 } from "./digest.js";
import { openZip } from "./directory.js";
import { Faults } from "./faults.js";
import { kindOf, NO_BUNDLE, small } from "./gathering.js";
import { readRuns } from "./header.js";
import { baseName } from "./items.js";
import { certificateChecks, judge, REFUSED, wantedBy } from "./judge.js";
import { LIMITS } from "./limits.js";
import { readProof } from "./ots.js";
import { notCompared } from "./sentences.js";
import { sightingsFor } from "./sighting.js";
import { byCodePoint, commas, quoted } from "./text.js";
import { inclusionFault, readCheckpoint, readTlogProof } from "./tlog.js";
import { readTrusted } from "./trusted.js";
import { asserterOf, keyCheck, whoseWordCheck, witnessesCheck } from "./vouching.js";
import { periodCheck } from "./window.js";

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
const CLAIM_NAMES = (
  ",container,bag manifests,claim,document,entry's inclusion,anchored checkpoint,registry's signature,witnesses," +
  "whose word it is,OpenTimestamps path,block header,place in the chain,as cited,priority period," +
  "certificate's data,certificate's pages"
).split(",");
const NO_ENTRY = "there is no entry to compare with";

/**
 * A claim's facts and judgement, and what else is told of it, if the target is one.
 * @param {Gathering} gathering
 */
export async function judgedClaim(gathering) {
  const { target, read } = gathering;
  const isPaper = (await kindOf(target)) === "certificate";
  const opening = isPaper ? gathering.inside().then((blob) => openZip(blob, read)) : openZip(target.blob, read);
  const zip = await opening.catch((fault) => {
    if (!(fault instanceof FormatFault)) throw fault; // is refused as what it is taken for
  });
  return zip?.entry(CLAIM_FILE) ? judged(zip, gathering, isPaper) : null;
}

/**
 * @param {Zip} zip
 * @param {Gathering} gathering
 * @param {boolean} isPaper  whether it came in a certificate
 */
async function judged(zip, gathering, isPaper) {
  const { policy, target, evidence } = gathering;
  const { facts, claim, own, notes } = await gathered(zip, gathering);
  const { file, digest, registries } = await trustedBy(evidence);
  const registry = registries.find(({ origin }) => origin === claim?.origin);
  const judgement = judge(facts, policy);
  const isRefused = !!facts.bundle?.containerFault;
  const period = periodCheck(claim?.record, gathering.sources.laterFiling);
  const where = file || REGISTRIES;
  const [witnesses, cosigned] = await witnessesCheck(notes, registry, where);
  const signature = await keyCheck(claim, notes, registry, where);
  const stands = [...own, signature].filter(({ number, status }) => number >= 5 && number <= 7 && status === "passed");
  const vouched = [signature, witnesses, whoseWordCheck(claim, registry, stands.length === 3)];
  const byNumber = new Map([...judgement.checks, ...own, ...vouched, period.check].map((check) => [check.number, check]));
  const checks = CLAIM_NAMES.flatMap((name, number) => {
    const check = byNumber.get(number);
    if (!number || number > PERIOD_CHECK) return [];
    return { ...(check && (number === 1 || !isRefused) ? check : skipped(number, REFUSED)), name };
  });
  const isSigned = checks[6].status === "passed";
  const { block } = judgement;
  const isPromised = !!promised(facts.proof);
  const lacksDigest = !!claim && !claim.record.digest && evidence.some((one) => !isTrusted(one));
  /** @type {Judgement["outcome"]} */
  let outcome = "unconfirmed";
  if (checks.some(({ number, status }) => status === "failed" && number !== PERIOD_CHECK)) outcome = "failed";
  else if (isSigned && registry && cosigned >= registry.quorum && !lacksDigest) {
    if (isPromised) outcome = "pending";
    else if (block && isEnough(block.trust, policy)) outcome = "verified";
  }
  const papers = isPaper && outcome !== "failed" ? certificateChecks(PERIOD_CHECK + 1, "claim") : [];
  checks.push(...papers.map((one) => ({ ...one, name: CLAIM_NAMES[one.number] })));
  const ours = { ...judgement, checks, outcome };
  const asserter = claim && outcome !== "failed" ? asserterOf(claim, isSigned ? registry : null) : null;
  const sentence = period.told?.sentence ?? "";
  const whose = { claim, registry, file, cosigned, asserter, later: gathering.sources.laterFiling };
  const found = { ...whose, target: target.name, isPromised, lacksDigest, sentence, tried: facts.tried };
  const told = {
    kind: "claim",
    cautions: [
      ...(papers.length ? [notCompared("claim")] : []),
      ...(registry && outcome !== "failed" ? [ofTrust(file, digest)] : []),
    ],
    sentences: [...claimSentences(found, ours, policy), ...(papers.length ? [OF_PAPER] : [])],
    entry: claim && { ...claim, leaf: undefined },
    asserted_by: asserter,
    witnesses: registry ? { cosigned, of: registry.witnesses.length, quorum: registry.quorum } : null,
    window: period.told,
    advice: claimAdvice(found, ours),
  };
  return { facts, judgement: ours, told };
}

const REGISTRIES = "registries.toml";
const OF_PAPER = "That is what the claim in it gives; printed text proves nothing by itself.";

/**
 * Whoever sends a claim could send a list of whom to trust along with it.
 * @param {string} file
 * @param {string} digest
 */
const ofTrust = (file, digest) =>
  `Whom to trust was read from the ${file} that you added: use your own, never one that came with the claim. Its` +
  ` SHA-256: ${digest}`;

/**
 * Whether it is taken for the reader's registries.toml.
 * @param {{name: string}} file
 */
export const isTrusted = ({ name }) => /\.toml$/i.test(name);

/**
 * Whom the reader trusts, if he gave a file that says so.
 * @param {import("./gathering.js").GivenFile[]} evidence
 */
async function trustedBy(evidence) {
  const [given, second] = evidence.filter(isTrusted);
  if (second) throw new FormatFault(`two files say whom you trust: ${given.name}, ${second.name}`, "remove one of them");
  if (!given) return { file: "", digest: "", registries: [] };
  const file = baseName(given.name);
  const data = new Uint8Array(await given.blob.slice(0, LIMITS.registriesBytes + 1).arrayBuffer());
  return { file, digest: hex(sha256(data)), registries: readTrusted(data, file) };
}

/**
 * Whether only calendars speak for what it is a proof of.
 * @param {import("./ots.js").Proof | null} proof
 */
const promised = (proof) =>
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
    const refused = { ...about, bundle, proof: null, proofFault: "", sightings: [], tried: [] };
    return { facts: refused, claim: null, own: [], notes: [] };
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
  const note = await part("checkpoint", LIMITS.noteBytes, readCheckpoint);
  const ots = await part("checkpoint.ots", LIMITS.proofBytes, readProof);
  const proof = ots.value;
  const index = await part("headers.json", LIMITS.headersIndexBytes, (data) => data);
  const data = await part("headers.bin", LIMITS.treeBytes, (data) => data);
  const runs = orFault(() => index.value && data.value && readRuns(index.value, data.value));
  const madeOn = runs.value?.network;
  const isHere = !madeOn || madeOn === policy.network.name;
  const wanted = wantedBy(isHere ? proof : null, null);
  const seen = await sightingsFor(wanted, policy, sources, isHere ? runs.value : null, "claim");
  const bundle = { ...NO_BUNDLE, entries: zip.entries.length, bag, headersFault: runs.fault };
  /** @type {Package[]} */
  const packages = zip.entries
    .map(({ name }, number) => ({ name, digest: digests[number], isGiven: false }))
    .filter(({ name }) => name.startsWith("data/"))
    .sort((one, other) => byCodePoint(one.name, other.name));
  for (const { name, blob } of evidence.filter((one) => !isTrusted(one))) {
    packages.push({ name: baseName(name), digest: await gathering.hash(blob, "sha256"), isGiven: true });
  }
  const own = [...checksOf(claim, entry, note), documentCheck(claim.value, packages)];
  const anchored = digests[zip.numbers.get(`${FOLDER}checkpoint`) ?? -1];
  if (proof && anchored && (proof.hashName !== "sha256" || !sameBytes(proof.digest, anchored))) {
    const expected = `a proof of ${FOLDER}checkpoint, SHA-256 ${hex(anchored)}`;
    own.push(failed(10, expected, `a proof of ${hex(proof.digest)}`));
  }
  const notes = [note.value, entry.value?.checkpoint].flatMap((one) => one?.note ?? []);
  return { facts: { ...about, bundle, proof, proofFault: ots.fault, ...seen, madeOn }, claim: claim.value, own, notes };
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
    const isSame = note.value.note.text === proof.value?.checkpoint.note.text;
    checkpoint = isSame ? passed(6, anchored, "the same text") : failed(6, anchored, "another checkpoint");
  }
  const how = claim?.sealed ? "sealed, and opened by this claim" : "open";
  return [
    claim ? passed(3, stated, `${claim.link}, ${how}`) : failed(3, stated, fault),
    inclusionCheck(claim, proof),
    checkpoint,
    skipped(13, claim ? "nothing that a later filing cites was given" : NO_ENTRY),
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
