import {
  answerOf,
  bodyOf,
  resolve,
  typeName,
  type Document,
  type Entry,
  type Schema,
} from './document';

type Row = { name: string; type: string; required: boolean; about?: string };

function rowsOf(schema: Schema | undefined): Row[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    type: typeName(property),
    required: schema?.required?.includes(name) ?? false,
    about: property.description,
  }));
}

function Fields({ title, rows }: { title: string; rows: Row[] }) {
  if (rows.length === 0) return null;
  return (
    <div className="mt-4">
      <h3 className="text-sm font-bold">{title}</h3>
      <dl className="mt-1 text-sm">
        {rows.map((row) => (
          <div key={row.name} className="flex flex-wrap gap-x-3 border-t border-line py-1.5">
            <dt className="font-mono">
              {row.name}
              {row.required && <span title="required">*</span>}
            </dt>
            <dd className="min-w-0 grow text-muted">
              <span className="font-mono break-words">{row.type}</span>
              {row.about && <span> – {row.about}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** One operation: closed a line, open what it takes and answers. */
export function OperationEntry({ document, entry }: { document: Document; entry: Entry }) {
  const { method, path, operation } = entry;
  const answer = answerOf(operation);
  const parameters = (operation.parameters ?? []).map((parameter) => ({
    name: parameter.name,
    type: typeName(parameter.schema),
    required: parameter.required ?? false,
    about: parameter.description,
  }));
  return (
    <li className="rounded-2xl border border-line bg-surface">
      <details>
        <summary className="flex min-h-11 cursor-pointer flex-wrap items-center gap-x-3 px-4 py-2.5">
          <span className="w-16 font-mono text-sm font-bold">{method}</span>
          <span className="font-mono text-sm break-all">{path}</span>
          <span className="text-sm text-muted">{operation.summary}</span>
        </summary>
        <div className="border-t border-line px-4 pb-4">
          <Fields title="Parameters" rows={parameters} />
          <Fields title="Body" rows={rowsOf(resolve(document, bodyOf(operation)))} />
          <Fields
            title={`Answer ${answer?.status ?? ''} ${typeName(answer?.schema)}`}
            rows={rowsOf(resolve(document, answer?.schema))}
          />
          {operation.security?.length === 0 && (
            <p className="mt-4 text-sm text-muted">Needs no account.</p>
          )}
        </div>
      </details>
    </li>
  );
}
