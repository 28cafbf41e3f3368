import { InvalidArgumentError } from "./errors.js";

/** A complaint of this client's own, in the shape of the server's. */
export function invalid(field: string, message: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field}: ${message}`, { metadata: { field } });
}
