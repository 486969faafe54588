"""Posts alerts to a URL."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimera_leakguard_native.model.guardian import MemoryAlert


class Webhook:
    """A sink that sends an alert as JSON by POST.

    The body has the fields of `MemoryAlert`, the time in ISO 8601. An answer outside 200 to 299, or
    none within the timeout, raises, and the guardian tries again. Redirects are such answers: they
    would turn the alert into a GET, and take the headers to somebody else.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``.
    headers : mapping of str to str, optional
        Sent along, for example ``Authorization``.
    timeout_s : float
        For connecting and for each read; of the answer only the head is read.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url: expected http:// or https://, got {url!r}")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s: expected seconds > 0, got {timeout_s}")
        self._url = url
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._timeout = timeout_s

    def __call__(self, alert: MemoryAlert) -> None:
        """Send one alert."""
        # Light until a first alert needs it.
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class Stay(HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                """Go nowhere, so that the answer is an error."""

        body = json.dumps(asdict(alert), default=str).encode()
        request = Request(self._url, body, self._headers, method="POST")
        build_opener(Stay).open(request, timeout=self._timeout).close()
