// One check of a verification: its number and name, whether it passed, what was expected and what was found.

/** @typedef {"passed" | "failed" | "skipped"} Status */
/** @typedef {{number: number, name: string, status: Status, expected: string, found: string}} Check */

const NAMES = [
  "",
  "container",
  "bag manifests",
  "manifest",
  "files against digests",
  "records",
  "tree, root and size",
  "signature",
  "head",
  "TSA token",
  "OpenTimestamps path",
  "block header",
  "place in the chain",
  "not before",
  "certificate's data",
  "certificate's pages",
  "line of batches",
];

/** What stands under "found" where a check is of bundles only. */
export const NOT_IN_A_PROOF = "not part of a plain proof";

/** The first of the two checks that are of certificates only. */
export const OF_CERTIFICATES = 14;

export const LINE_CHECK = 16;

/**
 * @param {number} number
 * @param {string} expected
 * @param {string} found
 * @returns {Check}
 */
export const passed = (number, expected, found) => check(number, "passed", expected, found);

/**
 * @param {number} number
 * @param {string} expected
 * @param {string} found
 * @returns {Check}
 */
export const failed = (number, expected, found) => check(number, "failed", expected, found);

/**
 * @param {number} number
 * @param {string} found
 * @returns {Check}
 */
export const skipped = (number, found, expected = "") => check(number, "skipped", expected, found);

/**
 * @param {number} number
 * @param {Status} status
 * @param {string} expected
 * @param {string} found
 */
const check = (number, status, expected, found) => ({ number, name: NAMES[number], status, expected, found });
