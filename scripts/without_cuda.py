#!/usr/bin/env python3
"""Installs torch without the CUDA libraries that its wheel requires: for computers without a GPU.

    python scripts/without_cuda.py [--constraint constraints.txt]

installs into the environment of the `python` that runs it; then `pip install` whatever needs torch. It needs pip and nothing
else; this one file can be copied.

torch's Linux wheels on the default package index are linked against CUDA's libraries, so torch is not imported without
them, although a computer without a GPU never calls one. This script takes torch alone, reads from its libraries which
functions they expect of CUDA's, and puts a library of a few kilobytes in the place of each: every function answers
"no CUDA-capable device", as the real ones do where there is no GPU. The distributions that torch requires are then
installed by name, with the version `…+absent`, so that pip neither downloads the real ones nor misses them (`pip check`
is content).

`python scripts/without_cuda.py --undo` takes the stand-ins away; pip then installs the real ones with what needs torch.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.metadata
import mmap
import platform
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

LABEL = "absent"
"""The local version of a stand-in: `13.0.3+absent` satisfies `==13.0.3`, and says what it is."""
CUDA = re.compile(r"(nvidia|cuda|triton)\b")
"""Distributions that only a GPU needs."""
LIBRARY = re.compile(r"lib(cu|nv|nccl)\w*\.so[.\d]*")
"""Their libraries. The driver's, libcuda.so.1, is no part of them: torch looks for it when CUDA is used, not before."""
DRIVER = "libcuda.so.1"
FOLDER = "nvidia/cu13/lib"
NO_DEVICE = 100
"""cudaErrorNoDevice. To the other libraries of CUDA it is an error as well."""
MESSAGE = b"no CUDA: a stand-in for its libraries is installed (see without_cuda.py)\0"
TEXT_FUNCTION = re.compile(r"(Error|Status)(String|Name)$|^ncclGetLastError$")
"""Functions that return a text and not a status."""


# ELF's numbers, named as in the ABI and in elf.h.
SHT_DYNAMIC, SHT_DYNSYM, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 6, 11, 0x6FFFFFFE, 0x6FFFFFFF
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
PF_RX, PF_RW = 5, 6
DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 0, 1, 4, 5, 6, 10, 11, 14
DT_VERSYM, DT_VERDEF, DT_VERDEFNUM = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
ET_DYN, STB_GLOBAL, GLOBAL_FUNCTION, VER_FLG_BASE = 3, 1, 0x12, 1
EHDR_SIZE, PHDR_SIZE, SHDR_SIZE, SYM_SIZE, VERDEF_SIZE, VERDAUX_SIZE = 64, 56, 64, 24, 20, 8


# --------------------------------------------------------------------------------- what torch expects
@dataclass
class Library:
    """A library to stand in for: its symbols, each with its version ("" for none)."""

    name: str
    symbols: dict[str, str] = field(default_factory=dict)


class Elf:
    """The dynamic symbols of a shared library (ELF, 64 bits, little endian)."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        table, size, count = *struct.unpack_from("<Q", data, 0x28), *struct.unpack_from("<HH", data, 0x3A)
        sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + size * index) for index in range(count)]
        self._sections = sections
        self._by_type = {section[1]: section for section in sections}

    def needed(self) -> Iterator[str]:
        """The names of the libraries that it is linked against."""
        section = self._by_type[SHT_DYNAMIC]
        for tag, value in struct.iter_unpack("<QQ", self._bytes(section)):
            if tag == DT_NEEDED:
                yield self._text(section, value)

    def undefined(self) -> Iterator[tuple[str, str, str]]:
        """Each function that others have to define: its name, version and the library that has the version ("" for none)."""
        versions = dict(self._versions())
        symbols = self._by_type[SHT_DYNSYM]
        indices = struct.iter_unpack("<H", self._bytes(self._by_type[SHT_GNU_VERSYM]))
        for symbol, (index,) in zip(struct.iter_unpack("<IBBHQQ", self._bytes(symbols)), indices, strict=True):
            name, info, _, section, _, _ = symbol
            if section == 0 and info >> 4 == STB_GLOBAL:
                yield self._text(symbols, name), *versions.get(index & 0x7FFF, ("", ""))

    def _versions(self) -> Iterator[tuple[int, tuple[str, str]]]:
        if (section := self._by_type.get(SHT_GNU_VERNEED)) is None:
            return
        at, following = section[4], 1
        while following:
            _, _, file, auxiliary, following = struct.unpack_from("<HHIII", self._data, at)
            one, next_one = at + auxiliary, 1
            while next_one:
                _, _, index, name, next_one = struct.unpack_from("<IHHII", self._data, one)
                yield index, (self._text(section, name), self._text(section, file))
                one += next_one
            at += following

    def _bytes(self, section: tuple[int, ...]) -> bytes:
        return self._data[section[4] : section[4] + section[5]]

    def _text(self, section: tuple[int, ...], offset: int) -> str:
        start = self._sections[section[6]][4] + offset
        return self._data[start : self._data.find(b"\0", start)].decode()


def expected_libraries(torch_libraries: Path) -> list[Library]:
    """The libraries of CUDA that those in `torch_libraries` are linked against, with the functions that they call."""
    found: dict[str, Library] = {}
    unversioned: set[str] = set()
    for path in sorted(torch_libraries.glob("*.so*")):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            elf = Elf(data)
            for name in elf.needed():
                if LIBRARY.fullmatch(name) and name != DRIVER:
                    found.setdefault(name, Library(name))
            for symbol, version, name in elf.undefined():
                if not name:
                    unversioned.add(symbol)
                elif LIBRARY.fullmatch(name):
                    found.setdefault(name, Library(name)).symbols[symbol] = version
    for library in found.values():  # libnccl.so.2 has ncclSend, libnvshmem_host.so.3 has nvshmem_malloc
        stem = library.name.removeprefix("lib").split(".")[0].split("_")[0].lower()
        library.symbols.update(dict.fromkeys((one for one in unversioned if one.lower().startswith(stem)), ""))
    return list(found.values())


# ---------------------------------------------------------------------------------------- a library
@dataclass(frozen=True)
class Machine:
    """How a processor returns from a function with a number, or with an address `distance` bytes further on."""

    elf_number: int
    number: Callable[[int], bytes]
    address: Callable[[int], bytes]


def _words(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


MACHINES = {
    "x86_64": Machine(
        elf_number=62,
        number=lambda value: b"\xb8" + _words(value) + b"\xc3",  # mov eax, value; ret
        address=lambda distance: b"\x48\x8d\x05" + _words(distance - 7) + b"\xc3",  # lea rax, [rip + distance]; ret
    ),
    "aarch64": Machine(
        elf_number=183,
        number=lambda value: _words(0x52800000 | value << 5, 0xD65F03C0),  # mov w0, value; ret
        address=lambda distance: _words(0x10000000 | (distance & 3) << 29 | (distance >> 2) << 5, 0xD65F03C0),  # adr
    ),
}
PAGE = 0x10000  # the largest page of either machine


def shared_library(library: Library, machine: str) -> bytes:
    """An ELF shared library whose every function returns NO_DEVICE, or the message where a text is expected."""
    processor = MACHINES[machine]
    strings = bytearray(b"\0")

    def string(value: str) -> int:
        strings.extend(value.encode() + b"\0")
        return len(strings) - len(value.encode()) - 1

    soname = string(library.name)
    versions = sorted({version for version in library.symbols.values() if version})
    names = sorted(library.symbols)
    offsets = [string(name) for name in names]

    definitions = b""
    for index, name in enumerate([library.name, *versions], start=1):  # the first names the library itself
        last = index > len(versions)
        base, following = VER_FLG_BASE if index == 1 else 0, 0 if last else VERDEF_SIZE + VERDAUX_SIZE
        definitions += struct.pack("<HHHHIII", 1, base, index, 1, elf_hash(name), VERDEF_SIZE, following)
        definitions += struct.pack("<II", string(name), 0)
    indices = [0, *(2 + versions.index(version) if (version := library.symbols[name]) else 1 for name in names)]

    buckets, chain = [0] * (len(names) + 1), [0] * (len(names) + 1)
    for index, name in enumerate(names, start=1):
        bucket = elf_hash(name) % len(buckets)
        buckets[bucket], chain[index] = index, buckets[bucket]

    sizes = [
        SYM_SIZE * (len(names) + 1),
        len(strings),
        4 * (2 + len(buckets) + len(chain)),
        2 * len(indices),
        len(definitions),
    ]
    starts = [EHDR_SIZE + PHDR_SIZE * 4]
    for size in sizes:
        starts.append((starts[-1] + size + 15) // 16 * 16)
    symbols_at, strings_at, hash_at, indices_at, definitions_at, code_at = starts
    text_at = code_at + 8  # code: `return status`, then `return message`, then the message
    code = processor.number(NO_DEVICE).ljust(8, b"\0") + processor.address(8).ljust(8, b"\0") + MESSAGE
    dynamic_at = (code_at + len(code) + 15) // 16 * 16

    table = struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0) + b"".join(
        struct.pack("<IBBHQQ", offset, GLOBAL_FUNCTION, 0, 1, text_at if TEXT_FUNCTION.search(name) else code_at, 8)
        for name, offset in zip(names, offsets, strict=True)
    )
    hashes = struct.pack(f"<{2 + len(buckets) + len(chain)}I", len(buckets), len(chain), *buckets, *chain)
    entries = {
        DT_SONAME: soname,
        DT_HASH: hash_at,
        DT_STRTAB: strings_at,
        DT_SYMTAB: symbols_at,
        DT_STRSZ: len(strings),
        DT_SYMENT: SYM_SIZE,
        DT_VERSYM: indices_at,
        DT_VERDEF: definitions_at,
        DT_VERDEFNUM: 1 + len(versions),
        DT_NULL: 0,
    }
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in entries.items())

    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack(
        "<HHIQQQIHHHHHH", ET_DYN, processor.elf_number, 1, 0, EHDR_SIZE, 0, 0, EHDR_SIZE, PHDR_SIZE, 4, SHDR_SIZE, 0, 0
    )
    # All but the dynamic section is read and run; that is written to by the loader, so it is on a page of its own.
    address = dynamic_at + PAGE
    for kind, flags, offset, at, size, alignment in (
        (PT_LOAD, PF_RX, 0, 0, dynamic_at, PAGE),
        (PT_LOAD, PF_RW, dynamic_at, address, len(dynamic), PAGE),
        (PT_DYNAMIC, PF_RW, dynamic_at, address, len(dynamic), 8),
        (PT_GNU_STACK, PF_RW, 0, 0, 0, 16),  # without it the stack would hold code
    ):
        header += struct.pack("<IIQQQQQQ", kind, flags, offset, at, at, size, size, alignment)
    file = bytearray(dynamic_at + len(dynamic))
    parts = [header, table, strings, hashes, struct.pack(f"<{len(indices)}H", *indices), definitions, code, dynamic]
    for at, part in zip([0, *starts, dynamic_at], parts, strict=True):
        file[at : at + len(part)] = part
    return bytes(file)


def elf_hash(name: str) -> int:
    """The hash of System V's ABI."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value >> 24 & 0xF0)) & 0x0FFFFFFF
    return value


# ------------------------------------------------------------------------------------------- wheels
def stand_in(requirement: Requirement, pinned: str | None) -> tuple[str, str]:
    """Name and version of what stands in for a requirement."""
    versions = [pinned] if pinned else [one.version for one in requirement.specifier if one.operator in {"==", ">="}]
    if not versions or not requirement.specifier.contains(versions[0]):
        sys.exit(f"without_cuda: no version to stand in for {requirement}")
    return requirement.name, f"{versions[0]}+{LABEL}"


def write_wheel(directory: Path, name: str, version: str, extras: Sequence[str], files: dict[str, bytes]) -> Path:
    """A wheel that says of itself that it is a stand-in."""
    base = f"{name.replace('-', '_')}-{version}"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Provides-Extra: {extra}" for extra in extras),
    ]
    metadata += ["Summary: Stands in for the real distribution where there is no GPU (asktell's without_cuda.py)", ""]
    content = {
        **files,
        f"{base}.dist-info/METADATA": "\n".join(metadata).encode(),
        f"{base}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: without_cuda.py\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    digests = {
        file: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        for file, data in content.items()
    }
    record = [f"{file},sha256={digests[file]},{len(data)}" for file, data in content.items()]
    content[f"{base}.dist-info/RECORD"] = "\n".join([*record, f"{base}.dist-info/RECORD,,", ""]).encode()
    path = directory / f"{base}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file, data in content.items():
            wheel.writestr(file, data)
    return path


# ------------------------------------------------------------------------------------------ commands
def pip(*arguments: str) -> None:
    """Runs pip in this environment."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


def installed(name: str) -> importlib.metadata.Distribution | None:
    """A distribution of this environment."""
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def install(constraint: Path | None) -> None:
    """torch alone, and stand-ins for what it requires of CUDA and is not there."""
    constraints = ["--constraint", str(constraint)] if constraint else []
    pip("install", "--no-deps", *constraints, "torch")
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        return  # the wheels of other systems have no CUDA in them
    torch = importlib.metadata.distribution("torch")
    requirements = [Requirement(text) for text in torch.requires or ()]
    missing = [
        one
        for one in requirements
        if CUDA.match(one.name)
        and (one.marker is None or one.marker.evaluate({"extra": ""}))
        and not installed(one.name)
    ]
    if not missing:
        return
    lines = constraint.read_text().splitlines() if constraint else []
    pins = dict(line.split("==") for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line))
    packages = Path(str(torch.locate_file("")))
    expected = [
        one for one in expected_libraries(packages / "torch/lib") if not list(packages.glob(f"nvidia/*/lib/{one.name}"))
    ]
    files = {f"{FOLDER}/{one.name}": shared_library(one, platform.machine()) for one in expected}
    with tempfile.TemporaryDirectory() as directory:
        wheels = []
        for index, requirement in enumerate(missing):  # the first brings the libraries of all
            name, version = stand_in(requirement, pins.get(requirement.name))
            wheels.append(
                write_wheel(Path(directory), name, version, sorted(requirement.extras), files if index == 0 else {})
            )
        pip("install", "--quiet", "--no-deps", "--no-index", *map(str, wheels))
    print(f"without_cuda: {len(files)} libraries and {len(wheels)} distributions of CUDA have stand-ins", flush=True)


def undo() -> None:
    """Takes the stand-ins away."""
    names = [one.name for one in importlib.metadata.distributions() if one.version.endswith(f"+{LABEL}")]
    if names:
        pip("uninstall", "--yes", "--quiet", *names)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constraint", type=Path, metavar="FILE", help="versions, as pip takes them")
    parser.add_argument("--undo", action="store_true", help="take the stand-ins away")
    arguments = parser.parse_args()
    if arguments.undo:
        undo()
    else:
        install(arguments.constraint)


if __name__ == "__main__":
    main()
