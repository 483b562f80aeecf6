"""Who signs: the installation's own key, kept to itself, or the user's certificate."""

import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.realtime.provenance.c2pa.certificates import PEM, Key, certificate
from tests.realtime.provenance.c2pa.conftest import SESSION

from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.provenance.c2pa import identity
from mien.provenance.c2pa.sign import Signer, UsersCertificate
from mien.session.ends import users_certificate
from mien.session.options import SigningOptions
from mien_models.errors import MienError, UsageError
from mien_models.system import folders

Record = Callable[..., Path]


def own_folder() -> Path:
    return folders.data_folder() / "credentials"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_key_is_made_at_first_need_for_its_owner_alone(record: Record) -> None:
    Signer(SESSION)
    assert not own_folder().exists()
    record("out.mp4")
    assert stat.S_IMODE(own_folder().stat().st_mode) == 0o700
    files = sorted(own_folder().iterdir())
    assert [path.name for path in files] == ["certificate-chain.pem", "signing-key.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_key_stays_the_same_and_no_other_certificate_can_be_made_with_it() -> None:
    first, second = identity.own_identity(own_folder()), identity.own_identity(own_folder())
    assert first.chain_pem == second.chain_pem
    keys = [path for path in own_folder().iterdir() if "PRIVATE KEY" in path.read_text()]
    assert len(keys) == 1
    assert first.chain_pem.count("BEGIN CERTIFICATE") == 2
    assert identity.own_identity(own_folder() / "other").chain_pem != first.chain_pem


@pytest.mark.parametrize("name", ["signing-key.pem", "certificate-chain.pem"])
@pytest.mark.parametrize("content", ["", "no PEM", None])
def test_a_damaged_pair_is_made_anew(name: str, content: str | None) -> None:
    before = identity.own_identity(own_folder())
    if content is None:
        (own_folder() / name).unlink()
    else:
        (own_folder() / name).write_text(content)
    after = identity.own_identity(own_folder())
    assert after.chain_pem != before.chain_pem
    assert identity.own_identity(own_folder()).chain_pem == after.chain_pem


def test_a_clock_that_was_set_back_costs_nothing(record: Record) -> None:
    later = identity.own_identity(own_folder(), datetime.now(UTC) + timedelta(days=400))
    assert read_credentials(record("out.mp4"))["state"] == "valid, signer not trusted"
    assert identity.own_identity(own_folder()).chain_pem != later.chain_pem


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MienError, match="can be neither read nor made") as caught:
        identity.own_identity(tmp_path / "file" / "credentials")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "P-384", "P-521", "RSA", "Ed25519"],
)
def test_the_users_certificate_signs_and_its_authority_makes_it_trusted(
    record: Record, tmp_path: Path, key: Key
) -> None:
    chain, key_path, authority = certificate(tmp_path, key=key)
    signer = Signer(SESSION, UsersCertificate(chain, key_path))
    signer.check()
    path = record("out.mp4", signer=signer)
    assert read_credentials(path, authority)["state"] == "valid"
    found = read_credentials(path)
    assert (found["state"], found["signer"]) == ("valid, signer not trusted", "Ada")
    assert not own_folder().exists()
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    assert read_credentials(path, certificate(stranger)[2])["state"] == "valid, signer not trusted"


def refused(chain: Path, key: Path) -> str:
    with pytest.raises(UsageError) as caught:
        Signer(SESSION, UsersCertificate(chain, key)).check()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_broken_or_mismatched_pair_is_said_before_the_run(tmp_path: Path) -> None:
    chain, key, _ = certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    assert "does not belong to" in refused(chain, certificate(other)[1])
    assert "holds no certificate" in refused(key, key)
    assert "cannot be used" in refused(chain, chain)
    assert "cannot be read" in refused(tmp_path / "missing.pem", key)
    (other / "binary").write_bytes(b"\xff\x00\x80")
    assert "no PEM" in refused(other / "binary", key)
    assert "valid from" in refused(*certificate(other, age=timedelta(days=60))[:2])
    assert "valid from" in refused(*certificate(other, age=-timedelta(days=2))[:2])
    assert "cannot sign Content Credentials" in refused(
        *certificate(other, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])[:2]
    )
    assert "cannot be used" in refused(*certificate(other, key=ec.generate_private_key(ec.SECP256K1()))[:2])


def test_a_key_with_a_pass_phrase_is_refused(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    chain, key, _ = certificate(tmp_path, key=private)
    locked = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(private.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked))
    assert "without a pass-phrase" in refused(chain, key)


def test_one_half_of_a_pair_is_no_pair(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'credentials_key' is not set"):
        users_certificate(SigningOptions(tmp_path / "chain.pem", None))
    with pytest.raises(UsageError, match="'credentials_certificate' is not set"):
        users_certificate(SigningOptions(None, tmp_path / "key.pem"))
    assert users_certificate(SigningOptions(None, None)) is None
