// A certificate is a PDF with the bundle embedded in it. As notary writes them the bundle stands there byte for byte, so
// it can be had without a PDF reader; of a PDF that another program has saved again it has to be taken out by one.

import { FormatFault, latin1, Source } from "./bytes.js";

const HINT = "take the bundle out of it (pdfdetach -saveall, or the list of attachments in a PDF reader), and open that";
const ZIP_MARK = "PK";
const ENTRY_BYTES = 20;
const MOST_OBJECTS = 100_000;
/** What an object's dictionary may take before its stream. */
const HINT_BYTES = 512;
/** What is read at once: objects stand in a row, and are read in their order. */
const HINT_AHEAD = 64 * 1024;

/**
 * The zip file that a PDF carries.
 * @param {Blob} pdf
 * @returns {Promise<Blob>}
 */
export async function bundleInside(pdf) {
  const bundles = [];
  const source = new Source(pdf, HINT_AHEAD);
  for (const at of await objectPlaces(pdf)) {
    const head = String.fromCharCode(...(await source.read(at, HINT_BYTES + ZIP_MARK.length)));
    const found = /^\d+ 0 obj\s*<<((?:(?!stream)[^])*)>>\s*stream(\r\n|\n)/.exec(head.slice(0, HINT_BYTES));
    if (!found || !/\/Type\s*\/EmbeddedFile\b/.test(found[1]) || /\/Filter\b/.test(found[1])) continue;
    const length = /\/Length (\d+)\b(?! \d+ R)/.exec(found[1]);
    if (!length) continue;
    const start = at + found[0].length;
    if (!head.startsWith(ZIP_MARK, found[0].length) || Number(length[1]) < ZIP_MARK.length) continue;
    bundles.push(pdf.slice(start, start + Number(length[1])));
    if (bundles.length > 1) throw new FormatFault("a PDF that carries several bundles", HINT);
  }
  if (bundles.length) return bundles[0];
  throw new FormatFault("a PDF, and no bundle is found in it", HINT);
}

/**
 * Where the objects begin that the plain table at the end lists: each place once, in the file's order, so that no part
 * of the file is read again and again.
 * @param {Blob} pdf
 */
async function objectPlaces(pdf) {
  /**
   * @param {number} at
   * @param {number} length
   */
  const text = async (at, length) => latin1(new Uint8Array(await pdf.slice(at, at + length).arrayBuffer()));
  const tail = await text(Math.max(0, pdf.size - 1024), 1024);
  const start = Number(/startxref\s+(\d{1,12})\s+%%EOF\s*$/.exec(tail)?.[1] ?? NaN);
  const none = new FormatFault("a PDF that is not written as notary writes certificates", HINT);
  if (Number.isNaN(start)) throw none;
  const head = await text(start, 64);
  const found = /^xref\s+0 (\d+)\s*\n(?=\d{10} )/.exec(head);
  if (!found || Number(found[1]) > MOST_OBJECTS) throw none;
  const rows = start + found[0].length;
  const table = await text(rows, ENTRY_BYTES * Number(found[1]));
  const places = new Set(Array.from(table.matchAll(/(\d{10}) \d{5} n/g), (row) => Number(row[1])));
  return [...places].filter((at) => at < pdf.size).sort((one, other) => one - other);
}
