import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** How a {@link Client} is set up. Options come before environment variables, and those before defaults. */
export interface ClientOptions {
  /** "host:port", or several (a list, or with commas between) among which calls take turns. Default: ASKTELL_ADDRESS, then localhost:50051. */
  readonly address?: string | readonly string[];
  /** Bearer token of every call. Default: ASKTELL_TOKEN. */
  readonly token?: string;
  /** Encrypt: true trusts the system's certificates, `caFile` those of a PEM file. Default: plain text, unless ASKTELL_TLS_CA names a file. */
  readonly tls?: boolean | { readonly caFile: string };
  /** Namespace of studies that are named by their id alone. Default: "default". */
  readonly project?: string;
  /** Name of this worker, kept with each trial it asks for. Default: host name and process id. */
  readonly workerId?: string;
  /** How long a call may take, retries included. Default: 30,000. */
  readonly timeoutMs?: number;
  /** The same for Ask and Suggest, which may fit a model first. Default: 60,000. */
  readonly askTimeoutMs?: number;
  /** Where warnings go: failing heartbeats, doubtful studies. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
}

export interface Settings extends Required<Omit<ClientOptions, "address" | "tls" | "onWarning">> {
  readonly addresses: readonly Address[];
  /** PEM certificates to trust; null = the system's; undefined = plain text. */
  readonly tls: { readonly roots: Buffer | null } | undefined;
  readonly warn: (message: string) => void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_ADDRESS = "localhost:50051";
const DEFAULT_PORT = 50051;

/** Settings out of options and environment. Throws RangeError, or an error of the file system. */
export function readSettings(options: ClientOptions): Settings {
  // The environment is only looked at where no option decides: a broken variable must not spoil a good argument.
  const address = options.address ?? process.env["ASKTELL_ADDRESS"] ?? "";
  return {
    addresses: parseAddresses(typeof address === "string" ? address : address.join(",")),
    token: options.token ?? process.env["ASKTELL_TOKEN"] ?? "",
    tls: readTls(options.tls),
    project: options.project ?? "default",
    workerId: options.workerId ?? `${hostname()}:${process.pid}`,
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? 30_000),
    askTimeoutMs: positive("askTimeoutMs", options.askTimeoutMs ?? 60_000),
    warn:
      options.onWarning ??
      ((message) => {
        process.emitWarning(message, "AsktellWarning");
      }),
  };
}

function readTls(tls: ClientOptions["tls"]): Settings["tls"] {
  if (typeof tls === "object") {
    return { roots: readFileSync(tls.caFile) };
  }
  const fromEnvironment = process.env["ASKTELL_TLS_CA"] ?? "";
  if (tls === undefined && fromEnvironment !== "") {
    return { roots: readFileSync(fromEnvironment) };
  }
  return tls === true ? { roots: null } : undefined;
}

function positive(name: string, value: number): number {
  if (!(value > 0)) {
    throw new RangeError(`${name} must be greater than 0, got ${value}`);
  }
  return value;
}

/** Reads "host:port,host:port"; without any it is the default address. */
export function parseAddresses(text: string): Address[] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return (parts.length > 0 ? parts : [DEFAULT_ADDRESS]).map(parseAddress);
}

function parseAddress(text: string): Address {
  // [::1]:50051, [::1], host:50051, host. A path or a scheme is none of these.
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > 65535) {
    throw new RangeError(`an address is host:port, with IPv6 as in [::1]:50051; got "${text}"`);
  }
  return { host, port };
}

/** The address as people write it. */
export function showAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
