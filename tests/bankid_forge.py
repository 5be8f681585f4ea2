"""A small e-ID with a root, a bank and an OCSP responder, that signs as BankID does and in every wrong way.

Canonical XML is the standard library's, signatures are cryptography's: no code is shared with what verifies.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha1, sha256
from ipaddress import ip_address
from typing import Any
from xml.etree.ElementTree import canonicalize

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from factories import BERI
from registry.identity.eid_roots import EidRoots
from registry.signing.encodings import encode_base64url

ISSUER = "https://bankid.example.test"
BANKID = "http://www.bankid.com/signature/v1.0.0/types"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
YEAR = timedelta(days=365)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of this run, one for each name: making one takes a while."""
    assert name
    return rsa.generate_private_key(65537, bits)


def certify(  # noqa: PLR0913  # all that a certificate says, each with its default
    subject: dict[x509.ObjectIdentifier, str | None],
    key: Key,
    issuer: Authority | None,
    *,
    valid: tuple[datetime, datetime],
    is_authority: bool = False,
    usage: tuple[str, ...] = ("content_commitment",),
    ocsp_signing: bool = False,
    algorithm: hashes.HashAlgorithm | None = None,
    address: str | None = None,
) -> Authority:
    """Make a certificate; without an issuer it is signed by itself."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject.items() if value])
    named = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    issued_by = issuer or Authority(None, key)  # type: ignore[arg-type]  # its own
    public = issued_by.key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{each: each in usage for each in named}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    if ocsp_signing:
        extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
        builder = builder.add_extension(extended, critical=False)
    if address is not None:
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(alternative, critical=False)
    return Authority(builder.sign(issued_by.key, algorithm or hashes.SHA256()), key)


@dataclass
class TestBankId:
    """An e-ID: root, bank and responder, valid for years around a time. Each part can be exchanged."""

    __test__ = False

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.now = self.now.replace(microsecond=0)
        long = (self.now - 5 * YEAR, self.now + 5 * YEAR)
        signing = ("key_cert_sign", "crl_sign")
        common = NameOID.COMMON_NAME
        self.root = certify(
            {common: "Test Root"}, rsa_key("root"), None, valid=long, is_authority=True, usage=signing
        )
        self.bank = certify(
            {common: "Test Bank CA"}, rsa_key("bank"), self.root, valid=long, is_authority=True, usage=signing
        )
        self.responder = certify(
            {common: "Test Bank OCSP"},
            rsa_key("ocsp"),
            self.bank,
            valid=long,
            usage=("digital_signature",),
            ocsp_signing=True,
        )

    def roots(self, **changes: Any) -> EidRoots:  # noqa: ANN401  # any member
        """What a registry is configured with that trusts this e-ID."""
        return replace(EidRoots(ISSUER, (self.root.certificate,)), **changes)

    def person(self, number: str = BERI, **changes: Any) -> Authority:  # noqa: ANN401  # any argument of `certify`
        """A person's certificate, for two years."""
        subject: dict[x509.ObjectIdentifier, str | None] = {
            NameOID.COUNTRY_NAME: "SE",
            NameOID.COMMON_NAME: "Beri Ylles",
            NameOID.GIVEN_NAME: "Beri",
            NameOID.SURNAME: "Ylles",
            NameOID.SERIAL_NUMBER: number,
        }
        arguments: dict[str, Any] = {"valid": (self.now - YEAR, self.now + YEAR)} | changes
        subject |= arguments.pop("subject", {})
        key = arguments.pop("key", None) or rsa_key("person")
        return certify(subject, key, arguments.pop("issuer", self.bank), **arguments)

    def sign(self, digest: str, number: str = BERI, **changes: Any) -> str:  # noqa: ANN401  # any of `Signing`
        """The completion data of a person's signature over content with this digest."""
        return self.signing(digest, number, **changes).completion()

    def signing(self, digest: str, number: str = BERI, **changes: Any) -> "Signing":  # noqa: ANN401  # any member
        """A signature in the making."""
        person = changes.pop("person", None) or self.person(number)
        return Signing(self, person, digest, **changes)


@dataclass
class Signing:
    """One signature as it is made; `bend` changes the XML before it is signed, `spoil` after."""

    eid: TestBankId
    person: Authority
    digest: str
    function: str = "Signing"
    hidden: str | None = None
    algorithm: str = RSA_SHA256
    bend: Callable[[bytes], bytes] = bytes
    spoil: Callable[[bytes], bytes] = bytes
    spoil_signature: Callable[[str], str] = str
    chain: tuple[Authority, ...] | None = None
    with_ocsp: bool = True
    ocsp: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)

    def completion(self) -> str:
        """JSON as it is sent in `evidence.data`."""
        signature = self.spoil_signature(b64encode(self.spoil(self.xml())).decode())
        members: dict[str, Any] = {"signature": signature}
        if self.with_ocsp:
            members["ocspResponse"] = b64encode(self.response(signature)).decode()
        return orjson.dumps(members | self.members).decode()

    def xml(self) -> bytes:
        """The signed XML: every value is that of the XML as `bend` left it."""
        root = etree.fromstring(self.bend(self._template()))
        for reference in root.iter(f"{{{DSIG}}}Reference"):
            target = root.xpath("//*[@Id=$id]", id=reference.get("URI", "#")[1:])
            digested = sha256(_canonical(target[0])).digest() if target else b"none"
            reference.find(f"{{{DSIG}}}DigestValue").text = b64encode(digested).decode()
        signed_info = root.find(f"{{{DSIG}}}SignedInfo")
        value = b64encode(self._signature(_canonical(signed_info))).decode()
        root.find(f"{{{DSIG}}}SignatureValue").text = value
        written: bytes = etree.tostring(root)
        return b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>' + written

    def response(self, signature: str) -> bytes:
        """The OCSP response that is made with the signature; `ocsp` says what is to be otherwise.

        Its time of production is the machine's: cryptography takes no other.
        """
        wanted: dict[str, Any] = {
            "responder": self.eid.responder,
            "about": self.person,
            "issuer": self.eid.bank,
            "status": ocsp.OCSPCertStatus.GOOD,
            "nonce": sha1(signature.encode(), usedforsecurity=False).digest() + b"0" * 12,
            "algorithm": hashes.SHA256(),
        } | self.ocsp
        revoked = wanted["status"] is ocsp.OCSPCertStatus.REVOKED
        at = datetime.now(UTC)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=wanted["about"].certificate,
                issuer=wanted["issuer"].certificate,
                algorithm=hashes.SHA1(),  # noqa: S303  # how OCSP names certificates
                cert_status=wanted["status"],
                this_update=wanted.get("this_update", at),
                next_update=wanted.get("next_update"),
                revocation_time=at - YEAR if revoked else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, wanted["responder"].certificate)
            .certificates([wanted["responder"].certificate])
        )
        if wanted["nonce"] is not None:
            builder = builder.add_extension(x509.OCSPNonce(wanted["nonce"]), critical=False)
        made = builder.sign(wanted["responder"].key, wanted["algorithm"])
        return made.public_bytes(serialization.Encoding.DER)

    def _template(self) -> bytes:
        chain = (self.person, self.eid.bank) if self.chain is None else (self.person, *self.chain)
        certificates = "".join(f"<X509Certificate>{_der(item)}</X509Certificate>" for item in chain)
        hidden = b64encode(self.digest.encode()).decode() if self.hidden is None else self.hidden
        return (
            f'<Signature xmlns="{DSIG}"><SignedInfo><CanonicalizationMethod Algorithm="{C14N}"/>'
            f'<SignatureMethod Algorithm="{self.algorithm}"/>'
            f"{_reference('bidSignedData')}{_reference('bidKeyInfo')}</SignedInfo><SignatureValue/>"
            f'<KeyInfo Id="bidKeyInfo"><X509Data>{certificates}</X509Data></KeyInfo>'
            f'<Object><bankIdSignedData xmlns="{BANKID}" Id="bidSignedData">'
            '<usrVisibleData charset="UTF-8" visible="wysiwys">SmFnIGdlciBmdWxsbWFrdC4=</usrVisibleData>'
            f"<usrNonVisibleData>{hidden}</usrNonVisibleData>"
            "<srvInfo><name>Y249VGVzdA==</name><nonce>MTIzNDU2Nzg5MDEy</nonce></srvInfo>"
            f"<clientInfo><funcId>{self.function}</funcId><version>Ny4xNC4w</version></clientInfo>"
            "</bankIdSignedData></Object></Signature>"
        ).encode()

    def _signature(self, signed: bytes) -> bytes:
        key = self.person.key
        if isinstance(key, rsa.RSAPrivateKey):
            weak = self.algorithm.endswith("sha1")
            return key.sign(signed, padding.PKCS1v15(), hashes.SHA1() if weak else hashes.SHA256())  # noqa: S303  # to be refused
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415

        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def digest_text(content: bytes) -> str:
    """The `digest` that a preview shows for these bytes."""
    return encode_base64url(sha256(content).digest())


def replacing(old: str, new: str) -> Callable[[bytes], bytes]:
    """Change the XML in one place that must be there."""

    def change(xml: bytes) -> bytes:
        assert old.encode() in xml
        return xml.replace(old.encode(), new.encode(), 1)

    return change


def _reference(target: str) -> str:
    return (
        f'<Reference URI="#{target}"><Transforms><Transform Algorithm="{C14N}"/></Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"/><DigestValue/></Reference>'
    )


def _canonical(element: Any) -> bytes:  # noqa: ANN401  # lxml has no types
    """By the standard library, whose C14N 2.0 is C14N 1.0 where every prefix is used."""
    return canonicalize(etree.tostring(element, encoding="unicode", with_tail=False)).encode()


def _der(item: Authority) -> str:
    return b64encode(item.certificate.public_bytes(serialization.Encoding.DER)).decode()
