import type { Client, Study, Trial } from "../src/index.js";
import * as asktell from "../src/index.js";
import * as v1 from "../src/v1.js";
import type * as pb from "./gen/conformance_pb.js";
import {
  analysisResult,
  changesResult,
  done,
  failed,
  Refused,
  studyResult,
  suggestionsResult,
  trialsResult,
} from "./results.js";

type Kind = Exclude<pb.Action["kind"], { case: undefined }>;
type Payload<C extends Kind["case"]> = Extract<Kind, { case: C }>["value"];

interface Watch {
  readonly changes: AsyncGenerator<v1.WatchStudyResponse, void, void>;
  cursor: string;
}

/** Does what it is told on the public API of the client. It has no logic of its own. */
export class Executor {
  readonly #clients = new Map<string, Client>();
  readonly #studies = new Map<string, Study>();
  readonly #trials = new Map<string, Trial>();
  readonly #watches = new Map<string, Watch>();

  async execute({ kind }: pb.Action): Promise<pb.Result> {
    if (kind.case === undefined) {
      throw new Error("an action of a kind that is not known");
    }
    try {
      return await this.#act(kind);
    } catch (error) {
      return failed(error);
    }
  }

  /** Closes what is open; errors of that are nobody's concern any more. */
  async reset(): Promise<void> {
    const watches = [...this.#watches.values()].map((watch) => watch.changes.return());
    const clients = [...this.#clients.values()].map((client) => client.close());
    await Promise.allSettled([...watches, ...clients]);
    for (const handles of [this.#clients, this.#studies, this.#trials, this.#watches]) {
      handles.clear();
    }
  }

  #act({ case: name, value }: Kind): Promise<pb.Result> | pb.Result {
    switch (name) {
      case "reset":
        return this.reset().then(done);
      case "createClient":
        return this.#createClient(value);
      case "closeClient":
        return this.#client(value).close().then(done);
      case "createStudy":
        return this.#createStudy(value);
      case "openStudy":
        return this.#keepStudy(value.study, this.#client(value).study(value.studyId));
      case "getStudy":
        return this.#afterwards(value.study, (study) => study.refresh());
      case "updateStudy":
        return this.#afterwards(value.study, (study) => updateStudy(study, value));
      case "deleteStudy":
        return this.#study(value.study).delete().then(done);
      case "ask":
        return this.#ask(value);
      case "report":
        return this.#shown(value.trial, (trial) => trial.report(value.step, value.metrics));
      case "tell":
        return this.#shown(value.trial, (trial) => tell(trial, value));
      case "release":
        return this.#trial(value.trial).release().then(done);
      case "cancel":
        return this.#shown(value.trial, (trial) => trial.cancel({ reason: value.reason }));
      case "amend":
        return this.#shown(value.trial, (trial) =>
          trial.amend(value.metrics, { reason: value.reason, outcome: value.outcome }),
        );
      case "peekTrial":
        return trialsResult([this.#trial(value.trial)]);
      case "getTrial":
        return this.#keepTrials(
          value.trial === "" ? [] : [value.trial],
          one(this.#study(value.study).trial(value.number)),
        );
      case "listTrials":
        return this.#listTrials(value);
      case "best":
        return this.#best(value);
      case "enqueue":
        return this.#keepTrials(value.handles, this.#study(value.study).enqueue(value.trials));
      case "importTrials":
        return this.#importTrials(value);
      case "startWatch":
        return this.#startWatch(value);
      case "nextChanges":
        return this.#nextChanges(value);
      case "stopWatch":
        return handle(this.#watches, value.watch).changes.return().then(done);
      case "suggest":
        return this.#suggest(value);
      case "analyse":
        return analyse(this.#study(value.study), value).then(analysisResult);
    }
  }

  #client({ client }: { readonly client: string }): Client {
    return handle(this.#clients, client);
  }

  #study(name: string): Study {
    return handle(this.#studies, name);
  }

  #trial(name: string): Trial {
    return handle(this.#trials, name);
  }

  #createClient({ client, addresses, token, tlsCaFile, timeoutMs, workerId }: Payload<"createClient">): pb.Result {
    const options: asktell.ClientOptions = {
      ...(addresses.length > 0 ? { address: addresses } : {}),
      ...(token === "" ? {} : { token }),
      ...(tlsCaFile === "" ? {} : { tls: { caFile: tlsCaFile } }),
      ...(timeoutMs === 0 ? {} : { timeoutMs, askTimeoutMs: timeoutMs }),
      ...(workerId === "" ? {} : { workerId }),
    };
    this.#clients.set(
      client,
      refusing(() => new asktell.Client(options)),
    );
    return done();
  }

  #createStudy(action: Payload<"createStudy">): Promise<pb.Result> {
    const { study, studyId, source, existOk } = action;
    const client = this.#client(action);
    const created =
      source.case === "studyFile"
        ? client.createStudyFromText(source.value, { existOk })
        : client.createStudy(studyId, source.value ?? {}, { existOk });
    return this.#keepStudy(study, created);
  }

  async #keepStudy(name: string, opened: Promise<Study>): Promise<pb.Result> {
    const study = await opened;
    this.#studies.set(name, study);
    return studyResult(study.info);
  }

  async #afterwards(name: string, act: (study: Study) => Promise<void>): Promise<pb.Result> {
    const study = this.#study(name);
    await act(study);
    return studyResult(study.info);
  }

  #ask({
    study: name,
    trials,
    count,
    waitMs,
    workerId,
    fixedParameters,
    costAware,
  }: Payload<"ask">): Promise<pb.Result> {
    const study = this.#study(name);
    const options = {
      ...(waitMs === undefined ? {} : { waitMs }),
      ...(workerId === "" ? {} : { workerId }),
      fixed: fixedParameters,
      costAware,
    };
    const asked =
      count === undefined ? one(study.ask(options)) : study.askMany(count, options).then(({ trials }) => trials);
    return this.#keepTrials(trials, asked);
  }

  async #importTrials({ study, trials }: Payload<"importTrials">): Promise<pb.Result> {
    const answer = await this.#study(study).importTrials(trials);
    return trialsResult(answer.trials);
  }

  async #keepTrials(names: readonly string[], found: Promise<Trial[]>): Promise<pb.Result> {
    const trials = await found;
    trials.forEach((trial, index) => {
      // One without a handle goes on heartbeating too.
      this.#trials.set(names[index] ?? `\0${trial.name}`, trial);
    });
    return trialsResult(trials);
  }

  async #shown(name: string, act: (trial: Trial) => Promise<unknown>): Promise<pb.Result> {
    const trial = this.#trial(name);
    await act(trial);
    return trialsResult([trial]);
  }

  async #listTrials({ study, filter }: Payload<"listTrials">): Promise<pb.Result> {
    const listed: Trial[] = [];
    for await (const trial of this.#study(study).trials({ filter })) {
      listed.push(trial);
    }
    return trialsResult(listed);
  }

  async #best({ study: name, count }: Payload<"best">): Promise<pb.Result> {
    const study = this.#study(name);
    try {
      return trialsResult(count > 0 ? await study.bestTrials(count) : [await study.bestTrial()]);
    } catch (error) {
      if (error instanceof asktell.NoResultsError) {
        return trialsResult([]);
      }
      throw error;
    }
  }

  #startWatch({ study: name, watch, start }: Payload<"startWatch">): pb.Result {
    const study = this.#study(name);
    let cursor = "";
    if (start.case === "fromStudyCursor") {
      ({ cursor } = study.info);
    } else if (start.case === "afterWatch") {
      ({ cursor } = handle(this.#watches, start.value));
    }
    this.#watches.set(watch, { changes: study.watch({ cursor }), cursor });
    return done();
  }

  async #nextChanges({ watch: name, count }: Payload<"nextChanges">): Promise<pb.Result> {
    const watch = handle(this.#watches, name);
    const changes: v1.WatchStudyResponse[] = [];
    while (changes.length < count) {
      const { done: ended, value } = await watch.changes.next();
      if (ended) {
        throw new Error(`watch ${name} has ended`);
      }
      watch.cursor = value.cursor;
      changes.push(value);
    }
    return changesResult(changes);
  }

  async #suggest(action: Payload<"suggest">): Promise<pb.Result> {
    return suggestionsResult(await this.#client(action).suggest(action.request ?? {}));
  }
}

async function analyse(study: Study, { question }: Payload<"analyse">): Promise<number> {
  switch (question.case) {
    case "importances":
      return (await study.importances(question.value)).importances.length;
    case "predict": {
      const configurations = question.value.configurations.map(({ parameters }) => parameters);
      return (await study.predict(configurations, { metric: question.value.metric })).predictions.length;
    }
    case "slice": {
      const { parameters, ...options } = question.value;
      return (await study.slice(parameters, options)).points.length;
    }
    case "crossValidate":
      return (await study.crossValidate(question.value)).results.length;
    case "tradeOffs":
      return (await study.tradeOffs()).tradeOffs.length;
    case "health":
      return (await study.health()).findings.length;
    case undefined:
      throw new Error("a question that is not known");
  }
}

function updateStudy(study: Study, { change, useEtag }: Payload<"updateStudy">): Promise<void> {
  if (change.case === "maxTrials") {
    const etag = useEtag ? { etag: study.info.etag } : {};
    return study.update({ stoppingRules: { maxTrials: change.value }, ...etag });
  }
  switch (change.value) {
    case v1.StudyState.ACTIVE:
      return study.resume();
    case v1.StudyState.PAUSED:
      return study.pause();
    default:
      return study.finish();
  }
}

function tell(trial: Trial, { outcome, metrics, reason }: Payload<"tell">): Promise<void> {
  switch (outcome) {
    case v1.TellOutcome.STOPPED:
      return trial.stop(metrics, reason === "" ? {} : { reason });
    case v1.TellOutcome.FAILED:
      return trial.fail(reason, { metrics });
    case v1.TellOutcome.INFEASIBLE:
      return trial.infeasible(reason, { metrics });
    default:
      return trial.tell(metrics);
  }
}

async function one(trial: Promise<Trial>): Promise<Trial[]> {
  return [await trial];
}

/** What the client's constructor refuses is marked as such. */
function refusing<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new Refused(error);
  }
}

function handle<T>(handles: ReadonlyMap<string, T>, name: string): T {
  const found = handles.get(name);
  if (found === undefined) {
    throw new Error(`there is no handle ${name}`);
  }
  return found;
}
