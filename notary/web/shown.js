// Text from outside, fit for a page: what hides, moves, paints over or looks like something else is escaped.
// The same rule as notary/core/shown.py.

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;

// Letters, marks and a symbol that show nothing, and the variation selectors.
const BLANK = /[\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0\ufe00-\ufe0f]/u;

// A name that has one of these would seem to have a folder.
const SLASH = /[\u2044\u2215\u29f8]/u;

// Marks on one letter: Vietnamese has two, Hebrew with its accents four. A tower of them covers the lines above.
const STACKED_MARKS = 4;

// Letters that are named LATIN, and those of alphabets with letters that are drawn like them: the script's letters
// but for those that are named otherwise (modifier letters, full widths, signs of units).
const LATIN = /\p{Script=Latin}/u;
const NO_LATIN =
  /[\xaa\xba\u02b0-\u02b8\u02e0-\u02e4\u1d2c-\u1d5c\u1d9b-\u1dbe\u2071\u207f\u212a\u212b\u2132\u214e\u2183\u2c7d\ua770\ua7f1-\ua7f4\ua7f8\ua7f9\uab5c-\uab5f\uab69\uff21-\uff5a\u{10780}-\u{107ba}]/u;
const POSING =
  /[\u0374\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Coptic}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const NO_POSING = /[\u1d5d-\u1d61\u1d78\u1dbf\u2126\ua69c\ua69d\u{1e030}-\u{1e06d}]/u;

/**
 * A code point in ASCII: `\x89` for a byte that is no text (PEP 383), else `\u202e` or `\U0001f600`.
 * @param {number} code
 */
function escaped(code) {
  /**
   * @param {number} value
   * @param {number} digits
   */
  const hex = (value, digits) => value.toString(16).padStart(digits, "0");
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

/**
 * `text` with each character as it is or escaped.
 *
 * Escaped are: controls and formats (line ends, bidirectional controls, zero widths), what is no character, blanks that
 * are not the blank, marks with no letter to stand on and towers of them, slashes that are none, and in a word with
 * Latin letters those of other alphabets that look like them.
 * @param {string} text
 */
export function shownText(text) {
  if (/^[ -~]*$/.test(text)) return text;
  const characters = Array.from(text);
  const posing = lettersThatPose(characters);
  let hasBase = false;
  let marks = 0;
  return characters
    .map((character, at) => {
      marks = /\p{M}/u.test(character) ? marks + 1 : 0;
      const isLooseMark = marks > STACKED_MARKS || (marks > 0 && !hasBase);
      const isHidden = INVISIBLE.test(character) || BLANK.test(character);
      const isOddBlank = /\p{Zs}/u.test(character) && character !== " ";
      const isEscaped = isHidden || isOddBlank || isLooseMark || SLASH.test(character) || posing.has(at);
      hasBase = !isEscaped && !/\p{Z}/u.test(character);
      return isEscaped ? escaped(character.codePointAt(0) ?? 0) : character;
    })
    .join("");
}

/**
 * Where letters of another alphabet stand in a word with Latin ones.
 * @param {string[]} characters
 */
function lettersThatPose(characters) {
  /** @type {Set<number>} */
  const found = new Set();
  /** @type {number[]} */
  let others = [];
  let hasLatin = false;
  [...characters, " "].forEach((character, at) => {
    if (/\p{L}/u.test(character)) {
      if (LATIN.test(character) && !NO_LATIN.test(character)) hasLatin = true;
      else if (POSING.test(character) && !NO_POSING.test(character)) others.push(at);
      return;
    }
    if (hasLatin) others.forEach((where) => found.add(where));
    others = [];
    hasLatin = false;
  });
  return found;
}
