"""XML signatures, read so strictly that what was verified and what is read are the same (W3C xmldsig-core).

Only an enveloping signature in the form that BankID writes is taken: one `Signature` as the root, over its
own `Object` and its own `KeyInfo`.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from registry.identity.evidence_errors import UNREADABLE, EvidenceError

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"

_MAX_ELEMENTS: Final = 200
_DECLARATION: Final = re.compile(
    rb"""<\?xml version=["']1\.0["']( encoding=["']utf-8["'])?( standalone=["'](yes|no)["'])?\s*\?>\s*""",
    re.IGNORECASE,
)
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_CANONICAL: Final = frozenset(
    {
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    }
)
_SIGNATURES: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_SIGNATURE_URIS: Final = frozenset(method.value for method in _SIGNATURES)
_DIGEST_URIS: Final = frozenset(algorithm.value for algorithm in _DIGESTS)


@dataclass(frozen=True, slots=True)
class ReadSignature:
    """A signature in the accepted form. Nothing of it is verified yet: believe `verify_signed` alone."""

    xml: bytes
    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    references: int


def read_signature(xml: bytes) -> ReadSignature:
    """Parse an enveloping signature and read the certificates that it carries, the signer's own first.

    Raises EvidenceError (`malformed`, `unsupported`) for DTDs, entities, comments, CDATA, processing
    instructions, further signatures, ids that occur twice, references to anything but its own parts,
    transforms other than canonicalisation, and algorithms that are too weak. Nothing is ever fetched.
    """
    # Without its declaration the text is UTF-8 for every parser.
    body = xml.removeprefix(found[0]) if (found := _DECLARATION.match(xml)) else xml
    root = _parse(body)
    if [child.tag for child in root] != [
        f"{DS}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")
    ]:
        raise _malformed("it must be one enveloping `Signature`, with one `Object`")
    if len(root[3]) != 1:
        raise _malformed("its `Object` must hold what was signed, and nothing else")
    elements = list(root.iter())
    if len(elements) > _MAX_ELEMENTS:
        raise _malformed("it has more elements than any e-ID's")
    _check_namespaces(elements)
    if sum(element.tag == f"{DS}Signature" for element in elements) != 1:
        raise _malformed("it must hold one signature")
    _check_algorithms(root)
    references = _check_references(root, elements)
    for name in ("SignatureValue", "DigestValue", "X509Certificate"):
        for element in root.iter(f"{DS}{name}"):
            decode_base64(element.text or "")
    certificate, *others = _certificates(root)
    return ReadSignature(body, certificate, tuple(others), references)


def verify_signed(signature: ReadSignature, *, at: datetime) -> list[etree._Element]:
    """Verify the signature by its certificate, and give the parts that it covers, as they were signed.

    Whether the certificate itself is to be believed is the caller's to see to. Raises EvidenceError
    (`bad_signature`, `unsupported`).
    """
    expected = SignatureConfiguration(
        location="./",
        expect_references=bool(signature.references),  # any number: they were counted and looked at above
        signature_methods=_SIGNATURES,
        digest_algorithms=_DIGESTS,
        verification_time=at,
    )
    verifier = XMLVerifier()
    # Where a default namespace is inherited, lxml puts `xmlns=""` into canonical XML that has no such thing.
    # No other stands there to be taken for one: `_check_namespaces` saw to that.
    verifier.excise_empty_xmlns_declarations = True
    try:
        results = verifier.verify(signature.xml, x509_cert=signature.certificate, expect_config=expected)
    except (SignXMLException, etree.LxmlError, NotImplementedError, *UNREADABLE) as error:
        raise EvidenceError("bad_signature", "The XML signature does not verify.") from error
    found = results if isinstance(results, list) else [results]
    return [result.signed_xml for result in found if result.signed_xml is not None]


def decode_base64(text: str) -> bytes:
    """Decode the one canonical encoding of some bytes, line breaks aside.

    Raises EvidenceError (`malformed`).
    """
    bare = _BLANKS.sub("", text)
    try:
        data = b64decode(bare, validate=True)
    except ValueError:
        raise _malformed("a value is not base64") from None
    if not data or b64encode(data).decode("ascii") != bare:
        raise _malformed("a value is not canonical base64")
    return data


def _parse(body: bytes) -> etree._Element:
    # In well-formed UTF-8 text `<!` and `<?` open what has no place here: DTDs, entities, comments, CDATA.
    if b"<!" in body or b"<?" in body or b"\0" in body:
        raise _malformed("leave out DTDs, entities, comments, CDATA and processing instructions")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        body.decode("utf-8")
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _malformed("it is not well-formed XML in UTF-8") from error
    if root.tag != f"{DS}Signature":
        raise _malformed("its root must be `Signature`")
    return root


def _check_namespaces(elements: list[etree._Element]) -> None:
    """See that every element has a namespace, and that no text looks like the declaration of none."""
    for element in elements:
        texts = (element.text, element.tail, *element.attrib.values())
        if etree.QName(element).namespace is None or any(text and "xmlns=" in text for text in texts):
            raise _malformed("each of its elements must have a namespace")


def _check_algorithms(root: etree._Element) -> None:
    wanted = (
        ("CanonicalizationMethod", _CANONICAL),
        ("Transform", _CANONICAL),
        ("SignatureMethod", _SIGNATURE_URIS),
        ("DigestMethod", _DIGEST_URIS),
    )
    for name, accepted in wanted:
        for element in root.iter(f"{DS}{name}"):
            if element.get("Algorithm") not in accepted:
                message = f"The XML signature is refused: its {name} is too weak, or not one that e-IDs use."
                raise EvidenceError("unsupported", message)


def _check_references(root: etree._Element, elements: list[etree._Element]) -> int:
    """See that the signature's own two parts are signed: a certificate that is not could be another."""
    ids = [
        value
        for element in elements
        for name, value in element.attrib.items()
        if etree.QName(name).localname.lower() == "id"
    ]
    if len(set(ids)) != len(ids):
        raise _malformed("an id occurs twice")
    covered = (root[2], root[3][0])
    own = {f"#{element.get('Id')}" for element in covered if element.get("Id")}
    uris = [reference.get("URI") for reference in root.iter(f"{DS}Reference")]
    if len(uris) != len(own) or set(uris) != own or len(own) != len(covered):
        raise _malformed("it must sign its own `Object`'s content and its own `KeyInfo`, and nothing else")
    return len(uris)


def _certificates(root: etree._Element) -> list[x509.Certificate]:
    if [child.tag for child in root[2]] != [f"{DS}X509Data"]:
        raise _malformed("its `KeyInfo` must hold `X509Data` alone")
    try:
        found = [
            x509.load_der_x509_certificate(decode_base64(element.text or ""))
            for element in root[2][0].iter(f"{DS}X509Certificate")
        ]
    except UNREADABLE as error:
        raise _malformed("a certificate cannot be read") from error
    if not found:
        raise _malformed("it carries no certificate")
    return found


def _malformed(why: str) -> EvidenceError:
    return EvidenceError("malformed", f"The XML signature is refused: {why}.")
