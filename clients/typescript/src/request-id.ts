import { randomUUID } from "node:crypto";

/** The id by which a server knows a retry from a new request. */
export function newRequestId(): string {
  return randomUUID();
}
