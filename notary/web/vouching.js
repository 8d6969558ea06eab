// Who speaks for a claim's checkpoint: the key that the reader trusts, enough of his witnesses, the office or not
// (checks 7 to 9). What he has seen of a register himself, such as a newer key, this page does not know.

import { FormatFault } from "./bytes.js";
import { failed, passed, skipped } from "./check.js";
import { named, signersOf } from "./note.js";
import { NotHere } from "./signature.js";

/** @typedef {import("./check.js").Check} Check */
/** @typedef {import("./claim.js").Claim} Claim */
/** @typedef {import("./note.js").Note} Note  the checkpoint as it was anchored, or as the entry's proof has it */
/** @typedef {import("./note.js").VerifierKey} VerifierKey */
/** @typedef {import("./trusted.js").Registry} Registry */

/**
 * Who signed each note; or the check that says why that is not known.
 * @param {number} number
 * @param {string} expected
 * @param {Note[]} notes
 * @param {VerifierKey[]} keys
 */
async function signersOfEach(number, expected, notes, keys) {
  const signers = [];
  try {
    for (const note of notes) signers.push(await signersOf(note, keys));
  } catch (fault) {
    if (!(fault instanceof FormatFault)) throw fault;
    const { message } = fault;
    return { fault: fault instanceof NotHere ? skipped(number, `not checked: ${message}`, expected) : failed(number, expected, message) };
  }
  return { signers };
}

/**
 * Check 7.
 * @param {Claim | null} claim
 * @param {Note[]} notes
 * @param {Registry | undefined} registry
 * @param {string} file  in which the reader says whom he trusts
 */
export async function keyCheck(claim, notes, registry, file) {
  if (!claim) return skipped(7, "there is no claim that names a registry");
  const { origin } = claim;
  if (!registry) return skipped(7, `${file} has no registry of the origin ${origin}`, "a key that you trust");
  const { key } = registry;
  const expected = `a signature by ${named(key)}, the key that ${file} trusts for ${origin}`;
  const { signers, fault } = await signersOfEach(7, expected, notes, [key]);
  if (fault) return fault;
  if (signers.length && signers.every((found) => found.length)) return passed(7, expected, `signed by ${named(key)}`);
  const said = notes.flatMap(({ signatures }) => signatures).filter((one) => one.name === key.name && one.id !== key.id);
  const others = [...new Set(said.map(({ id }) => id))].join(", ");
  if (!others) return skipped(7, "not signed by that key", expected);
  const whose = "which may be a newer one, or somebody else's";
  return skipped(7, `signed in that name by the key ${others}, ${whose}`, expected);
}

/**
 * Check 8, and how many of the witnesses cosigned.
 * @param {Note[]} notes
 * @param {Registry | undefined} registry
 * @param {string} file
 * @returns {Promise<[Check, number]>}
 */
export async function witnessesCheck(notes, registry, file) {
  if (!registry) return [skipped(8, "no witnesses of a registry that is not trusted are known"), 0];
  const { origin, witnesses, quorum } = registry;
  const of = witnesses.length;
  if (!of) return [skipped(8, `${file} names no witnesses of ${origin}`), 0];
  const expected = `cosigned by ${quorum} of ${of} witnesses`;
  const { signers, fault } = await signersOfEach(8, expected, notes, witnesses);
  if (fault) return [fault, 0];
  const seen = witnesses.filter((one) => signers.flat().includes(one));
  const names = seen.map(({ name }) => name).join(", ");
  const found = `cosigned by ${seen.length} of ${of}${names && ": " + names}`;
  // Too few are no sign of a fault: more of them may not have seen it yet.
  return [seen.length < quorum ? skipped(8, found, expected) : passed(8, expected, found), seen.length];
}

/**
 * Check 9.
 * @param {Claim | null} claim
 * @param {Registry | undefined} registry
 * @param {boolean} stands  whether the entry does, in a checkpoint that the registry's key signed
 */
export function whoseWordCheck(claim, registry, stands) {
  if (!claim || !registry || !stands) return skipped(9, "applicant-asserted: no key that you trust speaks for this entry");
  const { office } = claim.record;
  const expected = `a key that may speak for ${office}`;
  const [asserter, key] = [asserterOf(claim, registry), named(registry.key)];
  if (asserter === OFFICE) return passed(9, expected, `${asserter}: ${key} is trusted for ${office}`);
  return skipped(9, `${asserter}: ${key} is not trusted for ${office}`, expected);
}

export const OFFICE = "office-asserted";

/**
 * Whose word the entry is, if this registry's key signed for it.
 * @param {Claim} claim
 * @param {Registry | null | undefined} registry
 */
export const asserterOf = ({ record }, registry) =>
  registry?.offices.includes(record.office) ? OFFICE : "applicant-asserted";
