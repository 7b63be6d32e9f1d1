"""Makes two builds of one commit the same bytes. Everything else about the package is in setup.cfg.

setuptools honours ``SOURCE_DATE_EPOCH`` in a wheel, but leaves the times and owners of the builder's files in a source
distribution, and in both the modes that the builder's umask gave them.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.sdist import sdist


def mode_for_all(mode: int, is_directory: bool) -> int:
    return 0o755 if is_directory or mode & 0o100 else 0o644


class ReproducibleWheel(bdist_wheel):
    def write_wheelfile(self, *arguments: Any, **options: Any) -> None:
        """Write the last of the files that are packed, and give all of them modes that no umask had a part in."""
        super().write_wheelfile(*arguments, **options)
        for path in Path(self.bdist_dir).rglob("*"):
            path.chmod(mode_for_all(path.stat().st_mode, path.is_dir()))


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
            member.mode = mode_for_all(member.mode, member.isdir())
            return member

        path = f"{base_name}.tar.gz"
        with ExitStack() as stack:
            file = stack.enter_context(open(path, "wb"))
            stream = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=time))
            archive = stack.enter_context(tarfile.open(fileobj=stream, mode="w"))
            archive.add(base_dir, filter=without_builder)
        return path


setup(cmdclass={"bdist_wheel": ReproducibleWheel, "sdist": ReproducibleSdist})
