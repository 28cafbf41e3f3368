import type { CallOptions, Init, RequestOptions, Typed } from "./init.js";
import type { Lease } from "./lease.js";
import { maskOf } from "./mask.js";
import type { Session } from "./session.js";
import type { Transport } from "./transport.js";
import * as v1 from "./v1.js";
import { encodeMetrics, paramsOf, type MetricsInput, type Params } from "./values.js";

const LONGEST_REASON = 4096; // characters

/** How a trial is told: fields of `v1.TellRequest`. */
export type TellOptions = RequestOptions<v1.TellRequest, "name" | "leaseId" | "outcome" | "metrics">;

// A handle that nobody holds any more must not keep its trial from the other workers for ever.
const forgotten = new FinalizationRegistry<Lease>((lease) => {
  lease.close();
});

/**
 * One configuration and what became of it. One that came from `Study.ask` is open: it heartbeats until it is told, given
 * back or disposed of (`await using`).
 */
export class Trial<P = Params> implements AsyncDisposable {
  /** The configuration. */
  readonly params: P;
  readonly #session: Session;
  readonly #lease: Lease | undefined;
  readonly #leaseId: string;
  #info: Typed<v1.Trial, P>;
  #superseded = false;

  /** @internal Trials come from a study. */
  constructor(session: Session, record: v1.Trial, lease?: Lease) {
    this.#session = session;
    this.#lease = lease;
    this.#leaseId = record.leaseId;
    this.#info = record;
    this.params = paramsOf<P>(record);
    if (lease) {
      forgotten.register(this, lease);
    }
  }

  /** "projects/{project}/studies/{study}/trials/{number}". */
  get name(): string {
    return this.#info.name;
  }

  /** Counts from 1 in its study. */
  get number(): number {
    return Number(this.#info.number);
  }

  /** The trial's record as of the last call that answered with it; {@link Trial.refresh} reads it anew. */
  get info(): Typed<v1.Trial, P> {
    return this.#info;
  }

  /** Whether this client asked for the trial, and has neither told it nor given it back. */
  get isOpen(): boolean {
    return this.#lease?.isOpen ?? false;
  }

  /** Whether the server wants the trial to end now, as of the last report or heartbeat: tell it with {@link Trial.stop}. */
  get shouldStop(): boolean {
    return this.#lease?.stopping.aborted ?? false;
  }

  /** Why it should stop, for people. */
  get stopReason(): string {
    return this.#lease?.stopReason ?? "";
  }

  /** Aborted when the trial should stop; undefined for one that this client did not ask for. */
  get stopSignal(): AbortSignal | undefined {
    return this.#lease?.stopping;
  }

  /**
   * Whether the open trial's lease ran out or the trial was called off. A result that is told nevertheless is still taken
   * if it is the first.
   */
  get leaseLost(): boolean {
    return this.#lease?.isLost ?? false;
  }

  /** Whether another attempt's result was there before the one told here, which is kept in the trail. */
  get superseded(): boolean {
    return this.#superseded;
  }

  get #transport(): Transport {
    return this.#session.transport;
  }

  /**
   * Tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat. A lost lease is no
   * error: see `leaseValid` of the answer.
   *
   * @throws NotFiniteError, UnknownMetricError, LimitExceededError
   */
  async report(
    step: number | bigint,
    metrics: MetricsInput = {},
    options: RequestOptions<v1.ReportRequest, "name" | "leaseId" | "step" | "metrics"> = {},
  ): Promise<v1.ReportResponse> {
    const sentAt = performance.now();
    const measured = { step: BigInt(step), metrics: encodeMetrics(metrics) };
    const request = { ...options, ...measured, name: this.name, leaseId: this.#leaseId };
    const answer = await this.#transport.unary(v1.TrialService.method.report, request, options);
    this.#lease?.heard(answer, sentAt);
    return answer;
  }

  /**
   * Tells the result. Once it resolves, the result is on the server's disk; telling it again is harmless.
   *
   * @throws MissingObjectiveError, UnknownMetricError, NotFiniteError (nothing was changed), ResultConflictError (there
   *   is another result), IllegalTransitionError
   */
  tell(metrics: MetricsInput, options: TellOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.SUCCEEDED, metrics, options);
  }

  /**
   * Tells that the trial ended early, with its last known metrics; without any, the last report counts. Without a reason
   * it takes the server's, if it was the server that wanted the trial to stop.
   */
  stop(metrics: MetricsInput = {}, options: TellOptions = {}): Promise<void> {
    return this.#tell(v1.TellOutcome.STOPPED, metrics, { reason: this.stopReason, ...options });
  }

  /** Tells that the trial ended without a result: crashed, diverged. Metrics may be tracked ones. */
  fail(
    reason = "",
    { metrics = {}, ...options }: TellOptions & { readonly metrics?: MetricsInput } = {},
  ): Promise<void> {
    return this.#tell(v1.TellOutcome.FAILED, metrics, { ...options, reason });
  }

  /** Tells that the configuration cannot be run at all, for example does not fit in memory. Metrics may be tracked ones. */
  infeasible(
    reason = "",
    { metrics = {}, ...options }: TellOptions & { readonly metrics?: MetricsInput } = {},
  ): Promise<void> {
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
   * former ones. A reason is required.
   *
   * @throws as of {@link Trial.tell}; IllegalTransitionError (it has no result yet), LimitExceededError
   */
  async amend(
    metrics: MetricsInput,
    options: RequestOptions<v1.AmendTrialRequest, "name" | "metrics"> & { readonly reason: string },
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
  async cancel(options: RequestOptions<v1.CancelTrialRequest, "name"> = {}): Promise<void> {
    const request = { ...options, name: this.name, reason: shortened(options.reason) };
    this.#info = await this.#transport.unary(v1.TrialService.method.cancelTrial, request, options);
    this.#lease?.close();
  }

  /** Sets labels; others stay. */
  label(labels: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    return this.update({ labels }, { ...options, updateMask: { paths } });
  }

  /** Sets annotations; others stay. */
  annotate(annotations: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    const paths = Object.keys(annotations).map((key) => `annotations.${key}`);
    return this.update({ annotations }, { ...options, updateMask: { paths } });
  }

  /** Changes the fields that are given, each as a whole; `updateMask` names them in their place. */
  async update(changes: Init<v1.Trial>, options: RequestOptions<v1.UpdateTrialRequest, "trial"> = {}): Promise<void> {
    const trial = { ...changes, name: this.name };
    const request = { updateMask: { paths: maskOf(v1.TrialSchema, changes) }, ...options, trial };
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

  /** Gives the trial back if it is still open. It takes a few seconds at most and never throws for want of a server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease?.giveBack();
  }
}

/** Keeps the text of a long error from being refused with the result it comes with. */
function shortened(reason = ""): string {
  const characters = Array.from(reason); // whole ones, as the server counts them
  return characters.length <= LONGEST_REASON ? reason : `${characters.slice(0, LONGEST_REASON - 1).join("")}…`;
}
