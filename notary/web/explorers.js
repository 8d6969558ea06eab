// Block explorers over HTTP, by the Esplora API: asked only where the reader says so. An explorer is a website: one alone
// is believed in nothing, and what it says of a header has to fit the header. They are told the numbers of blocks, and
// the hashes that they name for those, and nothing else.

import { hex, joined, latin1, unhex } from "./bytes.js";
import { DATE_WINDOW, Header, HEADER_BYTES, soundRow } from "./header.js";
import { LIMITS } from "./limits.js";
import { commas } from "./text.js";

/** @typedef {import("./block.js").Sighting} Sighting */
/** @typedef {import("./header.js").Network} Network */
/**
 * Who may be asked, by address, and how many must agree.
 * @typedef {{urls: string[], least: number}} Explorers
 */

/** An explorer, or all of them, did not help. */
export class Unhelpful extends Error {}

/**
 * Who answers at an address.
 * @param {string} url
 */
export const explorerName = (url) => new URL(url).host;

/**
 * The header that enough explorers give for `height`, and more than give any other, with those that the date rule looks
 * at. Those in `silent` are not asked; who does not answer is added to it. Throws Unhelpful, with who said what.
 * @param {Explorers} explorers
 * @param {Network} network
 * @param {number} height
 * @param {Set<string>} silent
 * @returns {Promise<Sighting>}
 */
export async function agreed({ urls, least }, network, height, silent) {
  const asked = urls.filter((url) => !silent.has(url));
  const answers = await allAtOnce(asked, async (url) => {
    await checkChain(url, network);
    return headerFrom(url, network, height);
  });
  /** @type {string[]} */
  const said = [];
  /** @type {Map<string, {header: Header, urls: string[]}>} */
  const givers = new Map();
  answers.forEach((answer, at) => {
    const url = asked[at];
    if (answer instanceof Unhelpful) {
      silent.add(url);
      said.push(answer.message);
    } else if (answer) {
      said.push(`${explorerName(url)} says ${answer.shown}`);
      const same = givers.get(hex(answer.raw));
      if (same) same.urls.push(url);
      else givers.set(hex(answer.raw), { header: answer, urls: [url] });
    } else said.push(`${explorerName(url)} has no such block`);
  });
  const [first, ...others] = [...givers.values()].sort((one, other) => other.urls.length - one.urls.length);
  const votes = first?.urls.length ?? 0;
  if (!first || votes < least || votes === others[0]?.urls.length) {
    const story = said.join("; ");
    if (others.length) throw new Unhelpful(`the explorers disagree about block ${commas(height)}: ${story}`);
    const gave = `${votes} of ${urls.length} explorers gave block ${commas(height)}`;
    throw new Unhelpful(`${gave}, and ${least} have to agree: ${story}`);
  }
  const dissent = others.flatMap((one) => one.urls.map((url) => `${explorerName(url)} says ${one.header.shown}`));
  const beside = dissent.length ? `; but ${dissent.join("; ")}` : "";
  const source = `${votes} of ${urls.length} explorers (${first.urls.map(explorerName).join(", ")})${beside}`;
  return { height, headers: await withFollowing(first.urls, network, height, first.header), source, vouched: "explorers" };
}

/**
 * The header, and those that the date rule looks at, each naming the one before: from the first who has any.
 * @param {string[]} urls
 * @param {Network} network
 * @param {number} height
 * @param {Header} header
 */
async function withFollowing(urls, network, height, header) {
  const heights = Array.from({ length: DATE_WINDOW - 1 }, (_, at) => height + 1 + at);
  for (const url of urls) {
    const answers = await allAtOnce(heights, (each) => headerFrom(url, network, each));
    const row = soundRow([header, ...answers.flatMap((one) => (one instanceof Header ? [one] : []))], network);
    if (row.length > 1) return row;
  }
  return [header];
}

/**
 * What `ask` gives for each, or why it gives nothing, in their order.
 * @template T, R
 * @param {T[]} targets
 * @param {(target: T) => Promise<R>} ask
 */
function allAtOnce(targets, ask) {
  return Promise.all(
    targets.map(async (target) => {
      try {
        return await ask(target);
      } catch (fault) {
        if (!(fault instanceof Unhelpful)) throw fault;
        return fault;
      }
    }),
  );
}

/**
 * @param {string} url
 * @param {Network} network
 */
async function checkChain(url, network) {
  if ((await get(url, "block-height/0", 64)) === network.genesis) return;
  throw new Unhelpful(`${explorerName(url)} does not show the network ${network.name}`);
}

/**
 * The header that the explorer has at `height`, or null where its chain is not that long.
 * @param {string} url
 * @param {Network} network
 * @param {number} height
 */
async function headerFrom(url, network, height) {
  const named = await get(url, `block-height/${height}`, 64);
  if (named === null) return null;
  const raw = await get(url, `block/${named}/header`, 2 * HEADER_BYTES);
  const bytes = raw && unhex(raw);
  if (!bytes) throw new Unhelpful(`${explorerName(url)} names block ${named}, and does not have it`);
  const header = new Header(bytes);
  if (header.shown !== named) {
    throw new Unhelpful(`${explorerName(url)} gave a header that is not the one of block ${named}`);
  }
  if (header.hasWork(network)) return header;
  throw new Unhelpful(`${explorerName(url)} gave a header without the work of the network ${network.name}`);
}

/**
 * So many hex digits, in lower case; null where the explorer knows of no such block.
 * @param {string} url
 * @param {string} path
 * @param {number} digits
 */
async function get(url, path, digits) {
  const { status, body } = await exchange(explorerName(url), `${url}/${path}`);
  if (status === 404) return null;
  const text = latin1(body).replace(/^[\t-\r\x1c- ]+|[\t-\r\x1c- ]+$/g, "");
  if (status === 200 && text.length === digits && /^[0-9a-fA-F]*$/.test(text)) return text.toLowerCase();
  const words = latin1(body.subarray(0, LIMITS.replyText)).replace(/[^A-Za-z0-9#\-.,;:]+/g, " ").trim();
  throw new Unhelpful(`${explorerName(url)} answered ${status} ${words}`.trimEnd());
}

/**
 * One exchange: no redirect, no cookie, no word of where this page is; a limit on size and on time.
 * @param {string} server
 * @param {string} url
 */
async function exchange(server, url) {
  const aborter = new AbortController();
  const end = (/** @type {string} */ why) => aborter.abort(new Unhelpful(`${server} ${why}`));
  const whole = setTimeout(end, 1000 * LIMITS.exchangeSeconds, `took longer than ${LIMITS.exchangeSeconds} s`);
  const waiting = () => setTimeout(end, 1000 * LIMITS.readSeconds, `sent nothing for ${LIMITS.readSeconds} s`);
  let silence = waiting();
  try {
    const { status, body } = await fetch(url, {
      headers: { Accept: "text/plain" },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: aborter.signal,
    });
    let received = new Uint8Array();
    const reader = body?.getReader();
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
      clearTimeout(silence);
      silence = waiting();
      received = joined(received, piece.value.subarray(0, LIMITS.replyBytes + 1 - received.length));
      if (received.length > LIMITS.replyBytes) throw new Unhelpful(`${server} sent over ${LIMITS.replyBytes} bytes`);
    }
    return { status, body: received };
  } catch (fault) {
    if (fault instanceof Unhelpful) throw fault;
    // The browser tells programs no more than that.
    throw new Unhelpful(`${server} could not be reached, or gave no usable answer`);
  } finally {
    clearTimeout(whole);
    clearTimeout(silence);
    aborter.abort();
  }
}
