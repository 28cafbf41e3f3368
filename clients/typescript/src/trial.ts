import type { CallOptions, Init, RequestOptions } from "./init.js";
import type { Lease } from "./lease.js";
import { maskOf } from "./mask.js";
import type { Session } from "./session.js";
import { inspect, showTrial } from "./show.js";
import type { Transport } from "./transport.js";
import * as v1 from "./v1.js";
import { encodeMetrics, paramsOf, type MetricsInput, type Params } from "./values.js";

const LONGEST_REASON = 4096; // characters

/** How a trial is told: fields of `v1.TellRequest`. */
export type TellOptions = RequestOptions<v1.TellRequest, "outcome" | "metrics">;

/** How a trial without a result is told, with tracked metrics if there are some. */
export type EndOptions = TellOptions & { readonly metrics?: MetricsInput };

// A handle that nobody holds any more must not keep its trial from the other workers for ever.
const forgotten = new FinalizationRegistry<Lease>((lease) => {
  lease.close();
});

/**
 * One configuration and what became of it. One that came from `Study.ask` is open: it heartbeats until it is told, given
 * back or closed (in a `finally`, or by `await using`).
 */
export class Trial<P = Params> implements AsyncDisposable {
  /** "projects/{project}/studies/{study}/trials/{number}". */
  readonly name: string;
  /** Counts from 1 in its study. */
  readonly number: number;
  /** The configuration. */
  readonly params: P;
  readonly #transport: Transport;
  readonly #lease: Lease | undefined;
  readonly #leaseId: string;
  #info: v1.Trial;
  #superseded = false;

  /** @internal Trials come from a study. */
  constructor(session: Session, record: v1.Trial, lease?: Lease) {
    this.#transport = session.transport;
    this.#lease = lease;
    this.#leaseId = record.leaseId;
    this.#info = record;
    this.name = record.name;
    this.number = Number(record.number);
    this.params = paramsOf<P>(record);
    if (lease) {
      forgotten.register(this, lease);
    }
  }

  /** The trial's record as of the last call that answered with it; {@link Trial.refresh} reads it anew. */
  get info(): v1.Trial {
    return this.#info;
  }

  /** Whether this client asked for the trial, and has neither told it nor given it back. */
  get isOpen(): boolean {
    return this.#lease?.isOpen ?? false;
  }

  /** Whether the server wants the trial to end now, as of the last report or heartbeat: tell it with {@link Trial.stop}. */
  get shouldStop(): boolean {
    return this.#lease?.stopping.signal.aborted ?? false;
  }

  /** Why it should stop, for people. */
  get stopReason(): string {
    return this.#lease?.stopReason ?? "";
  }

  /** Aborted when the trial should stop; undefined for one that this client did not ask for. */
  get stopSignal(): AbortSignal | undefined {
    return this.#lease?.stopping.signal;
  }

  /** Whether the open trial's lease ran out or the trial was called off. A first result is taken nevertheless. */
  get leaseLost(): boolean {
    return this.isOpen && this.#lease?.isLost === true;
  }

  /** Whether another attempt's result was there before the one told here, which is kept in the trail. */
  get superseded(): boolean {
    return this.#superseded;
  }

  /**
   * Tells intermediate metrics at a step and renews the lease; without metrics it is a heartbeat. A lost lease is no
   * error: see `leaseValid` of the answer. Throws NotFiniteError, UnknownMetricError, LimitExceededError.
   */
  async report(
    step: number | bigint,
    metrics: MetricsInput = {},
    options: RequestOptions<v1.ReportRequest, "step" | "metrics"> = {},
  ): Promise<v1.ReportResponse> {
    const sentAt = performance.now();
    const measured = { step: BigInt(step), metrics: encodeMetrics(metrics) };
    const request = { ...options, ...measured, name: this.name, leaseId: this.#leaseId };
    const answer = await this.#transport.unary(v1.TrialService.method.report, request, options);
    this.#lease?.heard(answer, sentAt);
    return answer;
  }

  /**
   * Tells the result. Once it resolves, the result is on the server's disk; telling it again is harmless. Throws
   * MissingObjectiveError, UnknownMetricError or NotFiniteError (nothing was changed), ResultConflictError (there is
   * another result), IllegalTransitionError.
   */
  tell(metrics: MetricsInput, options: TellOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.SUCCEEDED, metrics, options);
  }

  /** Tells that the trial ended early. Without metrics the last report counts, without a reason the server's is taken. */
  stop(metrics: MetricsInput = {}, options: TellOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.STOPPED, metrics, { reason: this.stopReason, ...options });
  }

  /** Tells that the trial ended without a result: crashed, diverged. */
  fail(reason = "", { metrics = {}, ...options }: EndOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.FAILED, metrics, { ...options, reason });
  }

  /** Tells that the configuration cannot be run at all, for example does not fit in memory. */
  infeasible(reason = "", { metrics = {}, ...options }: EndOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.INFEASIBLE, metrics, { ...options, reason });
  }

  async #tell(outcome: v1.TellOutcome, metrics: MetricsInput, options: TellOptions): Promise<void> {
    const result = { outcome, metrics: encodeMetrics(metrics), reason: shortened(options.reason) };
    const request = { ...options, ...result, name: this.name, leaseId: this.#lease?.id ?? "" };
    const answer = await this.#transport.unary(v1.TrialService.method.tell, request, options);
    this.#lease?.close();
    this.#superseded = answer.superseded;
    this.#info = answer.trial ?? this.#info;
  }

  /**
   * Corrects the result of a trial that has ended; the former one stays in `info.amendments`. The metrics replace all
   * former ones. Throws as {@link Trial.tell} does; IllegalTransitionError (there is no result yet), LimitExceededError.
   */
  async amend(
    metrics: MetricsInput,
    options: RequestOptions<v1.AmendTrialRequest, "metrics"> & { readonly reason: string },
  ): Promise<void> {
    const result = { metrics: encodeMetrics(metrics), reason: shortened(options.reason) };
    const request = { ...options, ...result, name: this.name };
    this.#info = await this.#transport.unary(v1.TrialService.method.amendTrial, request, options);
  }

  /** Gives the trial back at once: the next asker gets it, and this attempt does not count. */
  async release(options: CallOptions = {}): Promise<void> {
    const request = { name: this.name, leaseId: this.#leaseId };
    this.#info = await this.#transport.unary(v1.TrialService.method.releaseTrial, request, options);
    this.#lease?.close();
  }

  /** Calls a queued or running trial off; its worker is told to stop. */
  async cancel(options: RequestOptions<v1.CancelTrialRequest> = {}): Promise<void> {
    const request = { ...options, name: this.name, reason: shortened(options.reason) };
    this.#info = await this.#transport.unary(v1.TrialService.method.cancelTrial, request, options);
    this.#lease?.close();
  }

  /** Sets the labels and annotations that are given; others stay. Or changes what `updateMask` names, such as `labels`. */
  async update(changes: Init<v1.Trial>, options: RequestOptions<v1.UpdateTrialRequest> = {}): Promise<void> {
    const trial = { ...changes, name: this.name };
    const request = { updateMask: { paths: maskOf(v1.TrialSchema, changes, true) }, ...options, trial };
    this.#info = await this.#transport.unary(v1.TrialService.method.updateTrial, request, options);
  }

  /** Reads the trial anew, with its measurements. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#info = await this.#transport.unary(v1.TrialService.method.getTrial, { name: this.name }, options);
  }

  /** Removes the trial. A running one is refused (IllegalTransitionError): cancel it first. */
  async delete(options: CallOptions = {}): Promise<void> {
    await this.#transport.unary(v1.TrialService.method.deleteTrial, { name: this.name }, options);
  }

  /**
   * Gives the trial back if it is still open, and does nothing to one that has been told. It takes a few seconds at most and
   * never throws for want of a server.
   */
  async close(): Promise<void> {
    await this.#lease?.giveBack();
  }

  /** Name, state, configuration and metrics, as of the last call that answered with the trial. */
  toString(): string {
    return showTrial(this.#info);
  }

  /** @internal What `console.log` shows. */
  [inspect](): string {
    return `Trial { ${String(this)} }`;
  }

  /** The same as {@link Trial.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Keeps the text of a long error from being refused with the result it comes with. */
function shortened(reason = ""): string {
  const characters = Array.from(reason); // whole ones, as the server counts them
  return characters.length <= LONGEST_REASON ? reason : `${characters.slice(0, LONGEST_REASON - 1).join("")}…`;
}
