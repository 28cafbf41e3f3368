import type { RequestOptions } from "./init.js";
import type { Session } from "./session.js";
import * as v1 from "./v1.js";
import { encodePlain, type ParamsInput } from "./values.js";

/** How {@link Analysed.slice} is asked: fields of `v1.GetSliceRequest`, the values of the other parameters as plain ones. */
export type SliceOptions = RequestOptions<v1.GetSliceRequest, "parameters" | "reference"> & {
  /** Values of the other parameters. Default: those of the best trial. */
  readonly reference?: ParamsInput;
};

/**
 * What a model of a study's results believes. `metric` is an objective or a constrained metric, by default the first objective.
 * Answers are messages of the contract. All throw TooFewResultsError where the model has too few results, except
 * {@link Analysed.health}.
 */
export abstract class Analysed {
  /** "projects/{project}/studies/{study}". */
  readonly name: string;
  readonly #session: Session;

  protected constructor(session: Session, name: string) {
    this.#session = session;
    this.name = name;
  }

  /** The study's record as of the last call that answered with it. */
  abstract get info(): v1.Study;

  /** Which parameters matter, and which pairs interact: shares of the variance that they explain. */
  importances(options: RequestOptions<v1.GetImportancesRequest> = {}): Promise<v1.GetImportancesResponse> {
    return this.#session.transport.unary(
      v1.AnalysisService.method.getImportances,
      this.#about(options),
      this.#slow(options),
    );
  }

  /** What configurations are expected to come to; `beliefs` has all objectives and constrained metrics. */
  predict(
    configurations: readonly ParamsInput[],
    options: RequestOptions<v1.PredictOutcomesRequest, "configurations"> = {},
  ): Promise<v1.PredictOutcomesResponse> {
    const request = { ...this.#about(options), configurations: this.#encode(configurations) };
    return this.#session.transport.unary(v1.AnalysisService.method.predictOutcomes, request, this.#slow(options));
  }

  /** What is expected along one or two parameters, the others being those of the best trial, or of `reference`. */
  slice(parameters: readonly string[], { reference, ...options }: SliceOptions = {}): Promise<v1.GetSliceResponse> {
    const [others] = this.#encode(reference === undefined ? [] : [reference]);
    const request = { ...this.#about(options), parameters: [...parameters], reference: others?.parameters ?? {} };
    return this.#session.transport.unary(v1.AnalysisService.method.getSlice, request, this.#slow(options));
  }

  /** Foretells each result from all others: how far the model can be trusted. */
  crossValidate(options: RequestOptions<v1.CrossValidateRequest> = {}): Promise<v1.CrossValidateResponse> {
    return this.#session.transport.unary(
      v1.AnalysisService.method.crossValidate,
      this.#about(options),
      this.#slow(options),
    );
  }

  /** Along the Pareto front: what one objective costs in terms of another. Throws FailedPreconditionError with one objective. */
  tradeOffs(options: RequestOptions<v1.GetTradeOffsRequest> = {}): Promise<v1.GetTradeOffsResponse> {
    return this.#session.transport.unary(
      v1.AnalysisService.method.getTradeOffs,
      this.#about(options),
      this.#slow(options),
    );
  }

  /** What is wrong with the study or could be better, and what further trials are expected to gain. */
  health(options: RequestOptions<v1.GetHealthRequest> = {}): Promise<v1.GetHealthResponse> {
    return this.#session.transport.unary(
      v1.AnalysisService.method.getHealth,
      this.#about(options),
      this.#slow(options),
    );
  }

  #about<O extends object>(options: O): O & { readonly parent: string } {
    return { ...options, parent: this.name };
  }

  /** A model may have to be fitted before there is an answer. */
  #slow({ signal }: { readonly signal?: AbortSignal | undefined }) {
    return { signal, timeoutMs: this.#session.settings.askTimeoutMs };
  }

  #encode(configurations: readonly ParamsInput[]) {
    const plain = configurations.map((parameters) => ({ parameters }));
    return encodePlain<v1.Configuration>(plain, this.info.searchSpace);
  }
}
