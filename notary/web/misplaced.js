// Files that were dropped beside a target and are no file that it is of: a second proof, or one half of some headers.
// Only the reader can say what he meant, so he is asked; a document that differs is another matter.

import { FormatFault } from "./bytes.js";
import { bundleInside } from "./certificate.js";
import { CLAIM_FILE } from "./claim.js";
import { openZip } from "./directory.js";
import { kindOf } from "./gathering.js";

/** @typedef {import("./gathering.js").GivenFile} GivenFile */
/** @typedef {{error: string, hints: string[], isOpen: true}} Question */

const FILES_CHECK = 4;
export const [HEADERS_INDEX, HEADERS_DATA] = ["headers.json", "headers.bin"];

/**
 * What to ask, if the files at hand are not what was proven, and there is one among them that is not meant to be.
 * @param {GivenFile} target
 * @param {GivenFile[]} evidence
 * @param {import("./check.js").Check[]} checks  of the target, with all of these
 * @returns {Promise<Question | null>}
 */
export async function questionOf(target, evidence, checks) {
  const wrong = checks.find(({ number, status }) => status === "failed" || (number === FILES_CHECK && status === "skipped"));
  if (wrong?.number !== FILES_CHECK) return null;
  for (const one of evidence) {
    const { name } = one;
    if (name === HEADERS_INDEX || name === HEADERS_DATA) {
      const other = name === HEADERS_DATA ? HEADERS_INDEX : HEADERS_DATA;
      return asked(`${name} is read together with ${other}.`, `Add ${other} too, or remove ${name}.`);
    }
    if (await isProof(one)) {
      return asked(
        `Which is to be checked: ${target.name} or ${name}? The first is no proof of the second.`,
        "Remove the other above; or choose the one that proves the other.",
      );
    }
  }
  return null;
}

/**
 * @param {string} error
 * @param {string} hint
 * @returns {Question}
 */
const asked = (error, hint) => ({ error, hints: [hint], isOpen: true });

/**
 * Whether it is a proof, a bundle or a claim, or a certificate of one.
 * @param {GivenFile} file
 */
async function isProof(file) {
  const kind = await kindOf(file);
  if (kind === "proof" || kind === "other") return kind === "proof";
  try {
    const zip = await openZip(kind === "bundle" ? file.blob : await bundleInside(file.blob), () => {});
    return !!(zip.entry(CLAIM_FILE) || zip.entry("notary/manifest.json"));
  } catch (fault) {
    if (!(fault instanceof FormatFault)) throw fault;
    return false;
  }
}
