"""NetworkCard and PlacesCard: the network, and models of other programs."""

from typing import Final

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from app.preferences.limit_row import AmountBox, Unit
from app.preferences.network import PROGRAMS, NetworkSettings
from app.preferences.words import MEGABYTE
from app.theme import Appearance
from app.theme.widgets import Card, Switch, quiet

SPEED: Final = Unit("MB/s", MEGABYTE, 1, 10_000, 1)
_WIDTH: Final = 216
_SPEED_WIDTH: Final = 112
_WHAT: Final = (
    "Hearth uses the network only to search and to download models, and to look for new versions once you switch that "
    "on. Chats and pictures stay on this computer."
)
_NEXT_START: Final = "Another address counts from the next start of Hearth on."
_NEXT_LIST: Final = "Models are added or left out at the next start of Hearth."


class NetworkCard(Card):
    """A switch, a limit and two addresses.

    Attributes:
        online: the switch.
        speed: most that downloads may take.
        hub, proxy: addresses.
    """

    def __init__(self, appearance: Appearance, network: NetworkSettings, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "globe", "Network", parent)
        self._appearance = appearance
        self._network = network
        self.online = Switch(appearance, "Use the network to find and download models", self)
        self.speed = AmountBox("Most speed of all downloads together", SPEED, "no limit", self)
        self.hub = _address("Address of the model hub", "")
        self.proxy = _address("Address of the proxy", "as the system says")
        self._note = quiet(_NEXT_START)
        self.speed.setFixedWidth(_SPEED_WIDTH)
        self.head.addWidget(self.online)
        self.column.addWidget(quiet(_WHAT))
        for words, field in (("Download speed", self.speed), ("Model hub or mirror", self.hub), ("Proxy", self.proxy)):
            title = QLabel(words, self)
            title.setBuddy(field)
            row = QHBoxLayout()
            row.setSpacing(appearance.theme.space("m"))
            row.addWidget(title, 1)
            row.addWidget(field)
            self.column.addLayout(row)
        self.column.addWidget(self._note)
        self.online.clicked.connect(lambda is_on: network.set_offline(not is_on))
        self.speed.picked.connect(network.set_limit)
        self.hub.editingFinished.connect(lambda: network.set_hub_url(self.hub.text()))
        self.proxy.editingFinished.connect(lambda: network.set_proxy(self.proxy.text()))
        network.changed.connect(self.show_now)
        self.show_now()

    def show_now(self) -> None:
        """Show what is set; a field that is being typed into is left alone."""
        now = self._network.now
        self.online.setChecked(not now.is_offline)
        self.speed.show_bytes(now.bytes_per_s)
        for field, text in ((self.hub, now.hub_url), (self.proxy, now.proxy)):
            if field.text() != text and not (field.hasFocus() and field.isModified()):
                field.setText(text)
                field.setCursorPosition(0)
        self._note.setVisible(self._network.has_other_address)


class PlacesCard(Card):
    """One check box for each program whose models can be used where they are.

    Attributes:
        boxes: by setting.
    """

    def __init__(self, appearance: Appearance, network: NetworkSettings, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "folder", "Models of other programs", parent)
        self._network = network
        self.boxes = {setting: QCheckBox(name, self) for setting, name in PROGRAMS}
        self._note = quiet(_NEXT_LIST)
        self.column.addWidget(quiet("They are used where they are; nothing is copied, moved or changed."))
        for setting, box in self.boxes.items():
            box.setAccessibleName(f"Use the models of {box.text()}")
            box.clicked.connect(lambda is_used, program=setting: network.use_models_of(program, is_used))
            self.column.addWidget(box)
        self.column.addWidget(self._note)
        network.changed.connect(self.show_now)
        self.show_now()

    def show_now(self) -> None:
        """Show what is set."""
        for setting, box in self.boxes.items():
            box.setChecked(setting in self._network.now.used_in_place)
        self._note.setVisible(self._network.has_other_programs)


def _address(name: str, placeholder: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(placeholder)
    field.setFixedWidth(_WIDTH)
    return field
