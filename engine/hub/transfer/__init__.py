"""Fetches files over bad networks: resumed after any break, verified, and seen in the model folder only when whole."""

from engine.hub.transfer.network import Network as Network
from engine.hub.transfer.remote import RemoteFile as RemoteFile
from engine.hub.transfer.remote import download_spec as download_spec
from engine.hub.transfer.settings import TransferSettings as TransferSettings
from engine.hub.transfer.throttle import Throttle as Throttle
from engine.hub.transfer.work import DownloadWork as DownloadWork
