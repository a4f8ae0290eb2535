import { readFileSync } from 'node:fs';
import { resolve as path } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerOf, bodyOf, chapters, resolve, typeName, type Document } from './document';

const real = JSON.parse(
  readFileSync(path(import.meta.dirname, '../../openapi.json'), 'utf8'),
) as Document;

describe('the API document', () => {
  it('shows every operation of the server once', () => {
    const shown = chapters(real).flatMap((chapter) => chapter.entries);
    const all = Object.values(real.paths).flatMap((methods) => Object.keys(methods));
    expect(shown).toHaveLength(all.length);
    expect(shown.map((entry) => entry.operation.operationId)).toContain('create-video');
  });

  it('finds what an operation takes and answers', () => {
    const create = real.paths['/api/videos']!.post!;
    expect(resolve(real, bodyOf(create))?.properties).toHaveProperty('title');
    expect(answerOf(create)?.status).toBe('201');
    expect(resolve(real, answerOf(create)?.schema)?.properties).toHaveProperty('upload_url');
  });

  it('says types in words', () => {
    expect(typeName({ type: 'string', format: 'date-time' })).toBe('string (date-time)');
    expect(typeName({ type: 'array', items: { $ref: '#/components/schemas/Video' } })).toBe(
      'Video[]',
    );
    expect(typeName({ type: ['string', 'null'] })).toBe('string or null');
    expect(typeName({ enum: ['a', 'b'] })).toBe('"a" | "b"');
    expect(typeName(undefined)).toBe('');
  });
});
