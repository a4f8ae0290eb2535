import { DropdownMenu as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { BarButton } from './BarButton';

interface Props {
  label: string;
  stage: HTMLElement;
  /** What the button shows. */
  face: ReactNode;
  children: ReactNode;
}

/** A menu that opens upwards inside the stage, so that it is there in full screen too. */
export function PlayerMenu({ label, stage, face, children }: Props) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>
        <BarButton label={label}>{face}</BarButton>
      </Radix.Trigger>
      <Radix.Portal container={stage}>
        <Radix.Content
          side="top"
          align="end"
          sideOffset={8}
          collisionBoundary={stage}
          collisionPadding={8}
          className="z-20 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 animate-rise overflow-y-auto rounded-xl border border-line bg-raised/95 p-1.5 text-ink shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
