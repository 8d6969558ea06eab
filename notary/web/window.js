// The priority period of the Paris Convention, Article 4C, and where a later filing lies: arithmetic, by weekends alone.
// notary/registry/core/window.py says which rules these are.

import { failed, passed, skipped } from "./check.js";
import { commas } from "./text.js";

/** @typedef {{months: number, last: string, moved: string | null, text: string}} Period  its days as YYYY-MM-DD */

const PERIODS = new Map(Object.entries({ patent: 12, "utility-model": 12, design: 6, trademark: 6 }));
const DAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY = 24 * 60 * 60 * 1000;

/** @param {Date} moment */
const dayOf = (moment) => moment.toISOString().slice(0, 10);

/** @param {string} day */
const namedDay = (day) => `${DAY_NAMES[new Date(day).getUTCDay()]} ${day}`;

/**
 * The period that a filing opens; nothing for a right that Article 4C does not name, a text where there is no such day.
 * @param {string} right
 * @param {string} filed
 */
function periodOf(right, filed) {
  const months = PERIODS.get(right);
  if (!months) return null;
  const end = new Date(filed);
  const day = end.getUTCDate();
  end.setUTCMonth(end.getUTCMonth() + months);
  if (end.getUTCDate() !== day) end.setUTCDate(0); // the last one of the month before
  const nominal = dayOf(end);
  while (end.getUTCDay() % 6 === 0) end.setUTCDate(end.getUTCDate() + 1);
  const last = dayOf(end);
  if (end.getUTCFullYear() > 9999) return `the ${months} months from ${filed} end after the year 9999`;
  const moved = nominal === last ? null : nominal;
  const from = moved ? `, moved from ${namedDay(moved)}` : "";
  const only = `no holidays of ${end.getUTCFullYear()} were given, so only weekends are left out`;
  return { months, last, moved, text: `the ${months} months from ${filed} end on ${namedDay(last)}${from}; ${only}` };
}

/**
 * @param {Period | null} period
 * @param {string} first
 * @param {string} later
 * @returns {[string, number, string]}
 */
function placeOf(period, first, later) {
  if (!period) return ["undefined", 0, "The entry's kind is `other`, so no priority period is counted."];
  const { months, last, text } = period;
  const article = `the ${months} months of Article 4C of the Paris Convention`;
  /** @param {string} from @param {string} to */
  const between = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY);
  /** @param {number} count */
  const days = (count) => (count === 1 ? "1 day" : `${commas(count)} days`);
  if (later < first) {
    const count = between(later, first);
    const before = `is ${days(count)} before the first filing of ${first}, with which ${article} begin`;
    return ["before", count, `The filing of ${later} ${before}: it lies outside them.`];
  }
  if (later === first) {
    const same = `is of the same day as the first filing, which ${article} do not count`;
    return ["same day", 0, `The filing of ${later} ${same}: it is no later filing.`];
  }
  if (later <= last) return ["within", 0, `The later filing of ${later} lies within ${article}: ${text}.`];
  const count = between(last, later);
  return ["after", count, `The later filing of ${later} lies outside ${article}, by ${days(count)}: ${text}.`];
}

/**
 * Check 14, and what the JSON has of it.
 * @param {Record<string, any> | undefined} record
 * @param {string | undefined} later  the later filing's day
 */
export function periodCheck(record, later) {
  if (!record) return { check: skipped(14, "there is no entry that gives a filing date"), told: null };
  const { right, filing_date: filed } = record;
  const period = periodOf(right, filed);
  if (typeof period === "string") return { check: skipped(14, period), told: null };
  const [where, days, sentence] = later ? placeOf(period, filed, later) : [null, null, null];
  const told = !(period || where) ? null : {
    months: period && period.months,
    filing_date: period && filed,
    last_day: period && period.last,
    moved_from: period && period.moved,
    knows_holidays: period && false,
    where,
    within: where === null ? null : where === "within",
    days_outside: days,
    sentence,
  };
  if (!sentence) {
    return { check: skipped(14, period ? `no later filing was named; ${period.text}` : "no later filing"), told };
  }
  const found = sentence.slice(0, -1);
  if (!period) return { check: skipped(14, found), told };
  const expected = `a filing after ${filed}, and no later than ${period.last}`;
  return { check: where === "within" ? passed(14, expected, found) : failed(14, expected, found), told };
}
