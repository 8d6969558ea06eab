// Signed notes, and the keys that verify them and that cosign checkpoints (C2SP signed-note, tlog-cosignature).

import { base64, FormatFault, fromBase64, hex, textOf, utf8 } from "./bytes.js";
import { sha256 } from "./digest.js";
import { LIMITS } from "./limits.js";
import { ed25519Verifies, isProperKey } from "./signature.js";

/** `id` in hex, `type` 1 of a register's key or 4 of a witness's. */
/** @typedef {{name: string, id: string, type: number, raw: Uint8Array}} VerifierKey */
/** @typedef {{text: string, signatures: {name: string, id: string, data: Uint8Array}[]}} Note  `data` as the type has it */

const COSIGNATURE = 4;
const LONGEST_TIME = 2n ** 63n;

/** @param {unknown} isSound */
export function demand(isSound) {
  if (!isSound) throw new FormatFault("it is not as C2SP writes it");
}

/**
 * What a text encodes in the one way that there is.
 * @param {string} text
 */
export function unbase64(text) {
  let data = new Uint8Array();
  try {
    data = fromBase64(text);
  } catch {} // is not what it would be written as
  demand(base64(data) === text);
  return data;
}

/**
 * The name of a key, without blanks: as Unicode has them, with U+0085 and without U+FEFF.
 * @param {string} name
 */
const isKeyName = (name) => /^([^\s+\0-\x1f\x85]|\ufeff)+$/.test(name) && utf8(name).length <= LIMITS.noteName;

/**
 * @param {Uint8Array} data
 * @returns {Note}
 */
export function readNote(data) {
  const whole = textOf(data) ?? "";
  const end = whole.lastIndexOf("\n\n") + 1;
  const lines = whole.slice(end + 1, -1).split("\n");
  demand(data.length <= LIMITS.noteBytes && whole.endsWith("\n") && !/[\0-\x09\x0b-\x1f]/.test(whole));
  demand(end && lines.length <= LIMITS.noteSignatures);
  const signatures = lines.map((line) => {
    const [dash, name, encoded, ...rest] = line.split(" ");
    demand(dash === "\u2014" && name && isKeyName(name) && encoded && !rest.length);
    const made = unbase64(encoded);
    demand(made.length > 4);
    return { name, id: hex(made.subarray(0, 4)), data: made.slice(4) };
  });
  return { text: whole.slice(0, end), signatures };
}

/**
 * The key of a vkey, if it is of that type.
 * @param {string} vkey
 * @param {number} type
 * @returns {VerifierKey}
 */
export function keyOf(vkey, type) {
  const [, name = "", id, encoded = ""] = /^([^+]*)\+([0-9a-f]{8})\+([^]*)$/.exec(vkey) ?? [];
  const data = unbase64(encoded);
  demand(isKeyName(name) && data[0] === type && isProperKey(data.subarray(1)));
  demand(hex(sha256(utf8(`${name}\n`), data).subarray(0, 4)) === id);
  return { name, id: id ?? "", type, raw: data.slice(1) };
}

/** @param {VerifierKey} key */
export const named = ({ name, id }) => `${name} (${id})`;

/**
 * Which of the keys signed the note, or cosigned it. Throws FormatFault where a line says so and it is not so, and
 * NotHere where this browser cannot tell.
 * @param {Note} note
 * @param {VerifierKey[]} keys
 */
export async function signersOf({ text, signatures }, keys) {
  const found = [];
  for (const { name, id, data } of signatures) {
    const key = keys.find((one) => one.name === name && one.id === id);
    if (!key) continue;
    const isWitness = key.type === COSIGNATURE;
    const time = isWitness ? BigInt(`0x${hex(data.subarray(0, 8))}`) : 0n;
    const message = utf8(isWitness ? `cosignature/v1\ntime ${time}\n${text}` : text);
    const holds = time < LONGEST_TIME && (await ed25519Verifies(key.raw, data.slice(isWitness ? 8 : 0), message));
    if (!holds) throw new FormatFault(`the ${isWitness ? "cosignature" : "signature"} by ${named(key)} does not verify`);
    found.push(key);
  }
  return found;
}
