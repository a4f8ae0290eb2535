import clsx from 'clsx';
import { Check } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import type { ComponentProps, ReactNode } from 'react';

type Props = {
  /** The button that opens it. */
  trigger: ReactNode;
  children: ReactNode;
  align?: 'start' | 'center' | 'end';
  onOpenChange?: (open: boolean) => void;
};

/** A menu below its button, with arrow keys, type-ahead and Escape. */
export function Menu({ trigger, children, align = 'end', onOpenChange }: Props) {
  return (
    <Radix.Root modal={false} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={6}
          collisionPadding={12}
          className="z-50 max-h-(--radix-dropdown-menu-content-available-height) max-w-80 min-w-52 animate-rise overflow-y-auto rounded-xl border border-line bg-raised p-1.5 shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const row =
  'flex min-h-10 w-full items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-sm no-underline outline-none select-none pointer-coarse:min-h-11 data-[disabled]:opacity-45 data-[highlighted]:bg-sunken';

type ItemProps = ComponentProps<typeof Radix.Item> & { icon?: ReactNode; danger?: boolean };

export function MenuItem({ icon, danger, className, children, asChild, ...props }: ItemProps) {
  const look = clsx(row, danger ? 'text-danger' : 'text-ink', className);
  if (asChild) {
    return (
      <Radix.Item asChild className={look} {...props}>
        {children}
      </Radix.Item>
    );
  }
  return (
    <Radix.Item className={look} {...props}>
      {icon && <span className="flex size-4.5 shrink-0 [&>svg]:size-full">{icon}</span>}
      {children}
    </Radix.Item>
  );
}

type ChoiceProps<T extends string> = {
  value: T;
  onChange: (value: T) => void;
  options: { value: T; label: string; hint?: string }[];
};

/** One of several, the chosen one ticked. */
export function MenuChoice<T extends string>({ value, onChange, options }: ChoiceProps<T>) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(next) => onChange(next as T)}>
      {options.map((option) => (
        <Radix.RadioItem key={option.value} value={option.value} className={row}>
          <span className="flex size-4.5 shrink-0">
            <Radix.ItemIndicator>
              <Check aria-hidden className="size-4.5 text-accent-ink" />
            </Radix.ItemIndicator>
          </span>
          <span>
            <span className="block">{option.label}</span>
            {option.hint && <span className="block text-xs text-muted">{option.hint}</span>}
          </span>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return (
    <Radix.Label className="px-2.5 pt-2 pb-1 text-xs font-medium text-muted">
      {children}
    </Radix.Label>
  );
}

export function MenuSeparator() {
  return <Radix.Separator className="my-1.5 h-px bg-line" />;
}
