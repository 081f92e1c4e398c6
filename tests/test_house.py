"""The laws of the house: who may import whom, and how large a room may be."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = "airflow_provider_codat"
PACKAGE = ROOT / NAME
if not PACKAGE.is_dir():
    pytest.skip("the sources are not here", allow_module_level=True)

MOST_MODULES = 15


def dotted(path: Path) -> str:
    """Return the name of a module, or of the package that a folder is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}
FOLDERS = sorted({path.parent for path in MODULES.values()})


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that one imports, for its types alone, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative path"
            names = [f"{node.module}.{each.name}" for each in node.names]
            yield from (n if n in MODULES else str(node.module) for n in names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


IMPORTS = {
    module: {name for name in imported(path) if name in MODULES and name != module}
    for module, path in MODULES.items()
}


def rooms_of(folder: Path) -> Mapping[str, set[str]]:
    """Return what is in a folder, and what each of it imports of its neighbours."""
    prefix = dotted(folder) + "."

    def rooms(modules: Iterable[str]) -> set[str]:
        inside = (each for each in modules if each.startswith(prefix))
        return {each.removeprefix(prefix).split(".")[0] for each in inside}

    found: dict[str, set[str]] = {}
    for module, names in IMPORTS.items():
        for room in rooms([module]):
            found[room] = found.get(room, set()) | (rooms(names) - {room})
    return found


def circle(graph: Mapping[str, set[str]]) -> str:
    """Return a circle of a graph in words; nothing where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def test_no_module_imports_itself_by_way_of_others() -> None:
    """No imports close a circle, those for type checkers included."""
    assert circle(IMPORTS) == ""


@pytest.mark.parametrize("folder", FOLDERS, ids=dotted)
def test_folders_look_down_only(folder: Path) -> None:
    """In no folder do the modules and packages import each other in a circle."""
    assert circle(rooms_of(folder)) == ""


def imports_of(node: ast.stmt) -> list[ast.alias]:
    """Return what one statement imports, for type checkers alone, too."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return node.names
    if isinstance(node, ast.If):
        return [name for each in node.body for name in imports_of(each)]
    return []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_begins_with_its_imports(module: str) -> None:
    """Imports come first, those for type checkers last, and bind no name twice."""
    body = ast.parse(MODULES[module].read_text(encoding="utf-8")).body
    body = body[ast.get_docstring(ast.Module(body, [])) is not None :]
    kinds = [2 if not imports_of(n) else isinstance(n, ast.If) for n in body]
    assert kinds == sorted(kinds)
    names = [a.asname or a.name for node in body for a in imports_of(node)]
    assigned = [
        each for node in body if isinstance(node, ast.Assign) for each in node.targets
    ]
    names += [each.id for each in assigned if isinstance(each, ast.Name)]
    assert sorted(names) == sorted(set(names))


def test_a_circle_is_found() -> None:
    """The search for circles finds one where there is one."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}).count("->") == 3
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == ""


@pytest.mark.parametrize("folder", FOLDERS, ids=dotted)
def test_a_folder_can_be_taken_in(folder: Path) -> None:
    """No folder has more modules than a reader takes in."""
    modules = [each for each in folder.glob("*.py") if each.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, sorted(each.name for each in modules)


@pytest.mark.parametrize("folder", FOLDERS, ids=dotted)
def test_a_package_says_what_it_knows(folder: Path) -> None:
    """Each package's docstring tells a newcomer what to look for in it."""
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    assert folder == PACKAGE or ast.get_docstring(ast.parse(text))
