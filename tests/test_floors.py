"""The order of the house: every module stands on a floor, and imports only go down."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the ground up: a module, or a folder of them, may import what stands on its floor or below.
FLOORS: list[tuple[str, set[str]]] = [
    (
        "settings and wishes",
        {
            *("settings", "checks", "memory", "metrics", "logs", "untranslated", "languages"),
            *("wishes", "presets", "examples", "users", "keyboards", "texts"),
        },
    ),
    (
        "store and models",
        {
            *(
                "store",
                "telegram_api",
                "decoding",
                "deblocking",
                "heif",
                "encoding",
                "engines",
                "inference",
                "weights",
            ),
            *("model_nst", "model_cyclegan", "model_people", "detail", "dabs", "guided"),
            *("image_processing", "parts", "sketching", "moving_pictures", "sheet", "lettering"),
            *("command_line", "command_arguments"),
        },
    ),
    ("jobs", {"jobs"}),
    ("handlers", {"handlers"}),
    ("bot", {"bot"}),
]
# None of the others imports them, but for the bot, which starts the chat page.
OUTSIDE = {"local_chat", "tools", "benchmarks", "tests"}

FLOOR_OF = {name: floor for floor, (_, names) in enumerate(FLOORS) for name in names}


def modules() -> dict[str, Path]:
    """Our own modules by their full names, a package by the name of its folder."""
    folders = {path.parent for path in ROOT.glob("*/*.py")} - {ROOT / name for name in OUTSIDE}
    paths = [*ROOT.glob("*.py"), *(path for folder in folders for path in folder.glob("*.py"))]
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def imports(nodes: Iterator[ast.AST]) -> set[str]:
    """Full names of what is imported, of `from package import name` also `package.name`."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_every_module_has_a_floor() -> None:
    homeless = {name.partition(".")[0] for name in modules()} - FLOOR_OF.keys()
    assert not homeless, f"put them into FLOORS or OUTSIDE: {homeless}"


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_only_go_down(name: str) -> None:
    own_floor = FLOOR_OF[name.partition(".")[0]]
    for imported in imports(ast.walk(ast.parse(modules()[name].read_text("utf-8")))):
        top = imported.partition(".")[0]
        if top == "local_chat":
            assert name == "bot", f"{name} imports {imported}: only bot.py starts the local chat"
        assert top not in OUTSIDE - {"local_chat"}, f"{name} imports {imported}, which is a tool"
        assert FLOOR_OF.get(top, 0) <= own_floor, (
            f"{name} (floor of {FLOORS[own_floor][0]}) imports {imported} (floor of "
            f"{FLOORS[FLOOR_OF[top]][0]}). Put what both need on the lower floor, or move the "
            f"code that needs {imported} up to the floor of {FLOORS[FLOOR_OF[top]][0]}."
        )


def test_no_modules_import_one_another() -> None:
    """Where they are loaded: an import within a function waits until all are."""
    ours = modules()
    graph = {
        name: imports(iter(ast.parse(path.read_text("utf-8")).body)) & ours.keys() - {name}
        for name, path in ours.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_local_chat_knows_nothing_of_the_bot() -> None:
    for path in (ROOT / "local_chat").rglob("*.py"):
        for imported in imports(ast.walk(ast.parse(path.read_text("utf-8")))):
            assert imported.partition(".")[0] not in FLOOR_OF, f"{path.name} imports {imported}"


@pytest.mark.parametrize("name", ["texts", "keyboards", "users", "handlers"])
def test_words_stand_below_networks(name: str) -> None:
    """Whoever only talks loads no network."""
    script = f"import sys, {name}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    networks = {"openvino", "torch", "image_processing", "engines", "model_nst", "model_cyclegan"}
    assert name in loaded
    assert not networks.intersection(loaded)


@pytest.mark.parametrize("name", ["texts", "keyboards", "users"])
def test_words_need_no_pictures(name: str) -> None:
    """`decoding` is for those who open pictures."""
    for imported in imports(ast.walk(ast.parse(modules()[name].read_text("utf-8")))):
        assert imported.partition(".")[0] not in ("decoding", "encoding", "PIL", "numpy")


def test_openvino_is_imported_without_its_telemetry() -> None:
    """It would fork the process, and tell a third party."""
    for path in [*ROOT.glob("*.py"), *ROOT.glob("*/*.py")]:
        own = {name.split(".")[0] for name in imports(ast.walk(ast.parse(path.read_bytes())))}
        assert path.name == "inference.py" or "openvino" not in own, path
    program = "import sys, model_nst.openvino_engine, model_people.networks\n"
    program += "print(*(name for name, module in sys.modules.items() if module))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "openvino" in loaded
    assert not [name for name in loaded if "telemetry" in name]
