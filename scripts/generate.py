"""Generates the Python code of the contracts that the server speaks; with --check only compares, and fails on a difference."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A package of .proto files below `protos`, and the same package below `code`, where the generated files are checked in.

    `stubs`: with gRPC's own stubs and servicers. `init` is the text of the package's `__init__.py`.
    """

    protos: Path
    code: Path
    package: Path
    stubs: bool
    init: str

    @property
    def checked_in(self) -> Path:
        """Where the generated files are."""
        return self.code / self.package


CONTRACTS = [
    Contract(
        protos=ROOT / "proto",
        code=ROOT / "clients/python",
        package=Path("asktell/v1"),
        stubs=True,
        init='"""The generated wire contract (`make generate`): messages in *_pb2, stubs and servicers in *_pb2_grpc."""\n',
    ),
    Contract(
        protos=ROOT / "server",
        code=ROOT / "server",
        package=Path("asktell_server/protocols/katib/wire"),
        stubs=False,
        init='"""Messages of Katib\'s API, generated from api.proto beside them (`make generate`)."""\n',
    ),
]


def generate(contract: Contract, into: Path) -> Path:
    """Runs protoc over a contract; returns the package directory that it wrote below `into`."""
    # protoc finds its plugins on PATH; those of this environment come first, whatever the caller's PATH is.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    folder = contract.protos / contract.package
    sources = sorted(path.relative_to(contract.protos).as_posix() for path in folder.glob("*.proto"))
    if not sources:
        sys.exit(f"generate: no .proto file in {folder}")
    stubs = [f"--grpc_python_out={into}", f"--mypy_grpc_out=quiet:{into}"] if contract.stubs else []
    code = protoc.main(
        [
            "protoc",
            f"--proto_path={contract.protos}",
            f"--proto_path={resources.files('grpc_tools') / '_proto'}",
            f"--python_out={into}",
            f"--mypy_out=quiet:{into}",
            *stubs,
            *sources,
        ]
    )
    if code != 0:
        sys.exit(code)
    package = into / contract.package
    (package / "__init__.py").write_text(contract.init)
    services = {source for source in sources if "\nservice " in (contract.protos / source).read_text()}
    for source in sources:
        if source not in services:  # protoc writes a gRPC module of mere boilerplate for a file without a service
            for suffix in (".py", ".pyi"):
                (into / f"{source.removesuffix('.proto')}_pb2_grpc{suffix}").unlink(missing_ok=True)
    return package


def contents(package: Path) -> dict[str, str]:
    """File name → text of every generated file in `package`; empty when it does not exist."""
    return {path.name: path.read_text() for path in sorted(package.glob("*.py*")) if path.is_file()}


def bring_up_to_date(contract: Contract, *, check: bool) -> None:
    """Writes what differs, or with `check` ends with what does."""
    with tempfile.TemporaryDirectory() as directory:
        new, old = contents(generate(contract, Path(directory))), contents(contract.checked_in)
    stale = sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))
    if check:
        if stale:
            sys.exit(f"generate: not current, run `make generate`: {', '.join(stale)}")
        return
    contract.checked_in.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in new:
            (contract.checked_in / name).write_text(new[name])
        else:
            (contract.checked_in / name).unlink()
    print(f"generate: {len(new)} files in {contract.checked_in.relative_to(ROOT)}, {len(stale)} changed")


def main() -> None:
    """Write what differs, or list it and fail with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the code is not current")
    check = parser.parse_args().check
    for contract in CONTRACTS:
        bring_up_to_date(contract, check=check)


if __name__ == "__main__":
    main()
