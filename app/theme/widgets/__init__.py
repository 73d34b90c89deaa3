"""Small painted widgets that every page uses."""

from app.theme.widgets.banner import Banner, Kind
from app.theme.widgets.card import Card, quiet
from app.theme.widgets.chip import Chip, IconChip, Tone
from app.theme.widgets.choice_dialog import ChoiceDialog
from app.theme.widgets.column_scroll import ColumnScroll
from app.theme.widgets.elided_label import ElidedLabel
from app.theme.widgets.focus_ring import FocusRing
from app.theme.widgets.icon_button import IconButton
from app.theme.widgets.icon_note import IconNote
from app.theme.widgets.notices import Notice, Notices, Rank
from app.theme.widgets.page_header import PageHeader
from app.theme.widgets.reading_dialog import Reading, ReadingDialog
from app.theme.widgets.segment_bar import Part, SegmentBar, paint_bar
from app.theme.widgets.segmented import Segmented
from app.theme.widgets.side_pane import SidePane, SideRoom
from app.theme.widgets.swatch import Swatch, paint_swatch
from app.theme.widgets.switch import Switch
from app.theme.widgets.watching_page import WatchingPage

__all__ = [
    "Banner",
    "Card",
    "Chip",
    "ChoiceDialog",
    "ColumnScroll",
    "ElidedLabel",
    "FocusRing",
    "IconButton",
    "IconChip",
    "IconNote",
    "Kind",
    "Notice",
    "Notices",
    "PageHeader",
    "Part",
    "Rank",
    "Reading",
    "ReadingDialog",
    "SegmentBar",
    "Segmented",
    "SidePane",
    "SideRoom",
    "Swatch",
    "Switch",
    "Tone",
    "WatchingPage",
    "paint_bar",
    "paint_swatch",
    "quiet",
]
