/**
 * The records of the contract: messages, schemas and enumerations of protobuf-es, with the contract's fields in camelCase,
 * 64-bit ints as bigint, times as `Timestamp`; and the functions of `@bufbuild/protobuf` that are mostly used with them.
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
