"""Queue: what runs on which lane, what waits and why, and what has finished."""

from app.queue.controller import QueueController
from app.queue.page import QueuePage
from app.queue.source import QueueSource

__all__ = ["QueueController", "QueuePage", "QueueSource"]
