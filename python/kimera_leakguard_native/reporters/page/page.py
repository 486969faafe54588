"""The page's HTML: live, with its parts beside it, or whole in one file."""

from __future__ import annotations

import json
from typing import Any

from kimera_leakguard_native.reporters.page import assets

_SCRIPTS = ("tables.js", "icicle.js", "page.js")
# Plotly makes no style element where one of this id says so; a strict policy would forbid it.
_NO_INLINE_STYLES = 'id="plotly.js-style-global" class="no-inline-styles"'


def live() -> str:
    """Give the page that asks its server for the state."""
    head = f'<meta id="live">\n<link rel="stylesheet" {_NO_INLINE_STYLES} href="assets/page.css">'
    body = "\n".join(
        f'<script src="assets/{name}"></script>' for name in ("plotly.min.js", *_SCRIPTS)
    )
    return _filled(head, body)


def recorded(state: dict[str, Any]) -> str:
    """Give the page with a state in it, which needs nothing else and no network.

    Raises
    ------
    ConfigError
        plotly is not installed.
    """
    head = f"<style {_NO_INLINE_STYLES}>\n{assets.own('page.css')}</style>"
    scripts = [assets.plotly_path().read_text("utf-8"), *(assets.own(name) for name in _SCRIPTS)]
    body = [
        # In a script element only "</" could end it early, and "<!--" change how it is read.
        f'<script type="application/json" id="state">{_embedded(state)}</script>',
        *(f"<script>\n{_inline(text)}\n</script>" for text in scripts),
    ]
    return _filled(head, "\n".join(body))


def _filled(head: str, body: str) -> str:
    text = assets.own("page.html")
    return text.replace("<!-- HEAD -->", head, 1).replace("<!-- BODY -->", body, 1)


def _embedded(state: dict[str, Any]) -> str:
    return json.dumps(state).replace("<", "\\u003c")


def _inline(script: str) -> str:
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
