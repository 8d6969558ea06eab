// JSON with one reading: no key twice, no fraction, nothing behind the end; and RFC 8785 for what is hashed.

import { FormatFault, textOf, unhex, utf8 } from "./bytes.js";
import { LIMITS } from "./limits.js";
import { byCodePoint, quoted } from "./text.js";

/** @typedef {Map<string, unknown>} JsonObject  a Map, so that a key such as __proto__ is one like any other */

/**
 * The object that `data` is, `what` naming it in faults.
 * @param {Uint8Array} data
 * @param {string} what
 * @param {number} limit
 * @returns {JsonObject}
 */
export function readObject(data, what, limit) {
  if (data.length > limit) throw new FormatFault(`${what} is over ${limit} bytes`);
  const text = textOf(data);
  if (text === null) throw new FormatFault(`${what} is not UTF-8`);
  const reader = new JsonReader(text, what);
  const value = reader.value(1);
  reader.blanks();
  if (reader.at < text.length) reader.fail("Extra data");
  if (!(value instanceof Map)) return reader.refuse("is not a JSON object");
  if (reader.hasHalfPair) reader.refuse("has text that is not valid Unicode");
  return value;
}

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const NO_NUMBER = /NaN|-?Infinity/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const UNICODE_ESCAPE = /[0-9a-fA-F]{4}/y;
const HALF_PAIR = /\p{Cs}/u;
/** @type {Record<string, string>} */
export const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

class JsonReader {
  /**
   * @param {string} text
   * @param {string} what
   */
  constructor(text, what) {
    this.text = text;
    this.what = what;
    this.at = 0;
    this.hasHalfPair = false;
  }

  /**
   * @param {string} fault
   * @returns {never}
   */
  refuse(fault) {
    throw new FormatFault(`${this.what} ${fault}`);
  }

  /**
   * @param {string} fault
   * @returns {never}
   */
  fail(fault, at = this.at) {
    this.refuse(`is not JSON: ${fault} at character ${Array.from(this.text.slice(0, at)).length}`);
  }

  /**
   * What the pattern finds here, which is passed over.
   * @param {RegExp} pattern
   */
  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  blanks() {
    const code = this.text.charCodeAt(this.at);
    if (code <= 0x20) this.match(BLANKS);
  }

  /** @param {string} character */
  take(character) {
    this.blanks();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /**
   * The next value, which may be nested from `depth` on.
   * @param {number} depth
   * @returns {unknown}
   */
  value(depth) {
    this.blanks();
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === "{" || first === "[") {
      if (depth > LIMITS.jsonDepth) this.refuse(`is nested deeper than ${LIMITS.jsonDepth}`);
      this.at++;
      return first === "{" ? this.members(depth) : this.elements(depth);
    }
    for (const [word, value] of /** @type {const} */ ([["true", true], ["false", false], ["null", null]])) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const number = this.match(NUMBER);
    if (!number && !this.match(NO_NUMBER)) this.fail("Expecting value");
    if (!number || number[1] || number[2]) this.refuse("has a number that is no integer");
    const value = Number(number?.[0]);
    if (!Number.isSafeInteger(value)) this.refuse("has an integer beyond 2^53 - 1");
    return value || 0; // never the zero below nought
  }

  /** @param {number} depth */
  members(depth) {
    /** @type {JsonObject} */
    const members = new Map();
    let count = 0;
    if (this.take("}")) return members;
    do {
      this.blanks();
      if (this.text[this.at] !== '"') this.fail("Expecting property name enclosed in double quotes");
      const key = this.string();
      if (!this.take(":")) this.fail("Expecting ':' delimiter");
      members.set(key, this.value(depth + 1));
      count++;
    } while (this.take(","));
    if (!this.take("}")) this.fail("Expecting ',' delimiter");
    if (members.size < count) this.refuse("has a key twice");
    return members;
  }

  /** @param {number} depth */
  elements(depth) {
    /** @type {unknown[]} */
    const elements = [];
    if (this.take("]")) return elements;
    do elements.push(this.value(depth + 1));
    while (this.take(","));
    if (!this.take("]")) this.fail("Expecting ',' delimiter");
    return elements;
  }

  string() {
    const start = this.at++;
    let value = "";
    let mayBeHalved = false;
    for (;;) {
      value += this.match(PLAIN)?.[0] ?? "";
      const next = this.text[this.at];
      if (next === undefined) this.fail("Unterminated string starting at", start);
      this.at++;
      if (next === '"') break;
      if (next !== "\\") this.fail("Invalid control character at", this.at - 1);
      const escape = this.text[this.at++];
      if (escape === undefined) this.fail("Unterminated string starting at", start);
      if (escape === "u") {
        const digits = this.match(UNICODE_ESCAPE);
        if (!digits) return this.fail("Invalid \\uXXXX escape");
        mayBeHalved = true;
        value += String.fromCharCode(parseInt(digits[0], 16));
      } else if (Object.hasOwn(ESCAPES, escape)) value += ESCAPES[escape];
      else this.fail("Invalid \\escape", this.at - 2);
    }
    if (mayBeHalved && HALF_PAIR.test(value)) this.hasHalfPair = true;
    return value;
  }
}

/**
 * The bytes that are hashed of a record: RFC 8785.
 * @param {JsonObject} value
 */
export function canonical(value) {
  return utf8(canonicalText(value));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function canonicalText(value) {
  if (value instanceof Map) {
    const members = [...value.keys()].map((key) => {
      if (!/^[\0-\x7f]*$/.test(key)) throw new FormatFault(`a record's key is not ASCII text: ${quoted(key)}`);
      return key;
    });
    const sorted = members.sort(byCodePoint);
    return `{${sorted.map((key) => JSON.stringify(key) + ":" + canonicalText(value.get(key)))}}`;
  }
  if (typeof value === "string" || typeof value === "number") return JSON.stringify(value);
  const type = value === null ? "NoneType" : typeof value === "boolean" ? "bool" : "list";
  throw new FormatFault(`a record holds a ${type}; strings, integers and objects of them are allowed`);
}

/**
 * The `size` bytes that a member writes in lower-case hex.
 * @param {JsonObject} members
 * @param {string} key
 * @param {number} size
 * @param {string} what
 */
export function hexMember(members, key, size, what) {
  const value = members.get(key);
  const bytes = typeof value === "string" && value.length === 2 * size ? unhex(value) : null;
  if (!bytes) throw new FormatFault(`${what}: ${key} is not ${size} bytes in lower-case hex`);
  return bytes;
}

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{0,8}[1-9])?Z$/;

/**
 * Whether a text is a moment of RFC 3339 in UTC, on a day that there is.
 * @param {string} text
 * @param {boolean} mayHaveFraction
 */
export function isMoment(text, mayHaveFraction) {
  const found = MOMENT.exec(text);
  if (!found || (found[5] && !mayHaveFraction)) return false;
  const [year, month, day] = found.slice(1, 4).map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year > 0 && days !== undefined && day > 0 && day <= days;
}
