"""How what a session writes is signed, as the user wishes."""

from collections.abc import Iterable

from mien.pipeline.interfaces import Signed, Sink
from mien.provenance.c2pa.sign import Signer, UsersCertificate
from mien.session.options import SigningOptions
from mien_models.errors import UsageError


def users_certificate(options: SigningOptions) -> UsersCertificate | None:
    """Give the user's own certificate, None where there is none.

    Raises:
        UsageError: only one of certificate and key is given.
    """
    certificate, key = options.certificate, options.key
    if certificate is not None and key is not None:
        return UsersCertificate(certificate, key)
    if certificate is not None or key is not None:
        missing = "credentials_key" if key is None else "credentials_certificate"
        raise UsageError(f"A certificate needs its key, and the key its certificate; {missing!r} is not set.")
    return None


def checked_signer(options: SigningOptions, session: str) -> Signer:
    """Give what signs the files of a session, after making sure that it can.

    Raises:
        MienError: it cannot; the message says why.
    """
    signer = Signer(session, users_certificate(options))
    signer.check()
    return signer


def sign_files(sinks: Iterable[Sink], options: SigningOptions, session: str) -> None:
    """Give every sink that leaves files the signer of the session; without such a sink, nothing is read or made.

    Raises:
        MienError: signing cannot work.
    """
    leaving = [sink for sink in sinks if isinstance(sink, Signed)]
    if not leaving:
        return
    signer = checked_signer(options, session)
    for sink in leaving:
        sink.signer = signer
