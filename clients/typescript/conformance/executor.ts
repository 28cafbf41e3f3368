import type { Client, Study, Trial } from "../src/index.js";
import * as asktell from "../src/index.js";
import { StudyState } from "../src/gen/asktell/v1/study_pb.js";
import { TellOutcome } from "../src/gen/asktell/v1/trial_service_pb.js";
import type * as pb from "./gen/conformance_pb.js";
import {
  changesResult,
  done,
  failed,
  Refused,
  studyResult,
  suggestionsResult,
  trialsResult,
  type Shown,
} from "./results.js";
import {
  decodeImported,
  decodeMetrics,
  decodeOutcome,
  decodeProblem,
  decodeQueued,
  decodeSpec,
  decodeState,
} from "./specs.js";

type Kind = Exclude<pb.Action["kind"], { case: undefined }>;
type Payload<C extends Kind["case"]> = Extract<Kind, { case: C }>["value"];

interface Watch {
  readonly changes: AsyncGenerator<asktell.Change, void, void>;
  readonly study: Study;
  cursor: string;
}

/** Does what it is told on the public API of the client. It has no logic of its own. */
export class Executor {
  readonly #clients = new Map<string, Client>();
  readonly #studies = new Map<string, Study>();
  readonly #trials = new Map<string, Shown>();
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
        return this.#shown(value.trial, (trial) => trial.report(Number(value.step), decodeMetrics(value.metrics)));
      case "tell":
        return this.#shown(value.trial, (trial) => tell(trial, value));
      case "release":
        return this.#trial(value.trial).trial.release().then(done);
      case "cancel":
        return this.#shown(value.trial, (trial) => trial.cancel({ reason: value.reason }));
      case "amend":
        return this.#shown(value.trial, (trial) => amend(trial, value));
      case "peekTrial":
        return trialsResult([this.#trial(value.trial)]);
      case "getTrial":
        return this.#keepTrials(
          value.study,
          value.trial === "" ? [] : [value.trial],
          this.#study(value.study)
            .trial(Number(value.number))
            .then((trial) => [trial]),
        );
      case "listTrials":
        return this.#listTrials(value);
      case "best":
        return this.#best(value);
      case "enqueue":
        return this.#keepTrials(
          value.study,
          value.handles,
          this.#study(value.study).enqueue(decodeQueued(value.trials)),
        );
      case "importTrials":
        return this.#keepTrials(
          value.study,
          [],
          this.#study(value.study)
            .importTrials(decodeImported(value.trials))
            .then(({ trials }) => trials),
        );
      case "startWatch":
        return this.#startWatch(value);
      case "nextChanges":
        return this.#nextChanges(value);
      case "stopWatch":
        return handle(this.#watches, value.watch).changes.return().then(done);
      case "suggest":
        return this.#suggest(value);
    }
  }

  #client({ client }: { readonly client: string }): Client {
    return handle(this.#clients, client);
  }

  #study(name: string): Study {
    return handle(this.#studies, name);
  }

  #trial(name: string): Shown {
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
    const { source } = action;
    const { id, spec } =
      source.case === "studyFile"
        ? refusing(() => asktell.parseStudyFile(source.value))
        : { id: action.studyId, spec: decodeSpec(source.value) };
    const created = this.#client(action).createStudy(id, spec, { existOk: action.existOk });
    return this.#keepStudy(action.study, created);
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

  #ask({ study: name, trials, count, waitMs, workerId }: Payload<"ask">): Promise<pb.Result> {
    const study = this.#study(name);
    const options = { ...(waitMs === undefined ? {} : { waitMs }), ...(workerId === "" ? {} : { workerId }) };
    const asked = count === undefined ? study.ask(options).then((trial) => [trial]) : study.askMany(count, options);
    return this.#keepTrials(name, trials, asked);
  }

  async #keepTrials(study: string, names: readonly string[], found: Promise<Trial[]>): Promise<pb.Result> {
    const { space } = this.#study(study).info.spec;
    const shown = (await found).map((trial) => ({ trial, space }));
    shown.forEach((each, index) => {
      // One without a handle goes on heartbeating too.
      this.#trials.set(names[index] ?? `\0${each.trial.name}`, each);
    });
    return trialsResult(shown);
  }

  async #shown(name: string, act: (trial: Trial) => Promise<unknown>): Promise<pb.Result> {
    const shown = this.#trial(name);
    await act(shown.trial);
    return trialsResult([shown]);
  }

  async #listTrials({ study: name, filter }: Payload<"listTrials">): Promise<pb.Result> {
    const study = this.#study(name);
    const { space } = study.info.spec;
    const options: asktell.ListOptions = {
      states: (filter?.states ?? []).map(decodeState),
      workerId: filter?.workerId ?? "",
      labels: filter?.labels ?? {},
    };
    const listed: Shown[] = [];
    for await (const trial of study.trials(options)) {
      listed.push({ trial, space });
    }
    return trialsResult(listed);
  }

  async #best({ study: name, count }: Payload<"best">): Promise<pb.Result> {
    const study = this.#study(name);
    const { space } = study.info.spec;
    try {
      const best = count > 0 ? await study.bestTrials(count) : [await study.bestTrial()];
      return trialsResult(best.map((trial) => ({ trial, space })));
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
    this.#watches.set(watch, { changes: study.watch({ cursor }), study, cursor });
    return done();
  }

  async #nextChanges({ watch: name, count }: Payload<"nextChanges">): Promise<pb.Result> {
    const watch = handle(this.#watches, name);
    const changes: asktell.Change[] = [];
    while (changes.length < count) {
      const { done: ended, value } = await watch.changes.next();
      if (ended) {
        throw new Error(`watch ${name} has ended`);
      }
      watch.cursor = value.cursor;
      changes.push(value);
    }
    return changesResult(changes, watch.study.info.spec.space);
  }

  async #suggest(action: Payload<"suggest">): Promise<pb.Result> {
    const problem = decodeProblem(action.request);
    return suggestionsResult(await this.#client(action).suggest(problem), problem.space);
  }
}

function updateStudy(study: Study, { change, useEtag }: Payload<"updateStudy">): Promise<void> {
  if (change.case === "maxTrials") {
    return study.update({ maxTrials: change.value }, useEtag ? { etag: study.info.etag } : {});
  }
  switch (change.value) {
    case StudyState.ACTIVE:
      return study.resume();
    case StudyState.PAUSED:
      return study.pause();
    default:
      return study.finish();
  }
}

function tell(trial: Trial, { outcome, metrics: wire, reason }: Payload<"tell">): Promise<void> {
  const metrics = decodeMetrics(wire);
  switch (outcome) {
    case TellOutcome.STOPPED:
      return trial.stop(metrics, reason === "" ? {} : { reason });
    case TellOutcome.FAILED:
      return trial.fail(reason, { metrics });
    case TellOutcome.INFEASIBLE:
      return trial.infeasible(reason, { metrics });
    default:
      return trial.tell(metrics);
  }
}

function amend(trial: Trial, { outcome: wire, metrics, reason }: Payload<"amend">): Promise<void> {
  const outcome = decodeOutcome(wire);
  return trial.amend(decodeMetrics(metrics), { reason, ...(outcome === undefined ? {} : { outcome }) });
}

/** What the client's constructor and its loader of study files refuse is marked as such. */
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
