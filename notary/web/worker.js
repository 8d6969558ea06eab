// The check, off the page's own thread: files and a network in, progress and a verdict out. To cancel it, end it.

import { hex } from "./bytes.js";
import { RELEASE } from "./release.js";
import { verify } from "./verdict.js";

/** @typedef {{name: string, blob: Blob}} Named */
/**
 * `asks` where the reader wants the explorers asked.
 * @typedef {{target: Named, evidence: Named[], network: string, asks: boolean}} Task
 */

const HASHED_AGAIN = 64 << 20; // bytes that are read a second time, for the digests that identify files in a report
const HEADERS_READ = 160 << 20; // bytes: all headers of the chain for decades
const TOLD_EVERY = 100; // milliseconds

/** @param {Task} task */
async function checked({ target, evidence: given, network, asks }) {
  let told = 0;
  const { headers, evidence } = await headersAmong(given);
  const explorers = asks ? { urls: RELEASE.explorers, least: RELEASE.minExplorers } : undefined;
  const demands = { network, checkpoints: checkpoints(), headers, explorers };
  const verdict = await verify(target, evidence, demands, (done, total) => {
    if (performance.now() - told < TOLD_EVERY) return;
    told = performance.now();
    postMessage({ done, total });
  });
  const inputs = [];
  let left = HASHED_AGAIN;
  for (const one of [target, ...given]) {
    const fits = one.blob.size <= left;
    if (fits) left -= one.blob.size;
    inputs.push(await input(one, one === target ? "target" : "evidence", fits));
  }
  postMessage({ verdict, inputs });
}

/**
 * A headers.bin with its headers.json are no evidence: a proof that brings no headers is confirmed by them.
 * @param {Named[]} given
 */
async function headersAmong(given) {
  const index = given.find(({ name }) => name === "headers.json");
  const data = given.find(({ name }) => name === "headers.bin");
  if (!index || !data || index.blob.size + data.blob.size > HEADERS_READ) return { evidence: given };
  const [first, second] = await Promise.all([index, data].map(({ blob }) => blob.arrayBuffer()));
  const headers = { index: new Uint8Array(first), data: new Uint8Array(second) };
  return { headers, evidence: given.filter((one) => one !== index && one !== data) };
}

/** As verdict.js takes them: 36 bytes each, the hash and the bits that follow, which only count after the last. */
export function checkpoints() {
  const bitcoin = new Uint8Array((36 * (RELEASE.lastCheckpoint + 1)) / 2016);
  let to = 0;
  RELEASE.checkpoints.forEach((row, at) => {
    const size = RELEASE.checkpointBytes[at];
    const bytes = new Uint8Array((4 * row.length) / 5);
    for (let from = 0; from < row.length; from += 5) {
      const number = [...row.slice(from, from + 5)].reduce((sum, digit) => 85 * sum + digitValue(digit), 0);
      new DataView(bytes.buffer).setUint32((4 * from) / 5, number);
    }
    for (let from = 0; from + size <= bytes.length; from += size, to += 36) bitcoin.set(bytes.slice(from, from + size), to);
  });
  new DataView(bitcoin.buffer).setUint32(bitcoin.length - 4, RELEASE.lastBits);
  return { bitcoin };
}

/**
 * Digits are the characters from # on, but for what HTML or a string could take for something else.
 * @param {string} digit
 */
function digitValue(digit) {
  const code = digit.charCodeAt(0);
  return code - 35 - Number(code > 60) - Number(code > 62) - Number(code > 92);
}

/**
 * What identifies a file in a report.
 * @param {Named} named
 * @param {string} kind
 * @param {boolean} isHashed
 */
async function input({ name, blob }, kind, isHashed) {
  const hashed = isHashed && (await crypto.subtle?.digest("SHA-256", await blob.arrayBuffer()));
  return { name, kind, size: blob.size, sha256: hashed ? hex(new Uint8Array(hashed)) : null };
}

// The same script runs as page and as worker.
if (typeof document === "undefined") {
  addEventListener("message", ({ data }) => {
    checked(data).catch((error) => postMessage({ fault: String(error) }));
  });
}
