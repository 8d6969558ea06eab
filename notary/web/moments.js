// Sizes and moments, as a person reads them.

const MONTHS =
  "January February March April May June July August September October November December".split(" ");

/** @param {number} count */
export function size(count) {
  if (count < 1000) return count === 1 ? "1 byte" : `${count} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/**
 * A date, or a moment in UTC, in words; anything else as it is.
 * @param {string | null | undefined} written
 */
export function moment(written) {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d:\d\d)Z)?$/.exec(written ?? "");
  if (!found || !MONTHS[Number(found[2]) - 1]) return written;
  const day = `${Number(found[3])} ${MONTHS[Number(found[2]) - 1]} ${found[1]}`;
  return found[4] ? `${day}, ${found[4]} UTC` : day;
}

export const now = () => new Date().toISOString().replace(/\.\d+/, "");
