import { create } from "@bufbuild/protobuf";

import { encodeEnum, type Outcome } from "./enums.js";
import type { Trial as WireTrial } from "./gen/asktell/v1/trial_pb.js";
import { TellOutcome, TellOutcomeSchema, TellRequestSchema, TrialService } from "./gen/asktell/v1/trial_service_pb.js";
import type { Lease } from "./lease.js";
import { newRequestId } from "./request-id.js";
import type { Session } from "./session.js";
import type { CallOptions } from "./transport.js";
import { decodeTrial, type TrialInfo } from "./trial-info.js";
import { encodeMetrics, int64, type MetricsInput, type Params } from "./values.js";

const LONGEST_REASON = 4096; // characters

/** The server's answer to a report. */
export interface Progress {
  /** End the trial now, and tell it with `Trial.stop`, or not at all when `leaseValid` is false. */
  readonly shouldStop: boolean;
  /** Why, for people. */
  readonly stopReason: string;
  /** The trial is still this worker's. When false the metrics were not taken. */
  readonly leaseValid: boolean;
}

/** What may be told about a trial without a result. */
export interface EndOptions extends CallOptions {
  /** Tracked metrics. */
  readonly metrics?: MetricsInput;
}

/** What may be said to a trial that is stopped, cancelled or given back. */
export interface ReasonOptions extends CallOptions {
  /** Why, for people. */
  readonly reason?: string;
}

// A handle that nobody holds any more must not keep its trial from the other workers for ever.
const forgotten = new FinalizationRegistry<Lease>((lease) => {
  lease.close();
});

/**
 * One configuration and what became of it. One that came from `Study.ask` is open: it heartbeats until it is told, given
 * back or disposed of (`await using`).
 */
export class Trial<P = Params> implements AsyncDisposable {
  readonly #session: Session;
  readonly #lease: Lease | undefined;
  readonly #leaseId: string;
  #info: TrialInfo<P>;
  #superseded = false;

  /** @internal Trials come from a study. */
  constructor(session: Session, wire: WireTrial, lease?: Lease) {
    this.#session = session;
    this.#lease = lease;
    this.#leaseId = wire.leaseId;
    this.#info = decodeTrial<P>(wire);
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
    return this.#info.number;
  }

  /** The configuration. */
  get params(): P {
    return this.#info.params;
  }

  /** The trial as of the last call that answered with it; {@link Trial.refresh} reads it anew. */
  get info(): TrialInfo<P> {
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

  /**
   * Tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat. A lost lease is no
   * error: see {@link Progress}.
   *
   * @throws NotFiniteError, UnknownMetricError, LimitExceededError
   */
  async report(step: number, metrics: MetricsInput = {}, options: CallOptions = {}): Promise<Progress> {
    const sentAt = performance.now();
    const answer = await this.#session.transport.unary(
      TrialService.method.report,
      {
        name: this.name,
        leaseId: this.#leaseId,
        step: int64(step, "step"),
        metrics: encodeMetrics(metrics),
        requestId: Object.keys(metrics).length > 0 ? newRequestId() : "",
      },
      options,
    );
    this.#lease?.heard(answer, sentAt);
    const { shouldStop, stopReason, leaseValid } = answer;
    return { shouldStop, stopReason, leaseValid };
  }

  /**
   * Tells the result. Once it resolves, the result is on the server's disk; telling it again is harmless.
   *
   * @throws MissingObjectiveError, UnknownMetricError, NotFiniteError (nothing was changed), ResultConflictError (there
   *   is another result), IllegalTransitionError
   */
  tell(metrics: MetricsInput, options: CallOptions = {}): Promise<void> {
    return this.#tell(TellOutcome.SUCCEEDED, metrics, "", options);
  }

  /**
   * Tells that the trial ended early, with its last known metrics; without any, the last report counts. Without a reason
   * it takes the server's, if it was the server that wanted the trial to stop.
   */
  stop(metrics: MetricsInput = {}, options: ReasonOptions = {}): Promise<void> {
    return this.#tell(TellOutcome.STOPPED, metrics, options.reason ?? this.stopReason, options);
  }

  /** Tells that the trial ended without a result: crashed, diverged. */
  fail(reason = "", options: EndOptions = {}): Promise<void> {
    return this.#tell(TellOutcome.FAILED, options.metrics ?? {}, reason, options);
  }

  /** Tells that the configuration cannot be run at all, for example does not fit in memory. */
  infeasible(reason = "", options: EndOptions = {}): Promise<void> {
    return this.#tell(TellOutcome.INFEASIBLE, options.metrics ?? {}, reason, options);
  }

  async #tell(outcome: TellOutcome, metrics: MetricsInput, reason: string, { signal }: CallOptions): Promise<void> {
    const request = create(TellRequestSchema, {
      name: this.name,
      leaseId: this.#lease?.id ?? "",
      outcome,
      metrics: encodeMetrics(metrics),
      reason: shortened(reason),
      requestId: newRequestId(),
    });
    const answer = await this.#session.transport.unary(TrialService.method.tell, request, { signal });
    this.#lease?.close();
    this.#superseded = answer.superseded;
    if (answer.trial) {
      this.#take(answer.trial);
    }
  }

  /**
   * Corrects the result of a trial that has ended; the former one stays in `info.amendments`. The metrics replace all
   * former ones.
   *
   * @throws as of {@link Trial.tell}; IllegalTransitionError (it has no result yet), LimitExceededError
   */
  async amend(
    metrics: MetricsInput,
    options: CallOptions & { readonly reason: string; readonly outcome?: Outcome },
  ): Promise<void> {
    const outcome = encodeEnum(TellOutcomeSchema, options.outcome, "outcome");
    const request = { outcome, metrics: encodeMetrics(metrics), ...this.#because(options.reason) };
    this.#take(await this.#session.transport.unary(TrialService.method.amendTrial, request, options));
  }

  /** Gives the trial back at once: the next asker gets it, and this attempt does not count. */
  async release(options: CallOptions = {}): Promise<void> {
    const request = { name: this.name, leaseId: this.#leaseId, requestId: newRequestId() };
    this.#take(await this.#session.transport.unary(TrialService.method.releaseTrial, request, options));
    this.#lease?.close();
  }

  /** Calls a queued or running trial off; its worker is told to stop. */
  async cancel(options: ReasonOptions = {}): Promise<void> {
    const request = this.#because(options.reason ?? "");
    this.#take(await this.#session.transport.unary(TrialService.method.cancelTrial, request, options));
    this.#lease?.close();
  }

  /** Sets labels; others stay. */
  async label(labels: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    await this.#update({ labels: { ...labels } }, maskOf("labels", labels), options);
  }

  /** Sets annotations; others stay. */
  async annotate(annotations: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    await this.#update({ annotations: { ...annotations } }, maskOf("annotations", annotations), options);
  }

  async #update(change: object, updateMask: { paths: string[] }, options: CallOptions): Promise<void> {
    const request = { trial: { name: this.name, ...change }, updateMask, requestId: newRequestId() };
    this.#take(await this.#session.transport.unary(TrialService.method.updateTrial, request, options));
  }

  /** Reads the trial anew, with its measurements. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#take(await this.#session.transport.unary(TrialService.method.getTrial, { name: this.name }, options));
  }

  /** Removes the trial. A running one is refused (IllegalTransitionError): cancel it first. */
  async delete(options: CallOptions = {}): Promise<void> {
    const request = { name: this.name, requestId: newRequestId() };
    await this.#session.transport.unary(TrialService.method.deleteTrial, request, options);
  }

  /** Gives the trial back if it is still open. It takes a few seconds at most and never throws for want of a server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease?.giveBack();
  }

  #because(reason: string) {
    return { name: this.name, reason: shortened(reason), requestId: newRequestId() };
  }

  #take(wire: WireTrial): void {
    this.#info = decodeTrial<P>(wire);
  }
}

function maskOf(field: string, values: object): { paths: string[] } {
  return { paths: Object.keys(values).map((key) => `${field}.${key}`) };
}

/** Keeps the text of a long error from being refused with the result it comes with. */
function shortened(reason: string): string {
  const characters = Array.from(reason); // whole ones, as the server counts them
  return characters.length <= LONGEST_REASON ? reason : `${characters.slice(0, LONGEST_REASON - 1).join("")}…`;
}
