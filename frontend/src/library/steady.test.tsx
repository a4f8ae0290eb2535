import { act, renderHook } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { useSteadyImage, withoutGrant } from './steady';

const at = (grant: string) => `/media/${grant}/v1/poster.jpg`;

function steady(url: string | null, version = 'ready') {
  return renderHook(({ url, version }) => useSteadyImage(url, version), {
    initialProps: { url, version },
  });
}

describe('useSteadyImage', () => {
  it('keeps its URL through new grants', () => {
    const hook = steady(at('g1'));
    hook.rerender({ url: at('g2'), version: 'ready' });
    expect(hook.result.current.src).toBe(at('g1'));
  });

  it('takes a new picture at once', () => {
    const hook = steady(null);
    hook.rerender({ url: at('g1'), version: 'ready' });
    expect(hook.result.current.src).toBe(at('g1'));
    hook.rerender({ url: at('g2'), version: 'processing' });
    expect(hook.result.current.src).toBe(at('g2'));
  });

  it('shows nothing after a failure until there is another grant', () => {
    const hook = steady(at('g1'));
    act(() => hook.result.current.fail());
    expect(hook.result.current.src).toBeNull();
    hook.rerender({ url: at('g2'), version: 'ready' });
    expect(hook.result.current.src).toBe(at('g2'));
  });
});

it('withoutGrant leaves what is named', () => {
  expect(withoutGrant(at('abc'))).toBe('v1/poster.jpg');
});
