"""A certificate authority for the vendor's host names and for nothing else.

It signs one certificate; then its private key is forgotten, and its name constraints let no client
trust it for another name. Whoever trusts it takes no other risk.
"""

import os
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRUST_PASSWORD = "changeit"  # noqa: S105  what Java expects of a trust store; it guards nothing
_PEM = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LIFE = timedelta(days=365)
_RENEW = timedelta(days=30)
_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class Certificates:
    """Files of one front."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority alone, PEM."""
        return self.folder / "ca.pem"

    @property
    def bundle(self) -> Path:
        """The public authorities and ours, PEM: for settings that replace the usual ones."""
        return self.folder / "ca-bundle.pem"

    @property
    def truststore(self) -> Path:
        """The same for Java, PKCS 12."""
        return self.folder / "ca-bundle.p12"

    @property
    def chain(self) -> Path:
        return self.folder / "front.pem"

    @property
    def key(self) -> Path:
        return self.folder / "front.key"

    def make(self, hosts: Sequence[str], now: datetime) -> bool:
        """Make what is missing, soon over or for other names; say whether anything was made."""
        if self._good(hosts, now):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _authority(authority_key, hosts, now)
        leaf = _leaf(authority, authority_key, key.public_key(), hosts, now)
        # the certificate last: with it the front counts as whole
        self._store_key(key)
        self.authority.write_bytes(_pem(authority))
        self.bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + _pem(authority))
        self.truststore.write_bytes(_truststore(authority))
        self.chain.write_bytes(_pem(leaf) + _pem(authority))
        return True

    def _good(self, hosts: Sequence[str], now: datetime) -> bool:
        files = (self.authority, self.bundle, self.truststore, self.chain, self.key)
        if not all(file.exists() for file in files):
            return False
        leaf = x509.load_pem_x509_certificates(self.chain.read_bytes())[0]
        named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if set(named.get_values_for_type(x509.DNSName)) != set(hosts):
            return False
        return now < leaf.not_valid_after_utc - _RENEW

    def _store_key(self, key: ec.EllipticCurvePrivateKey) -> None:
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.key.unlink(missing_ok=True)
        with os.fdopen(os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(pem)


def _authority(
    key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: datetime
) -> x509.Certificate:
    name = _name("Ostro front")
    names = x509.NameConstraints([x509.DNSName(host) for host in hosts], None)
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(names, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    hosts: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(_name("Ostro"), authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _truststore(authority: x509.Certificate) -> bytes:
    """Return the public authorities and ours; Java knows a store of certificates by a mark."""
    trusted = [pkcs12.PKCS12Certificate(authority, b"ostro-front")]
    with warnings.catch_warnings(action="error", category=CryptographyDeprecationWarning):
        for number, pem in enumerate(_PEM.findall(Path(certifi.where()).read_bytes())):
            # one public authority has a serial number that the library will not read for long
            with suppress(ValueError, CryptographyDeprecationWarning):
                public = x509.load_pem_x509_certificate(pem)
                trusted.append(pkcs12.PKCS12Certificate(public, b"public-%d" % number))
    password = serialization.BestAvailableEncryption(TRUST_PASSWORD.encode())
    return pkcs12.serialize_java_truststore(trusted, password)
