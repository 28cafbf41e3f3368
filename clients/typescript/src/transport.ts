import { randomUUID } from "node:crypto";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { connectivityState, Metadata, status as Code, type Client, type ServiceError } from "@grpc/grpc-js";

import { Backoff, sleep } from "./backoff.js";
import { openChannel } from "./channel.js";
import { AsktellError, ClientClosedError, ContentionError, InvalidArgumentError, UnavailableError } from "./errors.js";
import type { CallOptions } from "./init.js";
import { showAddress, type Settings } from "./settings.js";
import { fromStatus } from "./status.js";

const CONTENTION_TRIES = 8;

interface UnaryOptions extends CallOptions {
  readonly timeoutMs?: number;
}

/** Makes calls: with a deadline each, and again where that is safe. */
export class Transport {
  readonly #settings: Settings;
  readonly #client: Client;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#client = openChannel(settings);
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  /**
   * One call, made again on UNAVAILABLE and on lost races (CONTENTION: nothing was changed), on nothing else, until
   * its deadline. Every try sends the same request and so the same request id.
   */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    { signal, timeoutMs = this.#settings.timeoutMs }: UnaryOptions = {},
  ): Promise<MessageShape<O>> {
    const request = encode(method, init);
    const deadline = performance.now() + timeoutMs;
    const delays = new Backoff();
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      try {
        return await this.#once(method, request, deadline, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = asFailure(error);
        const again =
          failure instanceof UnavailableError || (failure instanceof ContentionError && tries < CONTENTION_TRIES);
        const delay = delays.next(failure.retryAfterMs);
        if (!again || this.#closed || performance.now() + delay >= deadline) {
          throw this.#explain(failure);
        }
        await sleep(delay, signal);
      }
    }
  }

  #once<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: Buffer,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<O>> {
    if (this.#closed) {
      throw new ClientClosedError("the client has been closed");
    }
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        pathOf(method),
        asIs,
        (bytes: Buffer) => fromBinary(method.output, bytes),
        request,
        this.#metadata(),
        { deadline: Date.now() + Math.max(0, deadline - performance.now()) },
        (error: ServiceError | null, answer?: MessageShape<O>) => {
          signal?.removeEventListener("abort", cancel);
          if (answer !== undefined) {
            resolve(answer);
          } else {
            reject(error ?? new Error(`${method.name}: neither an answer nor an error`));
          }
        },
      );
      const cancel = (): void => {
        call.cancel();
      };
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /** A stream of answers, without a deadline; it ends when the consumer leaves, with the signal, or with an error. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    init: MessageInitShape<I>,
    { signal }: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, void> {
    signal?.throwIfAborted();
    if (this.#closed) {
      throw new ClientClosedError("the client has been closed");
    }
    const call = this.#client.makeServerStreamRequest(
      pathOf(method),
      asIs,
      (bytes: Buffer) => fromBinary(method.output, bytes),
      encode(method, init),
      this.#metadata(),
    );
    const cancel = (): void => {
      call.cancel();
    };
    call.on("error", () => undefined); // nobody else listens once the consumer has left
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      yield* call as AsyncIterable<MessageShape<O>>;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#explain(asFailure(error));
    } finally {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  #metadata(): Metadata {
    const metadata = new Metadata({ waitForReady: true });
    if (this.#settings.token !== "") {
      metadata.set("authorization", `Bearer ${this.#settings.token}`);
    }
    return metadata;
  }

  /** Tells a server that cannot be reached from one that is slow, and a closed client from a cancelled call. */
  #explain(failure: AsktellError): AsktellError {
    if (this.#closed) {
      return new ClientClosedError("the client has been closed", { cause: failure });
    }
    if (failure.code === Code.DEADLINE_EXCEEDED && failure.reason === "") {
      const state = this.#client.getChannel().getConnectivityState(false);
      if (state !== connectivityState.READY && state !== connectivityState.IDLE) {
        const where = this.#settings.addresses.map(showAddress).join(",");
        return new UnavailableError(
          `no server answers at ${where}: is asktell-server running there? (${failure.message})`,
          { code: Code.UNAVAILABLE, cause: failure },
        );
      }
    }
    return failure;
  }
}

/** The pages of a list, from the first on, as far as the loop goes. */
export async function* pages<Page extends { readonly nextPageToken: string }>(
  fetch: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page, void, void> {
  let pageToken = "";
  do {
    const page = await fetch(pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** The bytes of a request. One with an id that is not set gets one, by which a server knows a retry from a new request. */
function encode<I extends DescMessage>(
  method: { readonly name: string; readonly input: I },
  init: MessageInitShape<I>,
): Buffer {
  const request = create(method.input, init) as MessageShape<I> & { requestId?: string };
  if (request.requestId === "") {
    request.requestId = randomUUID();
  }
  try {
    return Buffer.from(toBinary(method.input, request));
  } catch (cause) {
    throw new InvalidArgumentError(`${method.name}: ${(cause as Error).message}`, { cause });
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function pathOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** grpc-js reports statuses as errors; anything else is a bug, here or there, and is passed on. */
function asFailure(error: unknown): AsktellError {
  if (error instanceof AsktellError) {
    return error;
  }
  if (error instanceof Error && "code" in error && "metadata" in error) {
    return fromStatus(error as ServiceError);
  }
  throw error;
}
