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

/** Which study or trial a request is about, and which page of a list: handles fill these in. */
type Filled = "$typeName" | "parent" | "study" | "trial" | "name" | "leaseId" | "pageToken";

/** What every call takes, and the fields of a request M but those that the method knows or is given otherwise. */
export type RequestOptions<M extends Message, Given extends keyof M = never> = CallOptions &
  Omit<Init<M>, Filled | Given>;

declare const PARAMS: unique symbol;

/** A message whose parameters have values of type P. Only the compiler knows: nothing is added to the message. */
export type Typed<M, P> = M & { readonly [PARAMS]?: P };
