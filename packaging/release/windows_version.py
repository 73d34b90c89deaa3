"""What the Properties of Hearth's programs say on Windows: PyInstaller's form of a version resource."""

import re
from typing import Final

from failure import SetupError

COMPANY: Final = "The Hearth contributors"
_TEXT: Final = """\
VSVersionInfo(
  ffi=FixedFileInfo(
    filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)
  ),
  kids=[
    StringFileInfo([
      StringTable('040904B0', [
        StringStruct('CompanyName', {company!r}),
        StringStruct('FileDescription', 'Hearth'),
        StringStruct('FileVersion', {version!r}),
        StringStruct('InternalName', 'hearth'),
        StringStruct('LegalCopyright', 'MIT License'),
        StringStruct('ProductName', 'Hearth'),
        StringStruct('ProductVersion', {version!r}),
      ])
    ]),
    VarFileInfo([VarStruct('Translation', [0x409, 1200])])
  ]
)
"""


def numbers_of(version: str) -> tuple[int, int, int, int]:
    """The four numbers that Windows compares, such as (0, 1, 0, 0) for 0.1.0.

    Args:
        version: of Hearth; what follows its numbers, such as `rc1`, Windows does not know.

    Raises:
        SetupError: it does not begin with one to three numbers that Windows can hold.
    """
    match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    numbers = [int(number or 0) for number in match.groups()] if match else []
    if not numbers or max(numbers) > 0xFFFF:
        raise SetupError(f"Windows knows no version like {version}.", "Use numbers below 65536 in pyproject.toml.")
    return numbers[0], numbers[1], numbers[2], 0


def version_resource(version: str) -> str:
    """The text of the file that PyInstaller reads.

    Args:
        version: of Hearth.

    Raises:
        SetupError: Windows knows no such version.
    """
    return _TEXT.format(numbers=numbers_of(version), version=version, company=COMPANY)
