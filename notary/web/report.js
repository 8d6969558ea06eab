// A verdict as the page shows it, in the order in which a reader asks.

import { askingBox, EXPLORERS, listed } from "./asking.js";
import { NOT_IN_A_PROOF } from "./check.js";
import { boxed, element, facts, list, mark, sign } from "./elements.js";
import { moment, now, size } from "./moments.js";
import { RELEASE } from "./release.js";
import { commas } from "./text.js";
import { UNCHECKED_TOKEN } from "./token.js";
import { tools } from "./tools.js";

/** @typedef {import("./elements.js").Content} Content */
/** @typedef {{number: number, name: string, status: string, expected: string, found: string}} Check */
/** @typedef {{index: number, name: string | null, sha256: string, status: string}} Item */
/** @typedef {{name: string, kind: string, size: number, sha256: string | null}} Input */
/**
 * What verdict.js gives: the members of `notary verify --json`, and some of its report.
 * @typedef {{
 *   verdict: string, target: string, network: string, test_network: boolean,
 *   trust: string, trust_meaning: string | null, required_trust: string,
 *   existed_by: string | null, sentences: string[], tried: string[], checks: Check[],
 *   attestation: {network: string, height: number, block_hash: string, block_time: string, source: string} | null,
 *   items: {disclosed: number, of: number, matched: number, failed: number},
 *   head?: string | null, previous?: string | null,
 *   signature?: {fingerprint: string, did: string, declared_name: string | null, declared_organisation: string | null} | null,
 *   token?: {time: string} | null,
 *   not_before?: {date: string, height: number, block_hash: string, source: string, trust: string} | null,
 *   items_listed?: Item[], made_on?: string | null, open_blocks?: number[],
 *   declared?: {title: string | null, declared_at: string, tool: string} | null,
 *   kind?: string, entry?: {link: string, record: Record<string, string | object>} | null, advice?: string[],
 *   cautions?: string[],
 * }} Verdict
 */

/** @type {Record<string, [string, string, string]>} */
const VERDICTS = {
  verified: ["\u2713", "Verified", "good"],
  pending: ["\u2026", "Pending", "doubt"],
  unconfirmed: ["?", "Not confirmed", "doubt"],
  failed: ["\u2717", "Failed", "bad"],
};

/**
 * @param {Verdict} verdict
 * @param {Input[]} inputs
 * @param {boolean} isAsked  whether the explorers were
 * @param {() => void} ask  to be called if they shall be
 */
export function report(verdict, inputs, isAsked, ask) {
  const made = verdict.checks.filter(({ found }) => found !== NOT_IN_A_PROOF);
  const { open_blocks: open, advice: _, ...judged } = verdict;
  const software = `notary ${RELEASE.version} (web page)`;
  const members = { ...judged, made_at: now(), software, offline: !isAsked, inputs };
  return [
    ...answer(verdict),
    !!open?.length && askingBox(open, verdict.verdict === "verified", isAsked, ask),
    tools(members),
    element("h2", {}, "This check"),
    circumstances(verdict, members),
    ...whoAndSince(verdict),
    ...asserted(verdict),
    element("h2", { id: "checks-heading" }, "Checks"),
    element(
      "p",
      { class: "note checks-note" },
      made.length < verdict.checks.length
        ? "Those of bundles do not apply to a plain proof, and are left out."
        : "One that was skipped does not apply here, or could not be made for the reason that it gives."
    ),
    element("ol", { class: "checks", "aria-labelledby": "checks-heading" }, ...made.map(checkLine)),
    ...sources(verdict),
    ...items(verdict),
    element(
      "div",
      { class: "boxes" },
      declared(verdict),
      boxed("What this does not prove", "This check does not prove:", list(verdict.entry ? RELEASE.notShown : RELEASE.notClaimed))
    ),
  ];
}

/** @param {Verdict} verdict */
function answer(verdict) {
  let [symbol, word, tone] = VERDICTS[verdict.verdict] ?? ["?", verdict.verdict, "doubt"];
  // What proves nothing is not green.
  if (verdict.test_network && tone === "good") [word, tone] = ["Verified on a test network", "doubt"];
  const banner = `TEST NETWORK ${verdict.network}: its blocks cost nothing, so this proves nothing.`;
  const [first = "", ...rest] = verdict.sentences;
  return [
    verdict.test_network && element("p", { class: "banner", role: "note" }, banner),
    verdictBox(tone, symbol, word, first, [...rest, ...advised(verdict)], verdict.cautions),
  ];
}

/**
 * @param {string} tone
 * @param {string} symbol
 * @param {string} word
 * @param {string} first
 * @param {string[]} rest
 * @param {string[]} cautions  without which the first sentence would be misread
 */
export function verdictBox(tone, symbol, word, first, rest, cautions = []) {
  return element(
    "header",
    { class: `verdict ${tone}` },
    element("h2", { tabindex: "-1", id: "verdict" }, sign(symbol), " ", element("span", {}, word)),
    element("p", { class: "answer" }, first.replace(/^the (?=digests|record)/, "The ")),
    ...cautions.map((sentence) => element("p", { class: "caution" }, sentence)),
    ...rest.map((sentence) => element("p", {}, sentence))
  );
}

/**
 * What the reader may do next.
 * @param {Verdict} verdict
 */
function advised({ verdict, test_network: isTest, made_on: madeOn, advice = [], entry, open_blocks: open }) {
  const waiting = "Calendars need some hours. Then ask for the proof again, and check that.";
  if (verdict === "pending") {
    return isTestNetwork(madeOn) ? [`It is of the test network ${madeOn}, and will prove nothing.`] : [waiting];
  }
  if (verdict !== "unconfirmed" || isTest) return advice;
  if (isTestNetwork(madeOn)) return [...advice, "“Made on a test network?” above checks it there."];
  if (entry && !open?.length) return advice;
  return [
    ...advice,
    `This page knows checkpoints up to block ${commas(RELEASE.lastCheckpoint)}. Add headers.bin with its headers.json, if` +
      " you have them; or let notary verify confirm the block, with your own Bitcoin node or from peers; or ask block" +
      " explorers, below.",
  ];
}

/** @param {string | null | undefined} name */
export const isTestNetwork = (name) => name === "local" || name === "regtest";

/**
 * @param {Verdict} verdict
 * @param {{made_at: string, software: string, offline: boolean, inputs: Input[]}} about
 */
function circumstances(verdict, { made_at, software, offline, inputs }) {
  const { disclosed, of, matched, failed } = verdict.items;
  const differ = failed ? `; ${commas(failed)} ${failed === 1 ? "differs" : "differ"}` : "";
  const shown = `of ${commas(disclosed)} shown, in a batch of ${commas(of)}`;
  const compared = of === 1 ? (matched ? "1, compared and alike" : "1") : `${commas(matched)} compared and alike, ${shown}`;
  const block = verdict.attestation;
  const chain = verdict.test_network ? verdict.network : "Bitcoin";
  const [target] = inputs;
  return facts(
    ["Existed no later than", verdict.existed_by && `${moment(verdict.existed_by)} (UTC)`],
    ["Checked", [verdict.target, ...(target ? [size(target.size)] : [])].join(", ")],
    ["Its SHA-256", target?.sha256],
    ["Checked at", `${moment(made_at)}, by this machine’s clock`],
    ["Checked with", `${software}; ${offline ? "nobody was" : listed(EXPLORERS) + " were"} asked`],
    ["Files", of > 0 && `${compared}${differ}`],
    ["Block", block && `${chain} block ${commas(block.height)}, ${moment(block.block_time)}`],
    ["Block hash", block?.block_hash],
    ["Header from", block?.source],
    ["Trust reached", verdict.trust_meaning ? `${verdict.trust}: ${verdict.trust_meaning}` : verdict.trust],
    ["Trust required", verdict.required_trust]
  );
}

/**
 * Keys, not people: this page knows nobody's.
 * @param {Verdict} verdict
 */
function whoAndSince({ verdict, signature, token, not_before: since, previous }) {
  if (verdict === "failed" || !(signature || token || since || previous)) return [];
  const { declared_name: name, declared_organisation: organisation } = signature ?? {};
  const named = [name, organisation].filter(Boolean).join(", ");
  const said = facts(
    ["Signed with the key", signature?.fingerprint],
    ["The same as did:key", signature?.did],
    ["Declared signer", !!named && `${named} (declared, not checked)`],
    ["Time of the token", token && `${moment(token.time)}; ${UNCHECKED_TOKEN}`],
    ["Made no earlier than", since && `${moment(since.date)} (UTC)`],
    ["As it names block", since && `${commas(since.height)}, ${since.block_hash}; trust ${since.trust}, from ${since.source}`],
    ["Batch before it", previous]
  );
  return [element("h2", {}, "Who, and since when"), said];
}

/**
 * What a claim's entry says, and no more of one that it opens.
 * @param {Verdict} verdict
 */
function asserted({ verdict, entry }) {
  if (verdict === "failed" || !entry) return [];
  const { record, link } = entry;
  const heading = verdict === "verified" ? "as asserted by the register\u2019s keeper" : "as the claim gives it";
  const stated = Object.entries(RELEASE.stated).map(([key, name]) => [name, record[key]]);
  const references = Object.entries(record.references ?? {}).map(([kind, said]) => [`Reference (${kind})`, said]);
  /** @type {any[]} */
  const rows = [...stated, ...references];
  return [element("h2", {}, `The entry, ${heading}`), facts(...rows, ["Link", link])];
}

/** @param {Check} check */
function checkLine({ number, name, status, expected, found }) {
  const line = element(
    "summary",
    {},
    element("span", { class: "number" }, String(number)),
    element("span", { class: "name" }, name),
    mark(status)
  );
  const details = element("details", {}, line, facts(["Expected", expected || null], ["Found", found || null]));
  if (status === "failed") details.setAttribute("open", "");
  return element("li", {}, details);
}

/** @param {Verdict} verdict */
function sources({ tried }) {
  return tried.length ? [element("h2", {}, "Sources that did not help"), list(tried)] : [];
}

/** @param {Verdict} verdict */
function items({ items_listed: listed, items: { disclosed } }) {
  if (!listed?.length) return [];
  const some = listed.length < disclosed ? ` These are ${commas(listed.length)} of the ${commas(disclosed)} shown.` : "";
  const caption = `A file with the same SHA-256 digest is the same file, byte for byte.${some}`;
  const heads = ["No.", "File", "Result", "SHA-256"];
  const columns = heads.map((head) => element("th", { scope: "col", role: "columnheader" }, head));
  const rows = listed.map(({ index, name, sha256, status }) => {
    const cells = [name ?? element("em", {}, "name withheld"), mark(status), sha256];
    return element(
      "tr",
      { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, commas(index + 1)),
      ...cells.map((cell, at) => element("td", { role: "cell", "data-label": heads[at + 1] ?? "" }, cell))
    );
  });
  // The roles repeat what the elements say, for readers that lose it where a phone stacks the cells.
  const table = element(
    "table",
    { class: "results", role: "table" },
    element("caption", {}, caption),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...columns)),
    element("tbody", { role: "rowgroup" }, ...rows)
  );
  return [element("h2", {}, "Files"), table];
}

/** @param {Verdict} verdict */
function declared({ declared: said }) {
  const told = said && facts(["Title", said.title], ["Made", moment(said.declared_at)], ["Made with", said.tool]);
  return told && boxed("Declared, not proven", "The batch says of itself:", told);
}
