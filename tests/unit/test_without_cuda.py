"""scripts/without_cuda.py: what it reads from torch, the libraries that it writes, and the distributions that hold them.

tests/integration/test_wheels.py runs a server on all of it.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/without_cuda.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("without_cuda", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["without_cuda"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(platform.system() != "Linux", reason="ELF")
def test_a_stand_in_library_says_that_there_is_no_device(script: ModuleType, tmp_path: Path) -> None:
    version = "libcudart.so.13"
    symbols = {f"cudaOther{number}": version for number in range(100)} | {"cudaGetErrorString": version, "ncclSend": ""}
    path = tmp_path / "libcudart.so.13"
    path.write_bytes(script.shared_library(script.Library("libstandin.so.1", symbols), platform.machine()))
    library = ctypes.CDLL(str(path))
    assert library.cudaOther0() == library.cudaOther99() == library.ncclSend() == 100
    library.cudaGetErrorString.restype = ctypes.c_char_p
    assert b"no CUDA" in library.cudaGetErrorString(100)
    with pytest.raises(AttributeError):
        _ = library.cudaMissing
    versioned = ctypes.CDLL(None).dlvsym
    versioned.restype, versioned.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    assert versioned(library._handle, b"cudaOther7", version.encode())
    assert not versioned(library._handle, b"cudaOther7", b"libcudart.so.12")


def test_libraries_for_the_other_processor_can_be_written(script: ModuleType) -> None:
    for machine, number in (("x86_64", 62), ("aarch64", 183)):
        data = script.shared_library(script.Library("libx.so.1", {"f": ""}), machine)
        assert (data[:4], int.from_bytes(data[18:20], "little")) == (b"\x7fELF", number)


def test_what_torch_expects_is_read_from_its_libraries(script: ModuleType) -> None:
    torch = Path(str(importlib.metadata.distribution("torch").locate_file("torch/lib")))
    if not (torch / "libtorch_cuda.so").exists():
        pytest.skip("this torch was built without CUDA")
    libraries = {library.name: library.symbols for library in script.expected_libraries(torch)}
    (runtime,) = (name for name in libraries if name.startswith("libcudart.so"))
    assert libraries[runtime]["cudaGetDeviceCount"] == runtime
    (collectives,) = (name for name in libraries if name.startswith("libnccl.so"))
    assert libraries[collectives]["ncclAllReduce"] == ""
    assert not any(symbol.startswith(("Py", "_Z", "cuInit")) for symbols in libraries.values() for symbol in symbols)


@pytest.mark.parametrize(
    ("requirement", "pinned", "version"),
    [
        ("nvidia-cudnn-cu13==9.20.0.48", None, "9.20.0.48+absent"),
        ("cuda-bindings<14,>=13.0.3", None, "13.0.3+absent"),
        ("cuda-bindings<14,>=13.0.3", "13.5.0", "13.5.0+absent"),
        ("cuda-toolkit[cublas]==13.0.3", "13.0.3.0", "13.0.3.0+absent"),
    ],
)
def test_a_stand_in_satisfies_what_it_stands_in_for(
    script: ModuleType, requirement: str, pinned: str | None, version: str
) -> None:
    wanted = Requirement(requirement)
    assert script.stand_in(wanted, pinned) == (wanted.name, version)
    assert version in wanted.specifier


def test_a_pin_that_torch_does_not_allow_is_named(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no version to stand in for cuda-toolkit"):
        script.stand_in(Requirement("cuda-toolkit==13.0.3"), "12.9")


def test_a_stand_in_is_a_distribution_that_pip_installs(script: ModuleType, tmp_path: Path) -> None:
    files = {"nvidia/cu13/lib/libx.so.1": b"x"}
    wheel = script.write_wheel(tmp_path, "cuda-toolkit", "13.0.3+absent", ["cublas"], files)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        tmp_path / "site",
    ]
    subprocess.run([*pip, wheel], check=True)
    (found,) = importlib.metadata.distributions(path=[str(tmp_path / "site")])
    assert (found.name, found.version, found.metadata.get_all("Provides-Extra")) == (
        "cuda-toolkit",
        "13.0.3+absent",
        ["cublas"],
    )
    assert (tmp_path / "site/nvidia/cu13/lib/libx.so.1").read_bytes() == b"x"
