import { useEffect, useEffectEvent, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '@/ui';
import { type Line, options } from './plot';

type Props = {
  times: number[];
  lines: (Line & { values: (number | null)[] })[];
  format: (value: number) => string;
  /** The same in words, for who does not see it. */
  label: string;
  /** Told which time the pointer is at, or null. */
  onPoint: (index: number | null) => void;
};

const height = 150;

/** Values over time as lines on a canvas. */
export function Plot({ times, lines, format, label, onPoint }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shade = useShade();
  const data = () => [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const begin = useEffectEvent((element: HTMLDivElement) => {
    const size = { width: element.clientWidth, height };
    plot.current = new uPlot(options(element, size, { lines, format, onPoint }), data(), element);
  });
  const fill = useEffectEvent(() => plot.current?.setData(data()));

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    begin(element);
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shade]);

  useEffect(() => fill(), [times, lines]);

  return <div ref={holder} role="img" aria-label={label} style={{ height }} className="min-w-0" />;
}

/** Changes when other colours show: by a choice, or because the system turned dark. */
function useShade(): string {
  const [theme] = useTheme();
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const change = () => setDark(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return `${theme} ${dark}`;
}
