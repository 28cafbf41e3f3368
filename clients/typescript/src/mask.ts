import type { DescMessage } from "@bufbuild/protobuf";

const IDENTIFYING = new Set(["name", "etag"]);

/**
 * Paths of the fields that an object literal of a message has, undefined ones too: an update takes their values away.
 * Of a message in it, the fields that it has are meant; of a map, the whole or (`byKey`) its keys.
 */
export function maskOf(message: DescMessage, changes: object, byKey = false): string[] {
  return Object.entries(changes).flatMap(([key, value]: [string, unknown]) => {
    const field = message.field[key];
    if (!field || IDENTIFYING.has(key)) {
      return [];
    }
    const given = typeof value === "object" && value !== null ? value : {};
    const isGroup = field.fieldKind === "message" && !field.message.typeName.startsWith("google.protobuf.");
    const below = isGroup ? maskOf(field.message, given) : field.fieldKind === "map" && byKey ? Object.keys(given) : [];
    return below.length > 0 ? below.map((path) => `${field.name}.${path}`) : [field.name];
  });
}
