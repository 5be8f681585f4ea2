"""Tiles, notes, checkpoints and proofs as c2sp.org has them, with its examples."""

from uuid import UUID

import pytest

from registry.tlog.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from registry.tlog.entries import LogEntry, read_log_entry
from registry.tlog.inclusion import InclusionProof, ProofError, check_proof, parse_proof
from registry.tlog.merkle import leaf_hash, node_hash
from registry.tlog.notes import (
    COSIGNATURE,
    NoteError,
    NoteKey,
    NoteSignature,
    VerifierKey,
    attach,
    cosigned_at,
    parse_note,
    parse_verifier_key,
    sign_note,
    verify_note,
)
from registry.tlog.tiles import (
    Tile,
    TileAddress,
    all_tiles,
    edge_tiles,
    pack_entries,
    parse_tile_path,
    unpack_entries,
)

VERIFIER = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
ORIGIN, KEY, OTHER = "log.example/1", NoteKey(b"k" * 32), NoteKey(b"o" * 32)
LEAF = leaf_hash(b"entry")
CHECKPOINT = Checkpoint(ORIGIN, 2, node_hash(LEAF, leaf_hash(b"other")))
PROOF = InclusionProof(0, (leaf_hash(b"other"),), CHECKPOINT.signed([KEY]))


def test_the_published_note_verifies() -> None:
    key = parse_verifier_key(VERIFIER)
    assert key.text == VERIFIER
    assert verify_note(NOTE, [key]) == ("This is an example message.\n", [key])
    with pytest.raises(NoteError, match="does not verify"):
        verify_note(NOTE.replace("example message", "forged message"), [key])
    with pytest.raises(NoteError, match="no known key"):
        verify_note(NOTE, [KEY.verifier("example.com/foo")])


def test_the_published_checkpoint_is_read_with_its_cosignature() -> None:
    note = parse_note(COSIGNED)
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == note.text
    assert cosigned_at(note.signatures[1]) == 1679315147
    assert "".join(signature.line for signature in note.signatures) in COSIGNED


def test_a_note_is_verified_by_each_key_that_signed_it() -> None:
    note = sign_note("text\n", ORIGIN, [KEY, OTHER])
    both = [KEY.verifier(ORIGIN), OTHER.verifier(ORIGIN)]
    assert verify_note(note, both) == ("text\n", both)
    assert verify_note(note, both[1:]) == ("text\n", both[1:])
    assert repr(KEY) == "NoteKey()"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n\u2014 name AAAAAAA=",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n\u2014 na+me AAAAAAA=\n",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 name A A A A\n",
        "te\rxt\n\n\u2014 name AAAAAAA=\n",
        "x" * 70_000,
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        parse_note(note)


@pytest.mark.parametrize(
    "text", ["", "name", VERIFIER[:-4], VERIFIER.replace("530d903a", "530d903b"), "+1+AQ=="]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_verifier_key(text)


UNUSED_BITS = f"x\n1\n{'A' * 42}B=\n"


@pytest.mark.parametrize(
    "text", [UNUSED_BITS, "x\n1\n", "x\n01\nAAAA\n", "\n1\nAAAA\n", "x\n1\nAAAA\n", "x\n-1\nAAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_a_log_signs_for_itself() -> None:
    key = KEY.verifier(ORIGIN)
    assert open_checkpoint(CHECKPOINT.signed([KEY]), [key]) == (CHECKPOINT, [key])
    by_another = sign_note(CHECKPOINT.text, "other.example/1", [KEY])
    with pytest.raises(NoteError, match="own log"):
        open_checkpoint(by_another, [KEY.verifier("other.example/1")])
    witness = VerifierKey(ORIGIN, KEY.public, COSIGNATURE)
    signature = (7).to_bytes(8, "big") + KEY.sign(f"cosignature/v1\ntime 7\n{CHECKPOINT.text}")
    cosigned = f"{CHECKPOINT.text}\n{NoteSignature(ORIGIN, witness.key_id, signature).line}"
    with pytest.raises(NoteError, match="own log"):
        open_checkpoint(cosigned, [witness])


def test_a_witness_is_attached_once_it_verifies() -> None:
    witness = VerifierKey("witness.example/w", OTHER.public, COSIGNATURE)
    message = f"cosignature/v1\ntime 1795251600\n{CHECKPOINT.text}"
    line = NoteSignature(
        witness.name, witness.key_id, (1795251600).to_bytes(8, "big") + OTHER.sign(message)
    ).line
    note = attach(CHECKPOINT.signed([KEY]), line, [witness])
    assert open_checkpoint(note, [KEY.verifier(ORIGIN), witness])[1] == [KEY.verifier(ORIGIN), witness]
    assert attach(note, line, [witness]) == note
    assert parse_verifier_key(witness.text) == witness
    with pytest.raises(NoteError, match="known key"):
        attach(Checkpoint(ORIGIN, 3, bytes(32)).signed([KEY]), line, [witness])
    with pytest.raises(NoteError, match="known key"):
        attach(note, line, [KEY.verifier(ORIGIN)])
    with pytest.raises(NoteError, match="no cosignature"):
        cosigned_at(parse_note(note).signatures[0])


def test_a_proof_travels_as_text() -> None:
    text = PROOF.text
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    assert parse_proof(text) == PROOF
    assert parse_proof(text.replace("\nindex", "\nextra YWdl\nindex")) == PROOF
    key = KEY.verifier(ORIGIN)
    assert check_proof(PROOF, b"entry", [key]) == (CHECKPOINT, [key])
    for wrong in (b"other", b""):
        with pytest.raises(ProofError, match="lead"):
            check_proof(PROOF, wrong, [key])
    with pytest.raises(ProofError, match="too short"):
        check_proof(InclusionProof(0, (), PROOF.note), b"entry", [key])
    with pytest.raises(NoteError):
        check_proof(PROOF, b"entry", [OTHER.verifier(ORIGIN)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 0", "index 00"),
        ("index 0", "index x"),
        ("index 0\n", "index 0\nAAAA\n"),
        ("index 0\n", "index 0\n" + "A" * 42 + "B=\n"),
        ("\n\n", "\n"),
    ],
)
def test_what_is_no_proof_is_refused(old: str, new: str) -> None:
    with pytest.raises(ProofError):
        parse_proof(PROOF.text.replace(old, new))


def test_the_published_tiles() -> None:
    assert TileAddress(0, 1234067, 256).path == "0/x001/x234/067"
    sizes = [(tile, tile.width_at(70_000)) for tile in all_tiles(70_000)]
    assert len([tile for tile, width in sizes if tile.level == 0 and width == 256]) == 273
    assert [(tile, width) for tile, width in sizes if tile.level or width < 256] == [
        (Tile(0, 273), 112),
        (Tile(1, 0), 256),
        (Tile(1, 1), 17),
        (Tile(2, 0), 1),
    ]
    assert edge_tiles(256) == [Tile(1, 0)]


@pytest.mark.parametrize(
    "path", ["0/000", "63/x001/x234/067", "entries/999.p/255", "entries/x001/000", "2/007.p/1"]
)
def test_a_tile_has_one_path(path: str) -> None:
    level, _, rest = path.partition("/")
    assert parse_tile_path(level, rest).path == path


@pytest.mark.parametrize(
    ("level", "rest"),
    [
        ("64", "000"),
        ("00", "000"),
        ("data", "000"),
        ("", "000"),
        ("0", ""),
        ("0", "0"),
        ("0", "x000/001"),
        ("0", "001/002"),
        ("0", "x001"),
        ("0", "000.p/0"),
        ("0", "000.p/256"),
        ("0", "000.p/01"),
        ("0", "000.p/"),
        ("0", "000/"),
        ("0", "../000"),
        ("0", "\u0660\u0660\u0660"),
        ("\u0660", "000"),
        ("0", "x001/" * 9 + "000"),
        ("0", "x999/" * 6 + "999"),
    ],
)
def test_any_other_path_is_none(level: str, rest: str) -> None:
    with pytest.raises(ValueError, match=r"is groups|has a width|is a number"):
        parse_tile_path(level, rest)


def test_bundles() -> None:
    entries = [b"", b"x", b"y" * 65_535]
    assert unpack_entries(pack_entries(entries)) == entries
    with pytest.raises(ValueError, match="within"):
        unpack_entries(pack_entries(entries)[:-1])
    with pytest.raises(OverflowError):
        pack_entries([bytes(65_536)])


ENTRY = LogEntry("mandate", UUID("01a1ff99-e247-736b-8ab5-1240e559611c"), 3, bytes(32))


def test_an_entry_has_one_form() -> None:
    data = ENTRY.to_bytes()
    assert data == (
        b'{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",'
        b'"id":"01a1ff99-e247-736b-8ab5-1240e559611c","kind":"mandate","number":3}'
    )
    assert read_log_entry(data) == ENTRY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'":3', b'":3.0'),
        (b'":3', b'": 3'),
        (b"}", b',"x":1}'),
        (b"mandate", b"Mandate"),
        (b"AAA", b""),
        (b"}", b""),
    ],
)
def test_any_other_form_is_no_entry(old: bytes, new: bytes) -> None:
    with pytest.raises(ValueError, match="not an entry"):
        read_log_entry(ENTRY.to_bytes().replace(old, new, 1))
