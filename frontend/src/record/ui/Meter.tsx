import { useEffect, useRef } from 'react';
import { useRecorder } from './recorder-context';

const bars = 24;

/** The microphone's level, drawn without going through React: it moves with every frame. */
export function Meter() {
  const recorder = useRecorder();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let frame = 0;
    let shown = 0;
    const draw = () => {
      // Up at once, down slowly, as the ear expects of a meter.
      shown = Math.max(recorder.level(), shown - 0.025);
      const lit = Math.round(shown * bars);
      [...(box.current?.children ?? [])].forEach((bar, i) => {
        (bar as HTMLElement).dataset.lit = String(i < lit);
      });
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [recorder]);
  return (
    <div ref={box} aria-hidden className="flex h-2 gap-0.5">
      {Array.from({ length: bars }, (_, i) => (
        <span
          key={i}
          className={
            i < bars - 3
              ? 'grow rounded-full bg-line data-[lit=true]:bg-accent'
              : 'grow rounded-full bg-line data-[lit=true]:bg-record'
          }
        />
      ))}
    </div>
  );
}
