"""Message classes of conformance.proto and case.proto, compiled when this module is imported."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

# What the two files import has to be in the pool before them.
from asktell.v1 import (  # noqa: F401
    analysis_service_pb2,
    study_pb2,
    study_service_pb2,
    suggestion_service_pb2,
    trial_service_pb2,
)

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGE = "asktell.conformance.v1"


def _compile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set.bin"
        includes = [f"-I{ROOT / 'proto'}", f"-I{HERE}", f"-I{files('grpc_tools') / '_proto'}"]
        status = protoc.main(["protoc", *includes, f"--descriptor_set_out={output}", "conformance.proto", "case.proto"])
        if status:
            raise RuntimeError("the protos of the corpus do not compile")
        compiled = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    pool = descriptor_pool.Default()
    for file in compiled.file:
        pool.AddSerializedFile(file.SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.{name}"))


_compile()

Action: Any = _message("Action")
Case: Any = _message("Case")
CaseFile: Any = _message("CaseFile")
Change: Any = _message("Change")
Result: Any = _message("Result")
Step: Any = _message("Step")
ERROR_KINDS: dict[str, int] = {
    name.removeprefix("ERROR_KIND_"): value.number
    for name, value in descriptor_pool.Default().FindEnumTypeByName(f"{PACKAGE}.ErrorKind").values_by_name.items()
}
"""Numbers of the error kinds by name without prefix."""
