"""The house rules: imports run one way, commands are documented, no module is nobody's."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What a module may import, by the first folder or module that fits. The foundation may be imported by all.
FOUNDATION = {"notary", "notary.errors", "notary.limits"}
LAYERS = {
    "notary.core": {"notary.core"},
    "notary.wire": set[str](),
    "notary.sqlite": set[str](),
    "notary.edges": {"notary.core", "notary.wire", "notary.sqlite", "notary.edges"},
    "notary.localnet": {"notary.core", "notary.localnet"},
    "notary.registry.core": {"notary.core", "notary.registry.core"},
    "notary.registry.edges": {
        *("notary.core", "notary.wire", "notary.sqlite", "notary.registry.core", "notary.registry.edges"),
    },
}
REGISTRY = {"notary.registry.core", "notary.registry.edges"}
VERBS = {"notary.core", "notary.edges", "notary.localnet", "notary.wire"} | REGISTRY
PURE = {"os", "socket", "time", "random", "secrets", "sqlite3", "subprocess", "requests", "pathlib", "urllib", "shutil"}


def modules(folder: str, package: str) -> dict[str, Path]:
    paths = (ROOT / folder).rglob("*.py")
    return {".".join([package, *path.relative_to(ROOT / folder).with_suffix("").parts]): path for path in paths}


def pure_modules() -> dict[str, Path]:
    """Those of the core, and of the registry's."""
    return modules("notary/core", "notary.core") | modules("notary/registry/core", "notary.registry.core")


def imports(path: Path, package: str) -> set[str]:
    """Everything that a module imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add(f"{package}.{node.module or ''}".rstrip("."))
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def edge_of(module: str) -> str:
    """The edge that a module is, or is a part of: an edge may be a folder."""
    return ".".join(module.split(".")[:3])


def layer(module: str, layers: set[str]) -> str | None:
    return next((one for one in layers if module == one or module.startswith(f"{one}.")), None)


@pytest.mark.parametrize("module", sorted(modules("notary", "notary")))
def test_imports_run_one_way(module: str) -> None:
    path = modules("notary", "notary")[module]
    names = set(modules("notary", "notary"))
    ours = {name for name in imports(path, "notary") if name in names or f"{name}.__init__" in names}
    home = layer(module, set(LAYERS))
    allowed = LAYERS[home] if home else VERBS
    for imported in ours - FOUNDATION:
        if home is None and layer(imported, set(LAYERS)) is None:
            continue  # one verb may build on another
        assert layer(imported, allowed) is not None, f"{module} imports {imported}"
        if home == "notary.edges":
            is_within = edge_of(imported) == edge_of(module)
            assert is_within or layer(imported, {home}) is None, f"the edge {module} imports the edge {imported}"


def test_nothing_imports_the_command_line() -> None:
    for module, path in modules("notary", "notary").items():
        assert layer("notary.cli", {name for name in imports(path, "notary") if "cli" in name}) is None, module


@pytest.mark.parametrize("module", sorted(pure_modules()))
def test_the_core_touches_nothing_outside(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports(pure_modules()[module], "notary.core")}
    assert not tops & PURE, f"{module} imports {tops & PURE}"


def test_the_command_line_reaches_the_outside_through_verbs_only() -> None:
    for module, path in modules("cli", "notary.cli").items():
        assert not [name for name in imports(path, "notary.cli") if name.startswith("notary.localnet")], module


def test_no_verb_goes_round_in_a_circle() -> None:
    names = modules("notary", "notary")
    graph = {module: imports(path, "notary") & set(names) for module, path in names.items()}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " → ".join((*above, module))
        if module not in done:
            for imported in graph[module]:
                visit(imported, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_every_limit_has_its_reason() -> None:
    """Each constant in notary/limits.py is followed by a docstring of its own."""
    body = ast.parse((ROOT / "notary" / "limits.py").read_text()).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign):
            assert isinstance(after, ast.Expr), ast.unparse(node)
            assert isinstance(after.value, ast.Constant), ast.unparse(node)


def test_no_drawer_for_everything() -> None:
    names = {path.stem for folder in ("notary", "cli") for path in (ROOT / folder).rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def test_nothing_committed_names_this_machine() -> None:
    for path in [
        *ROOT.glob("*.*"),
        *(ROOT / "notary").rglob("*"),
        *(ROOT / "cli").rglob("*"),
        *(ROOT / "tests").rglob("*"),
    ]:
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".json"} and path.name != Path(__file__).name:
            assert not re.search(r"/(home|root|work|Users)/[a-z]", path.read_text(errors="replace")), path
