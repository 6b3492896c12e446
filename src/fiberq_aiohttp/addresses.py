"""Which addresses may be trusted with keys and sign-in: https anywhere, plain http only on this machine."""

import ipaddress
from urllib.parse import urlsplit

LOCAL_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether *host* (a name or an address, no port) is this machine."""
    if host.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_near(address: str) -> bool:
    """Whether the IP *address* is this machine's or one of a private network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_private


def host_of(origin: str) -> str:
    """The host of a `Host` header, an origin or a URL, in lower case; empty if there is none."""
    try:
        return urlsplit(origin if "//" in origin else f"//{origin}").hostname or ""
    except ValueError:
        return ""


def trusted_url(text: str) -> str:
    """*text*, if it is an absolute https URL, or http on this machine. Raises: ValueError, fit to be read by people."""
    parts = urlsplit(text)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be a plain address without blanks")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an address like https://id.example.org")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have neither a user name nor a fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https; plain http is for this machine only")
    parts.port  # noqa: B018 (reading it raises the ValueError of a port that is none)
    return text


def issuer_url(domain: str) -> str:
    """The issuer that a bare *domain* or a whole address stands for. Raises: ValueError."""
    url = trusted_url(domain if "://" in domain else f"https://{domain}")
    if urlsplit(url).query:
        raise ValueError("must have no query")
    return url.removesuffix("/")
