import { randomUUID } from "node:crypto";

import type * as pb from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { connectivityState, Metadata, status as Code, type Client, type ServiceError } from "@grpc/grpc-js";

import { Backoff, sleep } from "./backoff.js";
import { openChannel } from "./channel.js";
import type { AsktellError } from "./errors.js";
import { ClientClosedError, ContentionError, InvalidArgumentError, UnavailableError } from "./errors.js";
import type { CallOptions } from "./init.js";
import { showAddress, type Settings } from "./settings.js";
import { fromStatus } from "./status.js";

const CONTENTION_TRIES = 8;

type Method<I extends pb.DescMessage, O extends pb.DescMessage = pb.DescMessage> =
  pb.DescMethodUnary<I, O> | pb.DescMethodServerStreaming<I, O>;

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
  async unary<I extends pb.DescMessage, O extends pb.DescMessage>(
    method: pb.DescMethodUnary<I, O>,
    init: pb.MessageInitShape<I>,
    { signal, timeoutMs = this.#settings.timeoutMs }: CallOptions & { readonly timeoutMs?: number } = {},
  ): Promise<pb.MessageShape<O>> {
    const request = encode(method, init);
    const deadline = performance.now() + timeoutMs;
    const delays = new Backoff();
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      try {
        return await this.#once(method, request, deadline, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = fromStatus(error);
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

  #once<I extends pb.DescMessage, O extends pb.DescMessage>(
    method: pb.DescMethodUnary<I, O>,
    request: Buffer,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<pb.MessageShape<O>> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        ...definitionOf(method),
        request,
        this.#metadata(),
        { deadline: Date.now() + Math.max(0, deadline - performance.now()) },
        (error: ServiceError | null, answer?: pb.MessageShape<O>) => {
          signal?.removeEventListener("abort", cancel);
          if (answer !== undefined) {
            resolve(answer);
          } else {
            reject(error ?? new Error(`${method.name}: neither an answer nor an error`));
          }
        },
      );
      const cancel = call.cancel.bind(call);
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /**
   * A stream of answers, without a deadline. Where the server, or something on the way to it, ends it, it is opened again
   * with the request that follows the last answer. It ends when the consumer leaves, with the signal, or with an error.
   */
  async *stream<I extends pb.DescMessage, O extends pb.DescMessage>(
    method: pb.DescMethodServerStreaming<I, O>,
    first: pb.MessageInitShape<I>,
    following: (answer: pb.MessageShape<O>) => pb.MessageInitShape<I>,
    { signal }: CallOptions = {},
  ): AsyncGenerator<pb.MessageShape<O>, void, void> {
    const delays = new Backoff();
    for (let init = first; ;) {
      signal?.throwIfAborted();
      let hintMs = 0;
      const request = encode(method, init);
      const call = this.#client.makeServerStreamRequest(...definitionOf(method), request, this.#metadata());
      const cancel = call.cancel.bind(call);
      call.on("error", () => undefined); // nobody else listens once the consumer has left
      signal?.addEventListener("abort", cancel, { once: true });
      try {
        for await (const answer of call as AsyncIterable<pb.MessageShape<O>>) {
          delays.reset();
          init = following(answer);
          yield answer;
        }
      } catch (error) {
        signal?.throwIfAborted();
        const failure = this.#explain(fromStatus(error));
        if (failure.code !== Code.UNAVAILABLE && failure.code !== Code.CANCELLED) {
          throw failure;
        }
        hintMs = failure.retryAfterMs ?? 0;
      } finally {
        signal?.removeEventListener("abort", cancel);
        call.cancel();
      }
      await sleep(delays.next(hintMs), signal);
    }
  }

  /** What goes along with every call. A closed client makes none. */
  #metadata(): Metadata {
    if (this.#closed) {
      throw new ClientClosedError("the client has been closed");
    }
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
        const message = `no server answers at ${where}: is asktell-server running there? (${failure.message})`;
        return new UnavailableError(message, { code: Code.UNAVAILABLE, cause: failure });
      }
    }
    return failure;
  }
}

/** The items of a list, page by page, as far as the loop goes. */
export async function* listed<Page extends { readonly nextPageToken: string }, Item>(
  fetch: (pageToken: string) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): AsyncGenerator<Item, void, void> {
  let pageToken = "";
  do {
    const page = await fetch(pageToken);
    yield* itemsOf(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** The bytes of a request. One with an id that is not set gets one, by which a server knows a retry from a new request. */
function encode<I extends pb.DescMessage>({ name, input }: Method<I>, init: pb.MessageInitShape<I>): Buffer {
  const request = create(input, init) as pb.MessageShape<I> & { requestId?: string };
  if (request.requestId === "") {
    request.requestId = randomUUID();
  }
  try {
    return Buffer.from(toBinary(input, request));
  } catch (cause) {
    throw new InvalidArgumentError(`${name}: ${(cause as Error).message}`, { cause });
  }
}

/** What grpc-js asks of a method: its path, and how messages are written and read. Requests are bytes already. */
function definitionOf<O extends pb.DescMessage>({ parent, name, output }: Method<pb.DescMessage, O>) {
  const write = (bytes: Buffer) => bytes;
  const read = (bytes: Buffer) => fromBinary(output, bytes);
  return [`/${parent.typeName}/${name}`, write, read] as const;
}
