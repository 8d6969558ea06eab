"""What the pages of a PDF show, read in the child process: their text, and a digest of all that draws on them."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from notary import limits
from notary.edges.pdf_reading.opened import at, parts_of, unicode

# How a stream is packed is no part of what it holds, but for filters that pypdf does not undo, such as a picture's.
_PACKING = frozenset({"/Length", "/Filter", "/DecodeParms"})
_UNDONE = frozenset({"/FlateDecode", "/LZWDecode", "/RunLengthDecode", "/ASCIIHexDecode", "/ASCII85Decode"})

_RING = sha256(b"what stands above").digest()
"""For an object inside itself. Pages of ours have none, so that one with a ring never has the digest of one of ours."""


def page_texts(path: str) -> dict[str, bytes] | str:
    """Each page's text as UTF-8, by its number; the fault where they cannot all be had. Raises MemoryError."""
    return parts_of(path, _page_texts, limits.PDF_PAGE_STREAM_BYTES)


def page_marks(path: str) -> dict[str, bytes] | str:
    """Each page's digest, and in 4 bytes after it how many annotations are more than bare links. Likewise."""
    return parts_of(path, _page_marks, limits.PDF_PAGE_STREAM_BYTES)


def _page_texts(reader: PdfReader) -> dict[str, bytes]:
    texts: dict[str, bytes] = {}
    room = limits.PDF_PAGES_TEXT_BYTES
    for number, page in _pages(reader):
        text = unicode(page.extract_text()).encode()
        room -= len(text)
        if room < 0:
            raise LimitReachedError(f"over {limits.PDF_PAGES_TEXT_BYTES:,} bytes of text")
        texts[number] = text
    return texts


def _page_marks(reader: PdfReader) -> dict[str, bytes]:
    known: dict[tuple[int, int], bytes] = {}
    return {number: _drawn(page, known) + _annotations(page).to_bytes(4) for number, page in _pages(reader)}


def _pages(reader: PdfReader) -> Iterator[tuple[str, PageObject]]:
    if len(reader.pages) > limits.PDF_PAGES:
        raise LimitReachedError(f"over {limits.PDF_PAGES} pages")
    return ((str(number), page) for number, page in enumerate(reader.pages, start=1))


def _drawn(page: PageObject, known: dict[tuple[int, int], bytes]) -> bytes:
    """The digest of a page with all that it refers to, such as its fonts, but the page tree and its annotations."""
    own = {key: page.raw_get(key) for key in page if key not in ("/Parent", "/Annots")}
    return _digest(DictionaryObject(own), known)


def _digest(node: Any, known: dict[tuple[int, int], bytes]) -> bytes:
    """The SHA-256 of an object, by those of its members, whatever number it has and wherever it stands in the file."""
    match node:
        case IndirectObject():
            number = (node.idnum, node.generation)
            if number not in known:
                known[number] = _RING
                known[number] = _digest(node.get_object(), known)
            return known[number]
        case DictionaryObject():
            head, keys = b"dictionary", set(node)
            if isinstance(node, StreamObject):
                head = b"stream" + sha256(node.get_data()).digest()
                filters = at(node, "/Filter")
                if set(filters if isinstance(filters, ArrayObject) else [filters]) <= _UNDONE | {None}:
                    keys -= _PACKING
            members = [member for key in sorted(keys) for member in (key, node.raw_get(key))]
        case ArrayObject():
            head, members = b"array", list(node)
        case _:
            head, members = f"{type(node).__name__} {node!r}".encode(errors="surrogatepass"), []
    return sha256(head + b"".join(_digest(member, known) for member in members)).digest()


def _annotations(page: PageObject) -> int:
    """How many annotations may draw something: all but links without an appearance and without a border."""
    annotations = at(page, "/Annots")
    if not isinstance(annotations, ArrayObject):
        return 0
    return sum(not _is_bare_link(one.get_object()) for one in annotations)


def _is_bare_link(annotation: Any) -> bool:
    has_style = at(annotation, "/AP") is not None or at(annotation, "/BS") is not None
    return not has_style and at(annotation, "/Subtype") == "/Link" and at(annotation, "/Border") == [0, 0, 0]
