// The directory of a zip file, read in one way only (FORMAT.md section 2): it and local headers tell the same, entries
// fill the file without gaps, and nothing leaves the bag. Layouts: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16, 4.5.3.

import { NoTarget, RefusedBundle, sameBytes, Source, textOf, utf8 } from "./bytes.js";
import { LIMITS } from "./limits.js";
import { commas, quotedBytes, quotedText } from "./text.js";
import { STORED, Zip } from "./zip.js";

/** @typedef {import("./zip.js").Entry} Entry */

const DEFLATED = 8;
const ENCRYPTED = 0x0001 | 0x0040 | 0x2000;
const DESCRIPTOR = 0x0008;
const ALLOWED_FLAGS = 0x0006 | DESCRIPTOR | 0x0800;
const [ZIP64_EXTRA, NAME_EXTRA] = [0x0001, 0x7075];
const [MOST16, MOST32] = [0xffff, 0xffffffff];
const [CENTRAL_BYTES, LOCAL_BYTES, END_BYTES, LOCATOR64_BYTES, END64_BYTES] = [46, 30, 22, 20, 56];
/** What is read at once where headers follow one another. */
const AHEAD = 64 * 1024;

/** @param {Uint8Array} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/**
 * A number of 8 bytes; what is beyond 2^53 is beyond every file too.
 * @param {DataView} view
 * @param {number} at
 */
const wide = (view, at) => Number(view.getBigUint64(at, true));

/**
 * The bag in a zip file. NoTarget where it holds none, RefusedBundle where it breaks the rules.
 * @param {Blob} blob
 * @param {import("./bytes.js").Tell} tell
 */
export async function openZip(blob, tell) {
  const source = new Source(blob, AHEAD);
  if (!blob.size) throw new NoTarget("an empty file");
  if (textOf(await source.read(0, 2)) !== "PK") throw new NoTarget("neither a zip file nor an OpenTimestamps proof");
  const { start, size, count } = await centralDirectory(source);
  if (count > LIMITS.zipEntries) throw new RefusedBundle(`over ${commas(LIMITS.zipEntries)} entries`);
  const { top, entries } = await centralEntries(source, start, size, count);
  if (!entries.length) throw new NoTarget("an empty zip file");
  checkNames(top, entries);
  const files = await placed(source, top, entries, start);
  if (files.reduce((sum, entry) => sum + entry.size, 0) > LIMITS.zipTotalBytes) {
    throw new RefusedBundle(`over ${commas(LIMITS.zipTotalBytes)} bytes unpacked`);
  }
  const zip = new Zip(blob, files, tell);
  if (!zip.numbers.has("bagit.txt")) throw new NoTarget("a zip file without a bag: it has no bagit.txt");
  return zip;
}

/**
 * Where the central directory starts, its size, and how many entries it lists.
 * @param {Source} source
 */
async function centralDirectory(source) {
  let end = source.blob.size - END_BYTES;
  if (end < 0) throw new NoTarget("a truncated zip file");
  const view = viewOf(await source.read(end, END_BYTES));
  if (view.getUint32(0, true) !== 0x06054b50 || view.getUint16(20, true)) {
    throw new NoTarget("a truncated zip file, or one with something behind its end");
  }
  const counts = [8, 10].map((at) => view.getUint16(at, true));
  if (view.getUint32(4, true) || counts[0] !== counts[1]) throw new RefusedBundle("a zip file in several parts");
  let [size, start, count] = [view.getUint32(12, true), view.getUint32(16, true), counts[1]];
  const larger = await centralDirectory64(source, end);
  if (larger) {
    const fits = size === larger.size || size === MOST32;
    const isSame = fits && [larger.start, MOST32].includes(start) && [larger.count, MOST16].includes(count);
    if (!isSame) throw new RefusedBundle("the zip file has two ends that tell different things");
    ({ size, start, count, end } = larger);
  }
  if (start + size !== end) throw new RefusedBundle("the central directory is not where the zip file says");
  return { start, size, count };
}

/**
 * The same from Zip64's end record, and where that is; null where there is none.
 * @param {Source} source
 * @param {number} plainEnd
 */
async function centralDirectory64(source, plainEnd) {
  const end = plainEnd - LOCATOR64_BYTES - END64_BYTES;
  if (end < 0) return null;
  const view = viewOf(await source.read(end, END64_BYTES + LOCATOR64_BYTES));
  if (view.getUint32(END64_BYTES, true) !== 0x07064b50) return null;
  const isWhole = view.getUint32(0, true) === 0x06064b50 && wide(view, 4) === END64_BYTES - 12;
  const isOneDisk = !view.getUint32(16, true) && !view.getUint32(20, true) && wide(view, 24) === wide(view, 32);
  const isLocated = !view.getUint32(60, true) && wide(view, 64) === end && view.getUint32(72, true) <= 1;
  if (!isWhole || !isOneDisk || !isLocated) {
    throw new RefusedBundle("the end of the central directory is not as zip files have it");
  }
  return { end, count: wide(view, 32), size: wide(view, 40), start: wide(view, 48) };
}

/**
 * The folder at the top with its `/`, and the entries by their names in it.
 * @param {Source} source
 * @param {number} at
 * @param {number} left
 * @param {number} count
 */
async function centralEntries(source, at, left, count) {
  let top = "";
  /** @type {Entry[]} */
  const entries = [];
  while (entries.length < count) {
    const fixed = await source.read(at, CENTRAL_BYTES);
    const view = viewOf(fixed);
    if (left < CENTRAL_BYTES || fixed.length < CENTRAL_BYTES || view.getUint32(0, true) !== 0x02014b50) {
      throw new RefusedBundle("the central directory lists fewer entries than it says");
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => view.getUint16(place, true));
    const length = CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
    left -= length;
    if (left < 0) throw new RefusedBundle("the central directory is cut short");
    const rest = await source.read(at + CENTRAL_BYTES, nameBytes + extraBytes);
    at += length;
    const extra = extraFields(rest.subarray(nameBytes));
    const whole = checkedName(rest.subarray(0, nameBytes), extra);
    const [size, packed, offset] = widened(whole, extra, [24, 20, 42].map((place) => view.getUint32(place, true)));
    const [flags, method] = [view.getUint16(8, true), view.getUint16(10, true)];
    const entry = { name: whole, flags, method, crc: view.getUint32(16, true), packed, size, at: offset };
    checkEntry(entry, view.getUint16(40, true), view.getUint16(34, true));
    top ||= `${whole.split("/", 1)[0]}/`;
    if (!whole.startsWith(top)) {
      throw new RefusedBundle("more than one folder at the top: a bundle is one bag in one folder");
    }
    entry.name = whole.slice(top.length);
    entries.push(entry);
  }
  if (left) throw new RefusedBundle("the central directory lists more than it says");
  return { top, entries };
}

/**
 * The extra fields by their kind; one that is read here must not be there twice.
 * @param {Uint8Array} data
 */
function extraFields(data) {
  /** @type {Map<number, Uint8Array>} */
  const fields = new Map();
  const view = viewOf(data);
  for (let at = 0; at + 4 <= data.length; at += 4 + view.getUint16(at + 2, true)) {
    const kind = view.getUint16(at, true);
    if (fields.has(kind) && (kind === ZIP64_EXTRA || kind === NAME_EXTRA)) {
      throw new RefusedBundle(`an entry with two extra fields of the kind 0x${kind.toString(16).padStart(4, "0")}`);
    }
    if (!fields.has(kind)) fields.set(kind, data.subarray(at + 4, at + 4 + view.getUint16(at + 2, true)));
  }
  return fields;
}

/**
 * `values` with those that do not fit 32 bits taken from the extra field, in their order.
 * @param {string} name
 * @param {Map<number, Uint8Array>} extra
 * @param {number[]} values
 */
function widened(name, extra, values) {
  const wanted = values.filter((value) => value === MOST32).length;
  const content = extra.get(ZIP64_EXTRA) ?? new Uint8Array();
  if (content.length < 8 * wanted) throw new RefusedBundle(`${name}: its size is missing`);
  let place = 0;
  return values.map((value) => (value === MOST32 ? wide(viewOf(content), 8 * place++) : value));
}

/**
 * The entry's name: UTF-8, whether or not a flag says so.
 * @param {Uint8Array} raw
 * @param {Map<number, Uint8Array>} extra
 */
function checkedName(raw, extra) {
  const name = textOf(raw);
  if (name === null) throw new RefusedBundle(`a name is not UTF-8: ${quotedBytes(raw.subarray(0, 80))}`);
  checkNameExtra(raw, extra);
  if (!name || raw.length > LIMITS.zipNameBytes) throw new RefusedBundle("a name is empty or too long");
  if (name.startsWith("/") || /^.:/su.test(name)) throw new RefusedBundle(`${quotedText(name)} is an absolute name`);
  const parts = name.replace(/\/$/, "").split("/");
  if (/[\\\0]/.test(name) || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new RefusedBundle(`${quotedText(name)} leaves the bag`);
  }
  return name;
}

/**
 * @param {Uint8Array} raw
 * @param {Map<number, Uint8Array>} extra
 */
function checkNameExtra(raw, extra) {
  const beside = extra.get(NAME_EXTRA);
  if (beside && (beside.length !== 5 + raw.length || !sameBytes(beside.subarray(5), raw))) {
    throw new RefusedBundle(`${quotedText(new TextDecoder().decode(raw))} has another name beside it`);
  }
}

/**
 * @param {Entry} entry
 * @param {number} mode
 * @param {number} disk
 */
function checkEntry({ name, flags, method, packed, size }, mode, disk) {
  if (flags & ENCRYPTED) throw new RefusedBundle(`${name} is encrypted`);
  if (flags & ~ALLOWED_FLAGS || (method !== STORED && method !== DEFLATED) || disk) {
    throw new RefusedBundle(`${name} is packed in a way that is not read here`);
  }
  if (![0, 0o100000, 0o040000].includes(mode & 0o170000)) throw new RefusedBundle(`${name} is a link or no regular file`);
  if (name.endsWith("/") && (size || packed)) throw new RefusedBundle(`${name} is a folder with bytes`);
  if (method === STORED && packed !== size) throw new RefusedBundle(`${name} has two sizes`);
  if (size > LIMITS.zipRatioFreeBytes && size > LIMITS.zipRatio * packed) {
    throw new RefusedBundle(`${name} would unpack to ${commas(size)} bytes from ${commas(packed)}: a bomb`);
  }
}

/**
 * No name twice, none a file's and a folder's: in order, what is in a folder follows a file of its name at once.
 * @param {string} top
 * @param {Entry[]} entries
 */
function checkNames(top, entries) {
  const keys = entries.map((entry) => entry.name.replaceAll("/", "\0")).sort();
  for (let i = 1; i < keys.length; i++) {
    const name = () => quotedText(top + keys[i - 1].replaceAll("\0", "/"));
    if (keys[i] === keys[i - 1]) throw new RefusedBundle(`two entries of the name ${name()}`);
    if (keys[i].startsWith(`${keys[i - 1]}\0`)) throw new RefusedBundle(`${name()} is both a file and a folder`);
  }
}

/**
 * The files in the order of their places, after comparing local headers and seeing that they fill the file.
 * @param {Source} source
 * @param {string} top
 * @param {Entry[]} entries
 * @param {number} end
 */
async function placed(source, top, entries, end) {
  /** @type {Entry | null} */
  let last = null;
  const files = [];
  for (const entry of entries.sort((one, other) => one.at - other.at)) {
    if (entry.at !== (last ? await behind(source, top, last, entry.at) : 0)) {
      throw new RefusedBundle(`${top}${entry.name} overlaps another entry, or hides bytes before it`);
    }
    entry.at = await localHeader(source, top + entry.name, entry);
    last = entry;
    if (entry.name && !entry.name.endsWith("/")) files.push(entry);
  }
  if (!last || end !== (await behind(source, top, last, end))) {
    throw new RefusedBundle("bytes between the last entry and the central directory");
  }
  return files;
}

/**
 * Where the entry's bytes begin, after comparing its local header.
 * @param {Source} source
 * @param {string} name
 * @param {Entry} entry
 */
async function localHeader(source, name, entry) {
  const fixed = await source.read(entry.at, LOCAL_BYTES);
  if (fixed.length < LOCAL_BYTES || viewOf(fixed).getUint32(0, true) !== 0x04034b50) {
    throw new RefusedBundle(`${name} has no local header`);
  }
  const view = viewOf(fixed);
  const [nameBytes, extraBytes] = [26, 28].map((place) => view.getUint16(place, true));
  const rest = await source.read(entry.at + LOCAL_BYTES, nameBytes + extraBytes);
  const raw = rest.subarray(0, nameBytes);
  const extra = extraFields(rest.subarray(nameBytes));
  checkNameExtra(raw, extra);
  const [size, packed] = widened(name, extra, [22, 18].map((place) => view.getUint32(place, true)));
  const pairs = [[view.getUint32(14, true), entry.crc], [packed, entry.packed], [size, entry.size]];
  // With a descriptor behind the bytes each may be left at nought here.
  const mayBeNought = (entry.flags & DESCRIPTOR) !== 0;
  const agrees = pairs.every(([here, there]) => here === there || (mayBeNought && here === 0));
  const isSame = view.getUint16(6, true) === entry.flags && view.getUint16(8, true) === entry.method;
  if (!agrees || !isSame || !sameBytes(raw, utf8(name))) {
    throw new RefusedBundle(`${name}: the central directory and the local header disagree`);
  }
  return entry.at + LOCAL_BYTES + nameBytes + extraBytes;
}

/**
 * Where an entry is over: behind its bytes, or behind the data descriptor that it announces.
 * @param {Source} source
 * @param {string} top
 * @param {Entry} entry
 * @param {number} following
 */
async function behind(source, top, entry, following) {
  const end = entry.at + entry.packed;
  if (!(entry.flags & DESCRIPTOR)) return end;
  const length = following - end;
  if (length === 12 || length === 16 || length === 20 || length === 24) {
    const found = await source.read(end, length);
    const isMarked = length === 16 || length === 24;
    const view = viewOf(found.subarray(isMarked ? 4 : 0));
    const isWide = length > 16;
    if (found.length === length && (!isMarked || viewOf(found).getUint32(0, true) === 0x08074b50)) {
      const packed = isWide ? wide(view, 4) : view.getUint32(4, true);
      const size = isWide ? wide(view, 12) : view.getUint32(8, true);
      if (view.getUint32(0, true) === entry.crc && packed === entry.packed && size === entry.size) return following;
    }
  }
  throw new RefusedBundle(`${top}${entry.name}: its data descriptor is missing or tells something else`);
}
