// The page: which files, the progress, and the verdict in the order in which a reader asks. No other module touches
// the DOM. Text from outside enters it through `text` alone, as text.

import { RELEASE } from "./release.js";
import { shownText } from "./shown.js";
import { commas } from "./text.js";

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
 *   items_listed?: Item[], made_on?: string | null,
 *   declared?: {title: string | null, declared_at: string, tool: string} | null,
 * }} Verdict
 */
/** @typedef {{error: string, hints?: string[]}} Refusal */
/** @typedef {Node | string | null | undefined | false} Content */

/** @type {Record<string, [string, string, string]>} */
const VERDICTS = {
  verified: ["\u2713", "Verified", "good"],
  pending: ["\u2026", "Pending", "doubt"],
  unconfirmed: ["?", "Not confirmed", "doubt"],
  failed: ["\u2717", "Failed", "bad"],
};
/** @type {Record<string, [string, string]>} */
const STATUSES = {
  passed: ["\u2713", "good"],
  failed: ["\u2717", "bad"],
  skipped: ["\u2013", "soft"],
  matches: ["\u2713", "good"],
  differs: ["\u2717", "bad"],
  "not at hand": ["\u2013", "soft"],
};
const NOT_IN_A_PROOF = "not part of a plain proof"; // what core/check.py finds where a check is of bundles only
const MONTHS =
  "January February March April May June July August September October November December".split(" ");

// -- elements: the only way in which anything enters the page ---------------------------------------------------------

/**
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} kind
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * One element. Strings are text; what is false or null is left out; `attributes` are words of this module, or text.
 * @param {string} tag @param {Record<string, string>} attributes @param {Content[]} content
 */
function element(tag, attributes, ...content) {
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
const sign = (symbol) => element("span", { class: "symbol", "aria-hidden": "true" }, symbol);

/** @param {string} status */
function mark(status) {
  const [symbol, tone] = STATUSES[status] ?? ["", "soft"];
  return element("span", { class: `status ${tone}` }, sign(symbol), " ", status);
}

/** @param {[string, Content][]} pairs */
function facts(...pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false);
  const rows = known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return element("dl", {}, ...rows);
}

/** @param {string[]} lines */
const list = (lines) => element("ul", {}, ...lines.map((line) => element("li", {}, line)));

/** @param {string} heading @param {string} opening @param {Node} content */
const boxed = (heading, opening, content) =>
  element("section", { class: "box" }, element("h2", {}, heading), element("p", {}, opening), content);

/** @param {string} label @param {(event: Event) => void} act */
function button(label, act) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}

// -- words ------------------------------------------------------------------------------------------------------------

/** @param {number} count */
function size(count) {
  if (count < 1000) return count === 1 ? "1 byte" : `${count} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/**
 * A date, or a moment in UTC, in words; anything else as it is.
 * @param {string | null | undefined} written
 */
function moment(written) {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d:\d\d)Z)?$/.exec(written ?? "");
  if (!found || !MONTHS[Number(found[2]) - 1]) return written;
  const day = `${Number(found[3])} ${MONTHS[Number(found[2]) - 1]} ${found[1]}`;
  return found[4] ? `${day}, ${found[4]} UTC` : day;
}

const now = () => new Date().toISOString().replace(/\.\d+/, "");

// -- the report -------------------------------------------------------------------------------------------------------

/** @param {Verdict} verdict @param {Input[]} inputs */
function report(verdict, inputs) {
  const made = verdict.checks.filter(({ found }) => found !== NOT_IN_A_PROOF);
  const members = { ...verdict, made_at: now(), software: `notary ${RELEASE.version} (web page)`, offline: true, inputs };
  return [
    ...answer(verdict),
    tools(members),
    element("h2", {}, "This check"),
    circumstances(verdict, members),
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
      boxed("What this does not prove", "This check does not prove:", list(RELEASE.notClaimed))
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
    verdictBox(tone, symbol, word, first, [...rest, ...advice(verdict)]),
  ];
}

/** @param {string} tone @param {string} symbol @param {string} word @param {string} first @param {string[]} rest */
function verdictBox(tone, symbol, word, first, rest) {
  return element(
    "header",
    { class: `verdict ${tone}` },
    element("h2", { tabindex: "-1", id: "verdict" }, sign(symbol), " ", element("span", {}, word)),
    element("p", { class: "answer" }, first.replace(/^the digests/, "The digests")),
    ...rest.map((sentence) => element("p", {}, sentence))
  );
}

/**
 * What the reader may do next.
 * @param {Verdict} verdict
 */
function advice(verdict) {
  const waiting = "Calendars need some hours. Then ask for the proof again, and check that.";
  if (verdict.verdict === "pending") {
    return isTestNetwork(verdict.made_on) ? [`It is of the test network ${verdict.made_on}, and will prove nothing.`] : [waiting];
  }
  if (verdict.verdict !== "unconfirmed" || verdict.test_network) return [];
  if (isTestNetwork(verdict.made_on)) return ["“Made on a test network?” above checks it there."];
  return [
    `This page knows checkpoints up to block ${commas(RELEASE.lastCheckpoint)}, and asks nobody. Add headers.bin with its` +
      " headers.json, if you have them; or let notary verify confirm the block: with your own Bitcoin node, from peers" +
      " or by block explorers.",
  ];
}

/** @param {string | null | undefined} name */
const isTestNetwork = (name) => name === "local" || name === "regtest";

/** @param {Verdict} verdict @param {{made_at: string, software: string, inputs: Input[]}} about */
function circumstances(verdict, { made_at, software, inputs }) {
  const { disclosed, of, matched, failed } = verdict.items;
  const differ = failed ? `; ${commas(failed)} ${failed === 1 ? "differs" : "differ"}` : "";
  const shown = `of ${commas(disclosed)} shown, in a batch of ${commas(of)}`;
  const compared = of === 1 ? (matched ? "1, compared and alike" : "1") : `${commas(matched)} compared and alike, ${shown}`;
  const block = verdict.attestation;
  const chain = verdict.test_network ? verdict.network : "Bitcoin";
  const [target] = inputs;
  return facts(
    ["Existed no later than", verdict.existed_by && `${moment(verdict.existed_by)} (UTC)`],
    ["Checked", `${verdict.target}${target ? `, ${size(target.size)}` : ""}`],
    ["Its SHA-256", target?.sha256],
    ["Checked at", `${moment(made_at)}, by this machine’s clock`],
    ["Checked with", `${software}; nobody was asked`],
    ["Files", of > 0 && `${compared}${differ}`],
    ["Block", block && `${chain} block ${commas(block.height)}, ${moment(block.block_time)}`],
    ["Block hash", block?.block_hash],
    ["Header from", block?.source],
    ["Trust reached", verdict.trust_meaning ? `${verdict.trust}: ${verdict.trust_meaning}` : verdict.trust],
    ["Trust required", verdict.required_trust]
  );
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

/** @param {object} members */
function tools(members) {
  const copied = element("span", { role: "status" });
  const area = element("textarea", { readonly: "", hidden: "", rows: "12", "aria-label": "The report as JSON" });
  const written = inAscii(JSON.stringify(members, null, 2));
  const copy = button("Copy the report as JSON", async () => {
    try {
      await navigator.clipboard.writeText(written);
      copied.textContent = "Copied.";
    } catch {
      // Some browsers do not let a page from disk write to the clipboard: the user then copies.
      if (!(area instanceof HTMLTextAreaElement)) return;
      area.value = written;
      area.hidden = false;
      area.select();
      copied.textContent = "It stands below, selected: copy it from there.";
    }
  });
  const unfold = button("Unfold all checks", () => {
    const all = [...document.querySelectorAll("ol.checks details")];
    const opens = all.some((one) => !one.hasAttribute("open"));
    for (const one of all) one.toggleAttribute("open", opens);
    unfold.textContent = opens ? "Fold all checks" : "Unfold all checks";
  });
  return element("div", { class: "tools" }, copy, button("Print", () => print()), unfold, copied, area);
}

/** @param {string} json */
const inAscii = (json) =>
  json.replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

// -- what the user does -----------------------------------------------------------------------------------------------

/** @typedef {{file: File, rank: number}} Chosen  `rank`: how likely this is the proof, 0 for most likely; 3: it is none */

const PLAIN = 3;

function start() {
  const chooser = byId("chooser", HTMLInputElement);
  const choose = byId("choose", HTMLElement);
  const label = byId("chooser-label", HTMLLabelElement);
  const files = byId("files", HTMLFieldSetElement);
  const legend = byId("files-legend", HTMLLegendElement);
  const test = byId("test", HTMLDetailsElement);
  const network = byId("network", HTMLSelectElement);
  const accepted = byId("accept-test", HTMLInputElement);
  const notice = byId("notice", HTMLElement);
  const working = byId("working", HTMLElement);
  const doing = byId("doing", HTMLElement);
  const progress = byId("progress", HTMLProgressElement);
  const cancel = byId("cancel", HTMLButtonElement);
  const live = byId("live", HTMLElement);
  const place = byId("report", HTMLElement);

  /** @type {Chosen[]} */
  let chosen = [];
  /** @type {Chosen | undefined} */
  let target;
  /** @type {Worker | undefined} */
  let worker;

  /** @param {Iterable<File>} added */
  async function add(added) {
    const ranked = [...added].map(async (file) => ({ file, rank: await rank(file) }));
    chosen = [...chosen, ...(await Promise.all(ranked))];
    const likely = [...chosen].sort((one, other) => one.rank - other.rank)[0];
    if (!target || (likely && likely.rank < target.rank)) target = likely;
    forgetTest();
    listFiles();
    check();
  }

  /** What was accepted for one proof is not accepted for the next. */
  function forgetTest() {
    accepted.checked = false;
    test.open = false;
  }

  function listFiles() {
    files.hidden = !chosen.length;
    choose.classList.toggle("chosen", !files.hidden);
    label.textContent = files.hidden ? "Choose files…" : "Add files…";
    legend.textContent = chosen.length > 1 ? "Files, and which of them is the proof" : "File";
    /** @type {Record<string, string>} */
    const only = chosen.length > 1 ? {} : { hidden: "" };
    const lines = chosen.map((one, at) => {
      const radio = element("input", { type: "radio", name: "target", id: `file-${at}`, ...only });
      if (one === target) radio.setAttribute("checked", "");
      radio.addEventListener("change", () => {
        target = one;
        forgetTest();
        check();
      });
      const name = element("label", { for: `file-${at}` }, one.file.name);
      const remove = button("Remove", () => {
        chosen = chosen.filter((other) => other !== one);
        if (target === one) target = chosen[0];
        forgetTest();
        listFiles();
        check();
        chooser.focus();
      });
      remove.setAttribute("aria-label", `Remove ${shownText(one.file.name)}`);
      return element("li", {}, radio, name, element("span", { class: "soft" }, size(one.file.size)), remove);
    });
    files.querySelector("ul")?.replaceChildren(...lines);
  }

  function check() {
    stop();
    place.replaceChildren();
    notice.textContent = "";
    live.textContent = "";
    if (!target) return;
    const evidence = chosen.filter((one) => one !== target);
    if (target.rank === 0 && !evidence.length) {
      notice.textContent = "A proof is of one file: add that file too.";
      return;
    }
    const source = byId("program", HTMLScriptElement).text;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const mine = new Worker(url);
    worker = mine;
    mine.onmessage = ({ data }) => worker === mine && heard(data); // not what one that was stopped had still to say
    mine.onerror = (event) => finish([refused({ error: event.message || "the browser did not start the check" })]);
    /** @param {Chosen} one */
    const named = ({ file }) => ({ name: file.name, blob: file });
    mine.postMessage({
      target: named(target),
      evidence: evidence.map(named),
      network: accepted.checked ? network.value : "bitcoin",
    });
    URL.revokeObjectURL(url);
    progress.removeAttribute("value");
    doing.textContent = "Checking…";
    live.textContent = "Checking…";
    working.hidden = false;
  }

  /** @param {{done?: number, total?: number, verdict?: Verdict & Refusal, inputs?: Input[], fault?: string}} message */
  function heard({ done, total, verdict, inputs, fault }) {
    if (fault) finish([refused({ error: fault })]);
    else if (verdict?.error) finish([refused(verdict)]);
    else if (verdict) {
      finish(report(verdict, inputs ?? []));
      if (verdict.verdict === "unconfirmed" && !verdict.test_network && isTestNetwork(verdict.made_on)) {
        network.value = verdict.made_on ?? "";
        test.open = true;
      }
    } else if (done !== undefined && total) {
      progress.value = Math.min(1, done / total);
      doing.textContent = `Checking: ${size(done)} of ${size(total)}`;
    }
  }

  /** @param {Content[]} content */
  function finish(content) {
    const lostFocus = document.activeElement === document.body || document.activeElement === cancel;
    stop();
    place.replaceChildren(...content.filter((one) => one instanceof Node));
    live.textContent = [...place.querySelectorAll(".banner, .verdict h2 > :last-child, .answer")].map((one) => one.textContent).join(". ");
    if (lostFocus) document.getElementById("verdict")?.focus();
    place.scrollIntoView({ block: "nearest" });
  }

  function stop() {
    worker?.terminate();
    worker = undefined;
    working.hidden = true;
  }

  /** @param {Refusal} refusal */
  function refused({ error, hints }) {
    const missing = "Add the bundle (.zip), the proof (.ots) or the certificate (.pdf) that it is to be checked with.";
    return verdictBox("bad", "\u2717", "Could not be checked", error, target?.rank === PLAIN ? [missing] : (hints ?? []));
  }

  chooser.addEventListener("change", () => {
    add(chooser.files ?? []);
    chooser.value = ""; // the same file may be chosen again
  });
  cancel.addEventListener("click", () => {
    stop();
    live.textContent = "";
    notice.replaceChildren("Cancelled: nothing was checked. ", button("Check again", check));
    notice.querySelector("button")?.focus();
  });
  accepted.addEventListener("change", check);
  network.addEventListener("change", () => accepted.checked && check());
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    const dropped = [...(event.dataTransfer?.items ?? [])].filter((one) => one.kind === "file");
    const isFolder = dropped.map((one) => one.webkitGetAsEntry()?.isDirectory);
    const plain = dropped.flatMap((one, at) => (isFolder[at] ? [] : (one.getAsFile() ?? [])));
    if (plain.length) add(plain);
    if (isFolder.includes(true)) notice.textContent = "Folders are not read: drop the files that are in them.";
  });
  // On paper everything is unfolded.
  /** @type {Element[]} */
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("ol.checks details:not([open])")];
    for (const one of folded) one.setAttribute("open", "");
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.removeAttribute("open");
  });
  byId("about", HTMLElement).textContent =
    `notary ${RELEASE.version}, with the checkpoints of Bitcoin’s chain up to block ${commas(RELEASE.lastCheckpoint)}.`;
}

/**
 * How likely the file is the proof: a .ots, a bundle, a certificate, or none of them.
 * @param {File} file
 */
async function rank(file) {
  let head = "";
  try {
    const bytes = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
    head = String.fromCharCode(...bytes);
  } catch {
    return PLAIN; // the check will say why it cannot be read
  }
  if (/\.ots$/i.test(file.name) || head.startsWith("\0OpenTimestamps\0")) return 0;
  if (head.startsWith("PK")) return 1;
  return head.includes("%PDF-") ? 2 : PLAIN;
}

if (typeof document !== "undefined") start();
