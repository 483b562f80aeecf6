"""Certificates as an authority gives them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
Key: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _extended(
    builder: x509.CertificateBuilder,
    purposes: list[x509.ObjectIdentifier],
    authority: ec.EllipticCurvePrivateKey,
    key: Key,
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False) if purposes else builder


def certificate(
    folder: Path,
    *,
    key: Key | None = None,
    purposes: list[x509.ObjectIdentifier] | None = None,
    age: timedelta = timedelta(days=1),
) -> tuple[Path, Path, Path]:
    """Write chain.pem, key.pem and authority.pem; the certificate lasts for 30 days."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.EMAIL_PROTECTION] if purposes is None else purposes
    authority = ec.generate_private_key(ec.SECP256R1())
    begins = datetime.now(UTC) - age
    ends = begins + timedelta(days=30)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    number = x509.random_serial_number()
    root = (
        x509.CertificateBuilder(_name("Root"), _name("Root"), authority.public_key(), number, begins, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    leaf = _extended(
        x509.CertificateBuilder(_name("Root"), _name("Ada"), key.public_key(), number + 1, begins, ends),
        purposes,
        authority,
        key,
    ).sign(authority, hashes.SHA256())
    paths = folder / "chain.pem", folder / "key.pem", folder / "authority.pem"
    paths[0].write_bytes(leaf.public_bytes(PEM) + root.public_bytes(PEM))
    paths[1].write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    paths[2].write_bytes(root.public_bytes(PEM))
    return paths
