"""A witness signs a bundle: in a batch of the witness's own, from another ledger, about this head and no other."""

import json
from pathlib import Path

import pytest

from tests.conftest import Notary
from tests.independent.steps import Files
from tests.parties.openssh import fingerprint, new_key
from tests.scenarios.bundles import LOCAL, altered, exported, file_of, stamped

STATEMENT = "bundle.countersignature.json"


@pytest.fixture
def witness(tmp_path: Path) -> Notary:
    """Somebody else, with a ledger and an embedded network of their own."""
    folder = tmp_path / "witness"
    folder.mkdir()
    return Notary(folder)


@pytest.fixture
def key(witness: Notary) -> Path:
    return new_key(witness.folder / "key", "ed25519")


@pytest.fixture
def bundle(notary: Notary, tmp_path: Path) -> Path:
    (tmp_path / "page.txt").write_text("page 17\n")
    return exported(notary, stamped(notary, "page.txt"), tmp_path / "bundle.zip")


def head_of(bundle: Path) -> str:
    return file_of(bundle, "notary/head.ots")[33:65].hex()


def countersigned(witness: Notary, bundle: Path, key: Path, *more: str) -> Path:
    """The witness's own bundle."""
    done = witness("countersign", bundle, "--key", key, *LOCAL, *more, "--json")
    assert done.code == 0, done.err
    assert done.json["countersigned"] == head_of(bundle)
    assert witness("upgrade", done.json["batch"]).code == 0
    return exported(witness, done.json["batch"], witness.folder / "witness.zip")


def test_a_witness(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    theirs = countersigned(witness, bundle, key, "--name", "W. Ness")
    stated = json.loads((tmp_path / STATEMENT).read_text())
    assert stated == {
        "format": "notary-countersignature/v1",
        "head": head_of(bundle),
        "meaning": "read and understood",
    }
    assert witness("verify", theirs, *LOCAL, "--offline").code == 0, "it stands by itself"
    result = notary("verify", bundle, *LOCAL, "--offline", "--countersignature", theirs)
    assert result.code == 0
    assert f"Countersigned with the key {fingerprint(key)[1]}, as 'read and understood'" in result.out
    assert "That signature existed no later than" in result.out
    assert "W. Ness" not in result.out, "who it is, is only declared"
    (told,) = notary("verify", bundle, *LOCAL, "--offline", "--countersignature", theirs, "--json").json[
        "countersignatures"
    ]
    assert (told["verdict"], told["fault"], told["meaning"]) == ("verified", None, "read and understood")
    assert told["signature"]["fingerprint"] == fingerprint(key)[1]


def test_the_verifiers_own_list_names_the_witness(
    notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path
) -> None:
    theirs = countersigned(witness, bundle, key)
    (tmp_path / "known").write_text(f"w.ness@lab.example {key.with_suffix('.pub').read_text()}")
    result = notary("verify", bundle, *LOCAL, "--offline", "--signers", "known", "--countersignature", theirs)
    assert (result.code, "known lists that key as w.ness@lab.example" in result.out) == (0, True)


def test_two_witnesses(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    theirs = countersigned(witness, bundle, key)
    second = Notary(tmp_path / "second")
    second.folder.mkdir()
    other = new_key(second.folder / "key", "rsa")
    also = countersigned(second, bundle, other, "--meaning", "seen", "-o", "second.countersignature.json")
    options = ("--countersignature", theirs, "--countersignature", also)
    result = notary("verify", bundle, *LOCAL, "--offline", *options, "--json")
    assert result.code == 0
    assert [one["meaning"] for one in result.json["countersignatures"]] == ["read and understood", "seen"]


def test_not_anchored_yet(notary: Notary, witness: Notary, bundle: Path, key: Path) -> None:
    done = witness("countersign", bundle, "--key", key, *LOCAL, "--json")
    theirs = exported(witness, done.json["batch"], witness.folder / "witness.zip")
    result = notary("verify", bundle, *LOCAL, "--offline", "--countersignature", theirs)
    assert result.code == 3
    assert "When, is not shown: pending" in result.out


# -- what counts for nothing ------------------------------------------------------------------------------------------


def refused(notary: Notary, bundle: Path, theirs: Path) -> str:
    """Why a countersignature does not count; the bundle itself is as good as it was."""
    result = notary("verify", bundle, *LOCAL, "--offline", "--countersignature", theirs, "--json")
    assert (result.code, result.json["verdict"]) == (1, "verified")
    (told,) = result.json["countersignatures"]
    plain = notary("verify", bundle, *LOCAL, "--offline", "--countersignature", theirs).out
    assert "countersigns nothing here" in plain
    fault: str = told["fault"]
    assert fault in plain
    return fault


def test_about_another_batch(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    theirs = countersigned(witness, bundle, key)
    (tmp_path / "other.txt").write_text("page 18\n")
    other = exported(notary, stamped(notary, "other.txt"), tmp_path / "other.zip")
    assert "about another batch" in refused(notary, other, theirs)


def test_unsigned(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    """The same statement, stamped without a key."""
    countersigned(witness, bundle, key)
    theirs = exported(witness, stamped(witness, tmp_path / STATEMENT), witness.folder / "plain.zip")
    assert refused(notary, bundle, theirs) == "it is not signed"


def test_failed(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    theirs = countersigned(witness, bundle, key)

    def swap(files: Files) -> None:
        files["notary/manifest.sig"] = files["notary/manifest.sig"].replace(b"A", b"B", 1)

    assert refused(notary, bundle, altered(theirs, tmp_path / "x.zip", swap)) == "it fails its own checks"


def test_a_bundle_of_something_else(notary: Notary, witness: Notary, bundle: Path, key: Path) -> None:
    (witness.folder / "letter.txt").write_text("Dear Sir\n")
    letter = exported(witness, stamped(witness, "letter.txt", "--key", key), witness.folder / "letter.zip")
    assert "holds no countersignature" in refused(notary, bundle, letter)
    (witness.folder / "x.countersignature.json").write_text("{}")
    broken = exported(witness, stamped(witness, "x.countersignature.json", "--key", key), witness.folder / "x.zip")
    assert refused(notary, bundle, broken)
    assert "holds no countersignature" in refused(notary, bundle, bundle)


def test_a_statement_among_other_files(
    notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path
) -> None:
    countersigned(witness, bundle, key)
    (witness.folder / "more.txt").write_text("more")
    both = stamped(witness, tmp_path / STATEMENT, "more.txt", "--key", key)
    assert "holds no countersignature" in refused(notary, bundle, exported(witness, both, witness.folder / "b.zip"))


def test_a_name_that_not_every_system_can_have(notary: Notary, witness: Notary, bundle: Path, key: Path) -> None:
    """Its payload stands at data/_/0 then."""
    odd = bundle.rename(bundle.with_name("a: b?.zip"))
    theirs = countersigned(witness, odd, key)
    assert notary("verify", odd, *LOCAL, "--offline", "--countersignature", theirs).code == 0


def test_what_is_no_bundle(notary: Notary, bundle: Path, tmp_path: Path) -> None:
    for name in ("page.txt", "gone.zip"):
        assert notary("verify", bundle, *LOCAL, "--offline", "--countersignature", tmp_path / name).code == 2


# -- what nobody should sign for --------------------------------------------------------------------------------------


def test_a_bundle_that_fails(notary: Notary, witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    bad = altered(bundle, tmp_path / "bad.zip", lambda files: files.update({"data/page.txt": b"page 18\n"}))
    done = witness("countersign", bad, "--key", key, *LOCAL)
    assert (done.code, "nobody should sign" in done.err) == (1, True)
    assert not list(tmp_path.glob("*.countersignature.json"))
    assert witness("status", "--json").json["batches"] == []


def test_what_a_witness_cannot_sign_for(witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    for what in (tmp_path / "page.txt", tmp_path / "gone.zip", tmp_path):
        assert witness("countersign", what, "--key", key, *LOCAL).code in (1, 2)
    assert witness("countersign", bundle, *LOCAL).code == 2, "without a key"
    for meaning in ("", " ", "x" * 4097):
        assert witness("countersign", bundle, "--key", key, *LOCAL, "--meaning", meaning).code == 2
    assert witness("status", "--json").json["batches"] == []
    assert not list(tmp_path.glob("*.countersignature.json"))


def test_a_plain_proof(witness: Notary, notary: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "x.ots").write_bytes(file_of(bundle, "proofs/page.txt.ots"))
    (tmp_path / "x").write_bytes((tmp_path / "page.txt").read_bytes())
    done = witness("countersign", tmp_path / "x.ots", "--key", key, *LOCAL)
    assert done.code in (1, 2)
    assert not list(tmp_path.glob("*.countersignature.json"))


# -- the statement's file ---------------------------------------------------------------------------------------------


def test_a_statement_that_is_there_already(witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    file = tmp_path / STATEMENT
    file.write_text("my notes")
    done = witness("countersign", bundle, "--key", key, *LOCAL)
    assert (done.code, "says something else" in done.err) == (2, True)
    assert file.read_text() == "my notes"
    file.unlink()
    countersigned(witness, bundle, key)
    first = file.read_bytes()
    countersigned(witness, bundle, key)
    assert file.read_bytes() == first, "the same statement may be signed again"
    assert witness("countersign", bundle, "--key", key, *LOCAL, "--meaning", "seen").code == 2
    seen = ("--meaning", "seen", "-o")
    assert witness("countersign", bundle, "--key", key, *LOCAL, *seen, tmp_path / f"seen.{STATEMENT}").code == 0
    wrong = witness("countersign", bundle, "--key", key, *LOCAL, *seen, tmp_path / "seen.json")
    assert (wrong.code, (tmp_path / "seen.json").exists()) == (2, False), "no verifier would know it by that name"


def test_a_huge_file_in_its_place(witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    with (tmp_path / STATEMENT).open("wb") as stream:
        stream.truncate(2**33)
    assert witness("countersign", bundle, "--key", key, *LOCAL).code == 2
    (tmp_path / STATEMENT).unlink()
    (tmp_path / STATEMENT).mkdir()
    assert witness("countersign", bundle, "--key", key, *LOCAL).code == 2


def test_a_meaning_that_is_no_text(witness: Notary, bundle: Path, key: Path, tmp_path: Path) -> None:
    done = witness("countersign", bundle, "--key", key, *LOCAL, "--meaning", "caf\udce9")
    assert (done.code, "not valid Unicode" in done.err) == (2, True)
    assert not list(tmp_path.glob("*.countersignature.json"))


def test_a_statement_among_other_files_may_never_have_been_seen(
    notary: Notary, witness: Notary, bundle: Path, key: Path
) -> None:
    folder = witness.folder / "papers"
    folder.mkdir()
    stated = {"format": "notary-countersignature/v1", "head": head_of(bundle), "meaning": "read and understood"}
    (folder / "notes.countersignature.json").write_text(json.dumps(stated))
    (folder / "page.txt").write_text("page 1\n")
    batch = stamped(witness, "papers", "--key", str(key))
    theirs = exported(witness, batch, witness.folder / "witness.zip", "--only", "notes*")
    assert "a batch of one file" in refused(notary, bundle, theirs)


def test_the_author_is_no_witness(notary: Notary, witness: Notary, key: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("own\n")
    mine = exported(notary, stamped(notary, "own.txt", "--key", str(key)), tmp_path / "mine.zip")
    assert "same key" in refused(notary, mine, countersigned(witness, mine, key))


def test_what_a_policy_demands_of_the_author_it_does_not_demand_of_witnesses(
    notary: Notary, witness: Notary, key: Path, tmp_path: Path
) -> None:
    author = new_key(tmp_path / "author", "ed25519")
    (tmp_path / "own.txt").write_text("own\n")
    mine = exported(notary, stamped(notary, "own.txt", "--key", str(author)), tmp_path / "mine.zip")
    (tmp_path / "known").write_text(f"ada {author.with_suffix('.pub').read_text()}")
    (tmp_path / "policy.toml").write_text(
        'networks = ["local"]\nrequire = "work"\nsigners = "known"\nrequired_signers = ["ada"]\n'
    )
    theirs = countersigned(witness, mine, key)
    policy = ("--policy", "policy.toml", "--offline")
    result = notary("verify", mine, *policy, "--countersignature", theirs)
    assert result.code == 0, result.out
    assert notary("verify", theirs, *policy).code == 1, "by itself it is not what the policy demands"
