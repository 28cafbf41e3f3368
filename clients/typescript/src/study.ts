import { jitter, sleep } from "./backoff.js";
import { encodeEnum, type TrialState } from "./enums.js";
import { InternalError, NoResultsError, NoTrialAvailableError, OverloadedError } from "./errors.js";
import { StudyService } from "./gen/asktell/v1/study_service_pb.js";
import { StudyState, type Study as WireStudy } from "./gen/asktell/v1/study_pb.js";
import { TrialStateSchema, type Trial as WireTrial } from "./gen/asktell/v1/trial_pb.js";
import { TrialService } from "./gen/asktell/v1/trial_service_pb.js";
import { encodeImported, encodeQueued, type ImportedTrial, type QueuedTrial } from "./intake.js";
import { newRequestId } from "./request-id.js";
import type { Session } from "./session.js";
import { decodeStudy, type StudyInfo } from "./study-info.js";
import type { CallOptions } from "./transport.js";
import { Trial } from "./trial.js";
import { encodeChanges, type StudyChanges } from "./update.js";
import { int32, type Params } from "./values.js";
import { watchStudy, type Change } from "./watch.js";

const PAGE_SIZE = 500;

/** How a study is asked. */
export interface AskOptions extends CallOptions {
  /** How long to wait for a trial to become available; 0 = not at all. Default: for ever. */
  readonly waitMs?: number;
  /** Who asks, in place of the client's `workerId`. */
  readonly workerId?: string;
}

/** Which trials are listed; all conditions hold together. */
export interface ListOptions extends CallOptions {
  /** Any of these states. */
  readonly states?: readonly TrialState[];
  /** Exactly this worker. */
  readonly workerId?: string;
  /** All of these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** How many are fetched with one call, at most 1,000. Default: 500. */
  readonly pageSize?: number;
}

/** The unit of tuning: one search space, and what to optimise in it. */
export class Study<P = Params> {
  readonly #session: Session;
  #info: StudyInfo;

  /** @internal Studies come from a client. */
  constructor(session: Session, wire: WireStudy) {
    this.#session = session;
    this.#info = decodeStudy(wire);
  }

  /** "projects/{project}/studies/{study}". */
  get name(): string {
    return this.#info.name;
  }

  /** The last part of the name. */
  get id(): string {
    return this.name.slice(this.name.lastIndexOf("/") + 1);
  }

  /** The study as of the last call that answered with it; {@link Study.refresh} reads it anew. */
  get info(): StudyInfo {
    return this.#info;
  }

  /**
   * A trial to run; its lease renews itself until the trial is told, released or disposed of, so an ask goes with
   * `await using`. When nothing can be handed out now, it waits, as long as `waitMs` and `signal` allow.
   *
   * @throws StudyCompleteError (there is nothing more to do), StudyPausedError, QueueEmptyError (manual search, nothing
   *   enqueued), NoTrialAvailableError (not now, and the wait would end before there could be one)
   */
  async ask(options: AskOptions = {}): Promise<Trial<P>> {
    const [trial] = await this.askMany(1, options);
    return trial as Trial<P>; // askMany never resolves to an empty list
  }

  /** {@link Study.ask} for several trials; fewer, but at least one, come back when the study cannot give more now. */
  async askMany(count: number, options: AskOptions = {}): Promise<Trial<P>[]> {
    const { transport, settings } = this.#session;
    const { signal, waitMs = Infinity, workerId = settings.workerId } = options;
    const call = { signal, timeoutMs: settings.askTimeoutMs };
    const giveUp = performance.now() + waitMs;
    for (;;) {
      const sentAt = performance.now();
      const request = { study: this.name, count: int32(count, "count"), workerId, requestId: newRequestId() };
      try {
        const { trials } = await transport.unary(TrialService.method.ask, request, call);
        if (trials.length === 0) {
          throw new InternalError("the server answered an ask without a trial");
        }
        return trials.map((wire) => new Trial<P>(this.#session, wire, this.#session.hold(wire, sentAt)));
      } catch (error) {
        if (!(error instanceof NoTrialAvailableError || error instanceof OverloadedError)) {
          throw error;
        }
        const delay = jitter(error.retryAfterMs ?? 1_000, 1, 1.2);
        if (performance.now() + delay > giveUp) {
          throw error;
        }
        await sleep(delay, signal);
      }
    }
  }

  /** Reads one trial with its measurements. */
  async trial(number: number, options: CallOptions = {}): Promise<Trial<P>> {
    const request = { name: `${this.name}/trials/${number}` };
    return this.#trial(await this.#session.transport.unary(TrialService.method.getTrial, request, options));
  }

  /** The trials by number, without measurements; pages are fetched as the loop gets there. */
  async *trials(options: ListOptions = {}): AsyncGenerator<Trial<P>, void, void> {
    const filter = {
      states: (options.states ?? []).map((state) => encodeEnum(TrialStateSchema, state, "filter.states")),
      workerId: options.workerId ?? "",
      labels: { ...options.labels },
    };
    const pageSize = int32(options.pageSize ?? PAGE_SIZE, "page_size");
    let pageToken = "";
    do {
      const request = { parent: this.name, pageSize, pageToken, filter };
      const page = await this.#session.transport.unary(TrialService.method.listTrials, request, options);
      for (const wire of page.trials) {
        yield this.#trial(wire);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** The best trial so far. Throws NoResultsError while there is none. */
  async bestTrial(options: CallOptions = {}): Promise<Trial<P>> {
    const [best] = await this.bestTrials(1, options);
    if (!best) {
      throw new NoResultsError(`${this.name} has no trial with a result yet`);
    }
    return best;
  }

  /** The best trials, best first: at most so many, none while there is no result. */
  async bestTrials(count: number, options: CallOptions = {}): Promise<Trial<P>[]> {
    const request = { parent: this.name, count: int32(count, "count") };
    const answer = await this.#session.transport.unary(TrialService.method.listBestTrials, request, options);
    return answer.trials.map((wire) => this.#trial(wire));
  }

  /**
   * The best trial when noise is taken off: where results differ from run to run, the one with the best value may have
   * been lucky. Resolves to undefined where results are not noisy, and while the server is too busy for a model.
   */
  async bestByModel(options: CallOptions = {}): Promise<BestByModel<P> | undefined> {
    const request = { parent: this.name, byModel: true };
    const { bestByModel } = await this.#session.transport.unary(TrialService.method.listBestTrials, request, options);
    if (!bestByModel?.trial) {
      return undefined;
    }
    const { trial, mean, standardDeviation, noise } = bestByModel;
    return { trial: this.#trial(trial), mean, standardDeviation, noise };
  }

  /**
   * Queues configurations of one's own; they are handed out before the algorithm's.
   *
   * @throws ValueOutsideSpaceError, StudyCompleteError
   */
  async enqueue(trials: readonly QueuedTrial[], options: CallOptions = {}): Promise<Trial<P>[]> {
    const wire = encodeQueued(trials, this.#info.spec.space);
    const request = { study: this.name, trials: wire, requestId: newRequestId() };
    const answer = await this.#session.transport.unary(TrialService.method.enqueueTrials, request, options);
    return answer.trials.map((each) => this.#trial(each));
  }

  /** Brings in past results. It resolves to a trial for each, those that were there before as they stand. */
  async importTrials(trials: readonly ImportedTrial[], options: CallOptions = {}): Promise<ImportAnswer<P>> {
    const wire = encodeImported(trials, this.#info.spec.space);
    const request = { study: this.name, trials: wire, requestId: newRequestId() };
    const answer = await this.#session.transport.unary(TrialService.method.importTrials, request, options);
    return { trials: answer.trials.map((each) => this.#trial(each)), added: answer.importedCount };
  }

  /**
   * The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes twice.
   * It ends when the loop does, or with an error: the signal's reason, or StudyNotFoundError when the study is deleted.
   *
   * The cursor is that of the last change seen, or `info.cursor` for what comes after that reading. Default: from the
   * study's beginning.
   */
  watch(options: CallOptions & { readonly cursor?: string } = {}): AsyncGenerator<Change<P>, void, void> {
    return watchStudy<P>(this.#session.transport, this.name, options.cursor ?? "", options.signal);
  }

  /** Reads the study anew. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#take(await this.#session.transport.unary(StudyService.method.getStudy, { name: this.name }, options));
  }

  /** Makes the study hand out no trials until it is resumed; results are still taken. */
  pause(options: CallOptions = {}): Promise<void> {
    return this.#setState(StudyState.PAUSED, options);
  }

  /** Makes the study hand out trials again. */
  resume(options: CallOptions = {}): Promise<void> {
    return this.#setState(StudyState.ACTIVE, options);
  }

  /** Makes the study hand out no more trials; results of running ones are still taken. */
  finish(options: CallOptions = {}): Promise<void> {
    return this.#setState(StudyState.FINISHED, options);
  }

  async #setState(state: StudyState, options: CallOptions): Promise<void> {
    const study = { name: this.name, state };
    const request = { study, updateMask: { paths: ["state"] }, requestId: newRequestId() };
    this.#take(await this.#session.transport.unary(StudyService.method.updateStudy, request, options));
  }

  /**
   * Changes rules, limits, labels and annotations; null takes a rule away.
   *
   * @throws InvalidArgumentError, EtagMismatchError (with `etag`, when the study has another one by now)
   */
  async update(changes: StudyChanges, options: CallOptions & { readonly etag?: string } = {}): Promise<void> {
    const { study, paths } = encodeChanges(changes);
    const named = { ...study, name: this.name, etag: options.etag ?? "" };
    const request = { study: named, updateMask: { paths }, requestId: newRequestId() };
    this.#take(await this.#session.transport.unary(StudyService.method.updateStudy, request, options));
  }

  /** Deletes the study with all its trials; this cannot be undone. */
  async delete(options: CallOptions & { readonly etag?: string } = {}): Promise<void> {
    const request = { name: this.name, etag: options.etag ?? "", requestId: newRequestId() };
    await this.#session.transport.unary(StudyService.method.deleteStudy, request, options);
  }

  #trial(wire: WireTrial): Trial<P> {
    return new Trial<P>(this.#session, wire);
  }

  #take(wire: WireStudy): void {
    this.#info = decodeStudy(wire);
  }
}

/** The trial with the best posterior mean of a model. All numbers are in the objective's unit. */
export interface BestByModel<P = Params> {
  readonly trial: Trial<P>;
  /** What the objective is expected to be there, without noise. */
  readonly mean: number;
  /** Of the mean: how uncertain it is. */
  readonly standardDeviation: number;
  /** Standard deviation of a single result, beyond the standard errors that were told. */
  readonly noise: number;
}

/** What an import did. */
export interface ImportAnswer<P = Params> {
  /** In the order of the request. */
  readonly trials: Trial<P>[];
  /** How many are new. */
  readonly added: number;
}
