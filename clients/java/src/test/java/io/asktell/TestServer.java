package io.asktell;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.BindableService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;

/** Servers that answer as a test says. */
final class TestServer {
  private TestServer() {}

  /** A server with these services on a port of its own. */
  static Server start(BindableService... services) throws IOException {
    ServerBuilder<?> builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
    for (BindableService service : services) {
      builder.addService(service);
    }
    return builder.build().start();
  }

  /** A refusal as asktell's server words it. */
  static Throwable because(Code code, String reason) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage("for a test")
            .addDetails(
                Any.pack(ErrorInfo.newBuilder().setDomain("asktell").setReason(reason).build()))
            .build());
  }
}
