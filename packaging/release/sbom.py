"""The list of components of a frozen tree for machines (CycloneDX), with which people look for known weaknesses.

The same tree gives the same file: its serial number is made of what it lists, and its time is that of the source.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component as Listed
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_expression, is_supported_id
from packageurl import PackageURL

from release.checksums import sha256_of
from release.component import Component
from release.files import sbom_file
from release.inventory import inventory
from release.plan import source_epoch

_SPACE: Final = uuid.UUID("6f9a3c54-3f5d-5a5e-9c0c-6d5f0f3a7a11")  # any one, as long as it stays the same
_KINDS: Final[Mapping[str, ComponentType]] = {
    "application": ComponentType.APPLICATION,
    "library": ComponentType.LIBRARY,
    "machine-learning-model": ComponentType.MACHINE_LEARNING_MODEL,
}


def write_sbom(tree: Path, site_packages: Path, system: str, dist: Path) -> Path:
    """Write `hearth-<version>-<system>.cdx.json`.

    Args:
        tree: folder with the frozen program.
        site_packages: folder of the packages that it was made from.
        system: `linux`, `macos` or `windows`.
        dist: folder that the file goes to.

    Raises:
        SetupError: something ships that is not named, has no licence, or brings no text.
    """
    components = inventory(tree, site_packages, system)
    dist.mkdir(parents=True, exist_ok=True)
    target = sbom_file(dist, components[0].version, system)
    target.write_text(sbom_of(components, tree), encoding="utf-8", newline="\n")
    return target


def sbom_of(components: Sequence[Component], tree: Path) -> str:
    """The list as JSON.

    Args:
        components: Hearth itself, and then what it is made of.
        tree: folder that their files are in.
    """
    own, *others = components
    listed = {component.name: _listed(component, tree) for component in components}
    metadata = BomMetaData(component=listed[own.name], timestamp=datetime.fromtimestamp(source_epoch(), UTC))
    bom = Bom(components=[listed[component.name] for component in others], metadata=metadata)
    for component in components:
        bom.register_dependency(listed[component.name], [listed[name] for name in component.needs if name in listed])
    bom.serial_number = uuid.uuid5(_SPACE, _written(bom, uuid.UUID(int=0)))
    return _written(bom, bom.serial_number)


def _written(bom: Bom, serial: uuid.UUID) -> str:
    bom.serial_number = serial
    said = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _listed(component: Component, tree: Path) -> Listed:
    return Listed(
        name=component.name,
        version=component.version or None,
        type=_KINDS[component.kind],
        purl=PackageURL.from_string(component.purl),
        bom_ref=component.purl,
        licenses=[_licence(component.licence)],
        components=[_file(path, tree, component.purl) for path in component.files],
    )


def _licence(name: str) -> LicenseExpression | DisjunctiveLicense:
    if is_supported_id(name):
        return DisjunctiveLicense(id=name)
    if is_expression(name):
        return LicenseExpression(name)
    return DisjunctiveLicense(name=name)


def _file(path: Path, tree: Path, purl: str) -> Listed:
    place = path.relative_to(tree).as_posix()
    reference = hashlib.sha256(f"{purl} {place}".encode()).hexdigest()[:32]
    return Listed(
        name=place,
        type=ComponentType.FILE,
        bom_ref=BomRef(f"file-{reference}"),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256_of(path))],
    )
