import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { messageOf } from '@/api';
import { LoadingArea, Logo, Notice } from '@/ui';
import { chapters, type Document } from './document';
import { OperationEntry } from './OperationEntry';

async function readDocument(): Promise<Document> {
  const answer = await fetch('/api/openapi.json');
  if (!answer.ok) throw new Error('The description of the API could not be loaded.');
  return (await answer.json()) as Document;
}

/** The API's documentation, drawn from the description that the server makes of itself. */
export function DocsPage() {
  const { data, error } = useQuery({ queryKey: ['openapi'], queryFn: readDocument });
  useEffect(() => {
    document.title = 'API – Meanwhile';
  }, []);
  if (error) return <Notice tone="danger">{messageOf(error)}</Notice>;
  if (!data) return <LoadingArea />;
  return (
    <main className="mx-auto max-w-4xl px-4 py-8 sm:px-8">
      <a href="/" aria-label="Meanwhile" className="inline-block">
        <Logo />
      </a>
      <h1 className="mt-8 text-3xl font-bold">API</h1>
      <p className="mt-3 text-muted">{data.info.description}</p>
      <p className="mt-2 text-muted">
        Errors are problem documents (RFC 9457) with a <code>code</code> for programs. Uploads speak
        tus 1.0.0 at <code>/api/uploads</code>. The whole description:{' '}
        <a className="text-accent underline" href="/api/openapi.json">
          openapi.json
        </a>
      </p>
      {chapters(data).map((chapter) => (
        <section key={chapter.name} className="mt-10" aria-labelledby={`c-${chapter.name}`}>
          <h2 id={`c-${chapter.name}`} className="text-xl font-bold capitalize">
            {chapter.name}
          </h2>
          <ul className="mt-4 space-y-3">
            {chapter.entries.map((entry) => (
              <OperationEntry key={entry.operation.operationId} document={data} entry={entry} />
            ))}
          </ul>
        </section>
      ))}
    </main>
  );
}
