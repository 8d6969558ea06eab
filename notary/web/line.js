// The line of batches: each manifest names the head of the batch before it. notary/line.jsonl, check 16.

import { FormatFault, hex, utf8 } from "./bytes.js";
import { readObject } from "./json.js";
import { LIMITS } from "./limits.js";
import { textLines } from "./lines.js";
import { readManifest } from "./manifest.js";
import { headHash } from "./merkle.js";
import { AnotherKey, checkedSignature, NotHere } from "./signature.js";
import { commas } from "./text.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/**
 * A line of so many batches, the oldest declared at `since`, which names `missing` before it, in hex. `doubt` says why
 * signatures were not checked.
 * @typedef {{count: number, since: string, missing: string, doubt: string}} Line
 */

export const LINE_FILE = "notary/line.jsonl";

/**
 * The line that leads back from a bundle's manifest. Throws FormatFault where an entry is not the batch that the one
 * after it names, or none.
 * @param {import("./zip.js").Zip} zip
 * @param {Manifest} manifest
 */
export async function follow(zip, manifest) {
  const line = { count: 0, since: "", missing: manifest.previous, doubt: "" };
  for await (const lines of textLines(zip, LINE_FILE, LIMITS.lineEntryBytes)) {
    for (const data of lines) await step(line, data, manifest);
  }
  return line;
}

/**
 * @param {Line} line
 * @param {Uint8Array} data
 * @param {Manifest} manifest
 */
async function step(line, data, manifest) {
  const { count, missing } = line;
  /** @param {string} why */
  const wrong = (why) => new FormatFault(why);
  if (++line.count > LIMITS.lineEntries) throw wrong(`${LINE_FILE} has over ${commas(count)} lines`);
  if (!missing) throw wrong(`there are more than ${commas(count)} batches, and the oldest names none before it`);
  const what = `line ${line.count} of ${LINE_FILE}`;
  const members = readObject(data, what, LIMITS.lineEntryBytes);
  const [text, made = ""] = [members.get("manifest"), members.get("signature")];
  const isSigned = members.has("signature");
  if (typeof text !== "string" || typeof made !== "string" || members.size !== 1 + Number(isSigned)) {
    throw wrong(`${what} has not exactly manifest and, if there is one, signature`);
  }
  const [bytes, signature] = [utf8(text), utf8(made)];
  const { root, size, network, signer, previous, declaredAt } = readManifest(bytes);
  const batch = `batch ${missing.slice(0, 12)}`;
  if (hex(headHash(root, size, bytes, signature)) !== missing) {
    throw wrong(`the ${batch} is named there, and another stands in its place`);
  }
  if (network !== manifest.network) throw wrong(`the ${batch} is of the network ${network}, not ${manifest.network}`);
  if (signer?.key !== manifest.signer?.key) throw wrong(`the ${batch} names another signer`);
  if (signer && !isSigned) throw wrong(`the ${batch} names a signer and is not signed`);
  [line.missing, line.since] = [previous, declaredAt];
  if (!isSigned) return;
  try {
    await checkedSignature(signature, bytes, signer);
  } catch (fault) {
    if (fault instanceof NotHere) line.doubt = fault.message;
    else if (fault instanceof AnotherKey) throw wrong(`the ${batch} is signed with another key than it names`);
    else if (fault instanceof FormatFault) throw wrong(`the signature of ${batch}: ${fault.message}`);
    else throw fault;
  }
}
