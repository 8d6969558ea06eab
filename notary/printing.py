"""Printing: a certificate's or a report's data → the PDF, with what belongs to it attached."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notary.certificate import DATA_NAME, TABLE_NAME
from notary.edges.typesetting import Attachment, typeset


def print_certificate(
    data: Mapping[str, Any],
    made_at: datetime,
    table: bytes | None,
    bundle: bytes | None,
    *,
    only_own_fonts: bool = False,
) -> bytes:
    """The PDF of a certificate's data, with them and what else belongs to it attached.

    Raises SystemFailureError where it cannot be typeset, or not with Typst's own fonts where no others may be used.
    """
    attachments = [_attached_data(data)]
    if table is not None:
        attachments.append(Attachment(TABLE_NAME, table, "text/csv", "All exhibits"))
    if bundle is not None:
        attachments.append(
            Attachment(data["bundle"]["name"], bundle, "application/zip", "The bundle: what counts", "supplement")
        )
    return typeset("certificate", data, made_at=made_at, attachments=attachments, only_own_fonts=only_own_fonts)


def print_claim_certificate(
    data: Mapping[str, Any], made_at: datetime, claim: bytes | None, *, only_own_fonts: bool = False
) -> bytes:
    """The same of a claim's certificate, with the claim attached."""
    attachments = [_attached_data(data)]
    if claim is not None:
        attachments.append(
            Attachment(data["claim"]["name"], claim, "application/zip", "The claim: what counts", "supplement")
        )
    return typeset("claim-certificate", data, made_at=made_at, attachments=attachments, only_own_fonts=only_own_fonts)


def _attached_data(data: Mapping[str, Any]) -> Attachment:
    what = "What this certificate says, for programs"
    return Attachment(DATA_NAME, written_data(data), "application/json", what, relationship="source")


def written_data(data: Mapping[str, Any]) -> bytes:
    """The certificate's data as they are attached."""
    return json.dumps(data, indent=1, ensure_ascii=True).encode() + b"\n"


def print_report(data: Mapping[str, Any], made_at: datetime) -> bytes:
    """The PDF of a report's data, with them attached."""
    content = json.dumps(data, indent=1).encode() + b"\n"
    attachment = Attachment(
        "report.json", content, "application/json", "What this report says, for programs", relationship="source"
    )
    return typeset("report", data, made_at=made_at, attachments=[attachment])
