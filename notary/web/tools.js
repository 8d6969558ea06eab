// What can be done with a report: copied, printed, unfolded.

import { button, element } from "./elements.js";

/** @param {object} members */
export function tools(members) {
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
