import { readFile } from "node:fs/promises";

import { create } from "@bufbuild/protobuf";

import type { ProblemInit, StudyInit } from "./builders.js";
import { AsktellError } from "./errors.js";
import type { CallOptions, Init, RequestOptions, Typed } from "./init.js";
import { Session } from "./session.js";
import type { ClientOptions } from "./settings.js";
import { inspect, showClient } from "./show.js";
import { Study } from "./study.js";
import { listed } from "./transport.js";
import * as v1 from "./v1.js";
import { encodePlain, type Params, type Plain } from "./values.js";

/** How a study is created from a file: fields of `v1.CreateStudyRequest`. `studyId` replaces the name in the file. */
export type FileOptions = RequestOptions<v1.CreateStudyRequest, "studyFile" | "validateOnly">;

/** How a study is created: fields of `v1.CreateStudyRequest`. */
export type CreateOptions = Omit<FileOptions, "studyId">;

/** A `v1.SuggestRequest`; parameters and metrics in it may be plain values. */
export type SuggestInit<P = Params> = Omit<
  Init<v1.SuggestRequest>,
  "$typeName" | "problem" | "observations" | "pending"
> & {
  readonly problem?: ProblemInit<P> | undefined;
  readonly observations?: readonly Plain<v1.Observation>[];
  readonly pending?: readonly Plain<v1.Configuration>[];
};

/** A `v1.SuggestResponse`; {@link paramsOf} gives the configuration of a suggestion in it. */
export type Suggestions<P = Params> = v1.SuggestResponse & { readonly suggestions: Typed<v1.Suggestion, P>[] };

/** A connection to one or several servers. */
export class Client implements AsyncDisposable {
  readonly #session: Session;
  readonly #parent: string;

  /** Connects with the first call. Throws RangeError for wrong options, and errors of the file system for certificates. */
  constructor(options: ClientOptions = {}) {
    this.#session = new Session(options);
    this.#parent = `projects/${this.#session.settings.project}`;
  }

  /**
   * Creates a study, or with `existOk` opens the one of that name, if nothing differs from it that can never be changed.
   * The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".". Throws InvalidArgumentError,
   * StudyExistsError, NotSupportedError.
   */
  createStudy<P = Params>(id: string, study: StudyInit<P>, options: CreateOptions = {}): Promise<Study<P>> {
    return this.#create({ ...options, studyId: id, study }, options);
  }

  /**
   * {@link Client.createStudy} from a study file, which the server reads. Errors begin with the place, as in
   * `study.yaml:4:17: parameters.x.min: …`; InvalidStudyFileError and errors of the file system are possible, too.
   */
  createStudyFromFile<P = Params>(path: string, options: FileOptions = {}): Promise<Study<P>> {
    return withFile(path, (studyFile) => this.#create({ ...options, studyFile }, options, path));
  }

  /** {@link Client.createStudyFromFile} from the text of a study file. */
  createStudyFromText<P = Params>(text: string, options: FileOptions = {}): Promise<Study<P>> {
    return this.#create({ ...options, studyFile: text }, options);
  }

  async #create<P>(request: Init<v1.CreateStudyRequest>, options: CallOptions, path = ""): Promise<Study<P>> {
    const { transport, warn } = this.#session;
    const named = { ...request, parent: this.#parent };
    const created = await transport.unary(v1.StudyService.method.createStudy, named, options);
    for (const { field, message, place } of created.warnings) {
      warn(`${path === "" ? `${created.name}: ${place || field}` : `${path}:${place}`}: ${message}`);
    }
    return new Study(this.#session, created);
  }

  /**
   * Checks a study (`studyId` and `study`) or the text of a study file (`studyFile`) and stores nothing. Resolves to the
   * study as the server understood it, with its name and warnings. Throws as {@link Client.createStudyFromText} does.
   */
  checkStudy(request: FileOptions & Pick<Init<v1.CreateStudyRequest>, "study" | "studyFile">): Promise<v1.Study> {
    const checked = { ...request, parent: this.#parent, validateOnly: true };
    return this.#session.transport.unary(v1.StudyService.method.createStudy, checked, request);
  }

  /** {@link Client.checkStudy} for a study file. */
  checkStudyFile(path: string, options: FileOptions = {}): Promise<v1.Study> {
    return withFile(path, (studyFile) => this.checkStudy({ ...options, studyFile }));
  }

  /** Opens a study by its id or by its full name "projects/…/studies/…". */
  async study<P = Params>(name: string, options: CallOptions = {}): Promise<Study<P>> {
    const full = name.startsWith("projects/") ? name : `${this.#parent}/studies/${name.replace(/^studies\//, "")}`;
    const { transport } = this.#session;
    return new Study(this.#session, await transport.unary(v1.StudyService.method.getStudy, { name: full }, options));
  }

  /** The project's studies by name; pages are fetched as the loop gets there. */
  studies(options: RequestOptions<v1.ListStudiesRequest> = {}): AsyncGenerator<Study, void> {
    const request = { pageSize: 500, ...options, parent: this.#parent };
    return listed(
      (pageToken) =>
        this.#session.transport.unary(v1.StudyService.method.listStudies, { ...request, pageToken }, options),
      ({ studies }) => studies.map((record) => new Study(this.#session, record)),
    );
  }

  /**
   * Suggests configurations for a problem and its history, without a study: nothing is stored, and the same problem gets
   * the same suggestions. Throws InvalidArgumentError, NotSupportedError, StudyCompleteError (the grid is exhausted),
   * QueueEmptyError (manual search suggests nothing).
   */
  suggest<P = Params>(request: SuggestInit<P>, { signal }: CallOptions = {}): Promise<Suggestions<P>> {
    const { transport, settings } = this.#session;
    const problem = create(v1.ProblemSchema, request.problem);
    const observations = encodePlain<v1.Observation>(request.observations ?? [], problem.searchSpace);
    const pending = encodePlain<v1.Configuration>(request.pending ?? [], problem.searchSpace);
    const encoded = { ...request, problem, observations, pending } as Init<v1.SuggestRequest>;
    return transport.unary(v1.SuggestionService.method.suggest, encoded, { signal, timeoutMs: settings.askTimeoutMs });
  }

  /**
   * Stops the heartbeats, gives back the open trials whose leases run out, and closes the connections. It takes a few
   * seconds at most, and warns about trials that could not be given back: their leases run out by themselves.
   */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** Where the servers are, and the project; never the token. */
  toString(): string {
    return showClient(this.#session.settings);
  }

  /** @internal What `console.log` shows. */
  [inspect](): string {
    return `Client { ${String(this)} }`;
  }

  /** The same as {@link Client.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Does something with the text of a file; the message of an error about a line of it begins with the path. */
async function withFile<T>(path: string, act: (text: string) => Promise<T>): Promise<T> {
  const text = await readFile(path, "utf8");
  try {
    return await act(text);
  } catch (error) {
    if (!(error instanceof AsktellError) || error.metadata["line"] === undefined) {
      throw error;
    }
    const Kind = error.constructor as typeof AsktellError;
    throw new Kind(`${path}:${error.message}`, error);
  }
}
