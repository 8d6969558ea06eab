// SSH signatures of a manifest (OpenSSH's PROTOCOL.sshsig) by Ed25519 keys (RFC 8709), read in one way only. WebCrypto
// has the curve. Keys of other kinds are not checked here. What check 7 says of a signature, judge.js does.

import { base64, FormatFault, fromBase64, hex, joined, latin1, textOf, utf8 } from "./bytes.js";
import { sha256 } from "./digest.js";
import { LIMITS } from "./limits.js";
import { quoted } from "./text.js";

/** What this page, or this browser, does not check. */
export class NotHere extends FormatFault {}

/** A signature by another key than the manifest states. */
export class AnotherKey extends FormatFault {}

/**
 * One that holds: its key as a `.pub` file has it, the same as fingerprint and as did:key.
 * @typedef {{key: string, fingerprint: string, did: string, algorithm: string}} Signature
 */

const ED25519 = "ssh-ed25519";
/** What a signature of a manifest is for: one that was made for anything else does not count. */
const NAMESPACE = "notary-manifest@v1";
const SSHSIG = "SSHSIG";
const CURVE = "Ed25519";
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/=]{1,76}\n)+)-----END SSH SIGNATURE-----\n?$/;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const FIELD = 2n ** 255n - 19n;
const SMALL_ORDER_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
/** The y of points whose order divides 8: as keys they have signatures that fit any message. */
const SMALL_ORDER = [0n, 1n, FIELD - 1n, SMALL_ORDER_Y, FIELD - SMALL_ORDER_Y];

const malformed = () => new FormatFault("the signature is not what ssh-keygen -Y sign writes");

/**
 * The first strings of RFC 4251 section 5 in a row, which may go on if `isOpen`.
 * @param {Uint8Array} data
 * @param {number} count
 */
function strings(data, count, isOpen = false) {
  const found = [];
  let at = 0;
  for (; count; count--) {
    const start = at + 4;
    at = start + parseInt(hex(data.subarray(at, start)), 16);
    if (!(at <= data.length)) throw malformed();
    found.push(data.slice(start, at));
  }
  if (at < data.length && !isOpen) throw malformed();
  return found;
}

/**
 * One word of printable ASCII.
 * @param {Uint8Array} data
 */
function word(data) {
  const text = latin1(data);
  if (!/^[!-~]+$/.test(text)) throw malformed();
  return text;
}

/** @param {Uint8Array} data */
function sshString(data) {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return joined(length, data);
}

/**
 * Whether it can be a public key, written in the one way, and not one by which any signature passes.
 * @param {Uint8Array} raw
 */
export function isProperKey(raw) {
  if (raw.length !== 32) return false;
  const y = BigInt(`0x${hex(raw.slice().reverse())}`) % 2n ** 255n;
  return y < FIELD && !SMALL_ORDER.includes(y);
}

/**
 * Whether it is the key's signature of the message (RFC 8032). Throws NotHere where this browser has not got the curve.
 * @param {Uint8Array} raw  the public key
 * @param {Uint8Array} signature
 * @param {Uint8Array} message
 */
export async function ed25519Verifies(raw, signature, message) {
  try {
    const key = await crypto.subtle.importKey("raw", raw, CURVE, false, ["verify"]);
    return await crypto.subtle.verify(CURVE, key, signature, message);
  } catch {
    throw new NotHere("this browser does not check Ed25519 signatures");
  }
}

/**
 * The signature, if it is the message's, by the key that is stated, if any. Throws FormatFault with the reason,
 * AnotherKey or NotHere.
 * @param {Uint8Array} file
 * @param {Uint8Array} message
 * @param {import("./manifest.js").Signer | null} stated
 * @returns {Promise<Signature>}
 */
export async function checkedSignature(file, message, stated) {
  const text = file.length <= LIMITS.signatureBytes && ARMOR.exec(latin1(file))?.[1].replaceAll("\n", "");
  if (!text || !/^[^=]+={0,2}$/.test(text) || text.length % 4) throw malformed();
  const data = fromBase64(text);
  if (base64(data) !== text || textOf(data.subarray(0, 10)) !== `${SSHSIG}\0\0\0\x01`) throw malformed();
  const [blob, namespace, reserved, hashName, made] = strings(data.subarray(10), 5);
  if (blob.length > LIMITS.sshKeyBytes) throw malformed();
  const kind = word(strings(blob, 1, true)[0]);
  if (kind !== ED25519) {
    const why = `a key of the type ${quoted(kind)} is not supported on this page`;
    throw stated?.key.startsWith(`${ED25519} `) ? new AnotherKey(`it is by another key: ${why}`) : new NotHere(why);
  }
  const [, raw] = strings(blob, 2);
  if (!isProperKey(raw)) {
    throw new FormatFault("the key is no proper point of its curve: it would let any signature pass");
  }
  const [algorithm, value] = strings(made, 2);
  const hash = /^sha(256|512)$/.exec(latin1(hashName))?.[1];
  const [purpose, how] = [namespace, algorithm].map(word);
  if (reserved.length || !hash) throw malformed();
  if (purpose !== NAMESPACE) throw new FormatFault(`it was made for ${quoted(purpose)}, not for '${NAMESPACE}'`);
  if (how !== ED25519) throw new FormatFault(`a key of the type ${ED25519} does not sign with ${quoted(how)}`);
  const digest = new Uint8Array((await crypto.subtle?.digest(`SHA-${hash}`, message)) ?? 0);
  const fields = [namespace, reserved, hashName, digest].map(sshString);
  if (!(await ed25519Verifies(raw, value, joined(utf8(SSHSIG), ...fields)))) throw new FormatFault("it is over other bytes, or was made with another key");
  let [number, did] = [BigInt(`0xed01${hex(raw)}`), ""];
  for (; number; number /= 58n) did = BASE58[Number(number % 58n)] + did;
  const fingerprint = `SHA256:${base64(sha256(blob)).slice(0, -1)}`;
  const found = { key: `${ED25519} ${base64(blob)}`, fingerprint, did: `did:key:z${did}`, algorithm: ED25519 };
  if (!stated || (found.key === stated.key && found.did === stated.did)) return found;
  throw new AnotherKey(`it is by the key ${fingerprint}`);
}
