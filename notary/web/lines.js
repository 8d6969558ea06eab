// Text files of a line for each thing, in bounded memory.

import { FormatFault, joined, RefusedBundle } from "./bytes.js";

/**
 * A file's lines without their line feeds, some at a time. Throws FormatFault where it is missing, and
 * RefusedBundle for a line of over `limit` bytes, or a last one without an end.
 * @param {import("./zip.js").Zip} zip
 * @param {string} name
 * @param {number} limit
 */
export async function* textLines(zip, name, limit) {
  const entry = zip.entry(name);
  if (!entry) throw new FormatFault(`${name} is missing`);
  let rest = new Uint8Array();
  for await (const piece of zip.pieces(entry)) {
    const data = joined(rest, piece);
    const lines = [];
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      lines.push(data.subarray(start, end));
      start = end + 1;
    }
    rest = data.slice(start);
    if ([...lines, rest].some((line) => line.length > limit)) {
      throw new RefusedBundle(`${name} has a line of over ${limit} bytes`);
    }
    yield lines;
  }
  if (rest.length) throw new RefusedBundle(`${name} does not end in a newline`);
}
