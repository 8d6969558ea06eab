// Bag manifests (RFC 8493): every file is listed once, with the digest that it has. Check 2.

import { FormatFault, hex, joined, textOf } from "./bytes.js";
import { Faults, FaultsByName } from "./faults.js";
import { LIMITS } from "./limits.js";
import { quoted } from "./text.js";

/** @typedef {import("./zip.js").Zip} Zip */

const PAYLOAD_MANIFEST = "manifest-sha256.txt";
const TAG_MANIFEST = "tagmanifest-sha256.txt";

/**
 * Every file is listed once, by the right manifest, with the digest that it has.
 * @param {Zip} zip
 * @param {Uint8Array[]} digests  by the files' numbers
 */
export async function bagFaults(zip, digests) {
  const faults = new Faults();
  for (const manifest of [PAYLOAD_MANIFEST, TAG_MANIFEST]) {
    if (!zip.entry(manifest)) {
      faults.add(manifest, "there", "missing");
      continue;
    }
    try {
      faults.addAll(await manifestFaults(zip, digests, manifest));
    } catch (fault) {
      if (!(fault instanceof FormatFault)) throw fault;
      faults.add(manifest, "a bag manifest", fault.message);
    }
  }
  return faults;
}

/**
 * @param {Zip} zip
 * @param {Uint8Array[]} digests
 * @param {string} manifest
 */
async function manifestFaults(zip, digests, manifest) {
  const faults = new FaultsByName();
  const isListed = new Uint8Array(zip.entries.length);
  /** @param {string} name */
  const belongs = (name) => name.startsWith("data/") === (manifest === PAYLOAD_MANIFEST) && name !== TAG_MANIFEST;
  for await (const { name, digest } of bagLines(zip, manifest)) {
    const number = zip.numbers.get(name);
    if (number === undefined || !belongs(name)) {
      faults.add(name, digest, "missing");
      continue;
    }
    if (isListed[number]) throw new FormatFault(`${manifest} has ${quoted(name)} twice`);
    isListed[number] = 1;
    const found = hex(digests[number]);
    if (found !== digest) faults.add(name, digest, `has the SHA-256 ${found}`);
  }
  zip.entries.forEach(({ name }, number) => {
    if (belongs(name) && !isListed[number]) faults.add(name, `listed in ${manifest}`, "not listed");
  });
  return faults;
}

/**
 * The names and digests of a bag manifest (RFC 8493, section 2.1.3).
 * @param {Zip} zip
 * @param {string} manifest
 */
async function* bagLines(zip, manifest) {
  let number = 0;
  for await (const lines of linesOf(zip, manifest)) {
    for (const line of lines) {
      number++;
      const text = textOf(line);
      if (text === null) throw new FormatFault(`${manifest} is not UTF-8`);
      const found = /^([0-9a-fA-F]{64}) +\*?([^ *][^]*)$/.exec(text);
      if (!found) throw new FormatFault(`${manifest}: line ${number} is no digest and name`);
      const name = found[2].replace(/%0D|%0A|%25/gi, (code) => decodeURIComponent(code));
      yield { name, digest: found[1].toLowerCase() };
    }
  }
}

/**
 * A bag manifest's lines, some at a time, without what ends them: line feed, carriage return or both.
 * @param {Zip} zip
 * @param {string} name
 */
async function* linesOf(zip, name) {
  const entry = zip.entry(name);
  if (!entry) return;
  let rest = new Uint8Array();
  for await (const piece of zip.pieces(entry)) {
    const data = joined(rest, piece);
    const lines = [];
    let start = 0;
    for (let at = 0; at < data.length; at++) {
      if (data[at] !== 10 && data[at] !== 13) continue;
      const end = at;
      if (data[at] === 13 && data[at + 1] === 10) at++;
      if (at + 1 === data.length) break; // behind a carriage return a line feed may still come
      lines.push(data.subarray(start, end));
      start = at + 1;
    }
    rest = data.slice(start);
    if ([...lines, rest].some((line) => line.length > LIMITS.bagLineBytes)) {
      throw new FormatFault(`${name} has a line of over ${LIMITS.bagLineBytes} bytes`);
    }
    yield lines;
  }
  const ending = rest.findIndex((byte) => byte === 10 || byte === 13);
  if (rest.length) yield [ending < 0 ? rest : rest.subarray(0, ending)];
}
