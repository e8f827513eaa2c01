"""Checks the proxy that is set in environment variables, before the first request would fail because of it."""

from __future__ import annotations

import importlib.util
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from tap_fieldnation.api.errors import SettingsError

_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")


def check_proxy(origin: str) -> None:
    """Reject a proxy that cannot be used.

    Args:
        origin: Scheme and host of the API.

    Raises:
        SettingsError: One sentence that names the variable, and never shows its value: it can hold a password.
    """
    url = urlsplit(origin)
    if proxy_bypass(url.hostname or ""):
        return
    proxies = getproxies_environment()
    scheme = url.scheme if proxies.get(url.scheme) else "all"
    if proxy := proxies.get(scheme):
        advice = _advice(proxy)
        if advice:
            raise SettingsError(f"The environment variable {scheme.upper()}_PROXY cannot be used: {advice}.")


def _advice(proxy: str) -> str:
    """What to do about an unusable proxy; "" if it is usable."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        is_usable = is_host_name(parts.hostname) and proxy.isprintable() and " " not in proxy
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable or parts.scheme not in {"http", "https", *_SOCKS}:
        return "it must be a URL such as http://user:password@proxy.example.com:8080"
    if parts.scheme in _SOCKS and not importlib.util.find_spec("socks"):
        return "install the package PySocks beside the tap, or use an HTTP proxy"
    return ""


def is_host_name(name: str | None) -> bool:
    """Whether a name can be looked up: no part of it is empty or too long."""
    try:
        return bool(name and name.encode("idna"))
    except UnicodeError:
        return False
