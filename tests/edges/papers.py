"""A certificate's and a report's data, as the verbs hand them to the typesetter."""

import hashlib
from typing import Any

NAMES = (
    "Lab notebook 14/2026-03-02 synthesis of compound 7b.pdf",
    "drawings/fig-3_rev-C_final-FINAL_signed.dwg",
    "Correspondence/2026-01-19 Roe to Doe re licence terms.eml",
)
NOT_PROVEN = ["who wrote, owns or invented anything;", "that the content is true or new."]


def digest(seed: object) -> str:
    return hashlib.sha256(str(seed).encode()).hexdigest()


def exhibit(index: int, name: str | None) -> dict[str, Any]:
    return {
        "index": index,
        "label": f"Ex. {index + 1}",
        "bates": f"ACME{index * 7 + 1:04d} - ACME{index * 7 + 7:04d}",
        "name": name,
        "name_is_bytes": False,
        "size": 1234,
        "type": "application/pdf",
        "sha256": digest(index),
        "declared": [["modified", "2026-01-02T03:04:05Z"], ["custodian", "J. Roe"]],
    }


def certificate(count: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "format": "notary-certificate/v1",
        "number": "9F3A-1C20-77BE-0D41",
        "issued_at": "2026-11-21T14:00:00Z",
        "issued_basis": "issue",
        "software": "notary 0.4.0",
        "matter": "Acme v. Zenith",
        "title": "Laboratory notebooks",
        "party": {"name": "Jane Roe", "role": "paralegal, Roe LLP"},
        "outcome": "verified",
        "network": "bitcoin",
        "test_network": False,
        "stamp": None,
        "statement": f"These {count} files existed, byte for byte, no later than 21 November 2026 (UTC).",
        "grounds": ["Bitcoin block 912,345 holds a commitment to these files."],
        "disclosure": "files",
        "items": {"shown": count, "of": count, "bytes": 1234 * count},
        "exhibits": [exhibit(index, NAMES[index % len(NAMES)]) for index in range(count)],
        "exhibits_csv": {"name": "exhibits.csv", "sha256": digest("csv")},
        "commitment": {
            "root": digest("root"),
            "size": count,
            "head": digest("head"),
            "seal": digest("seal"),
            "declared_at": "2026-11-21T06:30:00Z",
            "tool": "notary 0.4.0",
            "manifest": digest("manifest"),
        },
        "calendars": ["https://a.pool.opentimestamps.org"],
        "attestations": [
            {
                "chain": "Bitcoin",
                "height": 912345,
                "merkle_root": digest("merkle root"),
                "block_hash": digest("block"),
                "block_time": "2026-11-21T09:12:44Z",
                "existed_by": "2026-11-21",
                "confirmations": 12,
                "source": "bundle headers, linked to checkpoint 911,231",
                "trust": "checkpoint",
                "trust_meaning": "linked to a checkpoint in this release",
                "decisive": True,
            }
        ],
        "qr": f"bitcoin block 912345 {digest('block')}",
        "pdf_facts": [
            {
                "index": 0,
                "name": NAMES[0],
                "pages": 12,
                "title": "Untitled (scan)",
                "author": "Scanner",
                "created": "2026-03-03T08:00:00Z",
                "signatures": 0,
                "fault": None,
            }
        ],
        "bundle": {"name": "acme.zip", "sha256": digest("zip"), "size": 3456, "attached": True},
        "how_to_check": {
            "with": ["notary verify certificate.pdf"],
            "without": [{"what": "Compute the digests of the files.", "command": f"grep {digest('zip')} SUMS"}],
        },
        "not_proven": NOT_PROVEN,
        "declaration": None,
        **changes,
    }


def declaration() -> dict[str, Any]:
    return {
        "kind": "frcp902-14",
        "heading": "DRAFT - Declaration of a qualified person",
        "authority": "Fed. R. Evid. 902(14)",
        "notice": "DRAFT. Not legal advice.",
        "paragraphs": [f"{number}. My name is {'_' * 30}." for number in range(1, 41)],
        "fields": [
            {"name": "court", "label": "Court", "value": None},
            {"name": "declarant_name", "label": "Name of the qualified person", "value": None},
        ],
        "forms": [{"title": "Executed within the United States", "text": f"Executed on {'_' * 12}."}],
        "signature_lines": ["Signature", "Date"],
    }


def report(count: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "verdict": "failed",
        "target": "acme.zip",
        "network": "bitcoin",
        "test_network": False,
        "trust": "checkpoint",
        "trust_meaning": "linked to a checkpoint in this release",
        "required_trust": "checkpoint",
        "existed_by": None,
        "sentences": ["acme.zip: a file is not what was stamped.", f"Expected: {digest('expected')}"],
        "attestation": {
            "network": "bitcoin",
            "height": 912345,
            "block_hash": digest("block"),
            "block_time": 1795252364,
            "source": "bundle headers",
        },
        "tried": ["node: not configured"],
        "checks": [
            {"number": 4, "name": "files", "status": "failed", "expected": digest("expected"), "found": digest("found")}
        ],
        "items": {"disclosed": count, "of": 412, "matched": count - 1, "failed": 1},
        "made_at": "2026-11-21T14:00:00Z",
        "software": "notary 0.4.0",
        "inputs": [
            {"name": "acme.zip", "kind": "target", "size": 3456, "sha256": digest("zip")},
            {"name": "records", "kind": "evidence", "size": None, "sha256": None},
        ],
        "offline": True,
        "header_source": None,
        "confirmations": 12,
        "not_proven": NOT_PROVEN,
        "declared": {"title": "Laboratory notebooks", "declared_at": "2026-11-21T06:30:00Z", "tool": "notary 0.4.0"},
        "banner": None,
        "items_listed": [
            {"index": index, "name": NAMES[index % 3], "sha256": digest(index), "status": "differs"}
            for index in range(count)
        ],
        **changes,
    }
