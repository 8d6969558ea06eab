// The page's elements: the only way in which anything enters it. Text from outside enters through `text` alone, as text.

import { shownText } from "./shown.js";

/** @typedef {Node | string | null | undefined | false} Content */

/** @type {Record<string, [string, string]>} */
const STATUSES = {
  passed: ["\u2713", "good"],
  failed: ["\u2717", "bad"],
  skipped: ["\u2013", "soft"],
  matches: ["\u2713", "good"],
  differs: ["\u2717", "bad"],
  "not at hand": ["\u2013", "soft"],
};

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * One element. Strings are text; what is false or null is left out; `attributes` are words of this module, or text.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {Content[]} content
 */
export function element(tag, attributes, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const one of content) {
    if (one instanceof Node) made.append(one);
    else if (one) made.append(...text(one));
  }
  return made;
}

/**
 * Text with what hides escaped, the hashes in it in groups, and dates on one line.
 * @param {string} raw
 */
function text(raw) {
  // Every second part is a hash, with the sign after it, or a date.
  return shownText(raw)
    .split(/\b([0-9a-f]{64}\b[,.;]?|\d{4}-\d\d-\d\d(?:T[\d:]+Z)?\b)/)
    .map((part, at) => (at % 2 === 0 ? document.createTextNode(part) : part.length < 64 ? date(part) : hash(part)));
}

/** @param {string} day */
function date(day) {
  const made = document.createElement("span");
  made.className = "date";
  made.textContent = day;
  return made;
}

/**
 * Groups that the style sets apart: no blanks, so that it is copied as one word.
 * @param {string} digits
 */
function hash(digits) {
  const made = document.createElement("code");
  made.className = "hash";
  for (let at = 0; at < 64; at += 8) {
    const group = document.createElement("span");
    group.textContent = digits.slice(at, at + 8);
    made.append(...(at ? [document.createElement("wbr")] : []), group);
  }
  made.append(digits.slice(64));
  return made;
}

/** @param {string} symbol */
export const sign = (symbol) => element("span", { class: "symbol", "aria-hidden": "true" }, symbol);

/** @param {string} status */
export function mark(status) {
  const [symbol, tone] = STATUSES[status] ?? ["", "soft"];
  return element("span", { class: `status ${tone}` }, sign(symbol), " ", status);
}

/** @param {[string, Content][]} pairs */
export function facts(...pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false);
  const rows = known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return element("dl", {}, ...rows);
}

/** @param {string[]} lines */
export const list = (lines) => element("ul", {}, ...lines.map((line) => element("li", {}, line)));

/**
 * @param {string} heading
 * @param {string} opening
 * @param {Node} content
 */
export const boxed = (heading, opening, content) =>
  element("section", { class: "box" }, element("h2", {}, heading), element("p", {}, opening), content);

/**
 * @param {string} label
 * @param {(event: Event) => void} act
 */
export function button(label, act) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}
