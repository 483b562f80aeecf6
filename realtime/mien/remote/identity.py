"""Who a machine is: a certificate that it makes once and keeps; whoever paired with it knows it by its fingerprint."""

import hashlib
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from mien_models.errors import MienError
from mien_models.system.atomic_write import write_private

_YEARS: Final = 20
_NAME: Final = "Mien"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key and the certificate that goes with it."""

    pem: bytes
    """Both, as PEM."""
    fingerprint: str
    """SHA-256 of the certificate, in hexadecimal digits."""
    secret: bytes
    """Of this machine alone, derived from its key; it signs the passes of those who paired."""

    def tls(self) -> ssl.SSLContext:
        """Give what a server needs to prove that it is this machine."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # OpenSSL reads certificates from files only; this one is its owner's alone, and gone at once.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "identity.pem"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self.pem)
            context.load_cert_chain(path)
        return context


def own_identity(folder: Path) -> Identity:
    """Read this machine's identity, or make it.

    Raises:
        MienError: it is damaged, or the folder cannot be written.
    """
    path = folder / "identity.pem"
    try:
        return _identity_of(path.read_bytes())
    except FileNotFoundError:
        pem = _new_pem()
    except OSError as error:
        raise MienError(f"This machine's identity {str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise MienError(
            f"This machine's identity {str(path)!r} is damaged; remove it, and pair with this machine again."
        ) from error
    try:
        write_private(path, pem)
    except OSError as error:
        raise MienError(f"This machine's identity {str(path)!r} cannot be written: {error.strerror}.") from error
    return _identity_of(pem)


def fingerprint_of(certificate_der: bytes) -> str:
    """Give the SHA-256 of a certificate."""
    return hashlib.sha256(certificate_der).hexdigest()


def any_certificate() -> ssl.SSLContext:
    """Give what a client needs to speak to a machine that it knows by its fingerprint: no authority vouches for it.

    Whoever uses it compares the fingerprint, or has it proved by the pairing code.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _identity_of(pem: bytes) -> Identity:
    key = serialization.load_pem_private_key(pem, None)
    certificate = x509.load_pem_x509_certificate(pem)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    secret = HKDF(hashes.SHA256(), 32, None, b"mien passes").derive(private)
    return Identity(pem, fingerprint_of(certificate.public_bytes(serialization.Encoding.DER)), secret)


def _new_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
