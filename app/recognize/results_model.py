"""ResultsModel: what the engine found in one picture, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.recognize.areas import COLOR_ROLES, areas_of
from engine.types import Detection, FloatArray, VisionOutput

_Index = QModelIndex | QPersistentModelIndex
FINDING_ROLE = Qt.ItemDataRole.UserRole

_MOST_FEATURES = 50
_MOST_DETECTIONS = 200  # more boxes than anybody can tell apart


@dataclass(frozen=True, slots=True)
class Finding:
    """One row.

    Attributes:
        text: a label, a line of text, a thing, an area, or the number of a feature.
        value: what stands at the right, such as "0.96".
        share: length of the bar in [0, 1].
        role: colour of its mark and its box.
        is_shown: whether its score reaches the threshold; others are grey.
        box: left, top, right, bottom in pixels of the upright image; None where there is no place.
    """

    text: str
    value: str
    share: float
    role: str
    is_shown: bool
    box: tuple[int, int, int, int] | None = None


def findings_of(output: VisionOutput, threshold: float) -> tuple[Finding, ...]:
    """Rows for an output; the score of each is compared with the threshold in [0, 1]."""
    if output.lines is not None:
        return _scored([(line.text, line.score, line.box) for line in output.lines], threshold)
    if output.detections is not None:
        return _things(output.detections[:_MOST_DETECTIONS], threshold)
    if output.mask is not None:
        return tuple(
            Finding(area.name, _percent(area.share), area.share, area.role, is_shown=True) for area in areas_of(output)
        )
    if output.labels is not None:
        return _scored([(label.name, label.score, None) for label in output.labels], threshold)
    return _strongest_features(output.features)


def title_of(output: VisionOutput) -> str:
    """What the rows of an output are."""
    kinds = (
        (output.lines, "Text"),
        (output.detections, "Things found"),
        (output.mask, "Areas"),
        (output.labels, "Labels"),
    )
    return next((title for found, title in kinds if found is not None), "Strongest values")


def has_scores(output: VisionOutput) -> bool:
    """Whether a threshold makes sense for the rows of an output."""
    return any(found is not None for found in (output.lines, output.detections)) or (
        output.labels is not None and output.mask is None
    )


def _scored(
    entries: Sequence[tuple[str, float, tuple[int, int, int, int] | None]], threshold: float
) -> tuple[Finding, ...]:
    return tuple(
        Finding(text, f"{score:.2f}", score, COLOR_ROLES[row % len(COLOR_ROLES)], score >= threshold, box)
        for row, (text, score, box) in enumerate(entries)
    )


def _things(detections: Sequence[Detection], threshold: float) -> tuple[Finding, ...]:
    """Things of one name have one colour."""
    names = list(dict.fromkeys(thing.name for thing in detections))
    return tuple(
        Finding(
            thing.name,
            f"{thing.score:.2f}",
            thing.score,
            COLOR_ROLES[names.index(thing.name) % len(COLOR_ROLES)],
            thing.score >= threshold,
            thing.box,
        )
        for thing in detections
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%" if share >= 0.01 else "<\u00a01\u00a0%"


def _strongest_features(features: FloatArray | None) -> tuple[Finding, ...]:
    if features is None or features.size == 0:
        return ()
    strength = np.abs(features)
    order = np.argsort(-strength, kind="stable")[:_MOST_FEATURES]
    most = float(strength[order[0]]) or 1.0
    return tuple(
        Finding(f"Value {index}", f"{features[index]:.3g}", float(strength[index]) / most, "chart-1", is_shown=True)
        for index in order
    )


class ResultsModel(QAbstractListModel):
    """The findings of the picture that is shown; `show` replaces them all.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._findings: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All rows."""
        return self._findings

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default; never changed
        """Count the findings."""
        return 0 if parent.isValid() else len(self._findings)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a finding's text, its words for screen readers, or the finding itself (`FINDING_ROLE`)."""
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        finding = self._findings[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return finding.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{finding.text}, {finding.value}"
        return finding if role == FINDING_ROLE else None

    def show(self, findings: tuple[Finding, ...]) -> None:
        """Replace the rows; keeps the selection where only marks changed."""
        if len(findings) == len(self._findings) and findings:
            self._findings = findings
            self.dataChanged.emit(self.index(0), self.index(len(findings) - 1))
            return
        self.beginResetModel()
        self._findings = findings
        self.endResetModel()
