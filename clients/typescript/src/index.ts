/**
 * Ask for a configuration, train, tell the validation loss back: the client of asktell. Clients, studies and trials are
 * handles; the records behind them are messages of `asktell/v1`.
 * @packageDocumentation
 */
export {
  algorithm,
  anyStopping,
  atLeast,
  atMost,
  bool,
  categorical,
  derived,
  discrete,
  earlyStopping,
  float,
  int,
  maximize,
  minimize,
  normalPrior,
  space,
  weightsPrior,
} from "./builders.js";
export type { Derived, Domain, ParamsOf, ProblemInit, Space, StudyInit } from "./builders.js";
export { Client } from "./client.js";
export type { CreateOptions, FileOptions, SuggestInit, Suggestions } from "./client.js";
export * from "./errors.js";
export type { CallOptions, Init, MessageOrInit, RequestOptions, Typed } from "./init.js";
export type { ClientOptions } from "./settings.js";
export type { AskOptions, BestByModel, Study, WithHandles } from "./study.js";
export type { Analysed, SliceOptions } from "./analysis.js";
export type { EndOptions, TellOptions, Trial } from "./trial.js";
export { paramsOf, type MetricsInput, type Params, type ParamsInput, type Plain } from "./values.js";
