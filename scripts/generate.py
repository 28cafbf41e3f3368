"""Generates the Python code of proto/ into clients/python; with --check only compares, and fails on a difference."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PACKAGE = Path("asktell/v1")
CHECKED_IN = ROOT / "clients/python" / PACKAGE
INIT = '"""The generated wire contract (`make generate`): messages in *_pb2, stubs and servicers in *_pb2_grpc."""\n'


def generate(into: Path) -> Path:
    """Run protoc over proto/asktell/v1 and return the package directory it wrote below `into`."""
    # protoc finds its plugins on PATH; those of this environment come first, whatever the caller's PATH is.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    sources = sorted(path.relative_to(PROTO).as_posix() for path in (PROTO / PACKAGE).glob("*.proto"))
    if not sources:
        sys.exit(f"generate: no .proto file in {PROTO / PACKAGE}")
    code = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={resources.files('grpc_tools') / '_proto'}",
            f"--python_out={into}",
            f"--grpc_python_out={into}",
            f"--mypy_out=quiet:{into}",
            f"--mypy_grpc_out=quiet:{into}",
            *sources,
        ]
    )
    if code != 0:
        sys.exit(code)
    package = into / PACKAGE
    (package / "__init__.py").write_text(INIT)
    services = {source for source in sources if "\nservice " in (PROTO / source).read_text()}
    for source in sources:
        if source not in services:  # protoc writes a gRPC module of mere boilerplate for a file without a service
            for suffix in (".py", ".pyi"):
                (into / f"{source.removesuffix('.proto')}_pb2_grpc{suffix}").unlink(missing_ok=True)
    return package


def contents(package: Path) -> dict[str, str]:
    """File name → text of every generated file in `package`; empty when it does not exist."""
    return {path.name: path.read_text() for path in sorted(package.glob("*.py*")) if path.is_file()}


def main() -> None:
    """Write what differs, or list it and fail with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the code is not current")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as directory:
        new, old = contents(generate(Path(directory))), contents(CHECKED_IN)
    stale = sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))
    if check:
        if stale:
            sys.exit(f"generate: not current, run `make generate`: {', '.join(stale)}")
        return
    CHECKED_IN.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in new:
            (CHECKED_IN / name).write_text(new[name])
        else:
            (CHECKED_IN / name).unlink()
    print(f"generate: {len(new)} files in {CHECKED_IN.relative_to(ROOT)}, {len(stale)} changed")


if __name__ == "__main__":
    main()
