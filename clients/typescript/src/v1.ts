/**
 * The records of the contract: messages, their schemas, enumerations. They are protobuf-es messages: plain objects with
 * the contract's fields in camelCase, int64 as bigint, times as `Timestamp`. The functions of `@bufbuild/protobuf` that
 * are mostly needed with them come along.
 *
 * @packageDocumentation
 */
export { create, fromJson, toJson } from "@bufbuild/protobuf";
export { durationFromMs, durationMs, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";

export * from "./gen/asktell/v1/analysis_service_pb.js";
export * from "./gen/asktell/v1/error_reason_pb.js";
export * from "./gen/asktell/v1/search_space_pb.js";
export * from "./gen/asktell/v1/study_pb.js";
export * from "./gen/asktell/v1/study_service_pb.js";
export * from "./gen/asktell/v1/suggestion_service_pb.js";
export * from "./gen/asktell/v1/trial_pb.js";
export * from "./gen/asktell/v1/trial_service_pb.js";
