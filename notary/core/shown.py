"""Text from outside, fit for a page: what hides, moves, paints over or looks like something else is escaped."""

import unicodedata
from collections.abc import Callable, Container, Iterator

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
"""Letters, marks and a symbol that show nothing, beside variation selectors, which are told by their range."""

_SLASHES = frozenset("\u2044\u2215\u29f8")
"""A name that has one of these would seem to have a folder."""

_ALPHABETS = frozenset({"CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE"})
"""Alphabets with letters that are drawn like Latin ones."""

_STACKED_MARKS = 4
"""Marks on one letter: Vietnamese has two, Hebrew with its accents four. A tower of them covers the lines above."""


def escaped(code: int) -> str:
    r"""A code point in ASCII: `\x89` for a byte that is no text (PEP 383), else `\u202e` or `\U0001f600`."""
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown_pieces(
    text: str, escape: Callable[[int], str] = escaped, undrawable: Container[str] = frozenset()
) -> Iterator[str]:
    """`text`, character by character, each as it is or escaped; those of `undrawable` always are.

    Escaped are: controls and formats (line ends, bidirectional controls, zero widths), what is no character, blanks
    that are not the blank, marks with no letter to stand on and towers of them, slashes that are none, and in a word
    with Latin letters those of other alphabets that look like them.
    """
    if text.isascii() and text.isprintable():
        yield from text
        return
    mixed = _letters_that_pose(text)
    has_base, marks = False, 0
    for at, character in enumerate(text):
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        is_loose_mark = marks > _STACKED_MARKS or (marks > 0 and not has_base)
        is_hidden = category in _INVISIBLE or character in _BLANK or "\ufe00" <= character <= "\ufe0f"
        is_odd_blank = category == "Zs" and character != " "
        is_trick = is_loose_mark or character in _SLASHES or at in mixed
        is_escaped = is_hidden or is_odd_blank or is_trick or character in undrawable
        has_base = not is_escaped and category[0] not in "Z"
        yield escape(ord(character)) if is_escaped else character


def shown_text(text: str) -> str:
    """The same as one text."""
    return text if text.isascii() and text.isprintable() else "".join(shown_pieces(text))


def _letters_that_pose(text: str) -> frozenset[int]:
    """Where letters of another alphabet stand in a word with Latin ones."""
    found: set[int] = set()
    word: list[tuple[int, str]] = []
    for at, character in enumerate((*text, " ")):
        if character.isalpha():
            word.append((at, unicodedata.name(character, "").partition(" ")[0]))
            continue
        if any(alphabet == "LATIN" for _, alphabet in word):
            found.update(where for where, alphabet in word if alphabet in _ALPHABETS)
        word = []
    return frozenset(found)
