"""Chats: the list at the left, with search, groups, renaming and deleting."""

from app.chat.chats.list_model import ChatListModel
from app.chat.chats.list_pane import ChatListPane
from app.chat.chats.shelf import ChatShelf

__all__ = ["ChatListModel", "ChatListPane", "ChatShelf"]
