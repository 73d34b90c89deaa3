"""The version of the contract, apart from the rest so that manifests are read without loading all of it."""

from typing import Final

API_VERSION: Final = "1.0"
