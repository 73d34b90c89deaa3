"""New versions of Hearth: looked for only once somebody has switched that on, told once, never fetched."""

from app.updates.card import UpdatesCard
from app.updates.controller import Memory, UpdatesController
from app.updates.dialog import UpdateDialog
from app.updates.note import UpdateNote

__all__ = ["Memory", "UpdateDialog", "UpdateNote", "UpdatesCard", "UpdatesController"]
