"""The generated wire contract (`make generate`): messages in *_pb2, stubs and servicers in *_pb2_grpc."""
