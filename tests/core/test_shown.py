"""Text from outside on a page: everything visible is itself, everything else says what it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core.shown import shown_pieces, shown_text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_itself(text: str) -> None:
    assert shown_text(text) == text


@given(st.text(st.characters()))
def test_nothing_that_is_shown_hides_or_moves(text: str) -> None:
    shown = shown_text(text)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not any(one.isspace() and one != " " for one in shown)
    assert len(list(shown_pieces(text))) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\x7f", "a\\u0009b\\u007f"),
        ("caf\udce9", "caf\\xe9"),
        ("\U000f0000", "\\U000f0000"),
        ("a\xa0b\u3000c", "a\\u00a0b\\u3000c"),
        ("\u0410cme Ltd", "\\u0410cme Ltd"),
        ("p\u03b1y", "p\\u03b1y"),
        ("АСМЕ и Acme", "АСМЕ и Acme"),  # noqa: RUF001
        ("5 µm, № 7, ½", "5 µm, № 7, ½"),
        ("a\u2215b", "a\\u2215b"),
        ("\u0301a", "\\u0301a"),
        ("a \u0301", "a \\u0301"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "\\u0301" * 2),
        ("\u202e\u0301", "\\u202e\\u0301"),
        ("❤\ufe0f", "❤\\ufe0f"),
        ("ᄀ\u1160", "ᄀ\\u1160"),
        ("अनुबंध", "अनुबंध"),
    ],
)
def test_tricks_are_escaped_and_languages_are_not(text: str, shown: str) -> None:
    assert shown_text(text) == shown


def test_what_cannot_be_drawn_is_escaped_too() -> None:
    assert "".join(shown_pieces("a中\u0301é", undrawable={"中"})) == "a\\u4e2d\\u0301é"
