"""The looks of converted prose: a style sheet in the subset that Qt's rich text knows."""

from app.theme import Theme


def prose_style(theme: Theme) -> str:
    """Style sheet for the HTML of an answer in a theme's colours."""
    mono = theme.font("mono").family()
    ink, sunken, muted, line = (theme.color(role).name() for role in ("accent-ink", "sunken", "text-muted", "border"))
    return (
        f"a {{ color: {ink}; }}"
        f"code, pre {{ font-family: '{mono}'; font-size: 13px; background-color: {sunken}; }}"
        f"blockquote {{ color: {muted}; margin-left: 16px; }}"
        "h1 { font-weight: 600; margin-top: 12px; margin-bottom: 6px; }"
        "h2 { font-weight: 600; margin-top: 12px; margin-bottom: 6px; }"
        "h3, h4, h5, h6 { font-weight: 600; margin-top: 10px; margin-bottom: 4px; }"
        "p { margin-top: 0; margin-bottom: 8px; } ul, ol { margin-top: 0; margin-bottom: 8px; }"
        f"table {{ border-collapse: collapse; border-style: solid; border-color: {line}; margin-bottom: 8px; }}"
        "th { font-weight: 600; text-align: left; }"
    )
