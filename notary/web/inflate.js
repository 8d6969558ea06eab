// Deflate (RFC 1951), unpacked as the bytes come. DecompressionStream would be shorter, but engines differ in whether
// they tell of bytes behind the end of a stream; a bundle with such bytes has to be refused everywhere alike.

import { FormatFault, joined } from "./bytes.js";

const WINDOW = 32 * 1024;
const PIECE = 256 * 1024;
/** What a block's beginning can take at most (section 3.2.7), and more than two codes with what follows them. */
const HEAD_BYTES = 600;
const CODE_BYTES = 16;
/** The longest repetition. */
const LONGEST = 258;
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * What each symbol for a length or a distance begins with, and how many bits follow it (section 3.2.5).
 * @param {number} count
 * @param {number} first
 * @param {number} plain
 * @param {number} each
 */
function ranges(count, first, plain, each) {
  const [from, extra] = [new Uint16Array(count), new Uint8Array(count)];
  for (let symbol = 0; symbol < count; first += 1 << extra[symbol++]) {
    from[symbol] = first;
    extra[symbol] = symbol < plain ? 0 : Math.floor((symbol - plain) / each) + 1;
  }
  return { from, extra };
}
const LENGTHS = ranges(29, 3, 8, 4);
[LENGTHS.from[28], LENGTHS.extra[28]] = [258, 0];
const DISTANCES = ranges(30, 1, 4, 2);

const damaged = () => new FormatFault("its compressed bytes are damaged");
class CutShort extends FormatFault {}
const cutShort = () => new CutShort("its compressed bytes end too early");

/** By the bits that come next: a symbol times 16, plus the length of its code; 0 where no code is. */
class Codes {
  /**
   * @param {ArrayLike<number>} lengths
   * @param {boolean} mayBeSingle  a code of one bit, alone, is allowed
   */
  constructor(lengths, mayBeSingle) {
    const counts = new Uint16Array(16);
    for (let i = 0; i < lengths.length; i++) counts[lengths[i]]++;
    this.bits = 15;
    while (this.bits > 1 && !counts[this.bits]) this.bits--;
    const next = new Uint16Array(17);
    let left = 1;
    for (let length = 1; length <= 15; length++) {
      left = 2 * left - counts[length];
      if (left < 0) throw damaged();
      next[length + 1] = (next[length] + counts[length]) << 1;
    }
    if (left > 0 && !(mayBeSingle && this.bits === 1)) throw damaged();
    this.table = new Uint16Array(1 << this.bits);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol];
      if (!length) continue;
      let turned = 0; // codes come with their first bit lowest
      for (let bit = 0, code = next[length]++; bit < length; bit++, code >>= 1) turned = (turned << 1) | (code & 1);
      for (; turned < this.table.length; turned += 1 << length) this.table[turned] = (symbol << 4) | length;
    }
  }
}

const FIXED = {
  literals: new Codes(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)), false),
  distances: new Codes(new Uint8Array(32).fill(5), false),
};

class Inflater {
  /** @param {AsyncIterator<Uint8Array>} pieces */
  constructor(pieces) {
    this.pieces = pieces;
    this.packed = new Uint8Array();
    this.at = 0;
    this.isEnded = false;
    this.held = 0; // bits that were read but not used, the next one lowest
    this.count = 0; // how many they are
    this.out = new Uint8Array(WINDOW + PIECE);
    this.end = 0; // behind what was unpacked; before it lies all that a distance can reach
    this.told = 0; // behind what was handed on
  }

  /**
   * So many bytes are at hand, or all that there are.
   * @param {number} bytes
   */
  async ensure(bytes) {
    while (this.packed.length - this.at < bytes && !this.isEnded) {
      const next = await this.pieces.next();
      if (next.done) this.isEnded = true;
      else this.packed = joined(this.packed.subarray(this.at), next.value);
      this.at = next.done ? this.at : 0;
    }
  }

  /** @param {number} wanted  up to 16 */
  bits(wanted) {
    while (this.count < wanted) {
      if (this.at === this.packed.length) throw cutShort();
      this.held |= this.packed[this.at++] << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << wanted) - 1);
    this.held >>>= wanted;
    this.count -= wanted;
    return value;
  }

  /** @param {Codes} codes */
  symbol(codes) {
    while (this.count < codes.bits && this.at < this.packed.length) {
      this.held |= this.packed[this.at++] << this.count;
      this.count += 8;
    }
    const found = codes.table[this.held & ((1 << codes.bits) - 1)];
    const length = found & 15;
    if (!length && this.count >= codes.bits) throw damaged();
    if (!length || length > this.count) throw cutShort();
    this.held >>>= length;
    this.count -= length;
    return found >> 4;
  }

  /** What was unpacked since; makes room for more. */
  passed() {
    const piece = this.out.slice(this.told, this.end);
    if (this.end > WINDOW) {
      this.out.copyWithin(0, this.end - WINDOW, this.end);
      this.end = WINDOW;
    }
    this.told = this.end;
    return piece;
  }

  get room() {
    return this.out.length - this.end;
  }

  async *run() {
    try {
      yield* this.blocks();
    } catch (fault) {
      if (fault instanceof CutShort) yield this.passed(); // what there was may already be too much
      throw fault;
    }
    await this.ensure(1);
    if (this.count >= 8 || this.at < this.packed.length) throw new FormatFault("bytes behind its compressed ones");
  }

  async *blocks() {
    for (let isLast = 0; !isLast; ) {
      await this.ensure(HEAD_BYTES);
      isLast = this.bits(1);
      const kind = this.bits(2);
      if (kind === 3) throw damaged();
      if (kind === 0) yield* this.stored();
      else {
        const { literals, distances } = kind === 1 ? FIXED : this.codes();
        for (let isOver = false; !isOver; isOver = this.symbols(literals, distances)) {
          if (this.room < LONGEST) yield this.passed();
          await this.ensure(CODE_BYTES);
        }
      }
    }
    yield this.passed();
  }

  async *stored() {
    this.bits(this.count & 7);
    let left = this.bits(16);
    if (this.bits(16) !== (left ^ 0xffff)) throw damaged();
    if (this.room < CODE_BYTES) yield this.passed();
    for (; left && this.count; left--) this.out[this.end++] = this.bits(8);
    while (left) {
      await this.ensure(1);
      if (this.at === this.packed.length) throw cutShort();
      const part = Math.min(left, this.packed.length - this.at, this.room);
      this.out.set(this.packed.subarray(this.at, this.at + part), this.end);
      this.at += part;
      this.end += part;
      left -= part;
      if (!this.room) yield this.passed();
    }
  }

  /** The codes that a block brings. */
  codes() {
    const [literals, distances] = [this.bits(5) + 257, this.bits(5) + 1];
    const listed = this.bits(4) + 4;
    if (literals > 286 || distances > 30) throw damaged();
    const lengths = new Uint8Array(19);
    for (let i = 0; i < listed; i++) lengths[ORDER[i]] = this.bits(3);
    const codes = new Codes(lengths, false);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length; ) {
      const kind = this.symbol(codes);
      if (kind < 16) {
        all[i++] = kind;
        continue;
      }
      if (kind === 16 && i === 0) throw damaged();
      const value = kind === 16 ? all[i - 1] : 0;
      const times = kind === 16 ? 3 + this.bits(2) : kind === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      if (i + times > all.length) throw damaged();
      all.fill(value, i, i + times);
      i += times;
    }
    if (!all[256]) throw damaged(); // such a block could not end
    return {
      literals: new Codes(all.subarray(0, literals), true),
      distances: new Codes(all.subarray(literals), true),
    };
  }

  /**
   * Unpacks until the block ends, which is true, or room or bytes may be missing.
   * @param {Codes} literals
   * @param {Codes} distances
   */
  symbols(literals, distances) {
    const { out } = this;
    const enough = this.isEnded ? Infinity : this.packed.length - CODE_BYTES;
    while (this.at <= enough && this.room >= LONGEST) {
      const symbol = this.symbol(literals);
      if (symbol < 256) {
        out[this.end++] = symbol;
        continue;
      }
      if (symbol === 256) return true;
      if (symbol > 285) throw damaged();
      const length = LENGTHS.from[symbol - 257] + this.bits(LENGTHS.extra[symbol - 257]);
      const far = this.symbol(distances);
      if (far > 29) throw damaged();
      const distance = DISTANCES.from[far] + this.bits(DISTANCES.extra[far]);
      if (distance > this.end) throw damaged();
      if (distance >= length) out.copyWithin(this.end, this.end - distance, this.end - distance + length);
      else for (let i = this.end; i < this.end + length; i++) out[i] = out[i - distance];
      this.end += length;
    }
    return false;
  }
}

/**
 * What `pieces` unpack to, piece by piece. Faults: damaged, cut short, or with bytes behind.
 * @param {AsyncIterable<Uint8Array>} pieces
 */
export const inflated = (pieces) => new Inflater(pieces[Symbol.asyncIterator]()).run();
