// A server that speaks the real protocol over a real connection and answers as a test says; it is for what a healthy
// server cannot be made to do. What a real one does is tested by the conformance corpus.
import { create, fromBinary, toBinary, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";

import { ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { StudyService, SuggestionService, TrialService } from "../src/v1.js";

export const STUDY = "projects/default/studies/s";

export interface Call {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly token: string;
}

/** What a handler throws to answer an error as a server of asktell's does. */
export class Failure extends Error {
  readonly code: status;
  readonly metadata = new Metadata();

  constructor(code: status, reason: string, facts: { metadata?: Record<string, string>; retryMs?: number } = {}) {
    super(`${reason} it is`);
    this.code = code;
    const { metadata = {}, retryMs } = facts;
    const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { domain: "asktell", reason, metadata }))];
    if (retryMs !== undefined) {
      const retry = create(RetryInfoSchema, { retryDelay: durationFromMs(retryMs) });
      details.push(anyPack(RetryInfoSchema, retry));
    }
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message: this.message, details }));
    this.metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  }
}

/** Answers by method name; n counts the calls of the method from 1. */
export type Handlers = Readonly<Record<string, (n: number) => object>>;

export class TestServer implements AsyncDisposable {
  readonly calls: Call[] = [];
  readonly #server = new Server();
  readonly #handlers: Handlers;
  address = "";

  private constructor(handlers: Handlers) {
    this.#handlers = { getStudy: () => ({ name: STUDY }), releaseTrial: () => ({}), ...handlers };
    for (const service of [StudyService, SuggestionService, TrialService]) {
      for (const method of service.methods) {
        if (method.methodKind === "unary") {
          this.#serve(method as DescMethodUnary);
        }
      }
    }
  }

  static async start(handlers: Handlers): Promise<TestServer> {
    const made = new TestServer(handlers);
    const port = await new Promise<number>((resolve, reject) => {
      made.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error) {
          reject(error);
        } else {
          resolve(bound);
        }
      });
    });
    made.address = `127.0.0.1:${port}`;
    return made;
  }

  #serve(method: DescMethodUnary): void {
    const path = `/${method.parent.typeName}/${method.name}`;
    const handle = (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
      const token = String(call.metadata.get("authorization")[0] ?? "");
      this.calls.push({ method: method.localName, request: call.request as Record<string, unknown>, token });
      const handler = this.#handlers[method.localName];
      try {
        if (!handler) {
          throw new Failure(status.UNIMPLEMENTED, "NOT_SUPPORTED");
        }
        answer(null, handler(this.seen(method.localName).length));
      } catch (error) {
        answer(error as Failure);
      }
    };
    const definition = {
      path,
      requestStream: false,
      responseStream: false,
      originalName: method.localName,
      requestSerialize: () => Buffer.alloc(0),
      requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
      responseSerialize: (init: unknown) =>
        Buffer.from(toBinary(method.output, create(method.output, init as MessageInitShape<typeof method.output>))),
      responseDeserialize: (bytes: Buffer) => bytes,
    } as const;
    this.#server.addService({ [method.localName]: definition }, { [method.localName]: handle });
  }

  seen(method: string): Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }
}
