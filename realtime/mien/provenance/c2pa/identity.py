"""Who signs: a key that this installation makes for itself, or the user's own certificate."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from mien_models.errors import MienError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import advice_for, cause_of

_CLAIM_SIGNING: Final = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning, the purpose that C2PA 2.x asks of a signer's certificate."""
_LIFETIME: Final = timedelta(days=3650)
"""Without a time stamp of somebody else's, what was signed counts only for as long as the certificate."""
_KEY_FILE: Final = "signing-key.pem"
_CHAIN_FILE: Final = "certificate-chain.pem"
_PEM: Final = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What signs."""

    algorithm: str
    """As C2PA calls it: ES256, ES384, ES512, PS256 or ED25519."""
    chain_pem: str
    """The signer's certificate first, then those of its issuers."""
    sign: Callable[[bytes], bytes]
    """Gives the signature; those of elliptic curves in DER."""


def own_identity(folder: Path, now: datetime | None = None) -> Identity:
    """Give this installation's identity, made at first need; its key lies in `folder` and nowhere else.

    A pair that cannot be read any more, or whose time is over or (a clock that was set back) not yet come, is replaced:
    what it signed carries its certificate and stays as valid as it was.

    Args:
        folder: made where it is missing.
        now: the time, by default that of the clock.

    Raises:
        MienError: it can be neither read nor written.
    """
    now = now or datetime.now(UTC)
    try:
        kept = _kept(folder, now)
    except (ValueError, UsageError, FileNotFoundError):
        kept = None
    except OSError as error:
        raise _unusable(folder, error) from error
    if kept is not None:
        return kept
    try:
        return _made(folder, now)
    except OSError as error:
        raise _unusable(folder, error) from error


def users_identity(certificate: Path, key: Path) -> Identity:
    """Give the identity of the user's own certificate.

    Args:
        certificate: PEM, the signer's certificate first, then those of its issuers.
        key: PEM, the private key without a pass-phrase.

    Raises:
        UsageError: one of the two cannot be used, or they do not belong together.
    """
    chain_pem, key_pem = _text_of(certificate, "certificate"), _text_of(key, "key")
    try:
        return _identity(chain_pem, key_pem, str(certificate), str(key), datetime.now(UTC))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"The key {str(key)!r} cannot be used: {error}. Give it as PEM, without a pass-phrase."
        ) from error


def _kept(folder: Path, now: datetime) -> Identity | None:
    chain_pem = (folder / _CHAIN_FILE).read_text(encoding="ascii")
    key_pem = (folder / _KEY_FILE).read_text(encoding="ascii")
    return _identity(chain_pem, key_pem, _CHAIN_FILE, _KEY_FILE, now)


def _identity(chain_pem: str, key_pem: str, certificate_name: str, key_name: str, now: datetime) -> Identity:
    try:
        chain = x509.load_pem_x509_certificates(chain_pem.encode())
    except ValueError as error:
        raise UsageError(
            f"The certificate {certificate_name!r} holds no certificate that can be read. Give the chain as PEM."
        ) from error
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    public = chain[0].public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo) != public:
        raise UsageError(
            f"The key {key_name!r} does not belong to the first certificate of {certificate_name!r}. "
            "Put the signer's certificate first, its issuers after it."
        )
    begins, ends = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    if not begins <= now <= ends:
        raise UsageError(
            f"The certificate {certificate_name!r} is valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}, and today is "
            f"{now:%Y-%m-%d}. Renew it, or set the clock."
        )
    algorithm, sign = _signing_with(key)
    return Identity(algorithm, chain_pem, sign)


def _signing_with(key: object) -> tuple[str, Callable[[bytes], bytes]]:
    """Choose the algorithm that goes with a key (C2PA 2.2, 13.2: digital signatures)."""
    match key:
        case ec.EllipticCurvePrivateKey():
            curves: dict[str, tuple[str, hashes.HashAlgorithm]] = {
                "secp256r1": ("ES256", hashes.SHA256()),
                "secp384r1": ("ES384", hashes.SHA384()),
                "secp521r1": ("ES512", hashes.SHA512()),
            }
            if key.curve.name in curves:
                algorithm, digest = curves[key.curve.name]
                return algorithm, lambda content: key.sign(content, ec.ECDSA(digest))
        case rsa.RSAPrivateKey():
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            return "PS256", lambda content: key.sign(content, pss, hashes.SHA256())
        case ed25519.Ed25519PrivateKey():
            return "ED25519", key.sign
        case _:
            pass
    raise ValueError("expected a P-256, P-384, P-521, RSA or Ed25519 key")


def _made(folder: Path, now: datetime) -> Identity:
    """Make an authority that signs one certificate and is forgotten, and that certificate's key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    begins = now - timedelta(days=1)
    root = _certificate("Mien root of one installation", authority, authority, None, begins=begins)
    leaf = _certificate("Mien on one computer (self-signed)", key, authority, root, begins=begins)
    key_pem = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain_pem = leaf.public_bytes(_PEM) + root.public_bytes(_PEM)
    # The chain last: a pair that was interrupted does not match, and is made anew.
    for name, content in ((_KEY_FILE, key_pem), (_CHAIN_FILE, chain_pem)):
        write_private(folder / name, content)
    return _identity(chain_pem.decode(), key_pem.decode(), _CHAIN_FILE, _KEY_FILE, now)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    *,
    begins: datetime,
) -> x509.Certificate:
    """Make a certificate after the profile of C2PA 2.2, 14.5: an authority where there is no issuer, else a signer."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Mien"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder(subject if issuer is None else issuer.subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(_usage(is_authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not is_authority:
        purposes = x509.ExtendedKeyUsage([_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _text_of(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise UsageError(f"The {what} {str(path)!r} cannot be read: {cause_of(error)}. {advice_for(error)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The {what} {str(path)!r} is no PEM text. Convert it, for instance with openssl.") from error


def _unusable(folder: Path, error: OSError) -> MienError:
    return MienError(
        f"The signing key in {str(folder)!r} can be neither read nor made: {cause_of(error)}. {advice_for(error)}"
    )
