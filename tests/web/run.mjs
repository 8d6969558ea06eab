// The web verifier under Node: reads jobs as JSON lines, and prints a line of JSON for each.
//
// {"target": path, "evidence": [path or {"path", "recorded"}], "policy": {...}} gets a verdict; "checkpoints" in a policy
// are hex. {"hash": name, "data": hex, "repeat": times} gets {"digest": hex}. {"core": name, ...} gets {"value": ...} or
// {"fault": why} from one of the functions below. A line of its own for each, in order.

import { openAsBlob, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { LIMITS } from "../../notary/web/limits.js";
import { readManifest } from "../../notary/web/manifest.js";
import { FormatFault } from "../../notary/web/bytes.js";
import { newHash } from "../../notary/web/digest.js";
import { canonical, readObject } from "../../notary/web/json.js";
import { headHash, leafHash, recordHash, rootByCover, stepsToSeal } from "../../notary/web/merkle.js";
import { readProof } from "../../notary/web/ots.js";
import { readClaim } from "../../notary/web/claim.js";
import { readNote } from "../../notary/web/note.js";
import { readTlogProof } from "../../notary/web/tlog.js";
import { readTrusted } from "../../notary/web/trusted.js";
import { periodCheck } from "../../notary/web/window.js";
import { verify } from "../../notary/web/verdict.js";

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (data) => Buffer.from(data).toString("hex");

const CORE = {
  limits: () => LIMITS,
  record: ({ record, t }) => {
    const written = canonical(readObject(bytes(record), "a record", 65536));
    return [hexOf(written), hexOf(recordHash(bytes(t), written))];
  },
  leaf: ({ digest, s, r }) => hexOf(leafHash(bytes(digest), bytes(s), bytes(r))),
  root: async ({ size, shown, hashes }) => {
    const [leaves, row] = [[...shown], bytes(hashes)];
    const nextLeaf = () => (leaves.length ? { index: leaves[0][0], leaf: bytes(leaves.shift()[1]) } : null);
    let at = 0;
    const nextHash = () => (at < row.length ? row.subarray(at, (at += 32)) : null);
    return hexOf(await rootByCover(size, nextLeaf, nextHash));
  },
  manifest: ({ data }) => {
    const { root, size } = readManifest(bytes(data));
    return [hexOf(root), size];
  },
  head: ({ root, size, manifest, signature }) => hexOf(headHash(bytes(root), size, bytes(manifest), bytes(signature))),
  sealing: ({ token }) => stepsToSeal(bytes(token)),
  claim: ({ data }) => readClaim(bytes(data)).link,
  note: ({ data }) => {
    const { text, signatures } = readNote(bytes(data));
    return [text, signatures.map(({ name, id, data }) => [name, id, hexOf(data)])];
  },
  tlog_proof: ({ data }) => {
    const { index, hashes, checkpoint } = readTlogProof(bytes(data));
    return [String(index), hashes.map(hexOf), checkpoint.origin, String(checkpoint.size), hexOf(checkpoint.root)];
  },
  trusted: ({ data, name = "registries.toml" }) => {
    const vkey = ({ name, id, type, raw }) => `${name}+${id}+${Buffer.from([type, ...raw]).toString("base64")}`;
    return readTrusted(bytes(data), name).map(({ origin, key, offices, witnesses, quorum }) => (
      { origin, key: vkey(key), offices: [...new Set(offices)].sort(), witnesses: witnesses.map(vkey), quorum }
    ));
  },
  period: ({ record, later }) => periodCheck(record, later),
  effort: async ({ target }) => {
    const tally = { times: 0, bytes: 0 };
    const { verdict, error } = await verify({ name: target, blob: new Counted(await blobOf(target), tally) }, [], {});
    return { ...tally, said: verdict ?? error };
  },
  walk: ({ proof }) => readProof(bytes(proof)).attestations.map(({ message }) => hexOf(message)),
};

async function told({ core, ...values }) {
  try {
    return { value: await CORE[core](values) };
  } catch (fault) {
    if (fault instanceof FormatFault) return { fault: fault.message };
    throw fault;
  }
}

const HURRY = 40; // times as fast runs the clock of what waits for others

const { setTimeout: patient } = globalThis;
globalThis.setTimeout = (act, milliseconds, ...rest) => patient(act, milliseconds / HURRY, ...rest);

function policyOf({ checkpoints, headers, ...policy }) {
  if (checkpoints) {
    policy.checkpoints = Object.fromEntries(Object.entries(checkpoints).map(([name, hex]) => [name, bytes(hex)]));
  }
  if (headers) {
    policy.headers = { index: new Uint8Array(readFileSync(headers.index)), data: new Uint8Array(readFileSync(headers.data)) };
  }
  return policy;
}

/** A Blob that tells how much of it is read, and how often. */
class Counted {
  constructor(blob, tally) {
    Object.assign(this, { blob, tally, size: blob.size });
  }

  slice(...places) {
    return new Counted(this.blob.slice(...places), this.tally);
  }

  arrayBuffer() {
    this.tally.times++;
    this.tally.bytes += this.size;
    return this.blob.arrayBuffer();
  }
}

/** Of a Blob what the verifier uses: Node 20's own forgets what is beyond 2^32 bytes. */
class LargeFile {
  constructor(file, start, size) {
    Object.assign(this, { file, start, size });
  }

  slice(from = 0, to = this.size) {
    const [first, last] = [from, to].map((at) => Math.min(Math.max(at, 0), this.size));
    return new LargeFile(this.file, this.start + first, Math.max(last - first, 0));
  }

  async arrayBuffer() {
    const bytes = new Uint8Array(this.size);
    const { bytesRead } = await this.file.read(bytes, 0, this.size, this.start);
    return bytes.buffer.slice(0, bytesRead);
  }
}

async function blobOf(path) {
  const file = await open(path);
  const { size } = await file.stat();
  if (size >= 2 ** 32) return new LargeFile(file, 0, size);
  await file.close();
  return openAsBlob(path);
}

async function fileOf(given) {
  const { path, recorded } = typeof given === "string" ? { path: given } : given;
  return { name: path, blob: await blobOf(path), recorded };
}

function hashed({ hash, data, repeat = 1, pieces = [] }) {
  const hasher = newHash(hash);
  const whole = bytes(data);
  for (let time = 0; time < repeat; time++) {
    let at = 0;
    for (const piece of pieces) hasher.update(whole.subarray(at, (at += piece)));
    hasher.update(whole.subarray(at));
  }
  return { digest: hexOf(hasher.digest()) };
}

/** As in a browser that has not got the curve. */
const withoutCurve = () => Promise.reject(new DOMException("", "NotSupportedError"));

async function verified({ target, evidence = [], policy = {}, lacks_curve = false }) {
  crypto.subtle.importKey = lacks_curve ? withoutCurve : SubtleCrypto.prototype.importKey;
  return verify(await fileOf(target), await Promise.all(evidence.map(fileOf)), policyOf(policy), () => {});
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  let answer;
  try {
    answer = "hash" in job ? hashed(job) : "core" in job ? await told(job) : await verified(job);
  } catch (error) {
    answer = { crash: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
