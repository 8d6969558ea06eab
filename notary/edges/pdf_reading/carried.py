"""What a PDF carries: its embedded files, read in the child process."""

from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.errors import LimitReachedError, PdfReadError
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from notary import limits
from notary.edges.pdf_reading.opened import at, parts_of, unicode


def attachments(path: str) -> dict[str, bytes] | str:
    """The contents by name; the fault where they cannot all be had. Raises MemoryError."""
    return parts_of(path, _attachments, limits.ATTACHED_BYTES)


def _attachments(reader: PdfReader) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    room = limits.ATTACHED_BYTES + limits.ATTACHED_BESIDE_BYTES
    for specification in _specifications(reader):
        if len(contents) == limits.ATTACHMENTS:
            raise LimitReachedError(f"over {limits.ATTACHMENTS} attachments")
        name = _name(specification)
        if name in contents:
            raise PdfReadError(f"two attachments are named {name}")
        content = _content(specification, name)
        room -= len(content)
        if len(content) > limits.ATTACHED_BYTES or room < 0:
            raise LimitReachedError(f"the attachment {name} is too large")
        contents[name] = content
    return contents


def _specifications(reader: PdfReader) -> Iterator[Any]:
    """What the names of embedded files stand for, in a tree of which each node is looked at once."""
    seen: dict[int, object] = {}
    waiting: list[Any] = [at(at(reader.root_object, "/Names"), "/EmbeddedFiles")]
    while waiting:
        if len(seen) + len(waiting) > limits.ATTACHMENT_NODES:
            raise LimitReachedError(f"over {limits.ATTACHMENT_NODES} nodes in the tree of attachments")
        reference = waiting.pop()
        node = reference and reference.get_object()
        if id(node) not in seen:
            seen[id(node)] = node  # held, so that no other object gets its id
            names, kids = at(node, "/Names"), at(node, "/Kids")
            if isinstance(names, ArrayObject):
                yield from (one.get_object() for one in names[1::2])
            waiting += kids if isinstance(kids, ArrayObject) else []


def _name(specification: Any) -> str:
    """The name by which readers list it, which need not be that in the tree."""
    stated = at(specification, "/UF") or at(specification, "/F")
    if not stated or not isinstance(stated, str):
        raise PdfReadError("an attachment has no name")
    name = unicode(stated)
    if len(name) > limits.PDF_TEXT:
        raise LimitReachedError(f"an attachment's name of over {limits.PDF_TEXT} characters")
    return name


def _content(specification: Any, name: str) -> bytes:
    """Its bytes. Several that differ would be there for several readers."""
    files = at(specification, "/EF")
    if not isinstance(files, DictionaryObject):
        raise PdfReadError(f"the attachment {name} has no content")
    streams = {id(stream): stream for stream in map(files.__getitem__, files)}
    if len(streams) != 1:
        raise PdfReadError(f"the attachment {name} has {len(streams)} contents")
    (stream,) = streams.values()
    if not isinstance(stream, StreamObject):
        raise PdfReadError(f"the attachment {name} is no stream")
    return stream.get_data()
