/** The parts of an OpenAPI 3.1 document that the page shows. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  oneOf?: Schema[];
  anyOf?: Schema[];
};

type Content = Record<string, { schema?: Schema }>;

export type Operation = {
  operationId: string;
  summary?: string;
  security?: unknown[];
  parameters?: {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: Schema;
  }[];
  requestBody?: { content?: Content };
  responses?: Record<string, { description?: string; content?: Content }>;
  tags?: string[];
};

export type Document = {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

export type Entry = { method: string; path: string; operation: Operation };
export type Chapter = { name: string; entries: Entry[] };

/** Groups the operations of a document by their tag, in the document's order. */
export function chapters(document: Document): Chapter[] {
  const found = new Map<string, Entry[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = operation.tags?.[0] ?? 'other';
      const entries = found.get(name) ?? [];
      entries.push({ method: method.toUpperCase(), path, operation });
      found.set(name, entries);
    }
  }
  return [...found].map(([name, entries]) => ({ name, entries }));
}

/** Follows a reference into the document's components. */
export function resolve(document: Document, schema: Schema | undefined): Schema | undefined {
  const name = schema?.$ref?.split('/').at(-1);
  return name ? document.components.schemas[name] : schema;
}

/** Says a schema's type in a few words: string (date-time), Video[], "mine" | "all", string or null. */
export function typeName(schema: Schema | undefined): string {
  if (!schema) return '';
  const reference = schema.$ref?.split('/').at(-1);
  if (reference) return reference;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(typeName).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = [schema.type ?? 'any'].flat();
  if (types.includes('array')) return `${typeName(schema.items)}[]`;
  return types.join(' or ') + (schema.format ? ` (${schema.format})` : '');
}

/** The schema of what a request sends. */
export function bodyOf(operation: Operation): Schema | undefined {
  return Object.values(operation.requestBody?.content ?? {})[0]?.schema;
}

/** The status and schema of the answer when all is well. */
export function answerOf(operation: Operation): { status: string; schema?: Schema } | undefined {
  const good = Object.entries(operation.responses ?? {}).find(([status]) => status.startsWith('2'));
  if (!good) return undefined;
  return { status: good[0], schema: Object.values(good[1].content ?? {})[0]?.schema };
}
