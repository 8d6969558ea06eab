// Bytes and text, what can be wrong with them, and files that are read in slices.

/** Bytes that are not what their format demands; `hints` say what to do. */
export class FormatFault extends Error {
  /**
   * @param {string} message
   * @param {...string} hints
   */
  constructor(message, ...hints) {
    super(message);
    this.hints = hints;
  }
}

/** A target that gets no verdict at all: nothing that this reads. */
export class NoTarget extends FormatFault {}

/** A bundle that breaks the rules of containers. */
export class RefusedBundle extends FormatFault {}

/** A manifest of a format that this does not read. */
export class UnknownVersion extends FormatFault {}

/**
 * What `make` gives, or why it gives nothing.
 * @template T
 * @param {() => T} make
 */
export function orFault(make, fault = "", before = "") {
  try {
    return { value: make(), fault };
  } catch (wrong) {
    if (!(wrong instanceof FormatFault) || wrong instanceof UnknownVersion) throw wrong;
    return { value: null, fault: before + wrong.message };
  }
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * The bytes that lower-case hex writes, or null.
 * @param {string} text
 */
export function unhex(text) {
  if (text.length % 2 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** @param {...Uint8Array} parts */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/**
 * A number in 8 bytes, high byte first.
 * @param {number} value
 */
export function u64(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** @param {string} text */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

/** @param {Uint8Array} bytes */
export const base64 = (bytes) => btoa(latin1(bytes));

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/**
 * The text that bytes are in UTF-8, a byte order mark being part of it; null if they are none.
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

const MAYBE_UTF8 = /[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[^]/g;

/**
 * The same with each byte that is no text as half a surrogate pair, U+DC80 to U+DCFF (PEP 383).
 * @param {Uint8Array} bytes
 */
export function escapedTextOf(bytes) {
  return latin1(bytes).replace(MAYBE_UTF8, (one) => {
    const codes = Array.from(one, (byte) => byte.charCodeAt(0));
    return textOf(Uint8Array.from(codes)) ?? String.fromCharCode(...codes.map((code) => 0xdc00 + code));
  });
}

/**
 * Bytes as the characters of their numbers.
 * @param {Uint8Array} bytes
 */
export const latin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/** @typedef {(bytes: number) => void} Tell  told of bytes as they are read; may throw to stop */

/** A file's bytes by place; reads `ahead` bytes at once, as files side by side are read one after the other. */
export class Source {
  /**
   * @param {Blob} blob
   * @param {number} ahead
   */
  constructor(blob, ahead) {
    this.blob = blob;
    this.ahead = ahead;
    this.start = 0;
    this.data = new Uint8Array();
  }

  /**
   * So many bytes from `at` on, fewer where the file ends.
   * @param {number} at
   * @param {number} length
   */
  async read(at, length) {
    if (at < this.start || at + length > this.start + this.data.length) {
      const end = Math.min(this.blob.size, at + Math.max(length, this.ahead));
      this.data = new Uint8Array(await this.blob.slice(at, end).arrayBuffer());
      this.start = at;
    }
    return this.data.subarray(at - this.start, at - this.start + length);
  }
}
