import { StudyExistsError, StudyNotFoundError } from "./errors.js";
import { compareWithExisting } from "./existing.js";
import type { Study as WireStudy } from "./gen/asktell/v1/study_pb.js";
import { StudyService } from "./gen/asktell/v1/study_service_pb.js";
import { SuggestionService } from "./gen/asktell/v1/suggestion_service_pb.js";
import { newRequestId } from "./request-id.js";
import { Session } from "./session.js";
import type { ClientOptions } from "./settings.js";
import type { ParamsOf, Space } from "./space.js";
import { encodeSpec, type StudySpec } from "./spec.js";
import { Study } from "./study.js";
import { decodeSuggestions, encodeProblem, type Problem, type Suggestions } from "./suggest.js";
import type { CallOptions } from "./transport.js";
import { int32, type Params } from "./values.js";

/** How a study is created. */
export interface CreateOptions extends CallOptions {
  /**
   * Open the study that is there already, if it has the same specification. Rules and limits that `Study.update` can
   * change may differ, and stay as they are.
   */
  readonly existOk?: boolean;
}

/** A connection to one or several servers. */
export class Client implements AsyncDisposable {
  readonly #session: Session;

  /**
   * Opens no connection yet: the first call does, and waits for a server for as long as its deadline.
   *
   * @throws RangeError for options that make no sense, or an error of the file system for certificates
   */
  constructor(options: ClientOptions = {}) {
    this.#session = new Session(options);
  }

  /**
   * Creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".".
   *
   * @throws InvalidArgumentError, StudyExistsError (with `existOk`: one with another specification), NotSupportedError
   */
  async createStudy<const S extends Space>(
    id: string,
    spec: StudySpec<S>,
    options: CreateOptions = {},
  ): Promise<Study<ParamsOf<S>>> {
    const { transport, warn } = this.#session;
    const wanted = encodeSpec(spec);
    const parent = this.#parent;
    for (let triesLeft = 2; ; triesLeft--) {
      try {
        const request = { parent, studyId: id, study: wanted, requestId: newRequestId() };
        return this.#created(await transport.unary(StudyService.method.createStudy, request, options));
      } catch (exists) {
        if (!options.existOk || !(exists instanceof StudyExistsError)) {
          throw exists;
        }
        try {
          const request = { name: `${parent}/studies/${id}` };
          const stored = await transport.unary(StudyService.method.getStudy, request, options);
          const rules = compareWithExisting(wanted, stored, exists);
          if (rules.length > 0) {
            warn(
              `${stored.name} exists with another ${rules.join(", ")}, which stay as they are: Study.update changes them`,
            );
          }
          return new Study(this.#session, stored);
        } catch (error) {
          if (triesLeft === 0 || !(error instanceof StudyNotFoundError)) {
            throw error;
          } // deleted between the two calls
        }
      }
    }
  }

  #created<P>(wire: WireStudy): Study<P> {
    const study = new Study<P>(this.#session, wire);
    for (const { message } of study.info.warnings) {
      this.#session.warn(`${study.name}: ${message}`);
    }
    return study;
  }

  /** Opens a study by its id or by its full name "projects/…/studies/…". */
  async study<P = Params>(name: string, options: CallOptions = {}): Promise<Study<P>> {
    const full = name.startsWith("projects/") ? name : `${this.#parent}/studies/${name.replace(/^studies\//, "")}`;
    return new Study(
      this.#session,
      await this.#session.transport.unary(StudyService.method.getStudy, { name: full }, options),
    );
  }

  /** The project's studies by name, those with all of the given labels; pages are fetched as the loop gets there. */
  async *studies(
    options: CallOptions & { readonly labels?: Readonly<Record<string, string>>; readonly pageSize?: number } = {},
  ): AsyncGenerator<Study, void, void> {
    const pageSize = int32(options.pageSize ?? 500, "page_size");
    let pageToken = "";
    do {
      const request = { parent: this.#parent, pageSize, pageToken, labels: { ...options.labels } };
      const page = await this.#session.transport.unary(StudyService.method.listStudies, request, options);
      for (const wire of page.studies) {
        yield new Study(this.#session, wire);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /**
   * Suggests configurations for a problem and its history, without a study: nothing is stored, and the same problem gets
   * the same suggestions.
   *
   * @throws InvalidArgumentError, NotSupportedError, StudyCompleteError (the grid is exhausted), QueueEmptyError (manual
   *   search suggests nothing)
   */
  async suggest<const S extends Space>(
    problem: Problem<S>,
    { signal }: CallOptions = {},
  ): Promise<Suggestions<ParamsOf<S>>> {
    const { transport, settings } = this.#session;
    const options = { signal, timeoutMs: settings.askTimeoutMs };
    return decodeSuggestions(await transport.unary(SuggestionService.method.suggest, encodeProblem(problem), options));
  }

  /**
   * Stops the heartbeats, gives back the open trials whose leases run out, and closes the connections. It takes a few
   * seconds at most, and warns about trials that could not be given back: their leases run out by themselves.
   */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** The same as {@link Client.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #parent(): string {
    return `projects/${this.#session.settings.project}`;
  }
}
