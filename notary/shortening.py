"""A script without comments and blanks, and with short names: the same program in half the bytes.

tree-sitter says what is what. Variables are renamed, one name for one name throughout, as far as each of their uses is
declared in the script by the language's rules of scope; members never are, since they may be anybody's. A script that
asks for the names of its own functions, or evaluates text, is not the same any more.
"""

from __future__ import annotations

import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = {
    *("function_declaration", "function_expression", "arrow_function", "method_definition"),
    *("generator_function_declaration", "generator_function"),
}
_SCOPES = _FUNCTIONS | {
    *("program", "statement_block", "for_statement", "for_in_statement", "switch_body", "catch_clause"),
    *("class_declaration", "class"),
}
_DECLARED_AROUND = {"function_declaration", "generator_function_declaration", "class_declaration"}
_NAMED_INSIDE = {"function_expression", "generator_function", "class"}
_SHORTHANDS = {"shorthand_property_identifier", "shorthand_property_identifier_pattern"}
_VARIABLES = _SHORTHANDS | {"identifier"}
_ENDED = {
    *("lexical_declaration", "expression_statement", "return_statement", "throw_statement"),
    *("break_statement", "continue_statement", "do_statement"),
}
_UNFIT = {"variable_declaration", "with_statement", "import_statement", "export_statement"}

_AS_ONE = re.compile(r"[\w$\\/][\w$\\]|\d\.|\+\+|--|//|/\*|<!")  # what looks like flags behind a pattern too
_CLOSING = ("}", "]", ")")
_FIRST = string.ascii_letters + "$_"
_KEYWORDS = {"as", "do", "for", "get", "if", "in", "let", "new", "of", "set", "try", "var"}
"""Those of up to three letters: no name has more."""


def shorten(script: str) -> str:
    """The same program, a line for each statement at its top.

    Raises ValueError where it is no script, or has what this does not know: `var`, whose scope is another, modules, and
    statements and fields without their semicolons.
    """
    import tree_sitter_javascript
    from tree_sitter import Language, Parser

    root = Parser(Language(tree_sitter_javascript.language())).parse(script.encode()).root_node
    if root.has_error:
        raise ValueError("this is no script")
    names = short_names(root)
    lines = ("".join(_joined(_pieces(statement, names))) for statement in root.children)
    return "".join(f"{line}\n" for line in lines if line)


def short_names(root: Node) -> dict[str, str]:
    """Short names for those that the script declares, the shortest for the most used; none for what is not its own."""
    nodes = list(_all(root))
    if unfit := next(filter(_is_unfit, nodes), None):
        raise ValueError(f"this cannot be shortened: {_text(unfit)[:60]}")
    declared: defaultdict[int, set[str]] = defaultdict(set)
    for scope, name in (found for node in nodes for found in _declarations(node)):
        declared[scope.id].add(_text(name))
    uses = [node for node in nodes if node.type in _VARIABLES]
    free = {_text(node) for node in uses if not _is_declared(node, declared)}
    own = Counter(name for name in map(_text, uses) if name not in free)
    usual = sorted(own, key=lambda name: (-own[name], name))
    return dict(zip(usual, _short(free | _KEYWORDS), strict=False))


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _is_unfit(node: Node) -> bool:
    if node.type == "field_definition":
        return node.next_sibling is None or node.next_sibling.type != ";"
    if node.type == "empty_statement":  # but in the head of a `for`
        return node.next_sibling is None or node.parent is None or node.parent.type != "for_statement"
    return node.type in _UNFIT or (node.type in _ENDED and node.children[-1].type != ";")


def _declarations(node: Node) -> Iterator[tuple[Node, Node]]:
    """The names that it declares, each with the scope in which it does."""
    field = node.child_by_field_name
    if node.type == "variable_declarator":
        yield from ((_scope(node), name) for name in _names(field("name")))
    elif node.type == "for_in_statement" and field("kind"):
        yield from ((node, name) for name in _names(field("left")))
    elif node.type == "catch_clause":
        yield from ((node, name) for name in _names(field("parameter")))
    elif node.type in _FUNCTIONS:
        yield from ((node, name) for name in _names(field("parameters") or field("parameter")))
    if node.type in _DECLARED_AROUND:
        yield from ((_scope(node), name) for name in _names(field("name")))
    elif node.type in _NAMED_INSIDE:
        yield from ((node, name) for name in _names(field("name")))


def _scope(node: Node) -> Node:
    """The scope around it."""
    around = node.parent
    while around is not None and around.type not in _SCOPES:
        around = around.parent
    if around is None:
        raise ValueError("this stands in no script")
    return around


def _names(pattern: Node | None) -> Iterator[Node]:
    """The names in a pattern: of a declaration, or of parameters."""
    if pattern is None:
        return
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        yield pattern
    elif pattern.type in ("assignment_pattern", "object_assignment_pattern"):
        yield from _names(pattern.child_by_field_name("left"))
    elif pattern.type == "pair_pattern":
        yield from _names(pattern.child_by_field_name("value"))
    elif pattern.type in ("object_pattern", "array_pattern", "rest_pattern", "formal_parameters"):
        for part in pattern.named_children:
            yield from _names(part)
    elif pattern.type != "comment":
        raise ValueError(f"this is no pattern that is known: {_text(pattern)[:60]}")


def _is_declared(name: Node, declared: Mapping[int, set[str]]) -> bool:
    text, around = _text(name), name.parent
    while around is not None and text not in declared.get(around.id, ()):
        around = around.parent
    return around is not None


def _short(kept: set[str]) -> Iterator[str]:
    sizes = (product(_FIRST, *[string.ascii_letters + string.digits] * more) for more in range(3))
    return (name for size in sizes for name in map("".join, size) if name not in kept)


def _pieces(node: Node, names: Mapping[str, str]) -> Iterator[str]:
    """What it is written as, piece by piece; those of templates stand together as they are."""
    text = _text(node)
    if node.type == "comment":
        return
    if node.type == "template_string":
        yield _template(node, names)
    elif node.type in _SHORTHANDS and text in names:
        yield from (text, ":", names[text])
    elif node.type == "identifier":
        yield names.get(text, text)
    elif node.type in ("string", "regex") or not node.children:
        yield text
    else:
        for child in node.children:
            yield from _pieces(child, names)


def _template(node: Node, names: Mapping[str, str]) -> str:
    whole, at, parts = node.text or b"", 0, []
    for child in node.children:
        if child.type == "template_substitution":
            begin, end = child.start_byte - node.start_byte, child.end_byte - node.start_byte
            parts += [whole[at:begin].decode(), "".join(_joined(_pieces(child, names)))]
            at = end
    return "".join((*parts, whole[at:].decode()))


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, with blanks where two would be read as one, and without marks that separate nothing."""
    before = written = ""
    for piece in pieces:
        is_last = before == ";" and piece == "}"
        is_last |= before == "," and piece in _CLOSING and written not in ("[", ",")
        if not is_last:
            yield before
            written = before
        if _AS_ONE.fullmatch(before[-1:] + piece[:1]):
            yield " "
        before = piece
    yield before
