// The page: which files, the progress, and the report. What is checked, and by whom it may be asked, its user says.

import { isTrusted } from "./claimverdict.js";
import { button, byId, element } from "./elements.js";
import { size } from "./moments.js";
import { RELEASE } from "./release.js";
import { isTestNetwork, report, verdictBox } from "./report.js";
import { shownText } from "./shown.js";
import { commas } from "./text.js";

/** @typedef {import("./elements.js").Content} Content */
/** @typedef {import("./report.js").Input} Input */
/** @typedef {import("./report.js").Verdict} Verdict */
/** @typedef {{error: string, hints?: string[], isOpen?: boolean}} Refusal  `isOpen`: the reader has to say first */
/** @typedef {{file: File, rank: number}} Chosen  `rank`: how likely this is the proof, 0 for most likely; 3: it is none */

const NO_PROOF = 3;

function start() {
  const chooser = byId("chooser", HTMLInputElement);
  const choose = byId("choose", HTMLElement);
  const label = byId("chooser-label", HTMLLabelElement);
  const files = byId("files", HTMLFieldSetElement);
  const legend = byId("files-legend", HTMLLegendElement);
  const test = byId("test", HTMLDetailsElement);
  const network = byId("network", HTMLSelectElement);
  const accepted = byId("accept-test", HTMLInputElement);
  const later = byId("later", HTMLElement);
  const laterFiling = byId("later-filing", HTMLInputElement);
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
  /** The day for which the answer is. */
  let laterDay = "";
  let isAsking = false;

  /** @param {Iterable<File>} added */
  async function add(added) {
    const ranked = await Promise.all([...added].map(async (file) => ({ file, rank: await rankOf(file) })));
    chosen = [...chosen, ...ranked];
    const likely = likeliest();
    if (!ranked.every(({ file }) => isTrusted(file))) forgetTest(); // whom somebody trusts is no other evidence
    if (!target || (likely && likely.rank < target.rank)) aim(likely);
    listFiles();
    check();
  }

  const likeliest = () => [...chosen].sort((one, other) => one.rank - other.rank)[0];

  /**
   * Another target, for which no later filing was named.
   * @param {Chosen | undefined} one
   */
  function aim(one) {
    target = one;
    laterFiling.value = laterDay = "";
  }

  /** What was accepted for one proof is not accepted for the next. */
  function forgetTest() {
    accepted.checked = false;
    test.open = false;
  }

  function listFiles() {
    later.hidden = true;
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
        aim(one);
        forgetTest();
        check();
      });
      const name = element("label", { for: `file-${at}` }, one.file.name);
      const remove = button("Remove", () => {
        chosen = chosen.filter((other) => other !== one);
        if (target === one) aim(likeliest());
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

  /** @param {boolean} asks  whether the explorers shall be asked: only when their button was pressed */
  function check(asks = false) {
    stop();
    isAsking = asks;
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
    mine.onmessage = ({ data }) => worker === mine && heard(data, asks); // not what a stopped one had still to say
    mine.onerror = (event) => finish([refused({ error: event.message || "the browser did not start the check" })]);
    /** @param {Chosen} one */
    const named = ({ file }) => ({ name: file.name, blob: file });
    mine.postMessage({
      target: named(target),
      evidence: evidence.map(named),
      network: accepted.checked ? network.value : "bitcoin",
      asks,
      laterFiling: laterDay,
    });
    URL.revokeObjectURL(url);
    progress.removeAttribute("value");
    doing.textContent = asks ? "Asking the explorers…" : "Checking…";
    live.textContent = doing.textContent;
    working.hidden = false;
  }

  /**
   * @param {{done?: number, total?: number, verdict?: Verdict & Refusal, inputs?: Input[], fault?: string}} message
   * @param {boolean} isAsked
   */
  function heard({ done, total, verdict, inputs, fault }, isAsked) {
    if (fault) finish([refused({ error: fault })]);
    else if (verdict?.error) finish([refused(verdict)]);
    else if (verdict) {
      later.hidden = verdict.kind !== "claim";
      finish(report(verdict, inputs ?? [], isAsked, () => check(true)));
      if (verdict.verdict === "unconfirmed" && !verdict.test_network && isTestNetwork(verdict.made_on)) {
        network.value = verdict.made_on ?? "";
        test.open = true;
      }
    } else if (done !== undefined && total) {
      progress.value = Math.min(1, done / total);
      if (!isAsked) doing.textContent = `Checking: ${size(done)} of ${size(total)}`;
    }
  }

  /** @param {Content[]} content */
  function finish(content) {
    const lostFocus = document.activeElement === document.body || document.activeElement === cancel;
    stop();
    place.replaceChildren(...content.flatMap((one) => (one instanceof Node ? [one] : [])));
    const said = place.querySelectorAll(".banner, .verdict h2 > :last-child, .answer, .caution");
    const spoken = [...said].map((one) => one.textContent).join(". ");
    live.textContent = spoken.replace(/ Its SHA-256: \w+/, "");
    if (lostFocus) document.getElementById("verdict")?.focus();
    place.scrollIntoView({ block: "nearest" });
  }

  function stop() {
    worker?.terminate();
    worker = undefined;
    working.hidden = true;
  }

  /** @param {Refusal} refusal */
  function refused({ error, hints, isOpen }) {
    if (isOpen) return verdictBox("doubt", "?", "Not checked yet", error, hints ?? []);
    const missing = "Add the bundle (.zip), the proof (.ots) or the certificate (.pdf) that it is to be checked with.";
    return verdictBox("bad", "\u2717", "Could not be checked", error, target?.rank === NO_PROOF ? [missing] : (hints ?? []));
  }

  chooser.addEventListener("change", () => {
    add(chooser.files ?? []);
    chooser.value = ""; // the same file may be chosen again
  });
  cancel.addEventListener("click", () => {
    stop();
    live.textContent = "";
    const told = isAsking ? " What the explorers were asked until now, they know." : "";
    notice.replaceChildren(`Cancelled: nothing was checked.${told} `, button("Check again", () => check()));
    notice.querySelector("button")?.focus();
  });
  accepted.addEventListener("change", () => check());
  laterFiling.addEventListener("change", () => {
    // While it is typed, a year begins with noughts.
    const day = /^[1-9]\d{3}-/.test(laterFiling.value) ? laterFiling.value : "";
    if (day === laterDay) return;
    laterDay = day;
    check();
  });
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
async function rankOf(file) {
  let head = "";
  try {
    const bytes = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
    head = String.fromCharCode(...bytes);
  } catch {
    return NO_PROOF; // the check will say why it cannot be read
  }
  if (/\.ots$/i.test(file.name) || head.startsWith("\0OpenTimestamps\0")) return 0;
  if (head.startsWith("PK")) return 1;
  return head.includes("%PDF-") ? 2 : NO_PROOF;
}

if (typeof document !== "undefined") start();
