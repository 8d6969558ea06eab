"""Signature, token, named block, batch before and witnesses, on certificates and reports: printed, and compared."""

import html
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from notary.certificate import certificate
from notary.certificate_reading import read_found, read_issue
from notary.comparing import Carried, carried_by, compare
from notary.edges.archive import open_container
from notary.stating import read_statement
from tests.conftest import Notary, Result
from tests.parties.openssh import fingerprint, new_key
from tests.parties.tsa import openssl
from tests.scenarios.certified import ISSUED, LOCAL, MOMENT, carried, check, data_of, forged, pages, run, text_of

NAME, ORGANISATION = "Ann Example", "Example & Daughters LLP"
PRINCIPAL = "ann@example.com"
FURTHER = "Further facts about the batch"


@dataclass(frozen=True)
class Signed:
    """A second batch, signed and with a token, and its certificates: as it is, and with lists of the issuer's own."""

    notary: Notary
    folder: Path
    first: str
    batch: str

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def lists(self) -> tuple[str | Path, ...]:
        return ("--signers", self.folder / "private" / "signers", "--tsa-roots", self.folder / "private" / "roots.pem")

    @property
    def plain(self) -> Path:
        return self.folder / "plain.pdf"

    @property
    def listed(self) -> Path:
        return self.folder / "listed.pdf"

    def verify(self, pdf: Path, *options: str | Path) -> Result:
        return self.notary("verify", pdf, *LOCAL, "--offline", "--json", *options)


def stamp(notary: Notary, name: str, *options: str | Path) -> str:
    (notary.folder / name).write_text(name)
    answer = notary("stamp", name, *LOCAL, "--json", *options)
    assert answer.code == 0, answer.err
    batch: str = answer.json["head"]
    return batch


def done(answer: Result) -> Result:
    assert answer.code == 0, answer.out + answer.err
    return answer


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = tmp_path_factory.mktemp("signed")
    notary = Notary(folder)
    key = new_key(folder / "key", "ed25519")
    first = stamp(notary, "first.txt", "--key", key)
    done(notary("upgrade"))
    declared = ("--name", NAME, "--organisation", ORGANISATION)
    batch = stamp(notary, "second.txt", "--key", key, "--tsa", "local", *declared)
    done(notary("upgrade"))
    case = Signed(notary, folder, first, batch)
    private = folder / "private"
    private.mkdir()
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    (private / "signers").write_text(f'{PRINCIPAL} namespaces="notary-manifest@v1" {public}\n')
    (private / "roots.pem").write_bytes((folder / "ledger" / "ledger.localnet" / "authority.pem").read_bytes())
    done(notary("export", batch, "-o", "bundle.zip", "--with-line"))
    done(notary("certificate", batch, "-o", case.plain, *ISSUED))
    done(notary("certificate", "bundle.zip", "-o", case.listed, *LOCAL, *ISSUED, *case.lists))
    return case


def member(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as opened:
        (found,) = (each for each in opened.namelist() if each.endswith(name))
        return opened.read(found)


def token_time(folder: Path) -> str:
    """What openssl reads in the bundle's token, as certificates write times."""
    (folder / "head.tsr").write_bytes(member(folder / "bundle.zip", "notary/head.tsr"))
    said = openssl("ts", "-reply", "-in", folder / "head.tsr", "-text").decode()
    shown = re.findall(r"Time stamp: (.*) GMT", said)[0].partition(".")
    return datetime.strptime(f"{shown[0]} {shown[2][-4:]}" if shown[2] else shown[0], "%b %d %H:%M:%S %Y").strftime(
        MOMENT
    )


# -- certificates ---------------------------------------------------------------------------------------------------


def test_a_certificate_says_what_the_bundle_gives(signed: Signed) -> None:
    data, text = data_of(signed.plain), text_of(signed.plain)
    manifest = json.loads(member(signed.folder / "bundle.zip", "notary/manifest.json"))
    _, shown = fingerprint(signed.key)
    assert data["signature"] == {
        "key": " ".join(signed.key.with_suffix(".pub").read_text().split()[:2]),
        "fingerprint": shown,
        "did": manifest["signer"]["did"],
        "algorithm": "ssh-ed25519",
        "declared_name": NAME,
        "declared_organisation": ORGANISATION,
        "listed_as": None,
        "listed_in": None,
    }
    assert data["token"]["time"] == token_time(signed.folder)
    assert (data["token"]["root"], data["token"]["roots_from"]) == (None, None)
    assert data["previous"] == signed.first == manifest["previous"]
    named = data["not_before"]
    assert {key: named[key] for key in ("network", "height")} | {"hash": named["block_hash"]} == manifest["not_before"]
    assert named["date"] <= named["block_time"][:10] <= data["attestations"][0]["existed_by"]
    for said in (shown, manifest["signer"]["did"], "Name (declared)", NAME, ORGANISATION, data["token"]["authority"]):
        assert said in text
    for digest in (named["block_hash"], signed.first):
        assert digest in text.replace(" ", "")
    assert FURTHER in text
    assert "whose it is was not checked: no list of the issuer\u2019s own was given" in text
    assert "its manifest, was made" in " ".join(data["grounds"])
    assert not re.search(r"(?i)signed by", text)
    answer = signed.verify(signed.plain)
    assert (answer.code, answer.json["verdict"]) == (0, "verified")
    assert [check(answer, number)[0] for number in (14, 15)] == ["passed", "passed"]
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", signed.plain)


def test_names_are_the_issuers_word(signed: Signed) -> None:
    data, text = data_of(signed.listed), text_of(signed.listed)
    assert (data["signature"]["listed_as"], data["signature"]["listed_in"]) == ([PRINCIPAL], "signers")
    assert data["token"]["roots_from"] == "roots.pem"
    assert data["token"]["root"] in text
    assert f"{PRINCIPAL}, in \u201csigners\u201d, a list of the issuer\u2019s own" in text
    assert "in \u201croots.pem\u201d, a list of the issuer\u2019s own" in text
    assert "private" not in text + json.dumps(data), "where the issuer keeps lists concerns nobody"
    answer = signed.verify(signed.listed)
    status, found = check(answer, 14)
    assert (answer.code, status) == (0, "passed")
    assert "whose keys and roots it names are its issuer's word" in found
    assert answer.json["signature"]["listed_as"] == [], "the verifier has no list"


FORGERIES: dict[str, Callable[[Any], object]] = {
    "no signature": lambda data: data.update(signature=None),
    "another fingerprint": lambda data: data["signature"].update(fingerprint="SHA256:" + "A" * 43),
    "another key": lambda data: data["signature"].update(key="ssh-ed25519 AAAA"),
    "another did": lambda data: data["signature"].update(did="did:key:z6Mk"),
    "another algorithm": lambda data: data["signature"].update(algorithm="rsa-sha2-512"),
    "another name": lambda data: data["signature"].update(declared_name="The Patent Office"),
    "no organisation": lambda data: data["signature"].update(declared_organisation=None),
    "an extra member": lambda data: data["signature"].update(notarised_by="The Office"),
    "an empty signature": lambda data: data.update(signature={}),
    "a list for a signature": lambda data: data.update(signature=[]),
    "names of another kind": lambda data: data["signature"].update(listed_as=[1], listed_in="signers"),
    "names from nowhere": lambda data: data["signature"].update(listed_as=["The Office"], listed_in=None),
    "no token": lambda data: data.update(token=None),
    "another authority": lambda data: data["token"].update(authority="CN=The Office"),
    "an earlier time": lambda data: data["token"].update(time="1999-01-01T00:00:00Z"),
    "a certificate for ever": lambda data: data["token"].update(certificate_expires="9999-12-31T23:59:59Z"),
    "a root from nowhere": lambda data: data["token"].update(root="CN=The Office", roots_from=None),
    "no named block": lambda data: data.update(not_before=None),
    "an empty block": lambda data: data.update(not_before={}),
    "another named block": lambda data: data["not_before"].update(block_hash="ab" * 32),
    "another height": lambda data: data["not_before"].update(height=1),
    "another network": lambda data: data["not_before"].update(network="bitcoin"),
    "another time of that block": lambda data: data["not_before"].update(block_time="2030-01-01T00:00:00Z"),
    "no time at all": lambda data: data["not_before"].update(block_time="long ago"),
    "another day": lambda data: data["not_before"].update(date="2030-01-01"),
    "the days' words": lambda data: data["grounds"].append(data["grounds"].pop().replace("its manifest", "the book")),
    "a member less": lambda data: data.pop("matter"),
    "no batch before": lambda data: data.update(previous=None),
    "another batch before": lambda data: data.update(previous="ab" * 32),
    "the seal without the token": lambda data: data["commitment"].update(seal=data["commitment"]["head"]),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_other_data_are_found_out(signed: Signed, change: Callable[[Any], object]) -> None:
    """Compared as `verify` compares them, without the pages: they are looked at only where the data are the same."""
    with carried_by(signed.listed) as sound:
        data = json.loads(sound.data)
        change(data)
        fault, differs = compared(sound, data)
    assert fault or differs


def compared(sound: Carried, data: Any) -> tuple[str | None, str | None]:
    facts = compare(replace(sound, data=json.dumps(data).encode()))
    return facts.fault, facts.differs


def test_a_forged_name_fails_the_whole(signed: Signed, tmp_path: Path) -> None:
    pdf = forged(signed.listed, tmp_path / "forged.pdf", FORGERIES["another name"])
    answer = signed.verify(pdf)
    assert (answer.code, answer.json["verdict"]) == (1, "failed"), answer.out
    status, found = check(answer, 14)
    assert status == "failed"
    assert "The Patent Office" in found
    assert {one["number"] for one in answer.json["checks"] if one["status"] == "failed"} == {14}


ISSUERS: dict[str, Callable[[Any], object]] = {
    "names": lambda data: data["signature"].update(listed_as=["Somebody", "Else"]),
    "no such name": lambda data: data["signature"].update(listed_as=[]),
    "no list": lambda data: data["signature"].update(listed_as=None, listed_in=None),
    "root": lambda data: data["token"].update(root="CN=Another", roots_from="others.pem"),
    "no roots": lambda data: data["token"].update(root=None, roots_from=None),
    "source": lambda data: data["not_before"].update(source="the stored chain"),
}


@pytest.mark.parametrize("change", ISSUERS.values(), ids=ISSUERS)
def test_what_no_bundle_bears_out_is_free(signed: Signed, change: Callable[[Any], object]) -> None:
    with carried_by(signed.listed) as sound:
        data = json.loads(sound.data)
        change(data)
        assert compared(sound, data) == (None, None)


def test_another_time_of_the_named_block_with_all_that_follows(signed: Signed, tmp_path: Path) -> None:
    """Data as our own software would give them, had that block another clock."""

    def change(data: Any) -> None:
        found = read_found(data)
        found = replace(found, vouched=replace(found.vouched, block_time="2025-01-02T03:04:05Z"))
        with open_container(signed.folder / "bundle.zip") as container:
            data.update(certificate(read_statement(container), found, read_issue(data)))

    answer = signed.verify(forged(signed.listed, tmp_path / "forged.pdf", change))
    status, found = check(answer, 14)
    assert (answer.code, status, found) == (1, "failed", "2025-01-02T03:04:05Z")


def test_a_time_of_the_named_block_that_nothing_confirms(signed: Signed) -> None:
    """Where more trust is asked for than there is, the days on the paper are not passed off as compared."""
    answer = signed.verify(signed.plain, "--require", "node")
    assert check(answer, 14)[0] != "failed"
    assert check(answer, 13)[0] == "skipped"
    status, found = check(answer, 14)
    assert status == "skipped", found
    assert "nothing here confirms the block" in found


def test_a_plain_batch_has_none_of_it(notary: Notary, tmp_path: Path) -> None:
    batch = stamp(notary, "note.txt", "--no-not-before")
    done(notary("upgrade"))
    done(notary("certificate", batch, "-o", "plain.pdf"))
    data, text = data_of(tmp_path / "plain.pdf"), text_of(tmp_path / "plain.pdf")
    assert [data[key] for key in ("signature", "token", "not_before", "previous")] == [None] * 4
    for absent in (FURTHER, "Signed with the key", "Second clock", "its manifest", "ssh-keygen", "openssl"):
        assert absent not in text


def test_the_copy_in_a_bundle(signed: Signed, tmp_path: Path) -> None:
    done(signed.notary("export", signed.batch, "-o", "again.zip", "--with-line"))
    assert (signed.folder / "again.zip").read_bytes() == (signed.folder / "bundle.zip").read_bytes()
    inside = tmp_path / "inside.pdf"
    inside.write_bytes(member(signed.folder / "bundle.zip", "certificate.pdf"))
    within, without = data_of(inside), data_of(signed.plain)
    for key in ("signature", "token", "not_before", "previous", "commitment", "attestations", "statement"):
        assert within[key] == without[key], key
    assert FURTHER in text_of(inside)


def test_a_pending_one(signed: Signed, tmp_path: Path) -> None:
    notary = Notary(tmp_path)
    batch = stamp(notary, "late.txt", "--key", signed.key, "--tsa", "local")
    answer = notary("certificate", batch, "-o", "pending.pdf")
    assert answer.code == 3, answer.err
    data = data_of(tmp_path / "pending.pdf")
    assert " or later (UTC)" in data["grounds"][-1]
    assert data["signature"]
    assert data["token"]
    assert "Existed no later than" not in text_of(tmp_path / "pending.pdf")
    verified = notary("verify", "pending.pdf", *LOCAL, "--json")
    assert [check(verified, number)[0] for number in (14, 15)] == ["passed", "passed"], verified.out


def test_a_policy_is_held_to(signed: Signed, tmp_path: Path) -> None:
    notary = Notary(tmp_path)
    unsigned = stamp(notary, "note.txt")
    done(notary("upgrade"))
    (tmp_path / "policy.toml").write_text('networks = ["local"]\nrequire_signature = true\n')
    refused = notary("certificate", unsigned, "-o", "none.pdf", "--policy", "policy.toml")
    assert refused.code == 1, refused.out
    assert "no certificate is made" in refused.err
    assert not (tmp_path / "none.pdf").exists()
    strict = ("--policy", tmp_path / "policy.toml", *LOCAL)
    done(signed.notary("certificate", signed.folder / "bundle.zip", "-o", tmp_path / "some.pdf", *strict))


HOSTILE = (
    ("Jane \u202eeoR\u202c \x1b[31m#evil[$x$] <script>", "\u2066\u05e9\u05dc\u05d5\u05dd\u2069 *b* `c` \ue000x\ue001"),
    ("x" * 4000, "a" + "\u0301" * 1000),
)


@pytest.mark.parametrize(("name", "organisation"), HOSTILE, ids=["strange", "long"])
def test_hostile_names_are_only_read(signed: Signed, tmp_path: Path, name: str, organisation: str) -> None:
    notary = Notary(tmp_path)
    batch = stamp(notary, "n.txt", "--key", signed.key, "--name", name, "--organisation", organisation)
    done(notary("upgrade"))
    done(notary("certificate", batch, "-o", "c.pdf"))
    assert data_of(tmp_path / "c.pdf")["signature"]["declared_name"] == name
    answer = notary("verify", "c.pdf", *LOCAL, "--json", "--report", "r.html")
    assert [check(answer, number)[0] for number in (14, 15)] == ["passed", "passed"], answer.json["sentences"]
    done(notary("verify", "c.pdf", *LOCAL, "--report", "r.pdf"))
    page = (tmp_path / "r.html").read_text()
    said = (
        notary("info", "c.pdf").out
        + page
        + "".join(run("pdftotext", tmp_path / one, "-") for one in ("c.pdf", "r.pdf"))
    )
    assert not set(said) & set("\x1b\u202e\u2066\ue000") or name.startswith("x")
    assert "<script>" not in page
    assert len(pages(tmp_path / "c.pdf")) <= 4
    assert len(pages(tmp_path / "r.pdf")) <= 6


# -- reports --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def witness(signed: Signed) -> Path:
    """A witness's bundle for the signed one."""
    notary = Notary(signed.folder / "witness")
    notary.folder.mkdir()
    key = new_key(notary.folder / "key", "ed25519")
    (notary.folder / "bundle.zip").write_bytes((signed.folder / "bundle.zip").read_bytes())
    made = done(notary("countersign", "bundle.zip", "--key", key, *LOCAL, "--meaning", "read, & understood", "--json"))
    done(notary("upgrade"))
    done(notary("export", made.json["batch"], "-o", "witness.zip"))
    return notary.folder / "witness.zip"


def test_reports_say_the_same_in_every_form(signed: Signed, witness: Path, tmp_path: Path) -> None:
    asked = ("bundle.zip", *LOCAL, "--offline", *signed.lists, "--countersignature", witness)
    expected = signed.notary("verify", *asked, "--json").json
    for kind in (".pdf", ".html", ".json"):
        done(signed.notary("verify", *asked, "--report", tmp_path / f"r{kind}"))
    data = json.loads((tmp_path / "r.json").read_text())
    assert {key: data[key] for key in expected} == expected
    assert [one["kind"] for one in data["inputs"]] == ["target", "witness"]
    assert json.loads(carried(tmp_path / "r.pdf", "report.json"))["countersignatures"] == data["countersignatures"]
    page, text = (tmp_path / "r.html").read_text(), text_of(tmp_path / "r.pdf")
    flat = html.unescape(re.sub(r"<wbr>|</?(span|code)[^>]*>", "", page))
    _, shown = fingerprint(signed.key)
    _, witnesses = fingerprint(witness.with_name("key"))
    said = (shown, witnesses, "read, & understood", PRINCIPAL, NAME, ORGANISATION, expected["token"]["authority"])
    for one in (*said, FURTHER, "Countersignatures", "a list of the verifier\u2019s own"):
        assert one in flat, one
        assert one in text, one
    for digest in (expected["previous"], expected["not_before"]["block_hash"]):
        assert digest in flat
        assert digest in text.replace(" ", "")
    # Every label and every note of that part of the page stands on the paper too.
    part = page[page.index(FURTHER) : page.index("Countersignatures")]
    labels = [html.unescape(one) for one in re.findall(r"<(?:dt|h3|p)>(.*?)</", part)]
    assert len(labels) > 15
    assert not [label for label in labels if label not in text]
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", tmp_path / "r.pdf")


def test_a_witness_of_something_else_is_no_witness(signed: Signed, witness: Path, tmp_path: Path) -> None:
    done(signed.notary("export", signed.first, "-o", "first.zip"))
    asked = ("first.zip", *LOCAL, "--offline", "--countersignature", witness)
    assert signed.notary("verify", *asked, "--report", tmp_path / "r.pdf").code == 1
    assert "countersigns nothing here" in text_of(tmp_path / "r.pdf")


def test_a_plain_bundle_has_no_such_part(notary: Notary, tmp_path: Path) -> None:
    batch = stamp(notary, "note.txt", "--no-not-before")
    done(notary("upgrade"))
    done(notary("export", batch, "-o", "plain.zip"))
    for kind in (".pdf", ".html"):
        done(notary("verify", "plain.zip", *LOCAL, "--report", f"r{kind}"))
    for text in ((tmp_path / "r.html").read_text(), text_of(tmp_path / "r.pdf")):
        assert FURTHER not in text
        assert "Countersignatures" not in text


# -- info and status ------------------------------------------------------------------------------------------------


def test_info_shows_who_and_since_when(signed: Signed) -> None:
    told = signed.notary("info", "bundle.zip").out
    _, shown = fingerprint(signed.key)
    for one in (shown, f"{NAME}, {ORGANISATION} (declared)", token_time(signed.folder), signed.first, "lists 1 batch"):
        assert one in told
    data = signed.notary("info", "bundle.zip", "--json").json
    assert (data["fingerprint"], data["previous"], data["line"]) == (shown, signed.first, 1)
    assert data["not_before"] == json.loads(member(signed.folder / "bundle.zip", "manifest.json"))["not_before"]
    assert data["token"]["imprint"] == data["digest"]


def test_info_shows_a_token(signed: Signed) -> None:
    at = token_time(signed.folder)
    token = signed.folder / "head.tsr"
    assert at in done(signed.notary("info", token)).out
    data = signed.notary("info", token, "--json").json
    assert (data["kind"], data["token"]["time"], data["token"]["imprint"]) == ("token", at, signed.batch)
    serial = openssl("ts", "-reply", "-in", token, "-text").decode()
    assert f"Serial number: 0x{data['token']['serial'].upper().zfill(2)}" in serial
    for name, content in (("cut.tsr", token.read_bytes()[:200]), ("none.tsr", b""), ("long.tsr", bytes(100_000))):
        (signed.folder / name).write_bytes(content)
        refused = signed.notary("info", name)
        assert refused.code == 2
        assert refused.err.startswith(f"error: {name}: ")


def test_status_shows_who_and_what_came_before(signed: Signed) -> None:
    _, shown = fingerprint(signed.key)
    told = signed.notary("status", signed.batch).out
    for one in (f"signed    {shown}", f"previous  {signed.first}", "authority local gave its token"):
        assert one in told
    (data,) = signed.notary("status", signed.batch, "--json").json["batches"]
    assert (data["fingerprint"], data["previous"]) == (shown, signed.first)
    assert data["token"] == {"authority": "local", "obtained": True}
    assert "authority" not in signed.notary("status", signed.first).out
