"""Models: what is installed, whether it fits, how good it is; and what can be fetched."""

from app.models.controllers import ModelsControllers
from app.models.page import ModelsPage

__all__ = ["ModelsControllers", "ModelsPage"]
