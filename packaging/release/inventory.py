"""Everything that ships in a frozen tree, each library of which belongs to something that is named."""

import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from failure import SetupError
from packaging.requirements import Requirement

from release.bundled import BOOTLOADER, FIRST, LAST, LLAMA, PYTHON, SURE, Part, component_of, stated_version
from release.component import Component, check
from release.debian import debian_components
from release.distributions import Distributions
from release.plan import ROOT, project_version
from release.reproducible import sorted_files

_BINARY: Final = re.compile(r"\.(so|dll|dylib|pyd|exe)(\.[\d.]+)?$", re.IGNORECASE)
_CONTENTS: Final = "_internal/"
_MODELS: Final = f"{_CONTENTS}resources/models/"
_LLAMA_PACKAGE: Final = "llama-cpp-python"


def inventory(tree: Path, site_packages: Path, system: str) -> list[Component]:
    """List what ships; Hearth itself comes first, the others by name.

    Args:
        tree: folder with the frozen program.
        site_packages: folder of the packages that it was made from.
        system: `linux`, `macos` or `windows`.

    Raises:
        SetupError: a library belongs to nothing that is named, or a part names no licence, brings no text, or may not
            ship in Hearth.
    """
    return _Inventory(tree, site_packages, system).components()


class _Inventory:
    def __init__(self, tree: Path, site_packages: Path, system: str) -> None:
        self._tree, self._system = tree, system
        self._paths = {path.relative_to(tree).as_posix(): path for path in sorted_files(tree) if not path.is_symlink()}
        self._python = self._python_version()
        self._packages = Distributions(site_packages, system, ".".join(self._python.split(".")[:2]))
        self._files: dict[str, list[Path]] = {}  # by name of part or package

    def components(self) -> list[Component]:
        unknown = [place for place in self._paths if not self._claim(place)]
        debian = debian_components(self._of_the_system(unknown))
        unknown = [place for place in unknown if self._paths[place] not in debian and not self._match(place, LAST)]
        unnamed = [place for place in unknown if _BINARY.search(place)]
        if unnamed:
            remedy = "Add what they belong to to packaging/release/bundled.py, or leave them out of the program."
            raise SetupError(f"Nobody knows what these files belong to: {', '.join(unnamed[:5])}.", remedy)
        found = [*self._parts(), *self._distributions(), *_merged(debian), *self._models()]
        check(found)
        names = {component.name for component in found}
        own = self._own(tuple(sorted(names)), [self._paths[place] for place in unknown])
        check([own])
        return [own, *sorted(found, key=lambda component: (component.name.lower(), component.version))]

    def _of_the_system(self, places: Iterable[str]) -> list[Path]:
        return [self._paths[place] for place in places if self._system == "linux" and _BINARY.search(place)]

    def _claim(self, place: str) -> bool:
        if self._match(place, FIRST):
            return True
        owner = self._packages.owner_of(place.removeprefix(_CONTENTS)) if place.startswith(_CONTENTS) else None
        if owner is not None:
            self._files.setdefault(owner, []).append(self._paths[place])
            return True
        return place.startswith(_MODELS) or self._match(place, (PYTHON,))

    def _match(self, place: str, parts: Iterable[Part]) -> bool:
        for part in parts:
            if part.files.fullmatch(place):
                self._files.setdefault(part.name, []).append(self._paths[place])
                return True
        return False

    def _python_version(self) -> str:
        libraries = [
            self._paths[place] for place in self._paths if re.search(r"(lib)?python3[\d.]+(so|dylib|dll)", place)
        ]
        version = stated_version(PYTHON, tuple(sorted(libraries, key=lambda path: -path.stat().st_size)))
        return version or platform.python_version()

    def _parts(self) -> list[Component]:
        versions = {PYTHON.name: self._python, **self._known_versions()}
        return [
            component_of(part, tuple(self._files.get(part.name, ())), versions)
            for part in dict.fromkeys((*SURE, *FIRST, *LAST))
            if part in SURE or part.name in self._files or self._system in part.inside
        ]

    def _known_versions(self) -> Mapping[str, str]:
        tools = [Requirement(line) for line in _project()["optional-dependencies"]["package"]]
        pinned = next(str(tool.specifier).removeprefix("==") for tool in tools if tool.name == "pyinstaller")
        llama = self._packages.version_of(_LLAMA_PACKAGE)
        return {BOOTLOADER.name: pinned, LLAMA.name: llama or ""}

    def _distributions(self) -> list[Component]:
        places = [place.removeprefix(_CONTENTS) for place in self._paths if place.startswith(_CONTENTS)]
        names = self._packages.shipped(_project()["dependencies"], places)
        return [self._packages.component(name, self._files.get(name, ())) for name in names]

    def _models(self) -> list[Component]:
        cards = [place for place in self._paths if place.startswith(_MODELS) and place.endswith(".md")]
        return [self._model(Path(card)) for card in cards]

    def _model(self, card: Path) -> Component:
        files = [path for place, path in self._paths.items() if Path(place).with_suffix("") == card.with_suffix("")]
        own = (ROOT / "LICENSE").read_text(encoding="utf-8")
        text = self._paths[card.as_posix()].read_text(encoding="utf-8")
        return Component(
            name=f"model {card.stem}",
            version=project_version(),
            licence="MIT",
            texts=(("its card", text), ("its licence", own)),
            purl=f"pkg:generic/hearth-{card.stem}@{project_version()}",
            kind="machine-learning-model",
            files=tuple(files),
        )

    def _own(self, needs: tuple[str, ...], files: Iterable[Path]) -> Component:
        return Component(
            name="Hearth",
            version=project_version(),
            licence="MIT",
            texts=(("", (ROOT / "LICENSE").read_text(encoding="utf-8")),),
            purl=f"pkg:generic/hearth@{project_version()}",
            kind="application",
            files=tuple(files),
            needs=needs,
        )


def _project() -> Mapping[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return dict(tomllib.load(file)["project"])


def _merged(found: Mapping[Path, Component]) -> list[Component]:
    """One component per package, with all of its files."""
    files: dict[str, list[Path]] = {}
    for path, component in found.items():
        files.setdefault(component.name, []).append(path)
    unique = {component.name: component for component in found.values()}
    return [replace(component, files=tuple(sorted(files[name]))) for name, component in sorted(unique.items())]
