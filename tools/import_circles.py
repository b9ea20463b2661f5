"""Looks for modules of a crate that import each other in a circle, and ends with 1 where there are any.

    python3 tools/import_circles.py

A module imports what it names after `use`, `crate::`, `super::` or `self::`, followed through `pub use` to the module that has it. The crate's
root is no part of a circle, for it declares all modules; tests are left out.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATH = re.compile(r"\b(crate|super|self)((?:::super)*)((?:::\w+)*)(?:::\{([^{}]*)\})?")
REEXPORT = re.compile(r"pub(?:\([^)]*\))? use (?:self::)?([a-z_0-9]+(?:::[a-z_0-9]+)*)::(\{[^}]*\}|\w+);")


def without_tests(text: str) -> str:
    """The text without comments, and up to the module of tests."""
    text = re.sub(r"//.*|pub\((?:super|crate)\)", "", text)
    return re.split(r"^#\[cfg\((?:all\()?test\b[^\n]*\n(?:#.*\n)*mod \w+ \{", text, flags=re.MULTILINE)[0]


def modules(source: Path) -> dict[tuple[str, ...], str]:
    """The modules of a crate by their paths; `()` is its root."""
    found = {}
    for file in sorted(source.rglob("*.rs")):
        path = file.relative_to(source).with_suffix("").parts
        if path[-1] != "tests" and "twins" not in path:
            path = path[:-1] if path[-1] in ("mod", "lib", "main") else path
            found[path] = without_tests(file.read_text())
    return found


class Crate:
    """A crate's modules and what they export of each other."""

    def __init__(self, source: Path):
        self.modules = modules(source)
        self.exports: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
        for path, text in self.modules.items():
            named = self.exports.setdefault(path, {})
            for where, names in REEXPORT.findall(text):
                for name in names.strip("{}").split(","):
                    named[name.split(" as ")[-1].strip()] = tuple(where.split("::"))

    def module_of(self, base: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
        """The module that `names` leads to from the module `base`."""
        for place, name in enumerate(names):
            if (*base, name) in self.modules:
                base = (*base, name)
            elif name in self.exports.get(base, {}):
                return self.module_of(base, self.exports[base][name] + names[place:])
            else:
                break
        return base

    def imports(self, path: tuple[str, ...]) -> set[tuple[str, ...]]:
        """The modules that one names."""
        found = set()
        for head, ups, names, group in PATH.findall(self.modules[path]):
            up = (head == "super") + ups.count("super")
            base = () if head == "crate" else path[: len(path) - up]
            first = tuple(name for name in names.split("::") if name)
            for last in group.split(",") if group else [""]:
                more = tuple(name for name in last.split(" as ")[0].strip().split("::") if name)
                found.add(self.module_of(base, first + more))
        return found - {(), path}

    def circles(self) -> list[list[str]]:
        """The modules of each circle."""
        graph = {path: self.imports(path) for path in self.modules if path}
        reach = {path: self.reached(graph, path) for path in graph}
        circles = {frozenset(other for other in reach[path] if path in reach[other]) for path in graph if path in reach[path]}
        return [sorted("::".join(path) for path in circle) for circle in circles]

    @staticmethod
    def reached(graph: dict, start: tuple[str, ...]) -> set[tuple[str, ...]]:
        """All that is imported from `start` on."""
        seen, todo = set(), list(graph[start])
        while todo:
            path = todo.pop()
            if path not in seen:
                seen.add(path)
                todo += graph.get(path, ())
        return seen


def main() -> int:
    sources = [*sorted(ROOT.glob("crates/*/src")), ROOT / "shaders/src"]
    found = [(source.parent.name, circle) for source in sources for circle in Crate(source).circles()]
    for crate, circle in found:
        print(f"{crate}: {', '.join(circle)} import each other")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
