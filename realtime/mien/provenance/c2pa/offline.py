"""What keeps c2pa from the network, for whoever reads or signs."""

from typing import Any, Final

NOTHING_FETCHED: Final[dict[str, Any]] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    # A file can name hosts in more places than these two switches are for (an identity's did:web, a timestamp): none
    # of them may be asked.
    "core": {"allowed_network_hosts": [], "allow_redirects": False},
}
"""Settings of `c2pa.Context`: no manifest, certificate status or identity document is brought from anywhere."""
