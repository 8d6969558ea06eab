"""The verdict on a claim's certificate: that on the claim inside, and how the paper compares with it. Pure.

Two checks come after those of claims; what is printed proves nothing, so neither can make a verdict better:

15. *The certificate's data.* They are what the claim gives, but for what no claim can bear out: the time of issue,
    party and matter, whose key it is, which witnesses are asked for, and how the block was confirmed.
16. *The certificate's pages.* They are what the data give, typeset again.
"""

from dataclasses import dataclass, replace

from notary.core.check import Check, Status, failed
from notary.core.facts import CertificateFacts
from notary.core.paper import compare_data, compare_pages
from notary.core.verdict import Outcome
from notary.registry.core.claim_verdict import ClaimVerdict

DATA, PAGES = 15, 16
_ISSUERS_WORD = "time of issue, party, matter, whose key it is, whose witnesses count and how the block was confirmed"
_NAMES = {DATA: "certificate's data", PAGES: "certificate's pages"}


class CertificateCheck(Check):
    """One of the two, with its own name."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return _NAMES[self.number]


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """The verdict on a claim, and the two checks of the certificate that it came in. There are none where it came
    alone, or failed: then there is nothing to compare with."""

    inside: ClaimVerdict
    papers: tuple[CertificateCheck, ...] = ()

    @property
    def fault(self) -> CertificateCheck | None:
        """The first of the two that failed."""
        return next((one for one in self.papers if one.status is Status.FAILED), None)

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict on claim and certificate."""
        return replace(self.inside, outcome=Outcome.FAILED, asserted_by=None) if self.fault else self.inside

    @property
    def checks(self) -> tuple[Check, ...]:
        return (*self.inside.checks, *self.papers)


def judge_certificate(inside: ClaimVerdict, compared: CertificateFacts | None) -> CheckedClaim:
    """The verdict on a certificate with this claim inside; `compared` is None where the claim failed."""
    if compared is None:
        return CheckedClaim(inside)
    data = compare_data(DATA, "the claim", compared, inside.block, None, _ISSUERS_WORD)
    network = inside.policy.network.name
    if inside.block and compared.network not in (None, network):
        data = failed(DATA, f"the network {network}, which has the block", f"the network {compared.network}")
    checks = (data, compare_pages(PAGES, compared))
    papers = tuple(CertificateCheck(one.number, one.status, one.expected, one.found) for one in checks)
    return CheckedClaim(inside, papers)
