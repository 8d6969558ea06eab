"""shortening: the same program by the syntax trees of another parser, and by what Node prints of it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from notary import webpage
from notary.shortening import shorten

SYNTAX_TREES = """
  const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
  const { readFileSync } = require("node:fs");
  const tree = (path) => parse(readFileSync(path, "utf8"), { ecmaVersion: "latest" });
  const [one, other] = process.argv.slice(1).map(tree);
  const [given, taken] = [new Map(), new Map()];
  const renamed = (from, to) => {
    if (!given.has(from) && !taken.has(to)) given.set(from, to), taken.set(to, from);
    return given.get(from) === to && taken.get(to) === from;
  };
  const MEMBERS = { Property: "key", MethodDefinition: "key", PropertyDefinition: "key", MemberExpression: "property" };
  const same = (a, b) => {
    if (typeof a !== "object" || !a || !b || a instanceof RegExp) return String(a) === String(b);
    if (Array.isArray(a)) return a.length === b.length && a.every((node, at) => same(node, b[at]));
    if (a.type === "Identifier" && b.type === a.type) return renamed(a.name, b.name);
    const isOwn = (key) => !["start", "end", "shorthand"].includes(key);
    const [keys, others] = [a, b].map((node) => Object.keys(node).filter(isOwn));
    const isMember = (key) => key === MEMBERS[a.type] && !a.computed && a[key].type === "Identifier";
    return keys.join() === others.join() && keys.every((key) => (
      isMember(key) ? a[key].name === b[key].name : same(a[key], b[key])
    ));
  };
  console.log(JSON.stringify([same(one, other), [...given].filter(([from, to]) => from !== to).length]));
"""
"""Whether two scripts are one, but for variables, each of which has one name in either; how many have another."""

SCRIPTS = {
    "scopes": """
      const value = 1;
      { const value = 2; console.log(value); }
      for (const value of [3, 4]) console.log(value);
      for (let count = 0; count < 2; count++) { const value = count; console.log(value); }
      console.log(((value) => value + 1)(5), (function value() { return typeof value; })());
      try { throw new Error("x"); } catch (value) { console.log(value.message); }
      class Thing { value = value; static made = new Thing(); get double() { return this.value * 2; } }
      console.log(Thing.made.double, new (class Inner { name = Inner.name.length > 0; })().name);
    """,
    "patterns": """
      const { first, second: [renamed, ...others], third = first } = { first: 1, second: [2, 3, 4] };
      const show = ({ first, deep: { inner = 7 } = {} }, [, last] = [1, 2], ...more) => ({ first, inner, last, more });
      console.log(first, renamed, others, third, JSON.stringify(show({ first: 9 }, undefined, 1, 2)));
      let left, right; ({ left, right = left } = { left: 5 }); [left, right] = [right, left];
      console.log(left, right, { left, ["right"]: right, first });
    """,
    "globals": """
      const local = (name, print) => `${name} ${typeof print}`;
      { const escape = String; console.log(escape(1)); }
      console.log(local("one", 2), typeof escape, typeof name, typeof undeclared, escape("\\u00fc"));
      function usesArguments() { return arguments.length; }
      console.log(usesArguments(1, 2), new Map([["length", 1]]).size);
    """,
    "blanks": """
      const one = 1, two = +one - -one; // a comment
      console.log(one + +two, one - -two, two / one / 2, one+ ++globalThis.count, /a \\/\\/ b/.test("a // b"));
      console.log(`a ${ one /* no text */ } ${`${two}  b`} // c`, "// no comment", 1..toFixed(1), 1 .toFixed(0));
      console.log(typeof one, void 0, one in [1, 2], [1, , 2].length, (() => ({}))(), !(one instanceof Object));
      const later = async () => { for await (const each of [one]) console.log(each); await null; };
      function* counting() { yield* [one, two]; yield one; }
      later(); console.log([...counting()], one < 2 && ! --globalThis.count);
      outer: for (;;) { for (;;) { break outer; } }
      do { globalThis.count++; } while (globalThis.count < 2);
      switch (one) { case 1: { console.log("one"); break; } default: console.log("other"); }
      console.log(/a/ instanceof RegExp, "lastIndex" in /b/g, [/c/u].length, one / two / 3);
      if (one) {} else console.log("none");
      console.log([1, , ].length, [, ].length, [1, 2, ].length, { one, }, ((first, ) => first)(3, ), `${[1, ]}`);
      console.log(one ? two : one, one ?? two, globalThis?.count, one ** 2, 0x10, 1e3, 10n, "\\u2028".length);
    """,
}


Compare = Callable[[str, str], tuple[bool, int]]


@pytest.fixture
def compare(node_program: str, tmp_path: Path) -> Compare:
    def compare(one: str, other: str) -> tuple[bool, int]:
        paths = tmp_path / "one.js", tmp_path / "other.js"
        for path, script in zip(paths, (one, other), strict=True):
            path.write_text(script)
        command = [node_program, "--expose-internals", "-e", SYNTAX_TREES, *paths]
        is_same, renamed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return is_same, renamed

    return compare


def test_the_page_has_the_same_program(compare: Compare) -> None:
    script = webpage.joined_script()
    is_same, renamed = compare(script, shorten(script))
    assert is_same
    assert renamed > 500
    assert shorten(script) in webpage.web_page().decode()
    assert compare(script.replace("commas(", "comma(", 1), shorten(script)) != (True, renamed)


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_trees_and_same_output(compare: Compare, node_program: str, name: str) -> None:
    script = SCRIPTS[name]
    short = shorten(script)
    is_same, renamed = compare(script, short)
    assert is_same
    assert renamed > 2
    assert len(short) < len(script) * 0.8
    printed = [subprocess.run([node_program, "-e", one], capture_output=True, check=True) for one in (script, short)]
    assert printed[0].stdout == printed[1].stdout != b""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("const one = ;", "no script"),
        ("var one = 1;", "cannot be shortened: var one"),
        ("const one = 1", "cannot be shortened: const one"),
        ("const one = () => {\n  return\n  1;\n};", "cannot be shortened: return"),
        ('import { one } from "./two.js";', "cannot be shortened: import"),
        ("with (one) two();", "cannot be shortened: with"),
        ("if (one) ;", "cannot be shortened: ;"),
        ("class One {\n  one = 1\n  two = 2;\n}", "cannot be shortened: one = 1"),
        ("class One {\n  static one = 1\n}", "cannot be shortened: static one"),
    ],
)
def test_what_is_not_known_is_refused(script: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        shorten(script)
