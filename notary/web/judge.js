// From what was gathered to numbered checks and a verdict (FORMAT.md section 3). It decides, others gather.

import { findBeginning } from "./beginning.js";
import { findBlock, isEnough } from "./block.js";
import { failed, LINE_CHECK, NOT_IN_A_PROOF, OF_CERTIFICATES, passed, skipped } from "./check.js";
import { hex, orFault, sameBytes } from "./bytes.js";
import { CLOCK_SLACK, instant } from "./header.js";
import { stepsToSeal } from "./merkle.js";
import { describeAttestation } from "./ots.js";
import { AnotherKey, NotHere } from "./signature.js";
import { commas } from "./text.js";
import { readToken, UNCHECKED_TOKEN } from "./token.js";

/** @typedef {import("./check.js").Check} Check */
/** @typedef {import("./faults.js").Faults} Faults */
/** @typedef {{disclosed: number, of: number, named: number, matched: number, extra: number, faults: Faults}} Files */
/**
 * What a bundle holds and gives; a fault says why a thing could not be had.
 * @typedef {{containerFault: string, entries: number, bag: Faults | null, manifest: import("./manifest.js").Manifest | null,
 *   manifestFault: string, records: Faults | null, root: Uint8Array | null, treeFault: string,
 *   isSigned: boolean, signature: {value: import("./signature.js").Signature | null, fault: Error | null},
 *   token: Uint8Array | null, head: Uint8Array | null,
 *   headersFault: string, line: import("./line.js").Line | null, lineFault: string}} BundleFacts
 */
/**
 * All that was gathered about a target; `bundle` is null for a plain proof. `madeOn` is a claim's network, if it is known.
 * @typedef {{target: string, subject: string, files: Files, bundle: BundleFacts | null, proof: import("./ots.js").Proof | null,
 *   proofFault: string, sightings: import("./block.js").Sighting[], tried: string[], isCertificate: boolean,
 *   madeOn?: string}} Facts
 */
/** @typedef {"verified" | "pending" | "failed" | "unconfirmed"} Outcome */
/**
 * `signature`, `stamped` and `beginning` are there if they hold.
 * @typedef {{outcome: Outcome, madeOn: string | null, checks: Check[], block: import("./block.js").Block | null,
 *   calendars: string[], signature?: import("./signature.js").Signature, stamped?: import("./token.js").Stamped,
 *   beginning?: import("./beginning.js").Beginning}} Judgement
 */

export const REFUSED = "the container was refused";

/**
 * The blocks whose headers have to be found: without a proof, none.
 * @param {import("./ots.js").Proof | null} proof
 * @param {import("./manifest.js").Manifest | null} manifest
 */
export function wantedBy(proof, manifest) {
  return { blocks: blocksOf(proof), named: (proof && manifest?.notBefore) || null };
}

/**
 * The attestations by blocks that count.
 * @param {import("./ots.js").Proof | null} proof
 */
const blocksOf = (proof) => proof?.attestations.filter((one) => one.counts && one.kind === "bitcoin") ?? [];

/**
 * @param {Facts} facts
 * @param {import("./block.js").Policy} policy
 * @returns {Judgement}
 */
export function judge(facts, policy) {
  const { bundle, proof } = facts;
  const { network } = policy;
  const checks = bundle ? bundleChecks(facts, bundle) : [filesCheck(facts.files), ...numbers(1, 2, 3, 5, 6, 7, 8, 9)];
  const madeOn = facts.madeOn ?? bundle?.manifest?.network ?? null;
  const counted = proof?.attestations.filter((one) => one.counts) ?? [];
  const blocks = blocksOf(proof);
  checks.push(pathCheck(facts, counted.length > 0, network.isTest));
  let block = null;
  if (madeOn === null || madeOn === network.name) {
    const found = findBlock(blocks, facts.sightings, policy, noHeader(facts, blocks));
    block = found.block;
    checks.push(...found.checks);
  } else {
    const why = `made on the network ${madeOn}, which counts only if asked for; asked for: ${network.name}`;
    checks.push(skipped(11, why), skipped(12, why));
  }
  const anchor = block && isEnough(block.trust, policy) ? block : null;
  const { manifest } = bundle ?? {};
  const none = skipped(13, bundle ? "the manifest names no earlier block" : NOT_IN_A_PROOF);
  const named = manifest?.notBefore;
  const [namedCheck, beginning] = named ? findBeginning(named, facts.sightings, anchor, policy) : [none];
  const isOpen = bundle && !bundle.containerFault;
  const [signedCheck, signature] = isOpen ? signatureCheck(bundle) : [];
  const [sealedCheck, stamped] = isOpen ? tokenCheck(bundle, proof, anchor, beginning) : [];
  const line = bundle && (bundle.line || bundle.lineFault) ? lineCheck(bundle) : null;
  checks.push(...[signedCheck, sealedCheck, namedCheck, line].flatMap((check) => check ?? []));
  /** @type {Outcome} */
  let outcome = "verified";
  if (checks.some(({ status }) => status === "failed")) outcome = "failed";
  else if (!blocks.length && counted.some(({ kind }) => kind === "pending")) outcome = "pending";
  else if (!anchor) outcome = "unconfirmed";
  if (facts.isCertificate && outcome !== "failed") checks.push(...certificateChecks(OF_CERTIFICATES, "bundle"));
  checks.sort((one, other) => one.number - other.number);
  const pending = proof?.attestations.filter(({ kind }) => kind === "pending") ?? [];
  const calendars = [...new Set(pending.map(({ uri }) => uri))];
  return { outcome, madeOn, checks, block, calendars, signature, stamped, beginning };
}

/** @param {...number} those */
const numbers = (...those) => those.map((number) => skipped(number, NOT_IN_A_PROOF));

/**
 * @param {Facts} facts
 * @param {BundleFacts} bundle
 * @returns {Check[]}
 */
function bundleChecks(facts, bundle) {
  const expected = "one BagIt bag in a plain zip or folder";
  if (bundle.containerFault) {
    const rest = [2, 3, 4, 5, 6, 7, 8, 9].map((number) => skipped(number, REFUSED));
    return [failed(1, expected, bundle.containerFault), ...rest];
  }
  return [
    passed(1, expected, `${commas(bundle.entries)} entries, none refused`),
    bagCheck(bundle),
    manifestCheck(bundle),
    filesCheck(facts.files),
    recordsCheck(facts.files, bundle),
    treeCheck(bundle),
    headCheck(bundle, facts.proof),
  ];
}

/** @param {BundleFacts} bundle */
function bagCheck({ bag }) {
  const expected = "every file as manifest-sha256.txt and tagmanifest-sha256.txt list it";
  return bag?.count ? failed(2, expected, bag.describe()) : passed(2, expected, "all agree");
}

/** @param {BundleFacts} bundle */
function manifestCheck({ manifest, manifestFault }) {
  const expected = "a manifest of format notary/v1";
  if (!manifest) return failed(3, expected, manifestFault);
  const { size, network, declaredAt } = manifest;
  return passed(3, expected, `${commas(size)} items, network ${network}, declared ${declaredAt}`);
}

/** @param {Files} files */
function filesCheck({ faults, matched, disclosed, extra }) {
  const expected = "every file at hand has the digest that was stamped";
  const [first] = faults.listed;
  if (first) return failed(4, `${first.name}: ${first.expected}`, faults.describe());
  if (!matched) return skipped(4, "no file is at hand: only digests were checked", expected);
  const more = extra ? `; ${commas(extra)} other files are not in it` : "";
  return passed(4, expected, `${commas(matched)} of ${commas(disclosed)} disclosed items match${more}`);
}

/**
 * @param {Files} files
 * @param {BundleFacts} bundle
 */
function recordsCheck({ named }, { records }) {
  const expected = "records of known keys, with paths that stay in their folder";
  if (records?.count) return failed(5, expected, records.describe());
  if (!named) return skipped(5, "names are withheld", expected);
  return passed(5, expected, `${commas(named)} ${named === 1 ? "record" : "records"}`);
}

/** @param {BundleFacts} bundle */
function treeCheck({ manifest, root, treeFault }) {
  if (!manifest) return skipped(6, "there is no manifest to compare with");
  const expected = `root ${hex(manifest.root)} over ${commas(manifest.size)} items`;
  if (!root) return failed(6, expected, treeFault);
  if (!sameBytes(root, manifest.root)) return failed(6, expected, `root ${hex(root)}`);
  return passed(6, expected, "the same root, recomputed");
}

/**
 * @param {BundleFacts} bundle
 * @param {import("./ots.js").Proof | null} proof
 */
function headCheck({ head }, proof) {
  if (!head) return skipped(8, "there is no manifest to make a head from");
  const expected = `a proof of the head ${hex(head)}`;
  if (!proof) return skipped(8, "there is no proof to compare with", expected);
  if (proof.hashName !== "sha256" || !sameBytes(proof.digest, head)) {
    return failed(8, expected, `a proof of ${hex(proof.digest)}`);
  }
  return passed(8, expected, "the same head, recomputed");
}

/**
 * Check 7, and the signature if it holds.
 * @param {BundleFacts} bundle
 * @returns {[Check, import("./signature.js").Signature?]}
 */
function signatureCheck({ manifest, isSigned, signature: { value, fault } }) {
  const expected = "a signature over the manifest by the key that it names";
  if (!manifest) return [skipped(7, "there is no manifest that could be signed")];
  const { signer } = manifest;
  if (!isSigned) {
    if (signer) return [failed(7, expected, "the manifest names a signer, and there is no signature")];
    return [skipped(7, "no signature in this bundle")];
  }
  if (value) return [passed(7, expected, `signed with the ${value.algorithm} key ${value.fingerprint}`), value];
  if (fault instanceof NotHere) return [skipped(7, `not checked: ${fault.message}`, expected)];
  const wanted = fault instanceof AnotherKey ? `${expected}, ${signer?.key}` : expected;
  return [failed(7, wanted, fault?.message ?? "")];
}

/**
 * Check 9, and what the token says, unless that contradicts the rest.
 * @param {BundleFacts} bundle
 * @param {import("./ots.js").Proof | null} proof
 * @param {import("./block.js").Block | null} anchor
 * @param {import("./beginning.js").Beginning} [beginning]
 * @returns {[Check, import("./token.js").Stamped?]}
 */
function tokenCheck({ token, head }, proof, anchor, beginning) {
  if (!token) return [skipped(9, "no token in this bundle")];
  if (!proof || !head) return [skipped(9, "there is no proof to compare with")];
  if (stepsToSeal(token).some((step, at) => proof.lead[at] !== step)) {
    return [failed(9, "a proof that seals the token together with the head", "the proof does not lead past it")];
  }
  const expected = `a token over the head ${hex(head)}, given before the block`;
  const { value, fault } = orFault(() => readToken(token, head));
  if (!value) return [failed(9, expected, fault)];
  const { time, at, more, most } = value;
  if (beginning && (at + CLOCK_SLACK - Date.parse(beginning.block_time) / 1000) * 1e6 + most < 0) {
    const named = `block ${commas(beginning.height)}, mined later: ${beginning.block_time}`;
    return [failed(9, expected, `it says ${time}, and the manifest names ${named}`)];
  }
  if (!anchor || (at - anchor.latest) * 1e6 + more <= 0) {
    return [skipped(9, `it says ${time}; ${UNCHECKED_TOKEN}`, expected), value];
  }
  const late = `the time-stamping token says ${time}, and is proven to have existed by ${instant(anchor.latest)}`;
  return [failed(9, expected, late)];
}

/** @param {BundleFacts} bundle */
function lineCheck({ line, lineFault }) {
  const expected = "batches each of which names the head of the one before it";
  if (!line) return failed(LINE_CHECK, expected, lineFault);
  const { count, since, missing, doubt } = line;
  if (!count && !missing) return passed(LINE_CHECK, expected, "it is the first batch of its line");
  const oldest = since && `, the oldest declared ${since}`;
  const found = `${commas(count)} before this one${oldest}`;
  if (missing) {
    return skipped(LINE_CHECK, `${found}; it names ${missing.slice(0, 12)} before it, which is not listed`, expected);
  }
  if (doubt) return skipped(LINE_CHECK, `${found}; signatures are not checked here: ${doubt}`, expected);
  return passed(LINE_CHECK, expected, `${found}, which names none before it`);
}

/**
 * @param {Facts} facts
 * @param {boolean} isCounted
 * @param {boolean} isTest
 */
function pathCheck({ bundle, proof, proofFault }, isCounted, isTest) {
  const expected = "operations that lead to an attestation";
  if (!proof) return bundle?.containerFault ? skipped(10, REFUSED) : failed(10, expected, proofFault);
  const isPending = (/** @type {import("./ots.js").Attestation} */ one) => Number(one.kind === "pending");
  const blocksFirst = [...proof.attestations].sort(
    (one, other) => isPending(one) - isPending(other) || one.height - other.height,
  );
  const found = [...new Set(blocksFirst.map((one) => describeAttestation(one, isTest)))].join("; ");
  if (isCounted) return passed(10, expected, found);
  const why = "two different files can be made with one sha1 digest, so it does not tell which one existed";
  return skipped(10, `${why} (not counted: ${found})`, "operations without a broken hash");
}

/**
 * Why there is no header.
 * @param {Facts} facts
 * @param {import("./ots.js").Attestation[]} blocks
 */
function noHeader({ bundle }, blocks) {
  if (bundle?.headersFault) return bundle.headersFault;
  if (!blocks.length) return "no attestation in it is of a kind that counts";
  return `no header of block ${commas(blocks[0].height)} is at hand`;
}

/**
 * What only a program can do that typesets a certificate again.
 * @param {number} first  of the two numbers
 * @param {string} what  it carries
 */
export const certificateChecks = (first, what) => [
  skipped(first, `this page checks the ${what} in a certificate, not what the certificate says`, `what the ${what} in it gives`),
  skipped(first + 1, `this page does not compare printed pages: go by the ${what}`, "pages that say what its data say"),
];
