// SHA-256, SHA-1, RIPEMD-160 and Keccak-256, fed piece by piece: WebCrypto cannot stream, and lacks the last two.

/** Bytes of a SHA-256 digest. */
export const DIGEST_BYTES = 32;

/** @typedef {"sha256" | "sha1" | "ripemd160" | "keccak256"} HashName */
/** @typedef {{update(data: Uint8Array): unknown, digest(): Uint8Array}} Hasher */
/**
 * Takes in blocks of 64 bytes.
 * @typedef {(state: Int32Array, data: Uint8Array, at: number, blocks: number) => void} Compress
 */

/** Bits of the fractional parts of roots of the first primes (FIPS 180-4, sections 4.2.2 and 5.3.3). */
const [ROUNDS_256, START_256] = (() => {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const bits = (/** @type {number} */ root) => (root - Math.floor(root)) * 2 ** 32;
  return [
    Int32Array.from(primes, (n) => bits(Math.cbrt(n))),
    Int32Array.from(primes.slice(0, 8), (n) => bits(Math.sqrt(n))),
  ];
})();
const START_160 = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
const WORDS = new Int32Array(80);

const sigma0 = (/** @type {number} */ a) => ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
const sigma1 = (/** @type {number} */ e) => ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));

/**
 * FIPS 180-4, section 6.2.2; four rounds at a step, as moving eight words after each costs a third.
 * @type {Compress}
 */
function compressSha256(state, data, at, blocks) {
  const w = WORDS;
  const k = ROUNDS_256;
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i += 4) {
      let t = (h + sigma1(e) + (g ^ (e & (f ^ g))) + k[i] + w[i]) | 0;
      d = (d + t) | 0;
      h = (t + sigma0(a) + ((a & b) | (c & (a | b)))) | 0;
      t = (g + sigma1(d) + (f ^ (d & (e ^ f))) + k[i + 1] + w[i + 1]) | 0;
      c = (c + t) | 0;
      g = (t + sigma0(h) + ((h & a) | (b & (h | a)))) | 0;
      t = (f + sigma1(c) + (e ^ (c & (d ^ e))) + k[i + 2] + w[i + 2]) | 0;
      b = (b + t) | 0;
      f = (t + sigma0(g) + ((g & h) | (a & (g | h)))) | 0;
      t = (e + sigma1(b) + (d ^ (b & (c ^ d))) + k[i + 3] + w[i + 3]) | 0;
      const last = (t + sigma0(f) + ((f & g) | (h & (f | g)))) | 0;
      e = (a + t) | 0;
      a = last;
      t = b, b = f, f = t;
      t = c, c = g, g = t;
      t = d, d = h, h = t;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/**
 * FIPS 180-4, section 6.1.2.
 * @type {Compress}
 */
function compressSha1(state, data, at, blocks) {
  const w = WORDS;
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
    }
    for (let i = 16; i < 80; i++) {
      const x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
      w[i] = (x << 1) | (x >>> 31);
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (let i = 0; i < 80; i++) {
      let mixed = b ^ c ^ d;
      if (i < 20) mixed = (b & c) | (~b & d);
      else if (i >= 40 && i < 60) mixed = (b & c) | (b & d) | (c & d);
      const constant = i < 40 ? (i < 20 ? 0x5a827999 : 0x6ed9eba1) : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      const next = (((a << 5) | (a >>> 27)) + mixed + e + constant + w[i]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
  }
}

// Dobbertin, Bosselaers, Preneel: RIPEMD-160 (1996), appendix A. Of either line the word that each of the 80 steps
// takes, how far it rotates, and what each round adds; a hexadecimal digit a step.
const digits = (/** @type {string} */ text) => Int32Array.from(text, (digit) => parseInt(digit, 16));
const TAKEN = [
  digits("0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd"),
  digits("5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b"),
];
const TURNED = [
  digits("befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856"),
  digits("899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb"),
];
const ADDED = [
  Int32Array.of(0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e),
  Int32Array.of(0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0),
];

/** @type {Compress} */
function compressRipemd160(state, data, at, blocks) {
  const w = WORDS;
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
    }
    const left = ripemdLine(0, state);
    const right = ripemdLine(1, state);
    const [s0, s1, s2, s3, s4] = state;
    state[0] = s1 + left[2] + right[3];
    state[1] = s2 + left[3] + right[4];
    state[2] = s3 + left[4] + right[0];
    state[3] = s4 + left[0] + right[1];
    state[4] = s0 + left[1] + right[2];
  }
}

/**
 * @param {0 | 1} line
 * @param {Int32Array} state
 */
function ripemdLine(line, state) {
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (let i = 0; i < 80; i++) {
    const round = i >> 4;
    let mixed = 0;
    switch (line ? 4 - round : round) {
      case 0: mixed = b ^ c ^ d; break;
      case 1: mixed = (b & c) | (~b & d); break;
      case 2: mixed = (b | ~c) ^ d; break;
      case 3: mixed = (b & d) | (c & ~d); break;
      default: mixed = b ^ (c | ~d);
    }
    const sum = (a + mixed + WORDS[TAKEN[line][i]] + ADDED[line][round]) | 0;
    const by = TURNED[line][i];
    a = e;
    e = d;
    d = (c << 10) | (c >>> 22);
    c = b;
    b = (((sum << by) | (sum >>> (32 - by))) + a) | 0;
  }
  return [a, b, c, d, e];
}

/** What the three have in common: blocks of 64 bytes, and padding that ends in the length (Merkle, Damgård). */
class BlockHash {
  /**
   * @param {Compress} compress
   * @param {Int32Array} start
   * @param {boolean} isHighFirst
   */
  constructor(compress, start, isHighFirst) {
    this.compress = compress;
    this.start = start;
    this.isHighFirst = isHighFirst;
    this.state = start.slice();
    this.open = new Uint8Array(64);
    this.length = 0;
  }

  /** @param {Uint8Array} data */
  update(data) {
    const held = this.length % 64;
    this.length += data.length;
    let at = 0;
    if (held) {
      at = Math.min(64 - held, data.length);
      this.open.set(at < data.length ? data.subarray(0, at) : data, held);
      if (held + at < 64) return this;
      this.compress(this.state, this.open, 0, 1);
    }
    const blocks = Math.floor((data.length - at) / 64);
    this.compress(this.state, data, at, blocks);
    at += blocks * 64;
    if (at < data.length) this.open.set(data.subarray(at));
    return this;
  }

  /** The digest; from then on it is as new. */
  digest() {
    const { length, open } = this;
    const held = length % 64;
    open[held] = 0x80;
    open.fill(0, held + 1);
    if (held > 55) {
      this.compress(this.state, open, 0, 1);
      open.fill(0);
    }
    const bits = new DataView(open.buffer, 56);
    bits.setUint32(this.isHighFirst ? 0 : 4, Math.floor(length / 2 ** 29), !this.isHighFirst);
    bits.setUint32(this.isHighFirst ? 4 : 0, (length * 8) % 2 ** 32, !this.isHighFirst);
    this.compress(this.state, open, 0, 1);
    const digest = new Uint8Array(this.state.length * 4);
    const view = new DataView(digest.buffer);
    this.state.forEach((word, i) => view.setInt32(4 * i, word, !this.isHighFirst));
    this.state.set(this.start);
    this.length = 0;
    return digest;
  }
}

/**
 * Which lane each step of rho and pi moves to, and how far it turns (The Keccak reference 3.0, sections 1.2.3, 1.2.4).
 */
const [MOVES, TURNS] = (() => {
  const moves = [1];
  const turns = [0];
  for (let step = 0, x = 1, y = 0; step < 24; step++) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    moves.push(x + 5 * y);
    turns.push((((step + 1) * (step + 2)) / 2) % 64);
  }
  return [moves, turns];
})();

/** The low and the high halves of what each round adds (section 1.2.5): the bits of a shift register. */
const IOTA = (() => {
  const halves = new Int32Array(48);
  for (let round = 0, register = 1; round < 24; round++) {
    for (let bit = 0; bit < 7; bit++) {
      const place = 2 ** bit - 1;
      if (register & 1) halves[2 * round + (place >> 5)] ^= 1 << (place & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
  }
  return halves;
})();

/**
 * Keccak-f[1600] on 25 lanes, each as its low and its high half.
 * @param {Int32Array} a
 */
function permute(a) {
  const c = new Int32Array(10);
  for (let round = 0; round < 24; round++) {
    for (let i = 0; i < 10; i++) c[i] = a[i] ^ a[i + 10] ^ a[i + 20] ^ a[i + 30] ^ a[i + 40];
    for (let x = 0; x < 10; x += 2) {
      const before = (x + 8) % 10;
      const low = c[(x + 2) % 10];
      const high = c[((x + 2) % 10) + 1];
      const low2 = c[before] ^ ((low << 1) | (high >>> 31));
      const high2 = c[before + 1] ^ ((high << 1) | (low >>> 31));
      for (let y = x; y < 50; y += 10) {
        a[y] ^= low2;
        a[y + 1] ^= high2;
      }
    }
    let low = a[2 * MOVES[0]];
    let high = a[2 * MOVES[0] + 1];
    for (let step = 1; step < 25; step++) {
      const to = 2 * MOVES[step];
      const by = TURNS[step] & 31; // never 0
      const isFar = TURNS[step] & 32;
      const low2 = isFar ? (high << by) | (low >>> (32 - by)) : (low << by) | (high >>> (32 - by));
      const high2 = isFar ? (low << by) | (high >>> (32 - by)) : (high << by) | (low >>> (32 - by));
      low = a[to];
      high = a[to + 1];
      a[to] = low2;
      a[to + 1] = high2;
    }
    for (let y = 0; y < 50; y += 10) {
      for (let x = 0; x < 10; x++) c[x] = a[y + x];
      for (let x = 0; x < 10; x++) a[y + x] ^= ~c[(x + 2) % 10] & c[(x + 4) % 10];
    }
    a[0] ^= IOTA[2 * round];
    a[1] ^= IOTA[2 * round + 1];
  }
}

/** Keccak-256 with its first padding, as Ethereum has it; SHA3-256 pads otherwise. */
class Keccak256 {
  static RATE = 136;

  constructor() {
    this.lanes = new Int32Array(50);
    this.held = 0;
  }

  /** @param {Uint8Array} data */
  update(data) {
    for (const byte of data) {
      this.lanes[this.held >> 2] ^= byte << (8 * (this.held & 3));
      if (++this.held === Keccak256.RATE) {
        permute(this.lanes);
        this.held = 0;
      }
    }
    return this;
  }

  digest() {
    this.lanes[this.held >> 2] ^= 1 << (8 * (this.held & 3));
    this.lanes[(Keccak256.RATE >> 2) - 1] ^= 0x80 << 24;
    permute(this.lanes);
    const digest = new Uint8Array(32);
    const view = new DataView(digest.buffer);
    for (let i = 0; i < 8; i++) view.setInt32(4 * i, this.lanes[i], true);
    return digest;
  }
}

/**
 * A fresh hash function.
 * @param {HashName} name
 * @returns {Hasher}
 */
export function newHash(name) {
  switch (name) {
    case "sha256": return new BlockHash(compressSha256, START_256, true);
    case "sha1": return new BlockHash(compressSha1, START_160, true);
    case "ripemd160": return new BlockHash(compressRipemd160, START_160, false);
    case "keccak256": return new Keccak256();
  }
}

const oneShot = newHash("sha256");

/**
 * SHA-256 of the parts joined.
 * @param {...Uint8Array} parts
 */
export function sha256(...parts) {
  for (const part of parts) oneShot.update(part);
  return oneShot.digest();
}

/** What WebCrypto is worth its call for, and may be held in memory at once. */
const NATIVE = { least: 16 * 1024, most: 32 * 1024 * 1024, names: { sha256: "SHA-256", sha1: "SHA-1" } };

/** Whether WebCrypto is there and faster for so many bytes; on a page that came by plain HTTP it is not there. */
export function isNative(/** @type {HashName} */ name, /** @type {number} */ size) {
  return name in NATIVE.names && size >= NATIVE.least && size <= NATIVE.most && !!globalThis.crypto?.subtle;
}

/**
 * By WebCrypto, where `isNative`.
 * @param {HashName} name
 * @param {BufferSource} data
 */
export async function nativeDigest(name, data) {
  const algorithm = NATIVE.names[/** @type {"sha256" | "sha1"} */ (name)];
  return new Uint8Array(await crypto.subtle.digest(algorithm, data));
}
