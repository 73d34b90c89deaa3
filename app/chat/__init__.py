"""Chat: talk with a model; chats are kept on this computer."""

from app.chat.controller import ChatController
from app.chat.page import ChatPage

__all__ = ["ChatController", "ChatPage"]
