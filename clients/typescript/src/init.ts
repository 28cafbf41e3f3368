import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";

/** A message M, or an object literal of it. */
export type MessageOrInit<M extends Message> = MessageInitShape<GenMessage<M>>;

/** A message M as an object literal: fields may be left out, here and below. */
export type Init<M extends Message> = Exclude<MessageOrInit<M>, Message>;

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What every call takes, and the fields of a request M except those that the method fills in. */
export type RequestOptions<M extends Message, Filled extends keyof M> = CallOptions &
  Omit<Init<M>, Filled | "$typeName">;

declare const PARAMS: unique symbol;

/** A message whose parameters have values of type P. Only the compiler knows: nothing is added to the message. */
export type Typed<M, P> = M & { readonly [PARAMS]?: P };
