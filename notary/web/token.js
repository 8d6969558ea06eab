// Tokens of time-stamping authorities (RFC 3161), as far as they are checked here: over what they are, and their time.
// Their signature and certificates are not looked at, so nothing counts but what contradicts the rest of a bundle.

import { FormatFault, hex, latin1 } from "./bytes.js";
import { isMoment } from "./json.js";

/**
 * What a token says: `at` in seconds since 1970, and `more` to `most` microseconds, by its own accuracy.
 * @typedef {{time: string, at: number, more: number, most: number}} Stamped
 */

export const UNCHECKED_TOKEN = "its signature, and whose it is, are not checked here";

const [INTEGER, OCTETS, OID, TIME, SEQUENCE, SET, CONTEXT_0] = [0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xa0];
const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";
const SHA256_OID = "608648016503040201";

const malformedToken = () => new FormatFault("the time-stamping token is not as RFC 3161 demands");

/** The elements of one constructed value of DER, in their order. */
class DerReader {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  /**
   * The content of the next element, which has to have this tag.
   * @param {number} tag
   */
  take(tag) {
    const { data, at } = this;
    const size = Math.max(data[at + 1] - 128, 0);
    const start = at + 2 + size;
    const length = size ? parseInt(hex(data.subarray(at + 2, start)), 16) : data[at + 1];
    this.at = start + length;
    const isShortest = !size || (length > 127 && data[at + 2] && size < 5);
    if (data[at] !== tag || !isShortest || !(this.at <= data.length)) throw malformedToken();
    return data.subarray(start, this.at);
  }

  /** @param {number} tag */
  parts(tag) {
    return new DerReader(this.take(tag));
  }

  /**
   * The same of the last element.
   * @param {number} tag
   */
  last(tag) {
    const parts = this.parts(tag);
    if (this.at < this.data.length) throw malformedToken();
    return parts;
  }
}

/**
 * What a token over the head says. Throws FormatFault where it is none, or over something else.
 * @param {Uint8Array} data
 * @param {Uint8Array} head
 * @returns {Stamped}
 */
export function readToken(data, head) {
  const response = new DerReader(data).last(SEQUENCE);
  const status = hex(response.parts(SEQUENCE).take(INTEGER));
  const token = response.last(SEQUENCE);
  const type = hex(token.take(OID));
  const signed = token.last(CONTEXT_0).last(SEQUENCE);
  signed.take(INTEGER);
  signed.take(SET);
  const content = signed.parts(SEQUENCE);
  const isStamp = type === SIGNED_DATA && hex(content.take(OID)) === TST_INFO;
  const info = content.last(CONTEXT_0).last(OCTETS).last(SEQUENCE);
  const version = hex(info.take(INTEGER));
  if (!isStamp || !/^0[01]01$/.test(status + version)) throw malformedToken();
  info.take(OID);
  const message = info.parts(SEQUENCE);
  const name = hex(message.parts(SEQUENCE).take(OID)).replace(SHA256_OID, "sha256");
  const imprint = hex(message.last(OCTETS).data);
  info.take(INTEGER);
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/.exec(latin1(info.take(TIME)));
  const [, year, month, day, hour, minute, second, fraction = ""] = found ?? [];
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  if (!isMoment(time, false)) throw malformedToken();
  const [wanted, got] = [`sha256 ${hex(head)}`, `${name} ${imprint}`];
  if (got !== wanted) {
    throw new FormatFault(`the time-stamping token is over another imprint: expected ${wanted}, got ${got}`);
  }
  const [micros, off] = [Number(fraction.padEnd(6, "0").slice(0, 6)), accuracy(info)];
  return { time, at: Date.parse(time) / 1000, more: micros - off, most: micros + off };
}

/**
 * How far off the time may be, in microseconds.
 * @param {DerReader} info
 */
function accuracy({ data, at }) {
  let sum = 0;
  if (data[at] !== SEQUENCE) return sum;
  const parts = new DerReader(data.subarray(at)).parts(SEQUENCE);
  for (const [tag, unit, limit] of [[INTEGER, 1e6, 2 ** 31], [0x80, 1000, 1000], [0x81, 1, 1000]]) {
    if (parts.data[parts.at] !== tag) continue;
    const value = parseInt(hex(parts.take(tag)), 16);
    if (!(value < limit)) throw malformedToken();
    sum += value * unit;
  }
  return sum;
}
