import { decodeEnum, type Origin, type TrialState } from "./enums.js";
import {
  OriginSchema,
  TrialStateSchema,
  type Measurement as WireMeasurement,
  type Prediction as WirePrediction,
  type Trial as WireTrial,
} from "./gen/asktell/v1/trial_pb.js";
import { decodeMetrics, decodeParams, decodeStandardErrors, decodeTime, type Metrics, type Params } from "./values.js";

/** A trial as a server told it. */
export interface TrialInfo<P = Params> {
  /** "projects/{project}/studies/{study}/trials/{number}"; numbers count from 1. */
  readonly name: string;
  readonly number: number;
  readonly state: TrialState | undefined;
  /** A value for each parameter. */
  readonly params: P;
  readonly origin: Origin | undefined;
  /** The final metrics, or the last known ones of a STOPPED trial. */
  readonly metrics: Metrics;
  /** Of the metrics that were told with one. */
  readonly standardErrors: Metrics;
  /** Why it is FAILED, INFEASIBLE, CANCELLED, STOPPED or ABANDONED. */
  readonly reason: string;
  /** How many times it has been started. */
  readonly attempt: number;
  /** Who runs or ran it. */
  readonly workerId: string;
  readonly createTime: Date | undefined;
  /** When the current attempt started. */
  readonly startTime: Date | undefined;
  readonly finishTime: Date | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the model believed when it suggested the configuration; undefined for other origins. */
  readonly prediction: Prediction | undefined;
  /** Earlier results that corrections replaced, oldest first. */
  readonly amendments: readonly Amendment[];
  /** Late results of other attempts: kept, never used. */
  readonly supersededResults: readonly SupersededResult[];
  /** The caller's key of an imported trial. */
  readonly importKey: string;
  /** How many intermediate measurements have been reported. */
  readonly measurementCount: number;
  /** The measurements: there after `Study.trial` and `Trial.refresh`. */
  readonly measurements: readonly Measurement[];
}

/** Metrics of a running trial at one step. */
export interface Measurement {
  readonly step: number;
  readonly metrics: Metrics;
  readonly standardErrors: Metrics;
  readonly reportTime: Date | undefined;
}

/** What the model believed about a configuration before it was run, in the objective's unit. */
export interface Prediction {
  readonly mean: number;
  readonly standardDeviation: number;
  readonly acquisitionValue: number;
}

/** A result that a correction replaced. */
export interface Amendment {
  readonly amendTime: Date | undefined;
  readonly previousState: TrialState | undefined;
  readonly previousMetrics: Metrics;
  /** Why the replaced result was no success. */
  readonly previousReason: string;
  /** Why it was replaced. */
  readonly reason: string;
}

/** A result that came after another attempt's had been taken. */
export interface SupersededResult {
  readonly tellTime: Date | undefined;
  readonly state: TrialState | undefined;
  readonly metrics: Metrics;
  readonly reason: string;
}

export function decodeTrial<P>(wire: WireTrial): TrialInfo<P> {
  return {
    name: wire.name,
    number: Number(wire.number),
    state: decodeEnum(TrialStateSchema, wire.state),
    params: decodeParams(wire.parameters) as P, // the server keeps to the space that P was made from
    origin: decodeEnum(OriginSchema, wire.origin),
    metrics: decodeMetrics(wire.metrics),
    standardErrors: decodeStandardErrors(wire.metrics),
    reason: wire.reason,
    attempt: wire.attempt,
    workerId: wire.workerId,
    createTime: decodeTime(wire.createTime),
    startTime: decodeTime(wire.startTime),
    finishTime: decodeTime(wire.finishTime),
    labels: wire.labels,
    annotations: wire.annotations,
    prediction: decodePrediction(wire.prediction),
    amendments: wire.amendments.map((amendment) => ({
      amendTime: decodeTime(amendment.amendTime),
      previousState: decodeEnum(TrialStateSchema, amendment.previousState),
      previousMetrics: decodeMetrics(amendment.previousMetrics),
      previousReason: amendment.previousReason,
      reason: amendment.reason,
    })),
    supersededResults: wire.supersededResults.map((result) => ({
      tellTime: decodeTime(result.tellTime),
      state: decodeEnum(TrialStateSchema, result.state),
      metrics: decodeMetrics(result.metrics),
      reason: result.reason,
    })),
    importKey: wire.importKey,
    measurementCount: wire.measurementCount,
    measurements: wire.measurements.map(decodeMeasurement),
  };
}

export function decodeMeasurement(wire: WireMeasurement): Measurement {
  return {
    step: Number(wire.step),
    metrics: decodeMetrics(wire.metrics),
    standardErrors: decodeStandardErrors(wire.metrics),
    reportTime: decodeTime(wire.reportTime),
  };
}

export function decodePrediction(wire: WirePrediction | undefined): Prediction | undefined {
  return (
    wire && {
      mean: wire.mean,
      standardDeviation: wire.standardDeviation,
      acquisitionValue: wire.acquisitionValue,
    }
  );
}

/** The number at the end of a trial's name. */
export function trialNumber(name: string): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}
