"""core.rfc3161: tokens that openssl made, right ones and wrong ones; what we accept, `openssl ts -verify` accepts."""

import dataclasses
import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary import limits
from notary.core import der, rfc3161
from notary.core.rfc3161 import (
    Fault,
    TokenError,
    read_roots,
    read_token,
    request_for,
    verify_integrity,
    verify_token,
)
from notary.errors import EvidenceError, FormatError
from notary.localnet.authority import Authority
from tests.parties.tsa import ISSUER, POLICY, ROOT, SIGNER, Certificates, Holder, granted, openssl, query, verifies

HEAD = bytes.fromhex("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
OTHER = bytes(31) + b"\x01"
NONCE = 0x8000_0000_0000_0001
DAYS = timedelta(days=1)


class World:
    """One authority that is in order, and the makings of others."""

    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder)
        self.root = self.certificates.issue("Root", ROOT)
        self.signer = self.certificates.issue("Signer", SIGNER, self.root)
        self.roots = read_roots(self.root.certificate.read_bytes(), "root.pem")
        self.response = self.certificates.reply(request_for(HEAD, NONCE), self.signer)

    def signer_with(
        self,
        *extensions: str,
        by: Holder | None = None,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=365),
    ) -> Holder:
        """A signer with these extensions in place of those of the same name."""
        names = {one.partition("=")[0] for one in extensions}
        kept = [one for one in SIGNER if one.partition("=")[0] not in names]
        own = (*kept, *(one for one in extensions if not one.endswith("=")))
        return self.certificates.issue("Signer", own, by or self.root, begins=begins, ends=ends)

    def signed_by(self, signer: Holder, *options: str | Path) -> bytes:
        """The token's statement, signed again by another, or otherwise."""
        return self.certificates.signed_again(self.response, signer, *options)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def strictly() -> Iterator[None]:
    """Nothing may even be warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def accepted(response: bytes, world: World) -> rfc3161.Trusted:
    """What we accept; openssl has to accept it too, and the same without roots."""
    trusted = verify_token(response, HEAD, world.roots)
    assert verify_integrity(response, HEAD) == trusted.token == read_token(response)
    assert verifies(response, HEAD, world.root.certificate)
    return trusted


def refused(response: bytes, world: World, fault: Fault, *, intact: bool = False, openssl_too: bool = True) -> str:
    """What is wrong with it, in words."""
    with pytest.raises(TokenError) as caught:
        verify_token(response, HEAD, world.roots)
    assert caught.value.fault is fault
    assert isinstance(caught.value, EvidenceError)
    if intact:
        verify_integrity(response, HEAD)
    else:
        with pytest.raises(TokenError):
            verify_integrity(response, HEAD)
    assert verifies(response, HEAD, world.root.certificate) is not openssl_too
    return caught.value.message


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", [None, 0, 1, 127, 128, NONCE, 2**64 - 1])
def test_a_request_is_what_openssl_writes(nonce: int | None) -> None:
    ours = request_for(HEAD, nonce)
    text = openssl("ts", "-query", "-in", "/dev/stdin", "-text", data=ours).decode()
    assert "Certificate required: yes" in text
    assert "Hash Algorithm: sha256" in text
    assert f"Nonce: {'unspecified' if nonce is None else f'0x{nonce:02X}' if nonce else '0x0'}" in text
    if nonce is None:
        assert ours == query(HEAD, "-no_nonce")


# -- tokens in order ------------------------------------------------------------------------------------------------


def test_what_a_token_says(world: World) -> None:
    token = accepted(world.response, world).token
    assert (token.imprint_algorithm, token.imprint, token.nonce) == ("sha256", HEAD, NONCE)
    assert token.policy == POLICY
    assert token.accuracy == pytest.approx(1.5001)
    assert token.tsa_name == "CN=Signer,O=Firm"
    assert token.signer == world.signer.der
    assert token.certificates == (world.signer.der,)
    text = openssl("ts", "-reply", "-in", "/dev/stdin", "-text", data=world.response).decode()
    said = text.partition("Time stamp: ")[2].partition("\n")[0]
    assert datetime.strptime(said, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC) == token.gen_time
    assert f"Serial number: 0x{token.serial:02X}" in text


@pytest.mark.parametrize("key", ["rsa", "ec", "p384"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_keys_and_digests(world: World, key: str, digest: str) -> None:
    signer = world.certificates.issue("Signer", SIGNER, world.root, key=key)
    accepted(world.signed_by(signer, "-md", digest), world)
    accepted(world.certificates.reply(request_for(HEAD, None), signer), world)


def test_who_vouches_for_it(world: World) -> None:
    trusted = accepted(world.response, world)
    assert trusted.root_name == "CN=Root,O=Firm"
    assert trusted.chain == (world.signer.der, world.root.der)
    assert trusted.sealed_while_valid is None
    ends = openssl("x509", "-in", world.root.certificate, "-noout", "-enddate", "-dateopt", "iso_8601").decode()
    assert trusted.valid_until <= trusted.token.not_after
    assert trusted.valid_until == datetime.fromisoformat(ends.strip().partition("=")[2])


def test_an_issuer_between(world: World) -> None:
    issuer = world.certificates.issue("Between", ISSUER, world.root)
    signer = world.signer_with(by=issuer)
    reply = world.certificates.reply
    asked = request_for(HEAD, NONCE)
    for response in (
        reply(asked, signer, issuer),
        reply(asked, signer, world.root, issuer),
        reply(asked, signer, issuer, world.root, names_chain="yes"),
        reply(asked, signer, issuer, named_by="sha1"),
        reply(asked, signer, issuer, tsa_name="no"),
    ):
        assert accepted(response, world).chain == (signer.der, issuer.der, world.root.der)
    alone = reply(asked, signer)
    refused(alone, world, Fault.CHAIN, intact=True)
    # A verifier may take the issuer for a root; openssl wants to be told that this is meant.
    assert verify_token(alone, HEAD, read_roots(issuer.certificate.read_bytes(), "")).root_name == "CN=Between,O=Firm"
    assert not verifies(alone, HEAD, issuer.certificate)
    assert verifies(alone, HEAD, issuer.certificate, "-partial_chain")


def test_another_reader_of_tokens_agrees(world: World) -> None:
    """rfc3161-client, on OpenSSL: a second opinion on what it can read."""
    import rfc3161_client
    from cryptography.x509 import load_der_x509_certificate

    response = rfc3161_client.decode_timestamp_response(world.response)
    theirs, ours = response.tst_info, read_token(world.response)
    assert (theirs.gen_time, theirs.serial_number, theirs.nonce) == (ours.gen_time, ours.serial, ours.nonce)
    assert (theirs.policy.dotted_string, theirs.message_imprint.message) == (ours.policy, ours.imprint)
    root = load_der_x509_certificate(world.roots[0])
    assert rfc3161_client.VerifierBuilder().add_root_certificate(root).build().verify(response, HEAD)


def test_names_that_are_made_to_deceive(world: World) -> None:
    signer = world.certificates.issue("Sign\u202eer \x1b[2J", SIGNER, world.root)
    token = read_token(world.signed_by(signer))
    assert token.tsa_name.isprintable()
    assert "\u202e" not in token.tsa_name


# -- statements -----------------------------------------------------------------------------------------------------


def statement(
    *rest: bytes, version: int = 1, time: bytes = b"", imprint: bytes = HEAD, serial: int = 5, nonce: bytes = b""
) -> bytes:
    """A TSTInfo; `rest` stands where accuracy, ordering, nonce, name and extensions may."""
    algorithm = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S").encode()
    return der.sequence(
        *(der.integer(version), der.oid(POLICY), der.sequence(algorithm, der.octets(imprint)), der.integer(serial)),
        *(der.element(der.GENERALIZED_TIME, time or now + b"Z"), *rest, nonce),
    )


def extension(*parts: bytes) -> bytes:
    return der.element(der.context(1), der.sequence(der.oid("0.4.0.19422.1.1"), *parts, der.octets(b"\x30\x00")))


NAME = der.sequence(
    der.set_of(der.sequence(der.oid("2.5.4.10"), der.element(der.UTF8_STRING, b"Firm"))),
    der.set_of(der.sequence(der.oid("2.5.4.3"), der.element(der.UTF8_STRING, b"Signer"))),
)
HOST = der.element(0x82, b"tsa.example")


def named(name: bytes) -> bytes:
    return der.element(der.context(0), name)


def test_fractions_of_a_second(world: World) -> None:
    second = datetime.now(UTC).replace(microsecond=0)
    time = second.strftime("%Y%m%d%H%M%S").encode() + b".123456789Z"
    token = accepted(world.certificates.sign(statement(time=time), world.signer), world).token
    assert token.gen_time == second.replace(microsecond=123_456)


@pytest.mark.parametrize(
    ("accuracy", "seconds"),
    [
        (b"", None),
        (der.sequence(), 0),
        (der.sequence(der.integer(60)), 60),
        (der.sequence(der.element(0x80, b"\x01")), 0.001),
        (der.sequence(der.element(0x81, b"\x03\xe7")), 0.000999),
    ],
)
def test_accuracies(world: World, accuracy: bytes, seconds: float | None) -> None:
    token = accepted(world.certificates.sign(statement(accuracy), world.signer), world).token
    assert token.accuracy == seconds


@pytest.mark.parametrize(
    "rest",
    [
        der.element(der.BOOLEAN, b"\xff"),
        extension(),
        named(der.element(der.context(4), NAME)),
        der.sequence() + der.element(der.BOOLEAN, b"\xff") + der.integer(9) + extension(),
    ],
)
def test_what_else_may_stand_there(world: World, rest: bytes) -> None:
    accepted(world.certificates.sign(statement(rest), world.signer), world)


def test_a_name_that_is_not_the_subject(world: World) -> None:
    signer = world.signer_with("subjectAltName=DNS:tsa.example")
    accepted(world.certificates.sign(statement(named(HOST)), signer), world)
    refused(world.certificates.sign(statement(named(HOST)), world.signer), world, Fault.PURPOSE)
    other = der.element(der.context(4), der.sequence())
    refused(world.certificates.sign(statement(named(other)), signer), world, Fault.PURPOSE)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(statement(version=2), id="version-2"),
        pytest.param(statement(time=b"20261131000000Z"), id="november-31"),
        pytest.param(statement(time=b"2026112100Z"), id="no-minutes"),
        pytest.param(statement(imprint=HEAD[1:]), id="short-imprint"),
        pytest.param(statement(der.sequence(der.integer(-1))), id="negative-serial"),
        pytest.param(statement(der.sequence(der.integer(2**40))), id="endless-seconds"),
        pytest.param(statement(der.sequence(der.element(0x80, b"\x03\xe8"))), id="1000-millis"),
        pytest.param(statement(der.element(der.BOOLEAN, b"\x00")), id="false-written-out"),
        pytest.param(statement(der.integer(1), der.integer(2)), id="two-nonces"),
        pytest.param(statement(extension(der.element(der.BOOLEAN, b"\xff"))), id="critical-extension"),
        pytest.param(statement(der.element(der.context(2), b"")), id="unknown-field"),
        pytest.param(statement() + b"\0", id="bytes-after"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="text"),
    ],
)
def test_statements_that_are_none(world: World, wrong: bytes) -> None:
    with pytest.raises(FormatError, match="not as RFC 3161 demands"):
        read_token(world.certificates.sign(wrong, world.signer))


# -- tokens that are none of ours -----------------------------------------------------------------------------------


def test_another_imprint(world: World) -> None:
    response = world.certificates.reply(request_for(OTHER, NONCE), world.signer)
    assert OTHER.hex() in refused(response, world, Fault.IMPRINT)
    longer = openssl("ts", "-query", "-digest", HEAD.hex() * 2, "-sha512", "-cert")
    refused(world.certificates.reply(longer, world.signer), world, Fault.IMPRINT)
    found = verify_token(world.certificates.reply(longer, world.signer), HEAD * 2, world.roots, algorithm="sha512")
    assert found.token.imprint_algorithm == "sha512"


def test_another_nonce(world: World) -> None:
    verify_token(world.response, HEAD, world.roots, nonce=NONCE)
    for response, nonce in (
        (world.response, NONCE + 1),
        (world.certificates.reply(request_for(HEAD, None), world.signer), NONCE),
    ):
        with pytest.raises(TokenError, match="nonce") as caught:
            verify_token(response, HEAD, world.roots, nonce=nonce)
        assert caught.value.fault is Fault.NONCE


def test_another_policy(world: World) -> None:
    assert verify_token(world.response, HEAD, world.roots, policy=POLICY)
    with pytest.raises(TokenError, match=f"policy {POLICY}, not under 1.2.3") as caught:
        verify_token(world.response, HEAD, world.roots, policy="1.2.3")
    assert caught.value.fault is Fault.POLICY


def test_a_refusal_is_told_in_words(world: World) -> None:
    response = world.certificates.reply(request_for(HEAD, NONCE), world.signer, digests="sha512")
    with pytest.raises(FormatError, match="refused: rejected; it does not know the digest algorithm; Message digest"):
        read_token(response)
    hostile = der.sequence(der.integer(2), der.sequence(der.element(der.UTF8_STRING, b"\x1b[2J\n" + b"a" * 9_000)))
    with pytest.raises(FormatError) as caught:
        read_token(der.sequence(hostile))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < limits.REPLY_TEXT + 80


def test_granted_with_changes(world: World) -> None:
    """RFC 3161 section 2.4.2: a token is there as well; openssl takes it too."""
    changed = world.response.replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x01", 1)
    assert accepted(changed, world).token == read_token(world.response)
    for status in (2, 3, 4, 5, 6, 255):
        with pytest.raises(FormatError):
            read_token(world.response.replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01" + bytes([status]), 1))


# -- certificates that are not for it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extension",
    [
        "extendedKeyUsage=",
        "extendedKeyUsage=critical,serverAuth",
        "extendedKeyUsage=critical,anyExtendedKeyUsage",
        "extendedKeyUsage=timeStamping",
        "extendedKeyUsage=critical,timeStamping,serverAuth",
        "extendedKeyUsage=critical,timeStamping,anyExtendedKeyUsage",
        "keyUsage=critical,digitalSignature,keyEncipherment",
        "keyUsage=critical,keyAgreement",
        "keyUsage=digitalSignature,keyCertSign",
    ],
)
def test_a_certificate_for_something_else(world: World, extension: str) -> None:
    said = refused(world.signed_by(world.signer_with(extension)), world, Fault.PURPOSE)
    assert "CN=Signer,O=Firm" in said


def test_a_certificate_without_usage_will_do(world: World) -> None:
    accepted(world.signed_by(world.signer_with("keyUsage=")), world)


@pytest.mark.parametrize(("begins", "ends"), [(-9 * DAYS, -1 * DAYS), (1 * DAYS, 9 * DAYS)])
def test_a_certificate_of_another_time(world: World, begins: timedelta, ends: timedelta) -> None:
    signer = world.signer_with(begins=begins, ends=ends)
    response = world.certificates.reply(request_for(HEAD, NONCE), signer)
    said = refused(response, world, Fault.TIME)
    assert "was not valid at the token's time" in said


@pytest.mark.parametrize(("begins", "ends"), [(-9 * DAYS, -1 * DAYS), (1 * DAYS, 9 * DAYS)])
def test_an_issuer_of_another_time(world: World, begins: timedelta, ends: timedelta) -> None:
    issuer = world.certificates.issue("Between", ISSUER, world.root, begins=begins, ends=ends)
    response = world.certificates.reply(request_for(HEAD, NONCE), world.signer_with(by=issuer), issuer)
    refused(response, world, Fault.CHAIN, intact=True)


@pytest.mark.parametrize(
    "extensions",
    [
        ("basicConstraints=critical,CA:FALSE",),
        (),
        ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature"),
        ("basicConstraints=critical,CA:TRUE", "1.2.3.4=critical,ASN1:NULL"),
    ],
)
def test_an_issuer_that_may_not_issue(world: World, extensions: tuple[str, ...]) -> None:
    issuer = world.certificates.issue("Between", extensions, world.root)
    signer = world.signer_with("authorityKeyIdentifier=", by=issuer)
    response = world.certificates.reply(request_for(HEAD, NONCE), signer, issuer)
    refused(response, world, Fault.CHAIN, intact=True)


def test_a_signer_is_no_issuer(world: World) -> None:
    """Whoever has a token's key cannot make authorities of their own under the same root."""
    signer = world.signer_with("authorityKeyIdentifier=", by=world.signer)
    response = world.certificates.reply(request_for(HEAD, NONCE), signer, world.signer)
    refused(response, world, Fault.CHAIN, intact=True)


def test_policies_that_are_critical(world: World) -> None:
    policies = "certificatePolicies=critical,1.2.3.4"
    issuer = world.certificates.issue("Between", (*ISSUER, policies), world.root)
    signer = world.signer_with(policies, by=issuer)
    accepted(world.certificates.reply(request_for(HEAD, NONCE), signer, issuer), world)


def test_an_issuer_for_something_else(world: World) -> None:
    """openssl does not look at an issuer's purposes; we do."""
    limited = (*ISSUER, "extendedKeyUsage=serverAuth")
    issuer = world.certificates.issue("Between", limited, world.root)
    response = world.certificates.reply(request_for(HEAD, NONCE), world.signer_with(by=issuer), issuer)
    refused(response, world, Fault.CHAIN, intact=True, openssl_too=False)


def test_an_issuer_that_signs_over_sha1(world: World) -> None:
    signer = world.certificates.issue("Signer", SIGNER, world.root, digest="sha1")
    response = world.certificates.reply(request_for(HEAD, NONCE), signer)
    refused(response, world, Fault.CHAIN, intact=True, openssl_too=False)


def test_weak_signatures(world: World) -> None:
    weak = world.certificates.issue("Signer", SIGNER, world.root, key="weak")
    assert "1024 bits" in refused(world.signed_by(weak), world, Fault.SIGNATURE, openssl_too=False)
    assert "sha1" in refused(world.signed_by(world.signer, "-md", "sha1"), world, Fault.SIGNATURE, openssl_too=False)


# -- certificates that somebody put in ------------------------------------------------------------------------------


def test_an_injected_root_is_no_anchor(world: World) -> None:
    """A whole authority of somebody else's, with the names of the real one, and its root in the token."""
    false_root = world.certificates.issue("Root", ROOT)
    false_signer = world.signer_with(by=false_root)
    for chain in ((false_root,), (false_root, world.root), (world.root, false_root), (world.root, world.signer)):
        response = world.certificates.reply(request_for(HEAD, NONCE), false_signer, *chain)
        refused(response, world, Fault.CHAIN, intact=True)
        trusted = verify_token(response, HEAD, [false_root.der])
        assert trusted.root_name == "CN=Root,O=Firm"
        assert trusted.chain[-1] == false_root.der


def test_injected_certificates_change_nothing(world: World) -> None:
    stranger = world.certificates.issue("Stranger", SIGNER)
    response = world.certificates.reply(request_for(HEAD, NONCE), world.signer, stranger, world.root)
    assert accepted(response, world).chain == (world.signer.der, world.root.der)


def test_another_certificate_for_the_same_key(world: World) -> None:
    """RFC 5816: the signature names the certificate, so that no other of that key can take its place."""
    twins = (world.certificates.issue("Signer", SIGNER, world.root, key=world.signer.key) for _ in range(200))
    # Of the same length, so that it fits into the token: ECDSA signatures and serial numbers vary.
    lengths = [len(world.signer.der), len(serial_of(world.signer))]
    twin = next(one for one in twins if [len(one.der), len(serial_of(one))] == lengths)
    swapped = world.response.replace(world.signer.der, twin.der)
    with pytest.raises(FormatError, match="the one certificate of its signer"):
        read_token(swapped)
    swapped = swapped.replace(serial_of(world.signer), serial_of(twin))
    refused(swapped, world, Fault.SIGNATURE)


def serial_of(holder: Holder) -> bytes:
    text = openssl("x509", "-in", holder.certificate, "-noout", "-serial").decode().strip().partition("=")[2]
    return der.integer(int(text, 16))


def test_two_certificates_of_one_name_and_number(world: World) -> None:
    with pytest.raises(FormatError, match="the one certificate of its signer"):
        read_token(world.certificates.reply(request_for(HEAD, NONCE), world.signer, world.signer))


def test_no_certificate(world: World) -> None:
    not_asked_for = openssl("ts", "-query", "-digest", HEAD.hex(), "-sha256")
    for response in (
        world.signed_by(world.signer, "-nocerts"),
        world.certificates.reply(not_asked_for, world.signer),
    ):
        with pytest.raises(FormatError, match="the one certificate of its signer"):
            read_token(response)


def test_two_signers(world: World) -> None:
    other = world.signer_with()
    response = world.signed_by(world.signer, "-signer", other.certificate, "-inkey", other.key)
    with pytest.raises(FormatError):
        read_token(response)
    assert not verifies(response, HEAD, world.root.certificate)


def test_a_signer_named_by_its_key(world: World) -> None:
    response = world.signed_by(world.signer, "-keyid")
    with pytest.raises(FormatError, match="not named by issuer and serial number"):
        read_token(response)
    assert not verifies(response, HEAD, world.root.certificate)


def test_signed_data_that_is_no_token(world: World) -> None:
    for options in (("-econtent_type", "1.2.840.113549.1.7.1"), ("-noattr",)):
        arguments = ("cms", "-sign", "-nodetach", "-binary", "-outform", "DER", *options)
        signed = openssl(
            *arguments, "-signer", world.signer.certificate, "-inkey", world.signer.key, data=os.urandom(200)
        )
        with pytest.raises(FormatError):
            read_token(granted(signed))


# -- later ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, World, datetime]:
    """A token of three years ago, whose certificate expired a year ago; root and all."""
    moment = datetime.now(UTC).replace(microsecond=0) - 3 * 365 * DAYS
    begins, ends = -4 * 365 * DAYS, -365 * DAYS
    there = World(tmp_path_factory.mktemp("old"))
    there.root = there.certificates.issue("Root", ROOT, begins=begins, ends=ends)
    there.roots = (there.root.der,)
    statement = Authority(tmp_path_factory.mktemp("state") / "authority.pem", lambda: moment, os.urandom)
    response = there.certificates.signed_again(
        statement.answer(request_for(HEAD, NONCE)), there.signer_with(begins=begins, ends=ends)
    )
    return response, there, moment


def test_an_expired_certificate_is_judged_at_the_tokens_time(old: tuple[bytes, World, datetime]) -> None:
    response, world, moment = old
    trusted = verify_token(response, HEAD, world.roots, at=moment + DAYS)
    assert trusted.token.gen_time == moment
    assert trusted.valid_until < datetime.now(UTC)
    assert trusted.sealed_while_valid
    assert verify_token(response, HEAD, world.roots, at=datetime.now(UTC)).sealed_while_valid is False
    assert verify_token(response, HEAD, world.roots).sealed_while_valid is None
    # What VERIFY.txt shows. Today openssl refuses; at the token's own time it accepts.
    root = world.root.certificate
    assert not verifies(response, HEAD, root)
    assert verifies(response, HEAD, root, "-attime", str(int(trusted.token.gen_time.timestamp())))
    assert verifies(response, HEAD, root, "-no_check_time")
    assert not verifies(response, OTHER, root, "-no_check_time")


def test_in_later_years(world: World) -> None:
    """A token of today, in sixty years: the command line of VERIFY.txt holds."""
    root = world.root.certificate
    then = int(datetime.now(UTC).timestamp()) + 60 * 365 * 86_400
    assert not verifies(world.response, HEAD, root, "-attime", str(then))
    made = int(read_token(world.response).gen_time.timestamp())
    assert verifies(world.response, HEAD, root, "-attime", str(made))


def test_a_token_from_after_the_block(world: World) -> None:
    made = read_token(world.response).gen_time
    for at in (made, made - timedelta(seconds=1), made + DAYS):
        verify_token(world.response, HEAD, world.roots, at=at)
    with pytest.raises(TokenError, match="is proven to have existed by") as caught:
        verify_token(world.response, HEAD, world.roots, at=made - timedelta(seconds=2))
    assert caught.value.fault is Fault.TIME


# -- roots ----------------------------------------------------------------------------------------------------------


def test_roots_from_pem(world: World) -> None:
    pem = world.root.certificate.read_bytes()
    assert read_roots(b"text\r\n" + pem.replace(b"\n", b"\r\n") + b"more\n" + pem, "r") == world.roots * 2
    junk = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert read_roots(junk + pem + world.root.key.read_bytes(), "r") == world.roots


@pytest.mark.usefixtures("strictly")
def test_a_root_whose_serial_number_is_0(world: World) -> None:
    """RFC 5280 does not allow it; SECOM, Go Daddy and others have such roots."""
    path = world.certificates.folder / "zero.pem"
    subject = ("-subj", "/O=Firm/CN=Root", "-days", "9", "-set_serial", "0")
    path.write_bytes(openssl("req", "-x509", "-new", "-key", world.root.key, *subject))
    roots = read_roots(path.read_bytes(), "zero.pem")
    later = world.certificates.reply(request_for(HEAD, NONCE), world.signer)
    assert verify_token(later, HEAD, roots).chain == (world.signer.der, *roots)
    assert verifies(later, HEAD, path)


@pytest.mark.parametrize(
    "pem",
    [
        *(
            b"",
            b"\x00\xff",
            b"-----BEGIN CERTIFICATE-----",
            b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----",
        ),
        *(b"a" * (limits.ROOTS_BYTES + 1), b"-----BEGIN CERTIFICATE-----" * (limits.ROOTS + 1)),
    ],
    ids=["empty", "binary", "cut", "junk", "long", "many"],
)
def test_roots_that_are_none(pem: bytes) -> None:
    with pytest.raises(FormatError, match=r"roots\.pem"):
        read_roots(pem, "roots.pem")


def test_no_roots(world: World) -> None:
    with pytest.raises(TokenError, match="no root"):
        verify_token(world.response, HEAD, [])


# -- hostile bytes --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("strictly")
def test_a_token_cut_anywhere(world: World) -> None:
    for length in range(len(world.response)):
        with pytest.raises(FormatError):
            verify_token(world.response[:length], HEAD, world.roots)
    with pytest.raises(FormatError):
        verify_token(world.response + b"\0", HEAD, world.roots)


@pytest.mark.usefixtures("strictly")
@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80, 0xFF])
def test_a_token_with_any_byte_changed(world: World, bits: int) -> None:
    """It is refused; or nothing that it says has changed, and openssl takes it too."""
    sound = read_token(world.response)
    for at in range(len(world.response)):
        changed = bytearray(world.response)
        changed[at] ^= bits
        try:
            trusted = verify_token(bytes(changed), HEAD, world.roots)
        except (FormatError, TokenError):
            continue
        assert trusted.token == sound
        assert verifies(bytes(changed), HEAD, world.root.certificate)


@pytest.mark.usefixtures("strictly")
def test_certificates_with_any_byte_changed(world: World) -> None:
    """A stranger's certificate beside the signer's may be anything; a root may be, too."""
    stranger = world.certificates.issue("Stranger", SIGNER)
    response = world.certificates.reply(request_for(HEAD, NONCE), world.signer, stranger)
    sound, inside, root = read_token(response), stranger.der, world.root.der
    for at in range(len(inside)):
        changed = bytearray(inside)
        changed[at] ^= 0xFF
        with suppress(FormatError):
            trusted = verify_token(response.replace(inside, bytes(changed)), HEAD, world.roots)
            assert dataclasses.replace(trusted.token, certificates=()) == dataclasses.replace(sound, certificates=())
        changed = bytearray(root)
        changed[at % len(changed)] ^= 0x10
        with suppress(FormatError, TokenError):
            verify_token(response, HEAD, [bytes(changed)])


@pytest.mark.usefixtures("strictly")
def test_bytes_that_are_no_token(world: World) -> None:
    nested = b""
    for _ in range(3000):
        nested = der.sequence(nested)
    for data in (
        *(b"", b"\0", b"0", b"\x30\x80", b"<html>no</html>", b"\xff" * 100, nested, bytes(limits.TOKEN_BYTES + 1)),
        *(der.sequence(), der.sequence(der.sequence(der.integer(0))), granted(der.sequence(bytes(300)))),
    ):
        with pytest.raises(FormatError):
            read_token(data)
    many = [world.certificates.issue("Stranger", SIGNER)] * limits.TOKEN_CERTIFICATES
    with pytest.raises(FormatError, match="over 16"):
        read_token(world.certificates.reply(request_for(HEAD, NONCE), world.signer, *many))
