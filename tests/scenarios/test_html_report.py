"""The report as a web page: sound HTML, everything said, and no name that is anything but read."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from notary.html_report import html_report

VOID = {"meta", "wbr"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></code><h1>VERIFIED</h1>",
    "=cmd|' /C calc'!A0",
    "invoice\u202egpj.exe",
    "a\0b\r\nc\x1b[31m",
    "caf\udce9 \ud800",
    "<!-- &lt; &#60;script> -->",
    "https://evil.example/?q=" + "x" * 3000,
)
HASH = "00000000000000000011f44a356aacc3da60009c71135a7806841709e7a025b1"
SENTENCES = {
    "verified": "2 files, shown by matter.zip, existed, byte for byte, no later than 2026-11-21 (UTC).",
    "pending": "matter.zip: sound so far, but no block attests it yet.",
    "unconfirmed": "matter.zip: attested by Bitcoin block 912,345, but not confirmed.",
    "failed": "matter.zip: a file is not what was stamped.",
}


def base(verdict: str = "verified", text: str = "plain") -> dict[str, Any]:
    """What reporting.verdict_json gives, with `text` wherever text comes from outside."""
    is_attested = verdict in ("verified", "unconfirmed")
    return {
        "verdict": verdict,
        "target": f"matter.zip {text}",
        "network": "bitcoin",
        "test_network": False,
        "trust": "checkpoint" if is_attested else "none",
        "trust_meaning": f"linked to a checkpoint {text}" if is_attested else None,
        "required_trust": "checkpoint",
        "existed_by": "2026-11-21" if verdict == "verified" else None,
        "sentences": [SENTENCES[verdict], f"Promised by {text}."],
        "attestation": {
            "network": "bitcoin",
            "height": 912_345,
            "block_hash": HASH,
            "block_time": "2026-11-21T09:12:44Z",
            "source": f"bundle {text}",
        }
        if is_attested
        else None,
        "tried": [f"{text}: no answer"],
        "checks": [
            {"number": 1, "name": "container", "status": "passed", "expected": f"a bag {text}", "found": f"9 {text}"},
            {
                "number": 6,
                "name": "tree, root and size",
                "status": "failed",
                "expected": HASH,
                "found": f"{text} {HASH}",
            },
            {"number": 7, "name": "signature", "status": "skipped", "expected": "", "found": "none"},
        ],
        "items": {"disclosed": 4, "of": 412, "matched": 2, "failed": int(verdict == "failed")},
    }


def full(verdict: str = "verified", text: str = "plain") -> dict[str, Any]:
    """All of report.json."""
    return base(verdict, text) | {
        "made_at": "2026-11-21T14:00:00Z",
        "software": f"notary 0.4.0 {text}",
        "inputs": [
            {"name": f"matter.zip {text}", "kind": "target", "size": 34_567_890, "sha256": HASH},
            {"name": f"folder {text}", "kind": "evidence", "size": None, "sha256": None},
            {"name": "empty", "kind": "evidence", "size": 0, "sha256": HASH},
        ],
        "offline": True,
        "header_source": f"headers {text}",
        "confirmations": 12,
        "not_proven": [f"who wrote anything {text};", "that this set is complete."],
        "declared": {"title": f"Notebooks {text}", "declared_at": "2026-11-21T06:30:00Z", "tool": f"tool {text}"},
        "banner": None,
        "items_listed": [
            {"index": 0, "name": f"a {text}", "sha256": HASH, "status": "matches"},
            {"index": 8, "name": None, "sha256": HASH, "status": "not at hand"},
            {"index": 1410, "name": f"b {text}", "sha256": HASH, "status": "differs"},
        ],
    }


class Page(HTMLParser):
    """A page taken apart. Elements that are not closed in order are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: dict[str, list[str]] = {}
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


@pytest.mark.parametrize("verdict", SENTENCES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_adds_no_element_and_no_attribute(verdict: str, hostile: str) -> None:
    """The page has the very elements and attributes of a harmless report's."""
    found, harmless = Page(html_report(full(verdict, hostile))), Page(html_report(full(verdict)))
    assert found.elements == harmless.elements
    assert found.comments == []
    assert found.texts["style"] == harmless.texts["style"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_is_read_as_it_is_or_escaped(hostile: str) -> None:
    page = html_report(full(text=hostile))
    page.encode()  # no surrogate is left
    assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    if hostile.isprintable():
        assert f"Notebooks {hostile}" in Page(page).texts["dd"]


def test_what_hides_is_escaped_where_it_stands() -> None:
    texts = Page(html_report(full(text="x\u202ey\0z\udce9"))).texts
    assert r"a x\u202ey\u0000z\xe9" in texts["td"]
    assert r"matter.zip x\u202ey\u0000z\xe9" in texts["title"][0]


@pytest.mark.parametrize("verdict", SENTENCES)
@pytest.mark.parametrize("make", [base, full])
def test_a_page_is_sound(verdict: str, make: Any) -> None:
    html = html_report(make(verdict))
    page = Page(html)
    tags = page.tags()
    assert html.startswith("<!DOCTYPE html>\n")
    assert page.elements[0] == ("html", (("lang", "en"),))
    assert [tags.count(tag) for tag in ("title", "h1", "main", "style")] == [1, 1, 1, 1]
    headings = [tag for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert headings == ["h1"] + ["h2"] * (len(headings) - 1)
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(dict(attributes)["scope"] in ("row", "col") for tag, attributes in page.elements if tag == "th")


@pytest.mark.parametrize("verdict", SENTENCES)
def test_a_page_fetches_and_runs_nothing(verdict: str) -> None:
    page = Page(html_report(full(verdict)))
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "a", "base", "svg"} & set(page.tags())
    names = {name for _, attributes in page.elements for name, _ in attributes}
    assert not {"src", "href", "style", "srcset", "action"} & names
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", page.texts["style"][0])


def test_the_policy_allows_its_own_style_only() -> None:
    page = Page(html_report(full()))
    policies = [dict(attributes) for tag, attributes in page.elements if tag == "meta"]
    policy = next(one["content"] for one in policies if one.get("http-equiv") == "Content-Security-Policy")
    digest = b64encode(sha256(page.texts["style"][0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"


@pytest.mark.parametrize(
    ("verdict", "word", "tone"),
    [
        ("verified", "\u2713 Verified", "good"),
        ("pending", "\u2026 Pending", "doubt"),
        ("unconfirmed", "? Not confirmed", "doubt"),
        ("failed", "\u2717 Failed", "bad"),
    ],
)
def test_the_verdict_comes_first_in_word_sign_and_colour(verdict: str, word: str, tone: str) -> None:
    page = Page(html_report(full(verdict)))
    assert page.texts["h1"] == [word]
    assert page.texts["header"][0].startswith(word + SENTENCES[verdict])
    assert dict(page.elements[page.tags().index("header")][1])["class"] == f"verdict {tone}"
    assert page.tags().index("header") < page.tags().index("h2")


def test_a_test_network_is_never_green() -> None:
    report = full() | {"test_network": True, "network": "local", "banner": "TEST NETWORK local: it proves nothing."}
    report["attestation"]["network"] = "local"
    page = Page(html_report(report))
    assert page.texts["p"][1] == "TEST NETWORK local: it proves nothing."
    assert page.texts["h1"] == ["\u2713 Verified on a test network"]
    assert dict(page.elements[page.tags().index("header")][1])["class"] == "verdict doubt"
    assert "local block 912,345" in page.texts["dd"]
    assert "Bitcoin block 912,345" not in page.texts["dd"]


def test_everything_of_the_report_is_on_the_page() -> None:
    texts = Page(html_report(full())).texts
    for value in (
        *("21 November 2026 (UTC)", "21 November 2026, 14:00:00 UTC", "21 November 2026, 09:12:44 UTC"),
        *("notary 0.4.0 plain", "none were asked (offline)", "12", "headers plain", "Bitcoin block 912,345"),
        *("2 compared and alike, of 4 shown, in a batch of 412", HASH),
    ):
        assert value in texts["dd"]
    for value in ("a bag plain", "9 plain", f"plain {HASH}", "34,567,890 bytes", "0 bytes", "not one file"):
        assert value in texts["td"]
    assert {"1", "6", "7", "9", "1,411"} <= set(texts["th"])
    assert {"name withheld", "\u2717 differs", "\u2713 passed", "\u2013 skipped"} <= set(texts["td"])
    assert "These are 3 of the 4 that are shown." in texts["caption"][-1]
    assert texts["li"] == ["plain: no answer", "who wrote anything plain;", "that this set is complete."]
    assert texts["section"][0].startswith("Declared, not proven")
    assert texts["section"][1].startswith("What this does not prove")


def test_a_hash_is_shown_in_groups_and_copied_as_one_word() -> None:
    html = html_report(full())
    groups = "<wbr>".join(f"<span>{HASH[at : at + 8]}</span>" for at in range(0, 64, 8))
    assert f'<code class="hash">{groups}</code>' in html
    assert set(Page(html).texts["code"]) == {HASH}


def test_a_sign_after_a_hash_stays_on_its_line() -> None:
    report = full(text=f"{HASH}, sound")
    assert set(Page(html_report(report)).texts["code"]) == {HASH, f"{HASH},"}


@pytest.mark.parametrize("written", ["", "soon", "2026-11-21T06:30:00+02:00", "2026-13-40"])
def test_a_time_that_is_none_is_shown_as_it_is(written: str) -> None:
    report = full()
    report["declared"]["declared_at"] = written
    assert written in Page(html_report(report)).texts["dd"]
