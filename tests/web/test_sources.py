"""The web verifier's sources: their types, their limits, and that the page holds the same program."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from notary import limits, webpage
from tests.conftest import REQUIRES_PARTIES, ROOT
from tests.web.browser import chromium
from tests.web.conftest import Node

SOURCES = ROOT / "notary" / "web"

TYPES = {
    "compilerOptions": {
        **dict.fromkeys(("allowJs", "checkJs", "noEmit", "strict"), True),
        **{"target": "es2022", "module": "es2022", "lib": ["es2022", "dom", "dom.iterable"], "types": []},
    },
    "files": [str(SOURCES / name) for name in ("page.js", "worker.js")],
}


def test_types_fit(tmp_path: Path) -> None:
    """By TypeScript, which Debian has as node-typescript; releases 4.8 and 7.0 were tried."""
    program = shutil.which("tsc")
    if program is None and not REQUIRES_PARTIES:
        pytest.skip("needs tsc: Debian's node-typescript")
    assert program is not None, "NOTARY_REQUIRE_PARTIES is set, and there is no tsc"
    (tmp_path / "tsconfig.json").write_text(json.dumps(TYPES))
    checked = subprocess.run([program, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


SYNTAX_TREES = """
  const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
  const { readFileSync } = require("node:fs");
  const tree = (path) => parse(readFileSync(path, "utf8"), { ecmaVersion: "latest" });
  const [one, other] = process.argv.slice(1).map(tree);
  const [given, taken] = [new Map(), new Map()];
  let nodes = 0;
  const renamed = (from, to) => {
    if (!given.has(from) && !taken.has(to)) given.set(from, to), taken.set(to, from);
    return given.get(from) === to && taken.get(to) === from;
  };
  const inOne = (list) => list.reduce((all, node) => {
    const last = all[all.length - 1];
    const isMore = [node, last].every((each) => each?.type === "VariableDeclaration");
    if (isMore) last.declarations.push(...node.declarations);
    else all.push(node);
    return all;
  }, []);
  const same = (a, b) => {
    if (typeof a !== "object" || !a || !b || a instanceof RegExp) return String(a) === String(b);
    if (Array.isArray(a)) {
      const [x, y] = [inOne(a), inOne(b)];
      return x.length === y.length && x.every((node, at) => same(node, y[at]));
    }
    if (a.type !== b.type) return false;
    nodes++;
    if (a.type === "Identifier") return renamed(a.name, b.name);
    const isLet = a.type === "VariableDeclaration";
    const keys = Object.keys(a).filter((key) => !["start", "end"].includes(key) && !(isLet && key === "kind"));
    const left = Object.keys(b).length - ("start" in b ? 2 : 0) - Number(isLet);
    return keys.length === left && keys.every((key) => same(a[key], b[key]));
  };
  console.log(same(one, other) && nodes > 10_000);
"""


@pytest.mark.parametrize("spoilt", [False, True])
def test_without_comments_and_blanks_it_is_the_same_program(node_program: str, tmp_path: Path, spoilt: bool) -> None:
    """By syntax trees, from the parser that Node has in it: what takes blanks out may stumble over templates.

    Each name stands for one name and always the same, members' too; constants are declared as variables are, those in a
    row as one.
    """
    script = webpage.joined_script()
    (tmp_path / "joined.js").write_text(script)
    if spoilt:
        script = script.replace("commas(", "comma(", 1)
    (tmp_path / "spare.js").write_text(webpage.spare_script(script))
    paths = (tmp_path / name for name in ("joined.js", "spare.js"))
    answer = subprocess.run(
        [node_program, "--expose-internals", "-e", SYNTAX_TREES, *paths], capture_output=True, text=True, check=True
    )
    assert answer.stdout == f"{json.dumps(not spoilt)}\n"
    assert webpage.spare_script(webpage.joined_script()) in webpage.web_page().decode()


OF_BROWSERS = """(names) => {
  const things = Object.getOwnPropertyNames(globalThis).filter((name) => !name.endsWith("Storage"))
    .map((name) => globalThis[name]);
  const members = new Set(things.flatMap((one) => [one, one?.prototype]).flatMap((one) => (
    one && ["object", "function"].includes(typeof one) ? Object.getOwnPropertyNames(one) : []
  )));
  const isOurs = new Set(["isSealed"]);
  return names.filter((name) => /^[a-z]+[A-Z]/.test(name) && members.has(name) && !isOurs.has(name));
}"""
"""Names in camel case that get short ones also as members, though objects of browsers have such members."""


def test_no_name_hides_one_that_browsers_have() -> None:
    """All modules stand in one scope, of which each should notice nothing."""
    top = re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", webpage.joined_script(), re.MULTILINE)
    assert len(top) > 200
    assert len(set(top)) == len(top)
    own = webpage.short_names(webpage.joined_script())
    assert len(own) > 200
    with chromium() as browser:
        page = browser.new_page()
        for names in (top, [*own], [*own.values()]):
            assert page.evaluate("(names) => names.filter((name) => name in globalThis)", names) == []
        assert page.evaluate(OF_BROWSERS, [*own]) == []


def test_limits_are_those_of_notary(node: Node) -> None:
    found = node({"core": "limits"})["value"]
    assert len(found) > 20
    other = {"itemsListed": "EXHIBITS_LISTED"}
    for name, value in found.items():
        assert getattr(limits, other.get(name, re.sub("[A-Z]", r"_\g<0>", name).upper())) == value, name
