import { Analysed } from "./analysis.js";
import { jitter, sleep } from "./backoff.js";
import { InternalError, NoResultsError, NoTrialAvailableError, OverloadedError, StudyCompleteError } from "./errors.js";
import type { CallOptions, MessageOrInit, RequestOptions } from "./init.js";
import { maskOf } from "./mask.js";
import type { Session } from "./session.js";
import { inspect, showStudy } from "./show.js";
import { listed, type Transport } from "./transport.js";
import { Trial } from "./trial.js";
import * as v1 from "./v1.js";
import { encodePlain, type Params, type ParamsInput, type Plain } from "./values.js";

/** How a study is asked: fields of `v1.AskRequest`, such as `costAware`, and how long to wait. */
export type AskOptions = RequestOptions<v1.AskRequest, "count"> & {
  /** Values that the configuration must have, for example those that fit a small GPU; context parameters are stated so. */
  readonly fixed?: ParamsInput;
  /** How long to wait for a trial to become available, in milliseconds; 0 = not at all. Default: for ever. */
  readonly waitMs?: number;
};

/** A `v1.BestByModel` with the trial's handle. */
export type BestByModel<P = Params> = Omit<v1.BestByModel, "trial"> & { readonly trial: Trial<P> };

/** A message M about trials, with their handles. */
export type WithHandles<M, P = Params> = Omit<M, "trials"> & { readonly trials: Trial<P>[] };

/** The unit of tuning: one search space, and what to optimise in it. */
export class Study<P = Params> extends Analysed {
  /** The last part of the name. */
  readonly id: string;
  readonly #session: Session;
  readonly #transport: Transport;
  #info: v1.Study;
  #best: v1.Trial | undefined; // as of the last ListBestTrials; none where that has no single feasible one

  /** @internal Studies come from a client. */
  constructor(session: Session, record: v1.Study) {
    super(session, record.name);
    this.#session = session;
    this.#transport = session.transport;
    this.#info = record;
    this.id = this.name.slice(this.name.lastIndexOf("/") + 1);
  }

  /** The study's record as of the last call that answered with it; {@link Study.refresh} reads it anew. */
  override get info(): v1.Study {
    return this.#info;
  }

  /**
   * A trial to run; its lease renews itself until the trial is told, released or closed, so an ask goes with
   * {@link Trial.close} in a `finally`, or with `await using`. When nothing can be handed out now, it waits, as long as
   * `waitMs` and `signal` allow. Throws StudyCompleteError (there is nothing more to do; `info` is read anew),
   * StudyPausedError, QueueEmptyError (manual search, nothing enqueued), NoTrialAvailableError (not now, and the wait would
   * end before there could be one), FixedExhaustedError (nothing is left with the `fixed` values).
   */
  async ask(options: AskOptions = {}): Promise<Trial<P>> {
    const { trials } = await this.askMany(1, options);
    return trials[0] as Trial<P>; // there is at least one
  }

  /** {@link Study.ask} for several trials; fewer, but at least one, come back when the study cannot give more now. */
  async askMany(count: number, options: AskOptions = {}): Promise<WithHandles<v1.AskResponse, P>> {
    const { settings } = this.#session;
    const { signal, waitMs = Infinity, workerId = settings.workerId, fixed, ...fields } = options;
    const [stated] = encodePlain<v1.Configuration>(fixed ? [{ parameters: fixed }] : [], this.#info.searchSpace);
    const fixedParameters = { ...fields.fixedParameters, ...stated?.parameters };
    const request = { ...fields, study: this.name, count, workerId, fixedParameters };
    const giveUp = performance.now() + waitMs;
    for (;;) {
      const sentAt = performance.now();
      try {
        const call = { signal, timeoutMs: settings.askTimeoutMs };
        const answer = await this.#transport.unary(v1.TrialService.method.ask, request, call);
        if (answer.trials.length === 0) {
          throw new InternalError("the server answered an ask without a trial");
        }
        const open = (record: v1.Trial) => new Trial<P>(this.#session, record, this.#session.hold(record, sentAt));
        return { ...answer, trials: answer.trials.map(open) };
      } catch (error) {
        if (error instanceof StudyCompleteError) {
          await this.refresh({ signal }).catch(() => undefined); // what is printed after the last trial is true
        }
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
    return new Trial(this.#session, await this.#transport.unary(v1.TrialService.method.getTrial, request, options));
  }

  /** The trials by number, without measurements; pages are fetched as the loop gets there. */
  trials(options: RequestOptions<v1.ListTrialsRequest> = {}): AsyncGenerator<Trial<P>, void> {
    const request = { pageSize: 500, ...options, parent: this.name };
    return listed(
      (pageToken) => this.#transport.unary(v1.TrialService.method.listTrials, { ...request, pageToken }, options),
      ({ trials }) => this.#handles(trials),
    );
  }

  /**
   * The best trial so far. Throws NoResultsError while there is none, or none that keeps the outcome constraints, and
   * RangeError with several objectives, which have no single best one: see {@link Study.paretoFront}.
   */
  async bestTrial(options: CallOptions = {}): Promise<Trial<P>> {
    if (this.#info.objectives.length > 1) {
      throw new RangeError(`${this.name} has several objectives and no single best trial: see paretoFront()`);
    }
    const { trials, infeasible } = await this.#listBest({ count: 1 }, options);
    const [best] = this.#handles(infeasible ? [] : trials);
    if (!best) {
      const lacks = infeasible ? "that keeps the outcome constraints" : "with a result";
      throw new NoResultsError(`${this.name} has no trial ${lacks} yet`);
    }
    return best;
  }

  /**
   * The best trials, best first: at most this many, none while there is no result. With several objectives: the whole Pareto
   * front. Where no trial keeps the outcome constraints: those that miss them least, with a `violation` above 0.
   */
  async bestTrials(count: number, options: CallOptions = {}): Promise<Trial<P>[]> {
    return this.#handles((await this.#listBest({ count }, options)).trials);
  }

  /** The feasible trials that no other one betters in all objectives, in the order of the first objective. */
  async paretoFront(options: CallOptions = {}): Promise<Trial<P>[]> {
    const { trials, infeasible } = await this.#listBest({}, options);
    return this.#handles(infeasible ? [] : trials);
  }

  /**
   * What the Pareto front dominates, up to the objectives' references. Resolves to undefined with one objective, and while
   * no trial is feasible.
   */
  async hypervolume(options: CallOptions = {}): Promise<number | undefined> {
    return (await this.#listBest({}, options)).hypervolume;
  }

  async #listBest(
    which: RequestOptions<v1.ListBestTrialsRequest>,
    options: CallOptions,
  ): Promise<v1.ListBestTrialsResponse> {
    const request = { ...which, parent: this.name };
    const answer = await this.#transport.unary(v1.TrialService.method.listBestTrials, request, options);
    const isSingle = this.#info.objectives.length === 1;
    this.#best = isSingle && !answer.infeasible ? answer.trials[0] : undefined;
    return answer;
  }

  /**
   * The best trial when noise is taken off: where results differ from run to run, the one with the best value may have
   * been lucky. Resolves to undefined where results are not noisy, and while the server is too busy for a model.
   */
  async bestByModel(options: CallOptions = {}): Promise<BestByModel<P> | undefined> {
    const { bestByModel: best } = await this.#listBest({ byModel: true }, options);
    return best?.trial && { ...best, trial: new Trial<P>(this.#session, best.trial) };
  }

  /** Queues configurations, which are handed out before the algorithm's. Throws ValueOutsideSpaceError, StudyCompleteError. */
  async enqueue(
    trials: readonly Plain<v1.EnqueuedTrial>[],
    options: RequestOptions<v1.EnqueueTrialsRequest, "trials"> = {},
  ): Promise<Trial<P>[]> {
    const encoded = encodePlain<v1.EnqueuedTrial>(trials, this.#info.searchSpace);
    const request = { ...options, study: this.name, trials: encoded };
    const answer = await this.#transport.unary(v1.TrialService.method.enqueueTrials, request, options);
    return this.#handles(answer.trials);
  }

  /** Brings in past results. Those that were there before (by their `importKey`) stay as they are. */
  async importTrials(
    trials: readonly Plain<v1.ImportedTrial>[],
    options: RequestOptions<v1.ImportTrialsRequest, "trials"> = {},
  ): Promise<WithHandles<v1.ImportTrialsResponse, P>> {
    const encoded = encodePlain<v1.ImportedTrial>(trials, this.#info.searchSpace);
    const request = { ...options, study: this.name, trials: encoded };
    const answer = await this.#transport.unary(v1.TrialService.method.importTrials, request, options);
    return { ...answer, trials: this.#handles(answer.trials) };
  }

  /**
   * The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes twice.
   * It begins after `cursor` (that of a change, or `info.cursor`), or at the study's beginning, and ends when the loop
   * does, or with an error: the signal's reason, or StudyNotFoundError when the study is deleted.
   */
  async *watch(options: RequestOptions<v1.WatchStudyRequest> = {}): AsyncGenerator<v1.WatchStudyResponse, void, void> {
    // A call with a deadline first: a stream would wait for ever for a server that is not there at all.
    await this.#transport.unary(v1.StudyService.method.getStudy, { name: this.name }, options);
    const request = { ...options, study: this.name };
    const { watchStudy } = v1.TrialService.method;
    yield* this.#transport.stream(watchStudy, request, ({ cursor }) => ({ ...request, cursor }), options);
  }

  /** Reads the study anew. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#info = await this.#transport.unary(v1.StudyService.method.getStudy, { name: this.name }, options);
  }

  /** Makes the study hand out no trials until it is resumed; results are still taken. */
  pause(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.PAUSED }, options);
  }

  /**
   * Makes the study hand out trials again. One that a stopping rule has finished goes on with other rules, by {@link Study.update}
   * (StudyCompleteError: there is nothing more to do).
   */
  resume(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.ACTIVE }, options);
  }

  /** Makes the study hand out no more trials; results of running ones are still taken. */
  finish(options: CallOptions = {}): Promise<void> {
    return this.update({ state: v1.StudyState.FINISHED }, options);
  }

  /**
   * Changes the fields that are given, as in `update({ stoppingRules: { maxTrials: 100 } })`, or those that `updateMask`
   * names; undefined takes a value away. With `etag` among the changes, the study must still have that one
   * (EtagMismatchError).
   */
  async update(changes: MessageOrInit<v1.Study>, options: RequestOptions<v1.UpdateStudyRequest> = {}): Promise<void> {
    const study = { ...changes, name: this.name };
    const request = { updateMask: { paths: maskOf(v1.StudySchema, changes) }, ...options, study };
    this.#info = await this.#transport.unary(v1.StudyService.method.updateStudy, request, options);
  }

  /** Deletes the study with all its trials; this cannot be undone. With `etag`, the study must still have that one. */
  async delete(options: RequestOptions<v1.DeleteStudyRequest> = {}): Promise<void> {
    await this.#transport.unary(v1.StudyService.method.deleteStudy, { ...options, name: this.name }, options);
  }

  /**
   * Name, state, how many trials have ended, the budget and, where there is a single one that keeps the outcome
   * constraints, the best trial; each as of the last call that answered with it.
   */
  override toString(): string {
    return showStudy(this.#info, this.#best);
  }

  /** @internal What `console.log` shows. */
  [inspect](): string {
    return `Study { ${String(this)} }`;
  }

  #handles(records: readonly v1.Trial[]): Trial<P>[] {
    return records.map((record) => new Trial<P>(this.#session, record));
  }
}
