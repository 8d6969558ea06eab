// How the reports write numbers, names and texts, so that two verifiers say the same.

import { latin1 } from "./bytes.js";

/**
 * A number with commas between its thousands.
 * @param {number | bigint} value
 */
export const commas = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * By code points; JavaScript's own order is by UTF-16's units.
 * @param {string} one
 * @param {string} other
 */
export function byCodePoint(one, other) {
  for (let i = 0; i < one.length && i < other.length; i++) {
    let [a, b] = [one.charCodeAt(i), other.charCodeAt(i)];
    if (a === b) continue;
    // Halves of pairs stand for code points above all others.
    if (a >= 0xd800 && b >= 0xd800) [a, b] = [a < 0xe000 ? a + 0x10000 : a, b < 0xe000 ? b + 0x10000 : b];
    return a - b;
  }
  return one.length - other.length;
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u;
/** @type {Record<string, string>} */
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/**
 * A text in quotation marks, what would hide in it escaped, as Python writes it.
 * @param {string} text
 */
export function quotedText(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = Array.from(text, (one) => {
    if (one in SHORT) return SHORT[one];
    if (one === mark) return `\\${one}`;
    if (one === " " || !HIDDEN.test(one)) return one;
    const code = one.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
  });
  return mark + inside.join("") + mark;
}

/**
 * The same of bytes that are no text.
 * @param {Uint8Array} bytes
 */
export function quotedBytes(bytes) {
  const text = quotedText(latin1(bytes));
  return "b" + text.replace(/[\x80-\xff]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`);
}

/**
 * A value of a JSON document for an error's line: cut where it is long.
 * @param {unknown} value
 */
export function quoted(value) {
  const text = literal(value);
  const characters = Array.from(text);
  return characters.length <= 80 ? text : `${characters.slice(0, 80).join("")}...`;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function literal(value) {
  if (typeof value === "string") return quotedText(value);
  if (value instanceof Map) {
    const members = Array.from(value, ([key, member]) => `${literal(key)}: ${literal(member)}`);
    return `{${members.join(", ")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "boolean") return value ? "True" : "False";
  return value == null ? "None" : String(value);
}
