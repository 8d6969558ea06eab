// Gathers what a bundle, a plain proof or a certificate holds, for `judge` to judge. It decides nothing.

import { bagFaults } from "./bag.js";
import { FormatFault, hex, latin1, NoTarget, orFault, RefusedBundle, sameBytes, UnknownVersion } from "./bytes.js";
import { bundleInside } from "./certificate.js";
import { isNative, nativeDigest, newHash } from "./digest.js";
import { openZip } from "./directory.js";
import { Faults } from "./faults.js";
import { readRuns } from "./header.js";
import { baseName, ItemsPass } from "./items.js";
import { wantedBy } from "./judge.js";
import { LIMITS } from "./limits.js";
import { follow, LINE_FILE } from "./line.js";
import { readManifest } from "./manifest.js";
import { headHash } from "./merkle.js";
import { MAGIC, readProof } from "./ots.js";
import { sightingsFor } from "./sighting.js";
import { checkedSignature } from "./signature.js";

/** @typedef {import("./block.js").Policy} Policy */
/** @typedef {import("./digest.js").HashName} HashName */
/** @typedef {import("./items.js").Given} Given */
/** @typedef {import("./judge.js").BundleFacts} BundleFacts */
/** @typedef {import("./judge.js").Facts} Facts */
/** @typedef {import("./sighting.js").Sources} Sources */
/** @typedef {import("./zip.js").Zip} Zip */
/**
 * A file as it was given; `recorded` is its path in a folder that was given, from the folder's name on.
 * @typedef {{name: string, blob: Blob, recorded?: string}} GivenFile
 */

/** What else a Verdict of a bundle tells: the first items, and what was declared. */
export class Told {
  constructor() {
    /** @type {ReturnType<ItemsPass["listed"]>} */
    this.items = [];
    /** @type {{title: string | null, declared_at: string, tool: string} | null} */
    this.declared = null;
  }
}

/**
 * What kind of target a file is by its name and first bytes.
 * @param {GivenFile} file
 * @returns {Promise<"bundle" | "proof" | "certificate" | "other">}
 */
export async function kindOf({ name, blob }) {
  const head = new Uint8Array(await blob.slice(0, LIMITS.pdfHeadBytes).arrayBuffer());
  if (head[0] === 0x50 && head[1] === 0x4b) return "bundle";
  if (sameBytes(head.subarray(0, MAGIC.length), MAGIC) || /[^/]\.ots$/.test(name)) return "proof";
  return latin1(head).includes("%PDF-") ? "certificate" : "other";
}

export class Gathering {
  /**
   * @param {GivenFile} target
   * @param {GivenFile[]} evidence
   * @param {Policy} policy
   * @param {Sources} sources
   * @param {(bytes: number) => void} read
   * @param {Told} told
   */
  constructor(target, evidence, policy, sources, read, told) {
    this.target = target;
    this.evidence = evidence;
    this.policy = policy;
    this.sources = sources;
    this.read = read;
    this.told = told;
    /** @type {Promise<Blob> | undefined} */
    this.carried = undefined;
  }

  /** @returns {Promise<Facts>} */
  async facts() {
    const { name, blob } = this.target;
    switch (await kindOf(this.target)) {
      case "bundle": return this.ofBundle(blob, false);
      case "proof": return this.ofProof();
      case "certificate": return this.ofBundle(await this.named(this.inside()), true);
      case "other": throw new NoTarget(
        `${name}: ${blob.size ? "neither a bundle nor an OpenTimestamps proof" : "an empty file"}`,
        "give the bundle or the .ots file first",
      );
    }
  }

  /** The zip file that a certificate carries, looked for once. */
  inside() {
    return (this.carried ??= bundleInside(this.target.blob));
  }

  /**
   * What comes of it; its faults begin with the target's name.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async named(promise) {
    try {
      return await promise;
    } catch (fault) {
      if (!(fault instanceof FormatFault)) throw fault;
      throw new FormatFault(`${this.target.name}: ${fault.message}`, ...fault.hints);
    }
  }

  // -- plain proofs --------------------------------------------------------------------------------------------------

  /** @returns {Promise<Facts>} */
  async ofProof() {
    const { name, blob } = this.target;
    const data = new Uint8Array(await blob.slice(0, LIMITS.proofBytes + 1).arrayBuffer());
    const proof = await this.named((async () => readProof(data))());
    const { evidence } = this;
    if (!evidence.length) {
      throw new NoTarget(`${name}: the file that it is a proof of is not beside it`, "give that file too");
    }
    const faults = new Faults();
    const counts = { matched: 0, extra: 0 };
    const expected = `${proof.hashName} ${hex(proof.digest)}`;
    for (const file of evidence) {
      const found = await this.hash(file.blob, proof.hashName);
      if (sameBytes(found, proof.digest)) counts.matched++;
      else if (file.recorded) counts.extra++;
      else faults.add(file.name, expected, `${proof.hashName} ${hex(found)}`);
    }
    const names = [...new Set(evidence.map((file) => (file.recorded ? file.recorded.split("/", 1)[0] : file.name)))];
    if (!counts.matched && !faults.count) faults.add(names.join(", "), expected, "no file in it matches");
    const subject = names.length === 1 ? baseName(names[0]) : baseName(name).replace(/\.ots$/, "");
    if (proof.hashName === "sha256") {
      const status = faults.count ? "differs" : counts.matched ? "matches" : "not at hand";
      this.told.items = [{ index: 0, name: subject, sha256: hex(proof.digest), status }];
    }
    const seen = await sightingsFor(wantedBy(proof, null), this.policy, this.sources, null);
    const files = { disclosed: 1, of: 1, named: 0, ...counts, faults };
    return { target: name, subject, files, bundle: null, proof, proofFault: "", ...seen, isCertificate: false };
  }

  /**
   * A file's digest, read in slices.
   * @param {Blob} blob
   * @param {HashName} name
   */
  async hash(blob, name) {
    if (isNative(name, blob.size)) {
      const data = new Uint8Array(await blob.arrayBuffer());
      this.read(data.length);
      return nativeDigest(name, data);
    }
    const hasher = newHash(name);
    const slice = (/** @type {number} */ at) => blob.slice(at, at + SLICE_BYTES).arrayBuffer();
    let coming = slice(0);
    for (let at = 0; at < blob.size; at += SLICE_BYTES) {
      const data = new Uint8Array(await coming);
      if (at + SLICE_BYTES < blob.size) coming = slice(at + SLICE_BYTES); // is read while this is hashed
      hasher.update(data);
      this.read(data.length);
    }
    return hasher.digest();
  }

  // -- bundles -------------------------------------------------------------------------------------------------------

  /**
   * @param {Blob} blob
   * @param {boolean} isCertificate
   * @returns {Promise<Facts>}
   */
  async ofBundle(blob, isCertificate) {
    const { name } = this.target;
    const subject = baseName(name);
    /** @type {Given[]} */
    const given = [];
    for (const file of this.evidence) {
      const digest = await this.hash(file.blob, "sha256");
      given.push({ name: baseName(file.name), shownAs: file.name, recorded: file.recorded ?? "", digest });
    }
    try {
      const facts = await this.ofBag(await openZip(blob, this.read), given);
      return { target: name, subject, ...facts, isCertificate };
    } catch (fault) {
      if (fault instanceof NoTarget || fault instanceof UnknownVersion) {
        throw new NoTarget(`${name}: ${fault.message}`, ...fault.hints);
      }
      if (!(fault instanceof RefusedBundle)) throw fault;
      const files = { disclosed: 0, of: 0, named: 0, matched: 0, extra: 0, faults: new Faults() };
      const bundle = { ...NO_BUNDLE, containerFault: fault.message };
      return { target: name, subject, files, bundle, proof: null, proofFault: "", sightings: [], tried: [], isCertificate };
    }
  }

  /**
   * @param {Zip} zip
   * @param {Given[]} given
   */
  async ofBag(zip, given) {
    const digests = [];
    for (const entry of zip.entries) digests.push(await zip.digest(entry));
    const quiet = zip.quiet(); // what is read again is not told again
    const bag = await bagFaults(quiet, digests);
    const [bytes, manifestFault] = await small(quiet, "notary/manifest.json", LIMITS.manifestBytes);
    const manifest = orFault(() => (bytes ? readManifest(bytes) : null), manifestFault);
    const pass = new ItemsPass(quiet, digests, given);
    const tree = manifest.value ? await pass.root(manifest.value.size) : { root: null, fault: "" };
    const signature = await quiet.small("notary/manifest.sig", LIMITS.proofBytes);
    const stated = manifest.value?.signer ?? null;
    const signed = signature && bytes ? await settled(checkedSignature(signature, bytes, stated)) : NOTHING_FOUND;
    const token = await quiet.small("notary/head.tsr", LIMITS.proofBytes);
    let head = null;
    if (manifest.value && bytes) {
      const { root, size, title, declaredAt, tool } = manifest.value;
      head = headHash(root, size, bytes, signature ?? new Uint8Array());
      this.told.declared = { title, declared_at: declaredAt, tool };
    }
    const [proofBytes, proofMissing] = await small(quiet, "notary/head.ots", LIMITS.proofBytes);
    const proof = orFault(() => (proofBytes ? readProof(proofBytes) : null), proofMissing, "notary/head.ots: ");
    const isWanted = manifest.value?.network === this.policy.network.name;
    const runs = await headerRuns(quiet, manifest.value?.network);
    const ours = zip.entry(LINE_FILE) ? manifest.value : null;
    const line = ours ? await settled(follow(quiet, ours)) : NOTHING_FOUND;
    const wanted = wantedBy(isWanted ? proof.value : null, manifest.value);
    const seen = await sightingsFor(wanted, this.policy, this.sources, isWanted ? runs.value : null);
    this.told.items = pass.listed();
    /** @type {BundleFacts} */
    const bundle = {
      containerFault: "",
      entries: zip.entries.length,
      bag,
      manifest: manifest.value,
      manifestFault: manifest.fault,
      records: pass.records,
      root: tree.root,
      treeFault: tree.fault,
      isSigned: !!signature,
      signature: signed,
      token,
      head,
      headersFault: runs.fault,
      line: line.value,
      lineFault: line.fault?.message ?? "",
    };
    const files = { ...pass.counts, of: manifest.value?.size ?? 0, faults: pass.files };
    return { files, bundle, proof: proof.value, proofFault: proof.fault, ...seen };
  }
}

const SLICE_BYTES = 4 * LIMITS.readBytes;

const NOTHING_FOUND = { value: null, fault: null };

/** @type {BundleFacts} */
export const NO_BUNDLE = {
  containerFault: "",
  entries: 0,
  bag: null,
  manifest: null,
  manifestFault: "",
  records: null,
  root: null,
  treeFault: "",
  isSigned: false,
  signature: NOTHING_FOUND,
  token: null,
  head: null,
  headersFault: "",
  line: null,
  lineFault: "",
};

/**
 * What comes of a promise, or why nothing does.
 * @template T
 * @param {Promise<T>} promise
 */
async function settled(promise) {
  try {
    return { value: await promise, fault: null };
  } catch (wrong) {
    if (!(wrong instanceof FormatFault)) throw wrong;
    return { value: null, fault: wrong };
  }
}

/**
 * A file that has to be there, or why it is not.
 * @param {Zip} zip
 * @param {string} name
 * @param {number} limit
 * @returns {Promise<[Uint8Array | null, string]>}
 */
export async function small(zip, name, limit) {
  try {
    return [await zip.small(name, limit), `${name} is missing`];
  } catch (fault) {
    if (!(fault instanceof RefusedBundle)) throw fault;
    return [null, fault.message];
  }
}

/**
 * @param {Zip} zip
 * @param {string | undefined} network  the manifest's
 */
async function headerRuns(zip, network) {
  if (network === undefined || !zip.entry("notary/headers.json") || !zip.entry("notary/headers.bin")) {
    return { value: null, fault: "" };
  }
  const [index, indexFault] = await small(zip, "notary/headers.json", LIMITS.manifestBytes);
  if (!index) return { value: null, fault: indexFault };
  const [data, dataFault] = await small(zip, "notary/headers.bin", LIMITS.treeBytes);
  if (!data) return { value: null, fault: dataFault };
  const runs = orFault(() => readRuns(index, data));
  if (runs.value && runs.value.network !== network) {
    return { value: null, fault: `the bundle's headers are of the network ${runs.value.network}, not ${network}` };
  }
  return runs;
}
