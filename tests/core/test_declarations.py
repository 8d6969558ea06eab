"""Drafts of declarations: every element of each rule, nothing that was not shown, and nothing that a name could say."""

import json
import re
from typing import Any

import pytest

from notary.core.declarations import BLANK, SPELT_OUT, Declaration, DeclarationKind, draft
from notary.errors import InputError

KINDS = list(DeclarationKind)
HOSTILE = 'a.pdf", which Jane Roe wrote. I own {declarant_name} <script>\u202e\n9. I state that'
HEAD, BLOCK_HASH = "4e" * 32, "00" * 8 + "5a" * 24
FEDERAL = [DeclarationKind.FRE_902_13, DeclarationKind.FRE_902_14]


def certificate(count: int = 2, **changes: Any) -> dict[str, Any]:
    """A certificate as certificate.json has it, with names that would speak if they could."""
    exhibits = [
        {"index": index, "label": HOSTILE, "bates": HOSTILE, "name": HOSTILE, "sha256": f"{index:02x}" * 32}
        for index in range(min(count, 500))
    ]
    return {
        "number": "9F3A-1C20-77BE-0D41",
        "issued_at": "2026-11-21T14:00:00Z",
        "software": "notary 0.4.0",
        "matter": HOSTILE,
        "title": HOSTILE,
        "party": {"name": HOSTILE, "role": HOSTILE},
        "outcome": "verified",
        "network": "bitcoin",
        "test_network": False,
        "items": {"shown": count, "of": 412, "bytes": None},
        "exhibits": exhibits if count <= 500 else [],
        "exhibits_csv": None if count <= 500 else {"name": HOSTILE, "sha256": "c5" * 32, "attached": True},
        "commitment": {"root": "40" * 32, "size": 412, "head": HEAD, "seal": HEAD, "tool": HOSTILE},
        "attestations": [attestation(586_700, decisive=False), attestation(586_696, decisive=True)],
    } | changes


def attestation(height: int, *, decisive: bool) -> dict[str, Any]:
    return {
        "chain": "Bitcoin",
        "height": height,
        "block_hash": BLOCK_HASH if decisive else "11" * 32,
        "block_time": "2019-07-20T09:05:03Z",
        "existed_by": "2019-07-20",
        "trust": "checkpoint",
        "trust_meaning": "linked to a checkpoint in this release",
        "decisive": decisive,
    }


def text_of(one: Declaration) -> str:
    """All that somebody would sign."""
    return "\n".join((one.heading, one.authority, *one.paragraphs, *(form.text for form in one.forms)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_says_that_it_is_one(kind: DeclarationKind) -> None:
    one = draft(kind, certificate())
    assert one.heading.startswith("DRAFT")
    assert "not legal advice" in one.notice
    assert "lawyer must adapt" in one.notice
    assert "Signature" in one.signature_lines
    assert [text.partition(".")[0] for text in one.paragraphs] == [str(n + 1) for n in range(len(one.paragraphs))]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_certificate_says_is_filled_in_and_the_rest_is_blank(kind: DeclarationKind) -> None:
    one = draft(kind, certificate())
    text = text_of(one)
    for value in ("9F3A-1C20-77BE-0D41", HEAD, BLOCK_HASH, "586,696", "20 July 2019, 09:05:03 UTC", "2 of 412"):
        assert value in text
    assert "no later than 20 July 2019 (UTC)" in text
    assert "586,700" not in text  # an attestation that the date does not rest on
    assert f"My name is {BLANK}" in text
    assert not re.search("[{}]", text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_are_the_blanks_and_the_values(kind: DeclarationKind) -> None:
    one = draft(kind, certificate())
    values = {field.name: field.value for field in one.fields}
    assert len(values) == len(one.fields)
    assert {"court", "case_number", "declarant_name", "qualification"} <= {
        name for name in values if values[name] is None
    }
    assert values["certificate_number"] == "9F3A-1C20-77BE-0D41"
    assert values["matter"] == HOSTILE
    blanks = {name for name, value in values.items() if value is None} - {"court", "case_number"}
    assert len(blanks) <= text_of(one).count(BLANK)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_from_outside_enters_a_sentence(kind: DeclarationKind) -> None:
    """The only field that has any is the matter, which is labelled as declared."""
    for count in (1, 2, 40, 501):
        one = draft(kind, certificate(count))
        assert "Jane Roe" not in text_of(one)
        assert [field.name for field in one.fields if "Jane Roe" in (field.value or "")] == ["matter"]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_made_to_say_more_than_was_shown(kind: DeclarationKind) -> None:
    text = text_of(draft(kind, certificate()))
    assert "Neither the files, nor their digests, nor the head are stored in that block" in text
    assert "I do not state who wrote, owns or invented anything" in text
    assert "it does not show when the files were made" in text
    assert "The certificate states, and I repeat" in text
    assert not re.search(r"immutable|unforgeable|certified|court-approved|proves authorship", text, re.IGNORECASE)


@pytest.mark.parametrize("count", range(1, SPELT_OUT + 1))
def test_a_few_digests_are_spelt_out(count: int) -> None:
    text = text_of(draft(DeclarationKind.US_1746, certificate(count)))
    assert all(f"{index:02x}" * 32 in text for index in range(count))


def test_many_digests_are_read_in_the_table_or_in_the_list() -> None:
    text = text_of(draft(DeclarationKind.US_1746, certificate(SPELT_OUT + 1)))
    assert "stand in the certificate's table of exhibits" in text
    assert "01" * 32 not in text
    text = text_of(draft(DeclarationKind.US_1746, certificate(20_000)))
    assert "the 20,000 files" in text
    assert "c5" * 32 in text


@pytest.mark.parametrize("kind", [*FEDERAL, DeclarationKind.US_1746])
def test_both_forms_of_section_1746_stand_word_for_word(kind: DeclarationKind) -> None:
    forms = {form.title.partition(" the United")[0]: form.text for form in draft(kind, certificate()).forms}
    assert forms["If executed without"] == (
        "I declare (or certify, verify, or state) under penalty of perjury under the laws of the United States of "
        "America that the foregoing is true and correct. Executed on (date). (Signature)"
    )
    assert forms["If executed within"] == (
        "I declare (or certify, verify, or state) under penalty of perjury that the foregoing is true and correct. "
        "Executed on (date). (Signature)"
    )


@pytest.mark.parametrize("kind", FEDERAL)
def test_the_elements_of_902_11_and_12(kind: DeclarationKind) -> None:
    one = draft(kind, certificate())
    for words in (
        "made at or near the time of",
        "by, or from information transmitted by, someone with knowledge",
        "kept in the course of a regularly conducted activity",
        "making the record was a regular practice of that activity",
        "gave the adverse party reasonable written notice",
        "available for inspection",
        "criminal penalty",
    ):
        assert words in text_of(one)


def test_what_902_13_and_902_14_ask_for() -> None:
    generated = text_of(draft(DeclarationKind.FRE_902_13, certificate()))
    assert "generated by an electronic process" in generated
    assert "produces an accurate result" in generated
    copied = text_of(draft(DeclarationKind.FRE_902_14, certificate()))
    assert "a process of digital identification" in copied
    assert "device, storage medium or file" in copied


def test_what_vermont_asks_for() -> None:
    one = draft(DeclarationKind.VERMONT_1913, certificate())
    for words in (
        "(A) The date and time the record entered the blockchain: a commitment to the record entered it with block",
        "(B) The date and time the record was received from the blockchain:",
        "(C) That the record was maintained in the blockchain as a regular conducted activity:",
        "(D) That the record was made by the regularly conducted activity as a regular practice:",
        "the record itself is not in it",
        "sworn to (or affirmed)",
    ):
        assert words in text_of(one)
    assert "Officer's signature" in one.signature_lines


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "word", "hint"),
    [
        ({"outcome": "pending", "attestations": []}, "pending", "notary upgrade"),
        ({"outcome": "unconfirmed"}, "not confirmed", "headers sync"),
        ({"outcome": "failed"}, "not verified", "notary verify"),
        ({"attestations": []}, "not verified", "notary verify"),
        ({"network": "regtest", "test_network": True}, "test network regtest", "bitcoin"),
        ({"network": "regtest", "test_network": True, "outcome": "pending"}, "test network regtest", "bitcoin"),
    ],
)
def test_nothing_is_drafted_about_what_was_not_verified(
    kind: DeclarationKind, changes: dict[str, Any], word: str, hint: str
) -> None:
    with pytest.raises(InputError, match=word) as caught:
        draft(kind, certificate(**changes))
    assert hint in " ".join(caught.value.hints)


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_is_plain_json(kind: DeclarationKind) -> None:
    document = draft(kind, certificate()).document()
    assert json.loads(json.dumps(document)) == document
    assert set(document) == {
        *("kind", "heading", "authority", "notice", "paragraphs", "fields", "forms", "signature_lines"),
    }
    assert document["kind"] == kind.value


def test_a_certificate_without_a_matter() -> None:
    one = draft(DeclarationKind.US_1746, certificate(matter=None))
    assert next(field for field in one.fields if field.name == "matter").value is None
