// The executor of the TypeScript client: actions in on stdin, results out on stdout. What the cases are and how they are
// run is in tests/conformance.
import { fromBinary, toBinary } from "@bufbuild/protobuf";

import { Executor } from "./executor.js";
import { ActionSchema, ResultSchema } from "./gen/conformance_pb.js";

/** Messages of a stream, each behind its length: 4 bytes, big-endian. */
async function* frames(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of input) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const end = 4 + rest.readUInt32BE(0);
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) {
    throw new Error("the input was cut");
  }
}

const executor = new Executor();
for await (const frame of frames(process.stdin)) {
  const result = await executor.execute(fromBinary(ActionSchema, frame));
  const payload = toBinary(ResultSchema, result);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  process.stdout.write(Buffer.concat([length, payload]));
}
await executor.reset();
