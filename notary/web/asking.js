// Asking the explorers: what would be sent to whom is said before, and nothing is sent until the button is pressed.

import { button, element, facts } from "./elements.js";
import { explorerName } from "./explorers.js";
import { DATE_WINDOW } from "./header.js";
import { RELEASE } from "./release.js";
import { commas } from "./text.js";

export const EXPLORERS = RELEASE.explorers.map(explorerName);

/** @param {string[]} names */
export const listed = (names) => [names.slice(0, -1).join(", "), ...names.slice(-1)].filter(Boolean).join(" and ");

/**
 * The button, with what it does.
 * @param {number[]} heights  of the blocks that no checkpoint covers
 * @param {boolean} isNamed  whether it is only the block that the manifest names
 * @param {boolean} isAsked  once already
 * @param {() => void} ask
 */
export function askingBox(heights, isNamed, isAsked, ask) {
  const blocks = `${heights.length > 1 ? "blocks" : "block"} ${listed(heights.map(commas))}`;
  const least = `at least ${RELEASE.minExplorers} of ${EXPLORERS.length} have to give the same`;
  const spans = heights.map((height) => `${commas(height)} to ${commas(height + DATE_WINDOW - 1)}`);
  return element(
    "section",
    { class: "box ask", "aria-labelledby": "ask-heading" },
    element("h2", { id: "ask-heading" }, "Ask block explorers?"),
    element(
      "p",
      {},
      `No checkpoint in this page covers Bitcoin ${blocks}${isNamed ? ", which the manifest names" : ""}. Block` +
        ` explorers, which are websites of others, can be asked for the header: ${least}. That needs a connection.`,
    ),
    facts(
      ["Would be asked", listed(EXPLORERS)],
      ["Would be sent", `the block numbers 0 and ${listed(spans)}, and the hashes that they name for these blocks`],
      ["Not sent", "your files, their names and digests, and everything else in the proof"],
      ["They also see", "your network address, as every website does that you visit"],
    ),
    button(isAsked ? "Ask the explorers again" : "Ask the explorers", ask),
  );
}
