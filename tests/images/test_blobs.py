"""The store of blobs: what is written comes back, once for the same bytes, and goes with its last holder."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moto_ecr_ptc.ecr.images.blobs import IN_MEMORY, PIECE, Blob, BlobWriter, make_blob
from moto_ecr_ptc.ecr.images.manifests import sha256
from tests.strict import STRICT

FILES = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not show open files")
SIZES = [0, 1, IN_MEMORY, IN_MEMORY + 1, 3 * PIECE + 5]


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def spool(content: bytes, piece: int = 100_000) -> Blob:
    written = BlobWriter()
    for offset in range(0, len(content), piece):
        written.write(content[offset : offset + piece])
    return written.finish()


@pytest.mark.parametrize("size", SIZES)
def test_blob_has_the_bytes_that_were_written(size):
    content = os.urandom(size)
    blob = spool(content)
    assert (blob.digest, blob.size) == (sha256(content), size)
    assert blob.read() == content
    assert b"".join(blob.pieces()) == content
    assert b"".join(blob.pieces_between(size // 2, size // 2 + 7)) == content[size // 2 : size // 2 + 7]
    assert b"".join(blob.pieces_between(size, size + 7)) == b""


def test_same_bytes_are_held_once():
    content = os.urandom(IN_MEMORY * 2)
    assert spool(content) is spool(content, piece=7_000_000)
    assert make_blob(b"small") is make_blob(b"small")


def test_several_readers_do_not_disturb_each_other():
    content = os.urandom(5 * PIECE)
    blob = spool(content)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: sha256(b"".join(blob.pieces())), range(32))) == {sha256(content)}


def test_digest_in_another_algorithm_is_computed_if_it_is_asked_for():
    written = BlobWriter("sha512")
    written.write(b"content")
    assert written.has_digest(f"sha512:{hashlib.sha512(b'content').hexdigest()}")
    assert written.has_digest(sha256(b"content"))
    assert not written.has_digest(f"sha512:{hashlib.sha512(b'other').hexdigest()}")
    assert not written.has_digest(f"sha384:{hashlib.sha384(b'content').hexdigest()}")
    assert written.finish().digest == sha256(b"content")


@FILES
def test_large_blob_lies_in_a_file_that_goes_with_it():
    before = open_files()
    blob = spool(os.urandom(IN_MEMORY + 1))
    assert open_files() == before + 1
    del blob
    assert open_files() == before


@FILES
def test_small_blob_lies_in_memory():
    before = open_files()
    blob = spool(os.urandom(IN_MEMORY))
    assert open_files() == before
    assert blob.size == IN_MEMORY


@FILES
@pytest.mark.parametrize("end", ["close", "forget"])
def test_spool_that_is_not_finished_leaves_no_file(end):
    before = open_files()
    written = BlobWriter()
    written.write(bytes(IN_MEMORY + 1))
    assert open_files() == before + 1
    if end == "close":
        written.close()
    else:
        del written
    assert open_files() == before


@FILES
def test_second_writer_of_the_same_bytes_leaves_no_file():
    before = open_files()
    content = os.urandom(IN_MEMORY + 1)
    blobs = [spool(content) for _ in range(3)]
    assert open_files() == before + 1
    assert len({id(blob) for blob in blobs}) == 1


@FILES
def test_blob_stays_in_memory_where_no_file_can_be_opened():
    program = """
        import os, resource
        from moto_ecr_ptc.ecr.images.blobs import IN_MEMORY, BlobWriter
        spool = BlobWriter()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        content = os.urandom(IN_MEMORY * 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        spool.write(content[:IN_MEMORY + 1])
        spool.write(content[IN_MEMORY + 1:])
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert spool.finish().read() == content
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")


@FILES
def test_piece_that_cannot_be_stored_can_be_written_again():
    program = """
        import os, resource
        from moto_ecr_ptc.ecr.images.blobs import IN_MEMORY, BlobWriter
        content = os.urandom(IN_MEMORY * 4)
        writer = BlobWriter()
        writer.write(content[: IN_MEMORY * 2])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (IN_MEMORY * 3, limits[1]))
        try:
            writer.write(content[IN_MEMORY * 2 :])
        except OSError:
            pass
        else:
            raise AssertionError("it was stored")
        assert writer.size == IN_MEMORY * 2
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        writer.write(content[IN_MEMORY * 2 :])
        assert writer.finish().read() == content
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")


@FILES
@pytest.mark.parametrize("size", [1000, IN_MEMORY + 1000])
def test_part_that_is_taken_back_leaves_neither_bytes_nor_room_on_the_disk(size):
    program = f"""
        import os
        from contextlib import suppress
        from moto_ecr_ptc.ecr.images.blobs import IN_MEMORY, PIECE, BlobWriter

        def sizes():
            return [os.stat(f"/proc/self/fd/{{one}}").st_size for one in os.listdir("/proc/self/fd") if is_unnamed(one)]

        def is_unnamed(one):
            with suppress(FileNotFoundError):
                return os.readlink(f"/proc/self/fd/{{one}}").endswith(" (deleted)")

        written = BlobWriter()
        content = os.urandom({size})
        written.write(content)
        with suppress(KeyError), written.undone_on_failure():
            written.write(bytes(3 * PIECE))
            assert sizes() == [{size} + 3 * PIECE]
            raise KeyError
        assert sizes() == ([{size}] if {size} > IN_MEMORY else [])
        assert written.finish().read() == content
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (process.returncode, process.stderr) == (0, "")


@FILES
def test_blobs_leave_descriptors_to_the_rest_of_the_process():
    program = """
        import os, resource, tempfile
        from moto_ecr_ptc.ecr.images.blobs import IN_MEMORY, make_blob
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        contents = [os.urandom(8) + bytes(IN_MEMORY) for _ in range(100)]
        blobs = [make_blob(content) for content in contents]
        others = [tempfile.TemporaryFile() for _ in range(40)]
        assert all(blob.read() == content for blob, content in zip(blobs, contents))
        for other in others:
            other.close()
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
