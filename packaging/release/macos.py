"""What macOS is told of Hearth: the values of `Info.plist`."""

from collections.abc import Mapping
from typing import Any, Final

from release.plan import project_version

BUNDLE_IDENTIFIER: Final = "local.hearth.Hearth"
"""Names Hearth to macOS, and to software centres on Linux; never changes."""
MINIMUM_SYSTEM: Final = "14.0"
"""The oldest macOS that ONNX Runtime is published for."""
_KINDS: Final = (("gguf", "Language model (GGUF)"), ("onnx", "Model (ONNX)"))


def info_plist() -> dict[str, Any]:
    """Values of `Info.plist`, beside those that PyInstaller writes."""
    version = project_version()
    return {
        "CFBundleName": "Hearth",
        "CFBundleDisplayName": "Hearth",
        "CFBundleIdentifier": BUNDLE_IDENTIFIER,
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "CFBundlePackageType": "APPL",
        "CFBundleDocumentTypes": [_document_type(suffix, name) for suffix, name in _KINDS],
        "UTImportedTypeDeclarations": [_declaration(suffix, name) for suffix, name in _KINDS],
        "LSApplicationCategoryType": "public.app-category.productivity",
        "LSMinimumSystemVersion": MINIMUM_SYSTEM,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "Copyright (c) 2026 The Hearth authors. MIT licence.",
        "NSPrincipalClass": "NSApplication",
        "NSSupportsAutomaticGraphicsSwitching": True,
    }


def _document_type(suffix: str, name: str) -> Mapping[str, Any]:
    return {
        "CFBundleTypeName": name,
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",  # opened by Hearth when asked to; other programs keep what they have
        "LSItemContentTypes": [f"local.hearth.{suffix}"],
    }


def _declaration(suffix: str, name: str) -> Mapping[str, Any]:
    return {
        "UTTypeIdentifier": f"local.hearth.{suffix}",
        "UTTypeDescription": name,
        "UTTypeConformsTo": ["public.data"],
        "UTTypeTagSpecification": {"public.filename-extension": [suffix]},
    }
