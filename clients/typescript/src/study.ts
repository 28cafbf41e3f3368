import { jitter, sleep } from "./backoff.js";
import { InternalError, NoResultsError, NoTrialAvailableError, OverloadedError } from "./errors.js";
import type { CallOptions, Init, RequestOptions } from "./init.js";
import { maskOf } from "./mask.js";
import type { Session } from "./session.js";
import { pages, type Transport } from "./transport.js";
import { Trial } from "./trial.js";
import * as v1 from "./v1.js";
import { encodePlain, type Params, type Plain } from "./values.js";
import { watchStudy } from "./watch.js";

/** How a study is asked: fields of `v1.AskRequest`, and how long to wait. */
export type AskOptions = RequestOptions<v1.AskRequest, "study" | "count"> & {
  /** How long to wait for a trial to become available, in milliseconds; 0 = not at all. Default: for ever. */
  readonly waitMs?: number;
};

/** A `v1.BestByModel` with the trial's handle. */
export type BestByModel<P = Params> = Omit<v1.BestByModel, "trial"> & { readonly trial: Trial<P> };

/** A `v1.ImportTrialsResponse` with handles: a trial for each that was given, in its order. */
export type ImportAnswer<P = Params> = Omit<v1.ImportTrialsResponse, "trials"> & { readonly trials: Trial<P>[] };

/** The unit of tuning: one search space, and what to optimise in it. */
export class Study<P = Params> {
  readonly #session: Session;
  #info: v1.Study;

  /** @internal Studies come from a client. */
  constructor(session: Session, record: v1.Study) {
    this.#session = session;
    this.#info = record;
  }

  /** "projects/{project}/studies/{study}". */
  get name(): string {
    return this.#info.name;
  }

  /** The last part of the name. */
  get id(): string {
    return this.name.slice(this.name.lastIndexOf("/") + 1);
  }

  /** The study's record as of the last call that answered with it; {@link Study.refresh} reads it anew. */
  get info(): v1.Study {
    return this.#info;
  }

  get #transport(): Transport {
    return this.#session.transport;
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
    const { settings } = this.#session;
    const { signal, waitMs = Infinity, workerId = settings.workerId } = options;
    const request = { ...options, study: this.name, count, workerId };
    const giveUp = performance.now() + waitMs;
    for (;;) {
      const sentAt = performance.now();
      try {
        const call = { signal, timeoutMs: settings.askTimeoutMs };
        const { trials } = await this.#transport.unary(v1.TrialService.method.ask, request, call);
        if (trials.length === 0) {
          throw new InternalError("the server answered an ask without a trial");
        }
        return trials.map((record) => new Trial<P>(this.#session, record, this.#session.hold(record, sentAt)));
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
  async trial(number: number | bigint, options: CallOptions = {}): Promise<Trial<P>> {
    const request = { name: `${this.name}/trials/${number}` };
    return this.#trial(await this.#transport.unary(v1.TrialService.method.getTrial, request, options));
  }

  /** The trials by number, without measurements; pages are fetched as the loop gets there. */
  async *trials(
    options: RequestOptions<v1.ListTrialsRequest, "parent" | "pageToken"> = {},
  ): AsyncGenerator<Trial<P>, void, void> {
    const request = { pageSize: 500, ...options, parent: this.name };
    for await (const { trials } of pages((pageToken) =>
      this.#transport.unary(v1.TrialService.method.listTrials, { ...request, pageToken }, options),
    )) {
      yield* trials.map((record) => this.#trial(record));
    }
  }

  /** The best trial so far. Throws NoResultsError while there is none. */
  async bestTrial(options: CallOptions = {}): Promise<Trial<P>> {
    const [best] = await this.bestTrials(1, options);
    if (!best) {
      throw new NoResultsError(`${this.name} has no trial with a result yet`);
    }
    return best;
  }

  /** The best trials, best first: at most this many, none while there is no result. */
  async bestTrials(count: number, options: CallOptions = {}): Promise<Trial<P>[]> {
    const request = { parent: this.name, count };
    const answer = await this.#transport.unary(v1.TrialService.method.listBestTrials, request, options);
    return answer.trials.map((record) => this.#trial(record));
  }

  /**
   * The best trial when noise is taken off: where results differ from run to run, the one with the best value may have
   * been lucky. Resolves to undefined where results are not noisy, and while the server is too busy for a model.
   */
  async bestByModel(options: CallOptions = {}): Promise<BestByModel<P> | undefined> {
    const request = { parent: this.name, byModel: true };
    const { bestByModel: best } = await this.#transport.unary(v1.TrialService.method.listBestTrials, request, options);
    return best?.trial && { ...best, trial: this.#trial(best.trial) };
  }

  /**
   * Queues configurations of one's own; they are handed out before the algorithm's.
   *
   * @throws ValueOutsideSpaceError, StudyCompleteError
   */
  async enqueue(trials: readonly Plain<v1.EnqueuedTrial>[], options: CallOptions = {}): Promise<Trial<P>[]> {
    const encoded = encodePlain<v1.EnqueuedTrial>(trials, this.#info.searchSpace);
    const request = { study: this.name, trials: encoded };
    const answer = await this.#transport.unary(v1.TrialService.method.enqueueTrials, request, options);
    return answer.trials.map((record) => this.#trial(record));
  }

  /** Brings in past results. Those that were there before (by their `importKey`) stay as they are. */
  async importTrials(trials: readonly Plain<v1.ImportedTrial>[], options: CallOptions = {}): Promise<ImportAnswer<P>> {
    const encoded = encodePlain<v1.ImportedTrial>(trials, this.#info.searchSpace);
    const request = { study: this.name, trials: encoded };
    const answer = await this.#transport.unary(v1.TrialService.method.importTrials, request, options);
    return { ...answer, trials: answer.trials.map((record) => this.#trial(record)) };
  }

  /**
   * The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes twice.
   * It ends when the loop does, or with an error: the signal's reason, or StudyNotFoundError when the study is deleted.
   *
   * The cursor is that of the last change seen, or `info.cursor` for what comes after that reading. Default: from the
   * study's beginning.
   */
  watch(
    options: RequestOptions<v1.WatchStudyRequest, "study"> = {},
  ): AsyncGenerator<v1.WatchStudyResponse, void, void> {
    return watchStudy(this.#transport, this.name, options.cursor ?? "", options.signal);
  }

  /** Reads the study anew. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#info = await this.#transport.unary(v1.StudyService.method.getStudy, { name: this.name }, options);
  }

  /** Makes the study hand out no trials until it is resumed; results are still taken. */
  pause(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.PAUSED }, options);
  }

  /** Makes the study hand out trials again. */
  resume(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.ACTIVE }, options);
  }

  /** Makes the study hand out no more trials; results of running ones are still taken. */
  finish(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.FINISHED }, options);
  }

  /**
   * Changes the fields that are given, as in `update({ stoppingRules: { maxTrials: 100 } })`; undefined takes a value
   * away. Labels and annotations are replaced as a whole. `updateMask` names the fields in their place. With `etag`, the
   * study must still have that one.
   *
   * @throws InvalidArgumentError, EtagMismatchError
   */
  async update(changes: Init<v1.Study>, options: RequestOptions<v1.UpdateStudyRequest, "study"> = {}): Promise<void> {
    const study = { ...changes, name: this.name };
    const request = { updateMask: { paths: maskOf(v1.StudySchema, changes) }, ...options, study };
    this.#info = await this.#transport.unary(v1.StudyService.method.updateStudy, request, options);
  }

  /** Deletes the study with all its trials; this cannot be undone. With `etag`, the study must still have that one. */
  async delete(options: RequestOptions<v1.DeleteStudyRequest, "name"> = {}): Promise<void> {
    await this.#transport.unary(v1.StudyService.method.deleteStudy, { ...options, name: this.name }, options);
  }

  #trial(record: v1.Trial): Trial<P> {
    return new Trial<P>(this.#session, record);
  }
}
