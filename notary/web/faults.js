// What is not as it should be: listed as far as a reader has a use for it, and counted.

import { LIMITS } from "./limits.js";
import { byCodePoint, commas } from "./text.js";

/**
 * One thing that is not as it should be.
 * @typedef {{name: string, expected: string, found: string}} Fault
 */

/** Faults by name: the first few are listed, the others counted. */
export class Faults {
  constructor() {
    /** @type {Fault[]} */
    this.listed = [];
    this.count = 0;
  }

  /**
   * @param {string} name
   * @param {string} expected
   * @param {string} found
   */
  add(name, expected, found) {
    this.count++;
    if (this.listed.length < LIMITS.listedProblems) this.listed.push({ name, expected, found });
  }

  /**
   * The first of `more` by name, and all in number.
   * @param {FaultsByName} more
   */
  addAll(more) {
    this.listed.push(...more.first().slice(0, LIMITS.listedProblems - this.listed.length));
    this.count += more.count;
  }

  describe() {
    const more = this.count - this.listed.length;
    const listed = this.listed.map(({ name, found }) => `${name}: ${found}`).join("; ");
    return listed + (more ? `; and ${commas(more)} more` : "");
  }
}

/** Faults that come in any order, of which the first by name are kept. */
export class FaultsByName {
  constructor() {
    /** @type {Fault[]} */
    this.kept = [];
    this.count = 0;
  }

  /**
   * @param {string} name
   * @param {string} expected
   * @param {string} found
   */
  add(name, expected, found) {
    this.count++;
    this.kept.push({ name, expected, found });
    if (this.kept.length > 1000) this.kept = this.first();
  }

  first() {
    return this.kept.sort((one, other) => byCodePoint(one.name, other.name)).slice(0, LIMITS.listedProblems);
  }
}
