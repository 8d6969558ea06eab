// The check, off the page's own thread: files and a network in, progress and a verdict out. To cancel it, end it.

import { fromBase64, hex } from "./bytes.js";
import { isTrusted } from "./claimverdict.js";
import { HEADERS_DATA, HEADERS_INDEX, questionOf } from "./misplaced.js";
import { RELEASE } from "./release.js";
import { verify } from "./verdict.js";

/** @typedef {{name: string, blob: Blob}} Named */
/**
 * `asks` where the reader wants the explorers asked.
 * @typedef {{target: Named, evidence: Named[], network: string, asks: boolean, laterFiling?: string}} Task
 */

const HASHED_AGAIN = 64 << 20; // bytes that are read a second time, for the digests that identify files in a report
const HEADERS_READ = 160 << 20; // bytes: all headers of the chain for decades
const TOLD_EVERY = 100; // milliseconds

/** @param {Task} task */
async function checked({ target, evidence: given, network, asks, laterFiling }) {
  let told = 0;
  const { headers, evidence } = await headersAmong(given);
  const explorers = asks ? { urls: RELEASE.explorers, least: RELEASE.minExplorers } : undefined;
  const demands = { network, checkpoints: { bitcoin: fromBase64(RELEASE.checkpoints) }, headers, explorers, laterFiling };
  const verdict = await verify(target, evidence, demands, (done, total) => {
    if (performance.now() - told < TOLD_EVERY) return;
    told = performance.now();
    postMessage({ done, total });
  });
  const question = "checks" in verdict ? await questionOf(target, evidence, verdict.checks) : null;
  if (question) return postMessage({ verdict: question });
  const inputs = [];
  let left = HASHED_AGAIN;
  for (const one of [target, ...given]) {
    const fits = one.blob.size <= left;
    if (fits) left -= one.blob.size;
    const kind = !("kind" in verdict) ? "evidence" : isTrusted(one) ? "registries" : "document";
    inputs.push(await input(one, one === target ? "target" : kind, fits));
  }
  postMessage({ verdict, inputs });
}

/**
 * A headers.bin with its headers.json are no evidence: a proof that brings no headers is confirmed by them.
 * @param {Named[]} given
 */
async function headersAmong(given) {
  const index = given.find(({ name }) => name === HEADERS_INDEX);
  const data = given.find(({ name }) => name === HEADERS_DATA);
  if (!index || !data || index.blob.size + data.blob.size > HEADERS_READ) return { evidence: given };
  const [first, second] = await Promise.all([index, data].map(({ blob }) => blob.arrayBuffer()));
  const headers = { index: new Uint8Array(first), data: new Uint8Array(second) };
  return { headers, evidence: given.filter((one) => one !== index && one !== data) };
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
