"""Makes two builds of one commit the same bytes. Everything else about the package is in setup.cfg.

setuptools honours ``SOURCE_DATE_EPOCH`` in a wheel, but leaves the times and owners of the builder's files in a source
distribution.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from contextlib import ExitStack
from typing import Any

from setuptools import setup
from setuptools.command.sdist import sdist


class ReproducibleSdist(sdist):
    def make_archive(
        self, base_name: str, format: str, root_dir: Any = None, base_dir: Any = None, **owner: Any
    ) -> str:
        """Pack the files of ``base_dir``, with the time of ``SOURCE_DATE_EPOCH`` if it is set."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, **owner)
        time = int(epoch)

        def without_builder(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mtime = time
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = f"{base_name}.tar.gz"
        with ExitStack() as stack:
            file = stack.enter_context(open(path, "wb"))
            stream = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=time))
            archive = stack.enter_context(tarfile.open(fileobj=stream, mode="w"))
            archive.add(base_dir, filter=without_builder)
        return path


setup(cmdclass={"sdist": ReproducibleSdist})
